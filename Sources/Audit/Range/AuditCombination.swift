// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Ledger

/// Joins verdicts on parts of a log to one on all of it, and believes none of what can be computed.
///
/// Nobody has signed a partial verdict. Of each is computed, from the subtrees of all: the root of
/// the log at both of its ends; and with those beside it is compared: that they meet, without gap
/// and overlap, in one state root and one root of the log. So a part of another log, and one that
/// starts from a forged state, shows, unless the verdict before it lies as well. That a check was
/// made at all cannot be seen in a verdict: whoever did not run the parts audits some again, which
/// the writer of the verdicts could not foresee.
package struct AuditCombination {
    /// The most verdicts that are joined at once.
    package static let verdictsMax = 1 << 20
    /// The most bytes that their files have together: joining holds a few times as many.
    package static let verdictBytesMax: UInt64 = 1 << 30

    /// What the verdicts come to together.
    package private(set) var report: AuditReport
    /// The verdicts that were joined, in order.
    package private(set) var joined: [PartialVerdict] = []
    private var pieces = AuditPieces()
    private var frontier = MerkleFrontier()
    /// Where the verdicts so far end; nil where nobody knows, since one broke off.
    private var end: AuditRange.End?
    /// The entry behind the last that was spoken of.
    private var position: UInt64 = 0
    /// Whether one so far tells of a difference, so that what follows need not be sealed.
    private var isDifferent = false
    /// The names and keys of validators by number.
    private var names: [UInt16: String] = [:]

    /// Joins verdicts. `unreadable` are files that hold none, with why.
    package init(
        _ verdicts: [PartialVerdict], unreadable: [(file: String, problem: String)] = []
    ) {
        report = AuditReport(directory: "")
        for (file, problem) in unreadable { note(file, problem) }
        var told: Set<Finding> = []
        let sound = verdicts.filter { verdict in
            guard let flaw = verdict.flaw else { return true }
            note(verdict.file, flaw)
            // Of a log that cannot even be opened each says the same.
            if verdict.report.range == nil {
                for finding in verdict.report.findings where told.insert(finding).inserted {
                    report.findings.append(finding)
                }
            }
            return false
        }
        let ordered = sound.sorted { left, right in
            let (one, other) = (left.bounds, right.bounds)
            return (one.0, one.1, left.file) < (other.0, other.1, right.file)
        }
        end = AuditRange.End(
            size: 0, height: 0, root: Digest.ofNothing.hex, stateRoot: "")
        var last: PartialVerdict?
        for verdict in ordered {
            if let before = last, before.bounds == verdict.bounds {
                addAgain(verdict, before)
                continue
            }
            last = verdict
            add(verdict)
        }
        finish()
    }

    private mutating func note(
        _ file: String, _ problem: String, from: UInt64 = 0, to: UInt64 = 0
    ) {
        pieces.problems.append(
            AuditPieces.Problem(file: file, problem: problem, from: from, to: to))
    }

    /// A second verdict on one range says the same, or neither is believed.
    private mutating func addAgain(_ verdict: PartialVerdict, _ before: PartialVerdict) {
        if verdict.report.digest == before.report.digest {
            pieces.repeated += 1
        } else {
            note(
                verdict.file,
                "it says something else of its range than \(before.file) does; audit the range"
                    + " again")
        }
    }

    private mutating func add(_ verdict: PartialVerdict) {
        guard let range = verdict.report.range else { return }
        guard range.start.size >= position else {
            return note(
                verdict.file,
                "it begins with entry \(range.start.size), and those before it go up to entry"
                    + " \(position - 1): they overlap")
        }
        if range.start.size > position {
            note(
                "", "no verdict speaks of entries \(position) to \(range.start.size - 1)",
                from: position, to: range.start.size)
            (end, frontier) = (nil, MerkleFrontier())
        }
        if let problem = problem(of: verdict, range) {
            note(verdict.file, problem, from: range.start.size, to: range.end.size)
            (end, frontier) = (nil, MerkleFrontier())
        } else {
            join(verdict, range)
        }
        position = range.end.size
    }

    /// Why a verdict does not fit those before it; nil where it does.
    private func problem(of verdict: PartialVerdict, _ range: AuditRange) -> String? {
        let report = verdict.report
        if let first = joined.first?.report {
            guard report.ledgerID == first.ledgerID else { return "it is of another ledger" }
            guard report.checks.hasSkipped(asIn: first.checks) else {
                return "other levels were checked in it than in \(joined[0].file)"
            }
        }
        guard verdict.isWhole || report.checks.log == .failed || !report.findings.isEmpty else {
            return range.subtrees == nil
                ? "it says nothing of the log's tree: make it with all levels, or with the tree"
                : "not all of its range was looked at"
        }
        for item in report.participation {
            guard names[item.validator, default: item.name + item.key] == item.name + item.key
            else { return "validator \(item.validator) has another name or key in it" }
        }
        if let problem = problemOfStart(range) { return problem }
        guard !range.isSealed, !isDifferent else { return nil }
        return "it starts with a state that the log does not seal, and nothing before it is wrong:"
            + " the snapshot is forged, or the verdict before hides what it found"
    }

    /// Why a range does not begin where those before it end.
    private func problemOfStart(_ range: AuditRange) -> String? {
        guard let end, range.start != end else { return nil }
        let before = joined.last.map(\.file) ?? "the empty log"
        guard range.start.root == end.root else {
            return "it starts under root \(range.start.root), and the entries before it have root"
                + " \(end.root)"
        }
        guard range.start.height == end.height else {
            return "it starts behind batch \(range.start.height), and \(before) ends with batch"
                + " \(end.height)"
        }
        return "it starts with state root \(range.start.stateRoot), and \(before) ends with"
            + " \(end.stateRoot): one of the two is altered, or starts from a forged state"
    }

    private mutating func join(_ verdict: PartialVerdict, _ range: AuditRange) {
        var part = verdict.report
        if isDifferent {
            pieces.beyond += part.findings.filter(Self.isBeyond)
            part.findings.removeAll(where: Self.isBeyond)
        }
        if end != nil, let tree = MerkleRange(range), frontier.append(tree) {
            // The verdict's own root counts for nothing beside the one that its subtrees give.
            guard range.end.root == frontier.root.hex else {
                note(
                    verdict.file,
                    "it ends under root \(range.end.root), and its subtrees give"
                        + " \(frontier.root.hex)", from: range.start.size, to: range.end.size)
                (end, frontier) = (nil, MerkleFrontier())
                return
            }
            end = range.end
        } else {
            (end, frontier) = (nil, MerkleFrontier())
        }
        for item in part.participation { names[item.validator] = item.name + item.key }
        if joined.isEmpty { report.checks = part.checks }
        report.join(part)
        report.checks.quorum = part.checks.quorum
        (report.size, report.isClosed) = (part.size, part.isClosed)
        (report.directory, report.tornBytes) = (part.directory, part.tornBytes)
        report.seconds += part.seconds
        isDifferent = isDifferent || part.checks.derivation == .failed
        joined.append(verdict)
        if !verdict.isWhole {
            note(
                verdict.file,
                "it broke off: " + (verdict.report.findings.last?.found ?? "nothing says why"),
                from: range.end.size, to: range.to ?? part.size)
            (end, frontier) = (nil, MerkleFrontier())
        }
    }

    /// What an audit of the whole does not look for behind the first difference.
    private static func isBeyond(_ finding: Finding) -> Bool {
        AuditLevelFindings.derivation.contains(finding.kind)
            && finding.kind != .cannotFollow && finding.kind != .undecodable
    }

    private mutating func finish() {
        let size = report.size
        if joined.isEmpty {
            report.checks = AuditChecks()
        } else if position < size {
            note(
                "", "no verdict speaks of entries \(position) to \(size - 1)", from: position,
                to: size)
            end = nil
        }
        pieces.joined = UInt64(joined.count)
        if let first = joined.first?.report.range, let last = joined.last?.report.range {
            var range = first
            (range.from, range.to) = (0, nil)
            (range.end, range.snapshot, range.subtrees) = (last.end, nil, nil)
            range.notChecked = [
                "Blobs, and the files of the log but for the frames of the entries."
            ]
            report.range = range
        }
        report.root = end == nil ? "" : frontier.root.hex
        settle()
    }

    /// Draws what follows from all problems and findings.
    private mutating func settle() {
        if !pieces.problems.isEmpty {
            report.checks.breakOff()
            report.checks.quorum = .incomplete
        }
        if report.findings.contains(where: { $0.kind == .damage }) { report.checks.log = .failed }
        pieces.problems.sort { ($0.from, $0.to, $0.file) < ($1.from, $1.to, $1.file) }
        report.pieces = pieces
        report.sortFindings()
        report.set(seconds: report.seconds)
    }
}

