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
    private let start: UInt64
    private let opened: BatchOpened
    private let entries: [LoggedEntry]
    private let standing: Standing
    /// The tree before it.
    private let edge: MerkleFrontier
    private var precommits: Precommits?

    static func explain(_ height: Height, _ source: WhySource) throws(WhyError) -> Explanation {
        var reason = try BatchReason(height, source)
        try reason.readPrecommits(source)
        return reason.explanation(source.path)
    }

    private init(_ height: Height, _ source: WhySource) throws(WhyError) {
        self.height = height
        (start, entries) = try source.batch(height)
        guard case .batchOpened(let event)? = entries.first?.event else { throw .notFound }
        opened = event
        standing = try source.standing(atOpening: start)
        do throws(LogError) {
            let subtrees = try source.log.subtrees(at: start)
            guard let frontier = MerkleFrontier(count: start, subtrees: subtrees) else {
                fatalError("a log of \(start) entries has \(subtrees.count) subtrees")
            }
            edge = frontier
        } catch { throw .replay(.reading(.log(error))) }
    }

    private var end: UInt64 { start + UInt64(entries.count) }

    private var sealed: BatchSealed? {
        if case .batchSealed(let event)? = entries.last?.event { event } else { nil }
    }

    /// The root of the log with it; nil until it is sealed.
    private var root: Digest? {
        guard sealed != nil else { return nil }
        var frontier = edge
        for entry in entries { frontier.append(leafHash: entry.leafHash) }
        return frontier.root
    }

    /// They stand in the opening of the next batch; those of the last lie beside the log.
    private mutating func readPrecommits(_ source: WhySource) throws(WhyError) {
        guard sealed != nil else { return }
        guard end == source.log.size else {
            var reader = EntryReader(source.log, from: end, to: end + 1)
            do throws(ReadingError) {
                guard case .batchOpened(let next)? = try reader.entry()?.event else { return }
                precommits = Precommits(
                    height: height, round: next.precommitRound, root: next.previousRoot,
                    signatures: next.precommits)
            } catch { throw .replay(.reading(error)) }
            return
        }
        let store = PrecommitStore(ledgerDirectory: source.log.directory, disk: POSIXDisk())
        do throws(PrecommitStoreError) { precommits = try store.load(height) } catch { return }
    }

    private func explanation(_ path: String) -> Explanation {
        let names = standing.names
        var result = Explanation("batch \(height.rawValue)", .batch)
        result.names = names
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
                end, "\(names.name(of: signature.validator)) precommits", .precommit,
                causes: leaves.last.map { [$0] } ?? [])
        }
        let signed = precommits?.signatures.count ?? 0
        result.stated = (precommits?.root ?? root).map { "root \($0.hex) signed by \(signed)" }
        result.say(
            "\(names.name(of: opened.proposer)) proposed it at \(UTC.text(opened.time)) in round"
                + " \(opened.round).",
            rule: "round r is led by rank r mod N", amount: "round \(opened.round)", entry: start)
        tellContents(&result)
        tellOrder(&result, names)
        result.proof = "recount prove entry \(path) \(entries.last?.index ?? start)"
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
            "After it, the log of \(end) entries has the root"
                + " \(root.hex).", rule: "RFC 6962")
        guard let precommits else {
            return result.say("Nothing here shows yet that T validators signed it.")
        }
        let threshold = Int(standing.sealed.parameters.threshold)
        let holds =
            precommits.root == root
            && precommits.areSigned(
                by: standing.sealed.members, in: standing.ledger, threshold: threshold)
        result.say(
            "\(Words.list(precommits.signatures.map { names.name(of: $0.validator) })) precommitted"
                + " to it in round \(precommits.round):"
                + " \(holds ? "every signature holds" : "that does NOT hold").",
            rule: "T = \(threshold) of those whom batch h - 2 sealed",
            amount: "\(precommits.signatures.count) of \(threshold)",
            entry: end)
    }
}
