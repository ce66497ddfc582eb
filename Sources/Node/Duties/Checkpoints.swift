// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// Makes checkpoints of the log and gathers the cosignatures of peers.
///
/// The proposer of a batch begins one where the last is old. Every node that holds the same log up
/// to there cosigns it, as long as it continues what that node cosigned last, and says so to all;
/// each keeps the note with all the cosignatures that it has heard.
final class Checkpoints: Duty {
    private struct Gathering {
        var signed: SignedCheckpoint
        var signers: Set<PublicKey>
        let since: UInt64
        var isChanged = true
    }

    private static let earlyMax = 16

    private let store: CheckpointStore
    private let origin: String
    private let everyMilliseconds: UInt64
    private let kept: Int
    private var gatherings: [TreeHead: Gathering] = [:]
    /// What peers signed of a log that is not that long here yet.
    private var early: [(signed: SignedCheckpoint, sender: PublicKey)] = []
    private var lastAt: UInt64?
    private var isTold = false
    /// The size of the newest log that a note is kept of.
    private(set) var savedSize: UInt64 = 0

    init(_ home: NodeHome) {
        origin = Checkpoint.origin(ofLedger: home.ledger.digest)
        store = CheckpointStore(
            logDirectory: home.ledgerDirectory, origin: origin, disk: POSIXDisk())
        everyMilliseconds = home.configuration.keeping.checkpointSeconds * 1_000
        kept = Int(home.configuration.keeping.checkpointsKept)
    }

    var nextWake: UInt64 {
        gatherings.values.filter(\.isChanged)
            .map { $0.since + NodeLimits.cosigningMilliseconds }.min() ?? .max
    }

    func start(_ node: NodeCore) throws(NodeError) { lastAt = node.uptime }

    func take(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        let waiting = early
        early = []
        for (signed, sender) in waiting { try take(signed, from: sender, node) }
        guard case .batchOpened(let opening)? = batch.events.first,
            opening.proposer == node.index,
            node.uptime >= (lastAt ?? 0) + everyMilliseconds
        else { return }
        try begin(node)
    }

    /// Begins a checkpoint of the log as it is.
    func begin(_ node: NodeCore) throws(NodeError) {
        let log = node.host.log
        guard !node.host.isBackfilling, !node.host.isJoining, node.index != nil, log.size > 0
        else { return }
        let head = TreeHead(size: log.size, root: log.root)
        guard gatherings[head] == nil else { return }
        var signed: SignedCheckpoint
        do throws(NoteError) {
            signed = try SignedCheckpoint(
                signing: Checkpoint(ledger: node.ledger.digest, head: head), with: node.home.key)
        } catch { throw .note("\(error)") }
        guard try cosign(&signed, node) else { return }
        node.sendToAll(.checkpoint(signed.bytes))
    }

    /// Adds the node's own cosignature and begins to gather; false where it may not cosign.
    private func cosign(_ signed: inout SignedCheckpoint, _ node: NodeCore) throws(NodeError)
        -> Bool
    {
        let result: ReplicaHost.Cosigning
        do throws(HostError) {
            result = try node.host.cosign(
                &signed, seconds: node.clock.now().rawValue / 1_000)
        } catch { throw .node(name: node.name, error) }
        switch result {
        case .signed: break
        case .tooEarly, .silent, .refused(.rollback): return false
        case .otherRoot(let root):
            if !isTold {
                node.tell(
                    .warning(
                        "\(node.name): a checkpoint of size \(signed.checkpoint.size) says"
                            + " \(signed.checkpoint.root.hex), and the ledger has \(root.hex)"))
            }
            isTold = true
            return false
        case .refused(let refusal):
            node.tell(.warning("\(node.name) does not cosign: \(refusal)"))
            return false
        }
        if gatherings.count >= NodeLimits.checkpointsUnderWayMax,
            let oldest = gatherings.keys.min(by: { $0.size < $1.size })
        {
            gatherings[oldest] = nil
        }
        gatherings[signed.head] = Gathering(
            signed: signed, signers: [node.home.key.publicKey], since: node.uptime)
        lastAt = node.uptime
        try saveIfWhole(signed.head, node)
        return true
    }

