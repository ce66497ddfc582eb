// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import EventLog
import Forensics
import Ledger

/// `recount diff`.
struct DiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Find the first entry in which copies of a ledger differ, and what it means.",
        discussion: """
            A copy is a ledger, the home of a validator, a folder of tiles, a checkpoint, a
            snapshot or a case, or a node that answers over HTTP, up to its last
            checkpoint; a local network stands for all its validators' ledgers. Nothing is
            folded: the trees lead to the entry. A snapshot is also held against the state
            that the other copy has at its place, key by key. A case is two copies by
            itself: what was decided, and what its node derived; beside others it is what
            was decided.

              recount diff home-1 home-2
              recount diff net
              recount diff home-1 http://127.0.0.1:5100
              recount diff home-1 tiles backup/ledger --json
              recount diff net/validator-3/cases/FILE.case
              recount diff home-1 home-2/ledger/snapshots/FILE.snapshot

            It tells what kind of difference it is (missing, extra, reordered, otherTime,
            otherMembership, otherDerivation, otherProposal, otherInput, damage,
            equivocation, fork, longer, otherState, otherRoot), both entries, the
            components and keys of the state that differ after the batch, what the
            signatures prove, and of more than two copies who agrees with whom. --json
            holds the evidence.

            Exit codes: 0 the same; 1 they differ; 2 that cannot be judged, as of two
            different ledgers. A copy that is only shorter differs: its kind is longer.
            """)

    @Argument(
        help: "Ledgers, homes, networks, tiles, checkpoints, snapshots, cases, URLs of nodes.",
        completion: .file())
    var copies: [String]

    @Flag(help: "Print one JSON object.")
    var json = false

    mutating func run() throws {
        let (paths, nodes) = try Self.places(copies)
        let alone = paths.count == 1 && HistoryCopy.isCase(paths[0].path, disk: paths[0].disk)
        guard paths.count >= 2 || alone else {
            throw Failure("diff compares two copies or more; name another ledger, home or file")
        }
        guard paths.count <= HistoryDiff.copiesMax else {
            throw Failure("diff compares \(HistoryDiff.copiesMax) copies at most; name fewer")
        }
        let result: HistoryDiff
        do throws(CopyError) {
            result =
                alone
                ? try HistoryDiff(caseAt: paths[0].path)
                : try HistoryDiff(paths)
        } catch {
            throw Failure(nodes.compactMap(\.problem).first.map { "\($0)" } ?? "\(error)")
        }
        if json { try Output.json(result) } else { DiffText(result: result).print() }
        Output.flush()
        switch result.verdict {
        case .same: return
        case .different: throw ExitCode(ExitStatus.wrong.rawValue)
        case .unjudged: throw ExitCode(ExitStatus.unusable.rawValue)
        }
    }

    /// What the arguments stand for, and the nodes among them.
    private static func places(
        _ copies: [String]
    ) throws(Failure) -> (paths: [(disk: any Disk, path: String, name: String)], [NodeTiles]) {
        var all: [(disk: any Disk, path: String, name: String)] = []
        var nodes: [NodeTiles] = []
        for copy in copies {
            guard copy.hasPrefix("http://") || copy.hasPrefix("https://") else {
                all += Place.copies(copy).map { (POSIXDisk(), $0.path, $0.name) }
                continue
            }
            guard let url = NodeURL(copy) else {
                throw Failure("\(copy) is no address of a node, such as http://127.0.0.1:5100")
            }
            let tiles = NodeTiles(url)
            do throws(DiskError) {
                _ = try tiles.open("\(tiles.directory)/checkpoint", .read)
            } catch {
                throw Failure(
                    tiles.problem.map { "\($0)" }
                        ?? "\(copy) has no checkpoint yet, which is what it would be held against")
            }
            nodes.append(tiles)
            all.append((tiles, tiles.directory, copy))
        }
        return (all, nodes)
    }
}

/// A diff as people read it.
private struct DiffText {
    private static let keysShown = 20
    private static let valueColumns = 60
    private static var columns: Int { min(Output.columns, 100) - 2 }

    let result: HistoryDiff

    func print() {
        printCopies()
        let same = result.comparisons.filter { $0.kind == nil && $0.unjudged.isEmpty }
        if let first = same.first {
            Output.line()
            Output.line(Output.strong("no difference"))
            let names = Text.listed([first.first] + same.map(\.second)).map(\.visible)
            for line in Text.wrapped(names, columns: Self.columns) { Output.line("  \(line)") }
        }
        for comparison in result.comparisons
        where comparison.kind != nil || !comparison.unjudged.isEmpty {
            print(comparison)
        }
        guard !result.sides.isEmpty, let parting = result.parting else { return }
        Output.line()
        Output.line(Output.strong("Who agrees with whom at entry \(parting)"))
        for side in result.sides {
            let says = side.leafHash.map { "hash \($0.prefix(16))…" } ?? "no entry told"
            Output.line("  \(says)  \(side.copies.joined(separator: ", "))".visible)
        }
    }

