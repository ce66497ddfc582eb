// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// Why a batch is the ledger's: what stands in it, who proposed it, and who signed its root.
struct BatchReason {
    private let height: Height
    private var opened: (entry: UInt64, event: BatchOpened)?
    private var sealed: BatchSealed?
    private var entries: [LoggedEntry] = []
    private var edge: MerkleFrontier?
    private var root: Digest?
    private var precommits: Precommits?
    private var threshold = 0
    private var frontier = MerkleFrontier()
    /// The state after the seal, which knows who ordered the batch.
    private var ordering: LedgerState?

    static func explain(
        _ height: Height, in log: EventLog, _ path: String
    ) throws(WhyError) -> Explanation {
        guard height.rawValue > 0 else { throw .notFound }
        var reason = BatchReason(height)
        let state = try WhyFold.run(log) { entry, state in reason.take(entry, state) }
        if reason.precommits == nil { reason.readBeside(log, state) }
        return try reason.explanation(LedgerNames(state), path)
    }

    private init(_ height: Height) { self.height = height }

    private mutating func take(_ entry: LoggedEntry, _ state: LedgerState) {
        if case .batchOpened(let event) = entry.event {
            if event.height == height {
                opened = (entry.index, event)
                edge = frontier
            } else if event.height.rawValue == height.rawValue + 1 {
                precommits = Precommits(
                    height: height, round: event.precommitRound, root: event.previousRoot,
                    signatures: event.precommits)
            }
        }
        guard sealed == nil else { return }
        frontier.append(leafHash: entry.leafHash)
        guard opened != nil else { return }
        entries.append(entry)
        guard case .batchSealed(let event) = entry.event else { return }
        sealed = event
        root = frontier.root
        threshold = Int(state.sealedBefore.parameters.threshold)
        ordering = state
    }

    /// The precommits of the last batch lie beside the log.
    private mutating func readBeside(_ log: EventLog, _ state: LedgerState) {
        guard sealed != nil, state.height == height else { return }
        let store = PrecommitStore(ledgerDirectory: log.directory, disk: POSIXDisk())
        do throws(PrecommitStoreError) { precommits = try store.load(height) } catch { return }
    }

    private func explanation(
        _ names: LedgerNames, _ path: String
    ) throws(WhyError) -> Explanation {
        guard let (entry, event) = opened, let edge else { throw .notFound }
        var result = Explanation("batch \(height.rawValue)", .batch)
        let before = result.chain.add(
            nil, "the log of \(edge.count) entries before it", .before(edge))
        var leaves: [Int] = []
        for entry in entries {
            leaves.append(
                result.chain.add(
                    entry.index, entry.event.kind, .leaf(entry.leafHash), causes: [before]))
        }
        for signature in precommits?.signatures ?? [] {
            result.chain.add(
                entries.last.map { $0.index + 1 },
                "\(names.name(of: signature.validator)) precommits", .precommit,
                causes: leaves.last.map { [$0] } ?? [])
        }
        let signed = precommits?.signatures.count ?? 0
        result.stated = (precommits?.root ?? root).map { "root \($0.hex) signed by \(signed)" }
        result.say(
            "\(names.name(of: event.proposer)) proposed it at \(UTC.text(event.time)) in round"
                + " \(event.round).",
            rule: "round r is led by rank r mod N", amount: "round \(event.round)", entry: entry)
        tellContents(&result)
        tellOrder(&result, names)
        result.proof = "recount prove entry \(path) \(entries.last?.index ?? entry)"
        return result
    }

    private func tellContents(_ result: inout Explanation) {
        let inputs = entries.filter { !$0.event.isDerived }.dropFirst()
        let derived = entries.count - inputs.count - 1
        result.say(
            "It holds \(Words.count(inputs.count, "command")), from which the rules gave"
                + " \(Words.count(derived, "event")).",
            rule: "commands in, events out", amount: "\(entries.count)")
        var kinds: [(kind: String, count: Int)] = []
        for entry in entries.dropFirst() {
            if let place = kinds.firstIndex(where: { $0.kind == entry.event.kind }) {
                kinds[place].count += 1
            } else {
                kinds.append((entry.event.kind, 1))
            }
        }
        result.say("They are: \(Words.list(kinds.map { "\($0.count) \($0.kind)" })).")
        guard let sealed else { return result.say("It is not sealed yet.") }
        result.say(
            "Its seal states the state root \(sealed.stateRoot.hex).",
            rule: "SHA-256 over the roots of the components", entry: entries.last?.index)
    }

    private func tellOrder(_ result: inout Explanation, _ names: LedgerNames) {
        guard let root else { return }
        result.say(
            "After it, the log of \(entries.last.map { $0.index + 1 } ?? 0) entries has the root"
                + " \(root.hex).", rule: "RFC 6962")
        guard let precommits, let ordering else {
            return result.say("Nothing here shows yet that T validators signed it.")
        }
        let holds = ordering.isLastBatchOrdered(by: precommits, root: root)
        result.say(
            "\(Words.list(precommits.signatures.map { names.name(of: $0.validator) })) precommitted"
                + " to it in round \(precommits.round):"
                + " \(holds ? "every signature holds" : "that does NOT hold").",
            rule: "T = \(threshold) of those whom batch h - 2 sealed",
            amount: "\(precommits.signatures.count) of \(threshold)",
            entry: entries.last.map { $0.index + 1 })
    }
}