    // MARK: What peers sign

    func take(
        _ message: DutyMessage, from sender: PublicKey, _ node: NodeCore
    ) throws(NodeError) {
        guard case .checkpoint(let bytes) = message,
            let index = node.state.validatorIndex(of: sender),
            node.state.members.contains(index)
        else { return }
        let signed: SignedCheckpoint
        do throws(NoteError) { signed = try SignedCheckpoint(bytes) } catch { return }
        try take(signed, from: sender, node)
    }

    private func take(
        _ signed: SignedCheckpoint, from sender: PublicKey, _ node: NodeCore
    ) throws(NodeError) {
        guard signed.checkpoint.originUTF8 == Array(origin.utf8) else { return }
        let log = node.host.log
        guard signed.head.size <= log.size, !node.host.isBackfilling else {
            if early.count < Self.earlyMax { early.append((signed, sender)) }
            return
        }
        guard let own = Self.lines(of: sender, in: signed, origin) else { return }
        if gatherings[signed.head] == nil {
            guard signed.head.size > savedSize else { return }
            var mine = own
            guard try cosign(&mine, node) else { return }
            node.sendToAll(.checkpoint(mine.bytes))
        }
        guard var gathering = gatherings[signed.head] else { return }
        do throws(NoteError) {
            if try gathering.signed.merge(own) > 0 { gathering.isChanged = true }
        } catch { return }
        gathering.signers.insert(sender)
        gatherings[signed.head] = gathering
        try saveIfWhole(signed.head, node)
    }

    /// The note with the lines alone that the sender signed; nil where it signed none.
    private static func lines(
        of sender: PublicKey, in signed: SignedCheckpoint, _ origin: String
    ) -> SignedCheckpoint? {
        do throws(NoteError) {
            var lines: [NoteSignature] = []
            for key in [
                try Checkpoint.logKey(origin: origin, publicKey: sender),
                try Checkpoint.cosignerKey(origin: origin, publicKey: sender),
            ] {
                if let line = signed.note.signature(of: key),
                    key.verifies(line, of: signed.note.text)
                {
                    lines.append(line)
                }
            }
            guard !lines.isEmpty else { return nil }
            return try SignedCheckpoint(SignedNote(text: signed.note.text, signatures: lines))
        } catch { return nil }
    }

    // MARK: Keeping

    private func saveIfWhole(_ head: TreeHead, _ node: NodeCore) throws(NodeError) {
        guard let gathering = gatherings[head],
            gathering.signers.count >= node.state.members.count
        else { return }
        save(head, node)
        gatherings[head] = nil
    }

    func attend(_ node: NodeCore) throws(NodeError) {
        let uptime = node.uptime
        for head in gatherings.keys.sorted(by: { $0.size < $1.size }) {
            guard let gathering = gatherings[head], gathering.isChanged,
                uptime >= gathering.since + NodeLimits.cosigningMilliseconds
            else { continue }
            save(head, node)
        }
    }

    func end(_ node: NodeCore) throws(NodeError) {
        for head in gatherings.keys.sorted(by: { $0.size < $1.size })
        where gatherings[head]?.isChanged == true {
            save(head, node)
        }
    }

    /// Keeps the note; what fails is told, for the log is whole without it.
    private func save(_ head: TreeHead, _ node: NodeCore) {
        guard let gathering = gatherings[head] else { return }
        gatherings[head]?.isChanged = false
        savedSize = max(savedSize, head.size)
        do throws(CheckpointStoreError) {
            if let damage = try store.save(gathering.signed).repaired {
                node.tell(.warning("\(node.name): \(damage)"))
            }
            _ = try store.prune(keeping: kept)
        } catch {
            node.tell(.warning("\(node.name): a checkpoint could not be kept: \(error)"))
        }
    }
}