    private func printCopies() {
        var table = Table(
            ("copy", .left), ("form", .left), ("entries", .right), ("root", .left))
        for copy in result.copies {
            table.add(
                copy.name.visible, copy.form?.rawValue ?? "damaged",
                copy.size.map { Text.grouped($0) } ?? "",
                copy.root.map { $0.prefix(16) + "…" } ?? "")
        }
        table.print()
    }

    private func print(_ comparison: HistoryComparison) {
        Output.line()
        let kind = comparison.kind?.rawValue ?? "no difference"
        Output.line(
            Output.strong("\(comparison.first) and \(comparison.second): \(kind)".visible))
        for line in Text.wrapped(
            comparison.sentence.visible.split(separator: " ").map(String.init),
            columns: Self.columns)
        {
            Output.line("  \(line)")
        }
        printEntries(comparison)
        printState(comparison)
        printProofs(comparison)
        for what in comparison.unjudged { Output.line("  not judged: \(what.visible)") }
    }

    private func printEntries(_ comparison: HistoryComparison) {
        guard comparison.firstEntry != nil || comparison.secondEntry != nil else { return }
        Output.line()
        var table = Table(("field", .left), ("first", .left), ("second", .left))
        let (one, other) = (Self.fields(comparison.firstEntry), Self.fields(comparison.secondEntry))
        for name in Self.names(one, other) {
            let (here, there) = (one.first { $0.name == name }, other.first { $0.name == name })
            let (first, second) = (here?.value.text() ?? "", there?.value.text() ?? "")
            let isDifferent = here?.value != there?.value
            table.add(styled: [
                (name, isDifferent ? .strong : .plain),
                (Self.short(first), isDifferent ? .good : .plain),
                (Self.short(second), isDifferent ? .bad : .plain),
            ])
        }
        table.print()
    }

    /// As much of a value as stands beside another; --json has it whole.
    private static func short(_ text: String) -> String {
        text.count <= valueColumns ? text : text.prefix(valueColumns - 1) + "…"
    }

    private static func fields(_ entry: HistoryComparison.EntryView?) -> [NamedField] {
        guard let entry, case .record(let fields) = entry.fields else { return [] }
        return [NamedField("event", .text(entry.event)), NamedField("entry", .number(entry.entry))]
            + fields
    }

    private static func names(_ one: [NamedField], _ other: [NamedField]) -> [String] {
        var names = one.map(\.name)
        for field in other where !names.contains(field.name) { names.append(field.name) }
        return names
    }

    private func printState(_ comparison: HistoryComparison) {
        if !comparison.components.isEmpty {
            Output.line()
            Output.line(
                "  components that differ after the batch: "
                    + comparison.components.map(\.component).joined(separator: ", "))
        }
        guard !comparison.keys.isEmpty else { return }
        Output.line()
        var table = Table(
            ("component", .left), ("key", .left), ("first", .left), ("second", .left))
        for key in comparison.keys.prefix(Self.keysShown) {
            table.add(
                key.component, key.key.visible, (key.first ?? "nothing").visible,
                (key.second ?? "nothing").visible)
        }
        table.print()
        if comparison.keyCount > Self.keysShown {
            Output.line(
                "  the first \(Self.keysShown) of \(comparison.keyCount) keys; --json has more")
        }
    }

    private func printProofs(_ comparison: HistoryComparison) {
        guard !comparison.signatures.isEmpty else { return }
        Output.line()
        for proof in comparison.signatures {
            Output.line("  \(proof.holds ? "proved" : "NOT proved"): \(Self.words(proof))".visible)
        }
    }

    private static func words(_ proof: SignatureProof) -> String {
        let signers = proof.signers.joined(separator: ", ")
        let round = proof.round.map { " in round \($0)" } ?? ""
        switch proof.kind {
        case .certificate:
            let needed = proof.needed.map { " of \($0) needed" } ?? ""
            return "\(proof.signers.count)\(needed) signed the batch of"
                + " \(proof.copy ?? "")\(round): \(signers)"
        case .doublePrecommit: return "\(signers) precommitted to both batches\(round)"
        case .contradiction: return "\(signers) signed two things that contradict each other"
        case .twoOpenings: return "\(signers) signed two openings of the batch\(round)"
        }
    }
}
