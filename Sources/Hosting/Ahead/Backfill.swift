// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication
internal import Storage

/// Fetching the entries before the snapshot that a node started from, into `ledger/`.
///
/// Follows the ledger from the genesis like a node of its own: each batch is verified in full, by
/// the validators whom the state before it names. One peer after another is asked.
///
/// Invariants: `state.size == frontier.count`; `state.height < target.height` until it is whole;
/// `0 <= due <= batchesPerAnswerMax`; `place` is that of a peer.
struct Backfill {
    /// The round in the status of a node that asks one peer alone for old batches: no round is so
    /// high that the replica of another could take it for its own.
    static let round = UInt32.max

    /// The log of `ledger/`.
    let log: EventLog
    /// The state after its last batch.
    private(set) var state: LedgerState
    /// The tree of the log then.
    private(set) var frontier: MerkleFrontier
    /// The snapshot at which the entries of `ahead/` begin.
    let target: SnapshotHeader
    private let quorum: Int?
    private let peers: [ValidatorIndex]
    private var place = 0
    /// Batches that the peer asked may still send.
    private var due = 0
    private var told: Set<ValidatorIndex> = []
    /// The uptime at which `wake` is wanted.
    private(set) var nextWake: UInt64 = 0

    /// Goes on where the log ends.
    ///
    /// - Parameter quorum: In the place of T, for tests.
    init(
        log: EventLog, state: LedgerState, frontier: MerkleFrontier, target: SnapshotHeader,
        quorum: Int?, peers: [ValidatorIndex]
    ) {
        invariant(
            frontier.count == state.size,
            "a state of \(state.size) entries, a tree of \(frontier.count)")
        invariant(
            log.size == state.size, "a state of \(state.size) entries, a log of \(log.size)")
        self.log = log
        self.state = state
        self.frontier = frontier
        self.target = target
        self.quorum = quorum
        self.peers = peers
    }

    /// Whether all entries before the snapshot are here.
    var isWhole: Bool { state.height >= target.height }

    /// Whether a batch is one of those that are lacking, and no business of the replica.
    func covers(_ batch: DecidedBatch) -> Bool { batch.precommits.height <= target.height }

    /// Asks the next peer where the last one is done or says nothing.
    mutating func wake(at uptime: UInt64, _ outputs: inout [HostOutput]) {
        guard uptime >= nextWake, !isWhole, !peers.isEmpty else { return }
        place = (place + 1) % peers.count
        due = ReplicationLimits.batchesPerAnswerMax
        nextWake = uptime + HostingLimits.batchMilliseconds
        let status = Status(
            height: Height(state.height.rawValue + 1), round: Self.round, hasProposal: true,
            prevotes: [],
            precommits: [], wanted: [])
        outputs.append(.send(PeerMessage.status(status).encoded, to: peers[place]))
    }

    /// Receives a batch of the peer that was asked, where it is the next one; returns its entries,
    /// which are to be written.
    mutating func receive(
        _ batch: DecidedBatch, from peer: ValidatorIndex, at uptime: UInt64,
        _ outputs: inout [HostOutput]
    ) throws(HostError) -> Bool {
        guard due > 0, !isWhole, peer == peers[place],
            batch.precommits.height.rawValue == state.height.rawValue + 1
        else { return false }
        let replayed: ExecutedBatch
        do throws(DecidedBatchFault) {
            replayed = try batch.replayed(
                on: state, frontier, threshold: quorum ?? Int(state.sealedLast.parameters.threshold)
            )
        } catch .diverged(let divergence) {
            throw .diverged(divergence, case: nil)
        } catch {
            if told.insert(peer).inserted {
                outputs.append(
                    .notice("validator \(peer.rawValue) sent a batch that proves nothing: \(error)")
                )
            }
            due = 0
            nextWake = uptime
            return false
        }
        due -= 1
        invariant(
            replayed.state.height <= target.height,
            "batch \(replayed.state.height.rawValue) behind the snapshot of"
                + " \(target.height.rawValue)")
        invariant(
            replayed.state.height.rawValue == state.height.rawValue + 1,
            "batch \(replayed.state.height.rawValue) behind batch \(state.height.rawValue)")
        invariant(
            replayed.frontier.count > frontier.count,
            "a log of \(replayed.frontier.count) entries behind one of \(frontier.count)")
        nextWake = due == 0 ? uptime : uptime + HostingLimits.batchMilliseconds
        state = replayed.state
        frontier = replayed.frontier
        return true
    }

    /// Compares what was derived from the genesis with the snapshot, when its batch is reached.
    func compare() throws(HostError) {
        // Past it, some of what follows the snapshot is in the log already.
        guard state.height == target.height else { return }
        guard frontier.count == target.size, frontier.root == target.root else {
            throw .otherHistory(
                TreeHead(size: target.size, root: target.root), found: frontier.root)
        }
        for (component, roots) in zip(
            StateComponent.allCases, zip(target.components, state.componentRoots()))
        where roots.0 != roots.1 {
            throw .diverged(
                .component(target.height, component, decided: roots.0, derived: roots.1),
                case: nil)
        }
    }
}