extension AuditCombination {
    /// Whether all verdicts fit, and speak of all entries.
    package var isWhole: Bool { pieces.problems.isEmpty && !joined.isEmpty }

    /// Holds the joined verdicts against the log.
    ///
    /// Compares the root of all; where it differs, names the first verdict behind which the log has
    /// another. Then that each seal between two names the state root with which they meet.
    package mutating func compare(with log: any SweptLog) throws(LogError) {
        guard log.size >= report.size else {
            note(
                "",
                "the log at hand has \(log.size) entries, and the verdicts speak of"
                    + " \(report.size)")
            return settle()
        }
        if log.size > report.size, isWhole {
            note(
                "", "no verdict speaks of entries \(report.size) to \(log.size - 1)",
                from: report.size, to: log.size)
        }
        var low = 0
        var high = joined.count
        // Those before `low` end under roots of the log; those from `high` on do not.
        while low < high {
            let middle = low + (high - low) / 2
            if try isOfLog(joined[middle], log) { low = middle + 1 } else { high = middle }
        }
        if low < joined.count, let range = joined[low].report.range {
            note(
                joined[low].file,
                "the log at hand has another root behind entry \(range.end.size - 1)",
                from: range.start.size, to: range.end.size)
        } else {
            try compareSeals(with: log)
        }
        pieces.isHeldAgainstLog = true
        settle()
    }

