// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// Makes checkpoints of the log and gathers the cosignatures of peers.
///
/// The proposer of a batch begins one where the last is old. Every member that holds the same log
/// up to there cosigns it, as long as it continues what that node cosigned last, and says so to
/// all; each keeps the note with all the cosignatures that it has heard. Who signed two roots of
/// one size is shown to the ledger.
final class Checkpoints: Duty {
    private struct Gathering {
        var signed: SignedCheckpoint
        var signers: Set<PublicKey>
        let since: UInt64
        /// The signers that make it proof.
        let threshold: Int
        var isChanged = true

        /// The uptime at which it is kept as it is.
        var dueAt: UInt64 {
            since
                + (signers.count >= threshold
                    ? NodeLimits.cosigningMilliseconds : NodeLimits.cosigningMillisecondsMax)
        }
    }

    private let store: CheckpointStore
    private let origin: String
    private let everyMilliseconds: UInt64
    private let kept: Int
    private var gatherings: [TreeHead: Gathering] = [:]
    /// What came last of a log that is not that long here yet, by whose line stands first.
    private var early: [PublicKey: (signed: SignedCheckpoint, signers: Set<PublicKey>)] = [:]
    private var rate = PeerRate(perSecond: NodeLimits.notesPerSecond)
    /// What each validator signed first of a size, of the largest sizes.
    private var heard: [PublicKey: [UInt64: Statement]] = [:]
    /// The members' keys of notes by their ids, and the change after which they were looked up.
    private var keys: [UInt32: [NoteKey]] = [:]
    private var keysChange: UInt64?
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
            .map(\.dueAt).min() ?? .max
    }

    func start(_ node: NodeCore) throws(NodeError) { lastAt = node.uptime }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        let waiting = early.sorted { $0.key < $1.key }
        early = [:]
        for (first, note) in waiting {
            try gather(note.signed, by: note.signers, first: first, node)
        }
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

    /// Adds the node's own cosignature, where it is a member, and begins to gather; false where the
    /// note is not one of its log.
    private func cosign(_ signed: inout SignedCheckpoint, _ node: NodeCore) throws(NodeError)
        -> Bool
    {
        let result: ReplicaHost.Cosigning
        do throws(HostError) {
            result = try node.host.cosign(
                &signed, seconds: node.clock.now().rawValue / 1_000)
        } catch { throw .node(name: node.name, error) }
        switch result {
        case .signed, .agreed: break
        case .tooEarly, .refused(.rollback): return false
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
            signed: signed, signers: result == .signed ? [node.home.key.publicKey] : [],
            since: node.uptime, threshold: Int(node.state.parameters.threshold))
        lastAt = node.uptime
        try saveIfWhole(signed.head, node)
        return true
    }

    // MARK: What members sign

    /// Receives a note with what members signed, whoever brings it; tells what it is worth to
    /// others.
    func receive(
        _ bytes: [UInt8], from sender: PublicKey, _ node: NodeCore
    ) throws(NodeError) -> Worth {
        guard rate.takes(sender, at: node.uptime) else { return .ignore }
        let signed: SignedCheckpoint
        do throws(NoteError) { signed = try SignedCheckpoint(bytes) } catch { return .reject }
        guard signed.checkpoint.originUTF8 == Array(origin.utf8),
            signed.note.signatures.count <= NodeLimits.linesOfNoteMax
        else { return .reject }
        learnKeys(node)
        var lines: [(signer: PublicKey, line: NoteSignature)] = []
        for line in signed.note.signatures {
            // It may be by somebody whom this node is to hear of yet.
            guard let known = keys[line.keyID] else { return .ignore }
            guard let key = known.first(where: { $0.verifies(line, of: signed.note.text) }) else {
                return .reject
            }
            lines.append((key.publicKey, line))
        }
        var isNew = false
        for (signer, line) in lines where try compare(line, of: signed.head, by: signer, node) {
            isNew = true
        }
        guard let first = lines.first?.signer else { return .reject }
        try gather(signed, by: Set(lines.map(\.signer)), first: first, node)
        return isNew ? .passOn(by: nil) : .ignore
    }

    private func gather(
        _ signed: SignedCheckpoint, by signers: Set<PublicKey>, first: PublicKey, _ node: NodeCore
    ) throws(NodeError) {
        let log = node.host.log
        guard signed.head.size <= log.size, !node.host.isBackfilling else {
            early[first] = (signed, signers)
            return
        }
        if gatherings[signed.head] == nil {
            guard signed.head.size > savedSize else { return }
            var mine = signed
            guard try cosign(&mine, node) else { return }
            if mine.bytes != signed.bytes { node.sendToAll(.checkpoint(mine.bytes)) }
        }
        guard var gathering = gatherings[signed.head] else { return }
        do throws(NoteError) {
            if try gathering.signed.merge(signed) > 0 { gathering.isChanged = true }
        } catch { return }
        gathering.signers.formUnion(signers)
        gatherings[signed.head] = gathering
        try saveIfWhole(signed.head, node)
    }

    /// Compares what a member signed with what it signed before; returns whether it is the first
    /// of that size.
    private func compare(
        _ line: NoteSignature, of head: TreeHead, by signer: PublicKey, _ node: NodeCore
    ) throws(NodeError) -> Bool {
        guard signer != node.home.key.publicKey, let statement = line.statement(of: head.root)
        else { return false }
        if let first = heard[signer]?[head.size] {
            try node.accuse(signer, .consensus(.checkpoint(size: head.size)), first, statement)
            return false
        }
        let known = heard[signer] ?? [:]
        if known.count >= NodeLimits.headsComparedMax, let least = known.keys.min() {
            guard head.size > least else { return false }
            heard[signer]?[least] = nil
        }
        heard[signer, default: [:]][head.size] = statement
        return true
    }

    /// Looks the members' keys up again after each change.
    private func learnKeys(_ node: NodeCore) {
        guard keysChange != node.state.nextChange else { return }
        keysChange = node.state.nextChange
        keys = [:]
        for index in node.state.members {
            guard let signer = node.state.validator(index)?.key else { continue }
            for key in Self.noteKeys(of: signer, origin) {
                keys[key.keyID, default: []].append(key)
            }
        }
    }

    private static func noteKeys(of signer: PublicKey, _ origin: String) -> [NoteKey] {
        do throws(NoteError) {
            return [
                try Checkpoint.logKey(origin: origin, publicKey: signer),
                try Checkpoint.cosignerKey(origin: origin, publicKey: signer),
            ]
        } catch { return [] }
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
            guard let gathering = gatherings[head], gathering.isChanged, uptime >= gathering.dueAt
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

extension NoteSignature {
    /// What evidence shows of a signature on a checkpoint with this root; nil where it is none.
    fileprivate func statement(of root: Digest) -> Statement? {
        guard bytes.count > 64 else {
            return Signature(bytes).map { .checkpoint(root: root, seconds: nil, $0) }
        }
        guard let seconds = cosignatureSeconds, let signature = Signature(Array(bytes[8...])) else {
            return nil
        }
        return .checkpoint(root: root, seconds: seconds, signature)
    }
}

extension NodeCore {
    /// Shows the ledger two statements, where they contradict each other and it does not know yet.
    func accuse(
        _ validator: PublicKey, _ slot: EvidenceSlot, _ first: Statement, _ second: Statement
    ) throws(NodeError) {
        let message = Message.evidence(
            EvidenceMessage(validator: validator, slot: slot, first: first, second: second))
        guard state.refusal(of: Checked(unchecked: message)) == nil else { return }
        try handIn(message)
    }
}