    private func isOfLog(
        _ verdict: PartialVerdict, _ log: any SweptLog
    ) throws(LogError) -> Bool {
        guard let end = verdict.report.range?.end else { return true }
        return try log.root(at: end.size).hex == end.root
    }

    private mutating func compareSeals(with log: any SweptLog) throws(LogError) {
        for verdict in joined {
            guard let end = verdict.report.range?.end, end.size > 0 else { continue }
            let seal = try log.seal(before: end.size)
            if seal?.stateRoot.hex != end.stateRoot, !isDifferent {
                note(
                    verdict.file,
                    "it ends with state root \(end.stateRoot), and entry \(end.size - 1) of the"
                        + " log seals \(seal?.stateRoot.hex ?? "nothing"): it hides a difference",
                    from: verdict.report.range?.start.size ?? 0, to: end.size)
            }
        }
    }

    /// Takes in what auditing the range of a joined verdict again gave.
    package mutating func compare(_ verdict: PartialVerdict, with again: AuditReport) {
        if verdict.report.isSame(as: again) {
            pieces.rechecked += 1
        } else {
            let range = verdict.report.range
            note(
                verdict.file, "auditing its range again says something else",
                from: range?.start.size ?? 0, to: range?.end.size ?? 0)
        }
        settle()
    }

}

extension AuditReport {
    /// Whether two audits of one range found the same; the log may have grown in between, and the
    /// base may have been found elsewhere.
    fileprivate func isSame(as other: AuditReport) -> Bool {
        range?.start == other.range?.start && range?.end == other.range?.end
            && range?.subtrees == other.range?.subtrees && range?.isSealed == other.range?.isSealed
            && ledgerID == other.ledgerID && stateRoot == other.stateRoot
            && checks.log == other.checks.log && checks.derivation == other.checks.derivation
            && checks.signatures == other.checks.signatures && checks.proofs == other.checks.proofs
            && counts == other.counts && contradictions == other.contradictions
            && resultContradictions == other.resultContradictions && network == other.network
            && participation == other.participation
            && findings.filter { $0.kind != .contradicted }
                == other.findings.filter { $0.kind != .contradicted }
    }
}

extension PartialVerdict {
    /// Where its range begins and ends.
    fileprivate var bounds: (UInt64, UInt64) {
        (report.range?.start.size ?? 0, report.range?.end.size ?? 0)
    }
}
