// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Storage
import TestSupport
import Testing

private let skip: Comment = "no file at \(Vectors.folder.path)/\(Paraloom.folder)"

/// Verdicts on the parts of a log, each from a snapshot, make the one on the whole, and what a liar
/// does to them is named.
@Suite(.enabled(if: Paraloom.isThere, skip))
struct CombinationTests {
    /// A log in a folder, snapshots after each batch beside it, and the verdicts on the parts.
    private struct Case {
        let folder: TemporaryFolder
        let directory: String
        let marks: String
        var verdicts: [PartialVerdict] = []

        init(_ entries: [[UInt8]]) throws {
            folder = try TemporaryFolder()
            directory = try folder.write(entries)
            marks = folder.path + "/marks"
            _ = try SnapshotSeries.run(of: directory, every: 1, to: marks)
            verdicts = try audit()
        }

        /// The verdicts on all parts.
        func audit() throws -> [PartialVerdict] {
            let store = SnapshotStore(folder: marks, disk: POSIXDisk())
            let snapshots = try store.heights().map { height in
                (path: store.path(height), size: try store.header(of: height).size)
            }
            let size = try EventLog.open(
                directory: directory, disk: POSIXDisk(), access: .readOnly
            ).size
            let starts: [(path: String?, size: UInt64)] =
                [(nil, 0)] + snapshots.map { ($0.path, $0.size) }
            return try starts.indices.map { place in
                let base = starts[place].path.map(AuditBase.file) ?? .piece
                let end = place + 1 < starts.count ? starts[place + 1].size : size
                let report = try RangeAuditor.run(
                    directory: directory,
                    AuditRangeRequest(from: starts[place].size, to: end, base: base))
                return PartialVerdict(file: "\(place)", report: report)
            }
        }

        /// The verdicts without one, or with another in its place.
        func with(_ place: Int, _ change: (inout AuditReport) -> Void) -> [PartialVerdict] {
            var all = verdicts
            var report = all[place].report
            change(&report)
            all[place] = PartialVerdict(file: all[place].file, report: report)
            return all
        }
    }

    private func problems(_ verdicts: [PartialVerdict]) -> [String] {
        (AuditCombination(verdicts).report.pieces?.problems ?? []).map {
            "\($0.file): \($0.problem)"
        }
    }

    /// What a report says, without how it came to be.
    private func plain(_ report: AuditReport) -> AuditReport {
        var plain = report
        plain.seconds = 0
        plain.entriesPerSecond = 0
        plain.range = nil
        plain.pieces = nil
        plain.digest = nil
        (plain.segments, plain.frames, plain.blobs) = (0, 0, 0)
        return plain
    }

    @Test func `the parts of an honest ledger make the whole`() throws {
        let entries = try LedgerScenario.everything().entries
        let made = try Case(entries)
        #expect(made.verdicts.count > 5)
        let whole = try Auditor.run(directory: made.directory)
        // In any order, and one of them twice.
        let shuffled = (made.verdicts + [made.verdicts[2]]).reversed()
        var combination = AuditCombination(Array(shuffled))
        #expect(combination.isWhole && combination.report.pieces?.repeated == 1)
        #expect(plain(combination.report) == plain(whole))
        #expect(combination.report.root == whole.root)
        try combination.compare(
            with: EventLog.open(directory: made.directory, disk: POSIXDisk(), access: .readOnly))
        #expect(combination.isWhole)
        #expect(combination.report.pieces?.isHeldAgainstLog == true)
        for verdict in made.verdicts.dropFirst() {
            #expect(verdict.report.range?.base == .snapshot && verdict.report.range?.folded == 0)
        }
    }

    @Test func `a verdict that is missing is named with its entries`() throws {
        let made = try Case(try LedgerScenario.everything().entries)
        for place in made.verdicts.indices {
            var rest = made.verdicts
            let range = try #require(rest.remove(at: place).report.range)
            let combination = AuditCombination(rest)
            #expect(!combination.isWhole && combination.report.root.isEmpty, "\(place)")
            let found = try #require(combination.report.pieces?.problems.first)
            #expect(found.from == range.start.size && found.to == range.end.size, "\(place)")
        }
        #expect(!AuditCombination([]).isWhole)
    }

    @Test func `what was changed by accident is named by its digest`() throws {
        let made = try Case(try LedgerScenario.everything().entries)
        let changes: [(inout AuditReport) -> Void] = [
            { $0.counts.signatures += 1 }, { $0.contradictions = [] }, { $0.stateRoot = "" },
            { $0.range?.end.root = String(repeating: "0", count: 64) },
            { $0.checks.proofs = .skipped }, { $0.participation = [] },
        ]
        for change in changes {
            let found = problems(made.with(1, change))
            #expect(found.contains { $0.hasPrefix("1: ") && $0.contains("digest") }, "\(found)")
        }
    }

    /// A liar writes the digest anew; what can be computed names it all the same.
    @Test func `what a liar changes is named`() throws {
        let made = try Case(try LedgerScenario.everything().entries)
        let other = Digest(hashing: [1]).hex
        let changes: [(String, (inout AuditReport) -> Void)] = [
            ("subtrees", { $0.range?.subtrees?[0] = other }),
            ("fewer subtrees", { $0.range?.subtrees?.removeLast() }),
            ("root at the end", { $0.range?.end.root = other }),
            ("root at the start", { $0.range?.start.root = other }),
            ("state at the end", { $0.range?.end.stateRoot = other }),
            ("state at the start", { $0.range?.start.stateRoot = other }),
            ("entries", { $0.counts.entries += 1 }),
            ("batches", { $0.counts.batches += 1 }),
            ("no signatures", { $0.counts.signatures = 0 }),
            ("another ledger", { $0.ledgerID = other }),
            ("a finding without a check", { $0.checks.signatures = .failed }),
            ("no derivation", { $0.range?.isSealed = false }),
            ("another key", { $0.participation[0].key = other }),
            ("end before start", { $0.range?.end.size = 0 }),
            ("beyond the log", { $0.size = 1 }),
            ("no root", { $0.range?.end.root = "nonsense" }),
        ]
        for (name, change) in changes {
            let lied = made.with(3) { report in
                change(&report)
                report.digest = report.digestForTests
            }
            let combination = AuditCombination(lied)
            #expect(!combination.isWhole, "\(name)")
            let named = (combination.report.pieces?.problems ?? []).map(\.file)
            #expect(named.contains("3") || named.contains("4"), "\(name): \(named)")
        }
    }

    @Test func `a part of another log does not fit, and the log at hand names it`() throws {
        let scenario = try LedgerScenario.everything()
        let made = try Case(scenario.entries)
        var entries = scenario.entries
        let events = scenario.log
        let place = try #require(events.lastIndex { $0.kind == "validatorAnnounced" })
        guard case .validatorAnnounced(var announced) = events[place] else { return }
        announced.signature = .zero
        entries[place] = Event.validatorAnnounced(announced).encoded
        let other = try Case(entries)
        // What the other log says of the part with the change, in the place of the honest one.
        let piece = try #require(
            made.verdicts.firstIndex {
                ($0.report.range?.end.size ?? 0) > UInt64(place)
            })
        var mixed = made.verdicts
        mixed[piece] = other.verdicts[piece]
        #expect(!AuditCombination(mixed).isWhole)
        // All of the other log's: they fit one another, and the log at hand has another root.
        var foreign = AuditCombination(other.verdicts)
        try foreign.compare(
            with: EventLog.open(directory: made.directory, disk: POSIXDisk(), access: .readOnly))
        #expect(!foreign.isWhole)
        #expect(foreign.report.pieces?.problems.first?.file == "\(piece)")
    }

    /// Two liars agree on the state where their parts meet: only the log's seal tells.
    @Test func `a state that two verdicts share and no seal names is a hidden difference`()
        throws
    {
        let made = try Case(try LedgerScenario.everything().entries)
        let other = Digest(hashing: [1]).hex
        var lied = made.verdicts
        for (place, change) in [
            (3, { $0.range?.end.stateRoot = other }), (4, { $0.range?.start.stateRoot = other }),
        ] as [(Int, (inout AuditReport) -> Void)] {
            lied[place] =
                made.with(place) { report in
                    change(&report)
                    if place == 3 { report.stateRoot = other }
                    report.digest = report.digestForTests
                }[place]
        }
        let log = try EventLog.open(
            directory: made.directory, disk: POSIXDisk(), access: .readOnly)
        var alone = AuditCombination(lied)
        #expect(alone.isWhole, "\(problems(lied))")
        try alone.compare(with: log)
        let found = try #require(alone.report.pieces?.problems.first)
        #expect(found.file == "3" && "\(found)".contains("hides a difference"), "\(found)")
        var honest = AuditCombination(made.verdicts)
        try honest.compare(with: log)
        #expect(honest.isWhole)
    }

    @Test func `auditing again shows a verdict that only pretends`() throws {
        let made = try Case(try LedgerScenario.everything().entries)
        let pretended = made.with(1) { report in
            report.contradictions = []
            report.network = []
            report.digest = report.digestForTests
        }
        var combination = AuditCombination(pretended)
        #expect(combination.isWhole)
        combination.compare(combination.joined[0], with: made.verdicts[0].report)
        #expect(combination.isWhole && combination.report.pieces?.rechecked == 1)
        combination.compare(combination.joined[1], with: made.verdicts[1].report)
        #expect(combination.report.pieces?.problems.map(\.file) == ["1"])
    }

    @Test func `a forged snapshot is not believed`() throws {
        let entries = try LedgerScenario.everything().entries
        let made = try Case(entries)
        let store = SnapshotStore(folder: made.marks, disk: POSIXDisk())
        let heights = try store.heights()
        let url = URL(fileURLWithPath: store.path(heights[2]))
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: url)
        let start = try store.header(of: heights[2]).size
        #expect(throws: RangeError.self) {
            try RangeAuditor.run(
                directory: made.directory,
                AuditRangeRequest(from: start, base: .file(url.path)))
        }
        // A state of its own making, whose roots are right and which the log does not seal.
        var state = LedgerState()
        var isChanged = false
        for bytes in entries.prefix(Int(start)) {
            var entry = try Entry(decoding: bytes)
            if case .outcomeDecided(var decided) = entry.event, !isChanged {
                decided.margin += 1
                entry = Entry(.outcomeDecided(decided))
                isChanged = true
            }
            try state.apply(entry)
        }
        #expect(isChanged)
        let log = try EventLog.open(
            directory: made.directory, disk: POSIXDisk(), access: .readOnly)
        let forged = try Self.forged(state, store, log)
        let report = try RangeAuditor.run(
            directory: made.directory, AuditRangeRequest(from: start, base: .file(forged)))
        #expect(report.range?.isSealed == false && report.checks.derivation == .incomplete)
        var verdicts = made.verdicts.filter { ($0.report.range?.end.size ?? 0) <= start }
        verdicts.append(PartialVerdict(file: "forged", report: report))
        #expect(problems(verdicts).contains { $0.hasPrefix("forged: ") })
    }

    /// Writes a state as a snapshot that holds together.
    private static func forged(
        _ state: LedgerState, _ store: SnapshotStore, _ log: EventLog
    ) throws -> String {
        let own = SnapshotStore(folder: store.directory + "-forged", disk: POSIXDisk())
        _ = try own.write(
            state.snapshot(), height: state.height, ledger: state.ledger,
            components: state.componentRoots(), size: state.size, log: log)
        return own.path(state.height)
    }

    /// Changes one entry: joined or in one piece, the audit finds the same.
    @Test(arguments: ["outcomeDecided", "reputationChanged", "batchSealed", "voteCast"])
    func `a lying ledger has the same findings in parts`(_ kind: String) throws {
        let scenario = try LedgerScenario.everything()
        var entries = scenario.entries
        let events = scenario.log
        let place = try #require(
            events.indices.filter { events[$0].kind == kind }.dropFirst(2).first)
        entries[place] = try RangeAuditTests.changed(events[place]).encoded
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        let whole = try Auditor.run(directory: directory)
        #expect(!whole.findings.isEmpty)
        for pieceEntries: UInt64 in [1, 20] {
            let split = try SplitAuditor.run(
                directory: directory, jobs: 2, pieceEntries: pieceEntries)
            #expect(split.findings == whole.findings, "\(pieceEntries)")
            #expect(split.contradictions == whole.contradictions)
            #expect(split.network == whole.network)
        }
    }

    @Test func `an honest ledger is split into the same report`() throws {
        let folder = try TemporaryFolder()
        let directory = try folder.write(try LedgerScenario.everything().entries)
        let whole = try Auditor.run(directory: directory)
        var split = try SplitAuditor.run(directory: directory, jobs: 2, pieceEntries: 1)
        #expect((split.pieces?.joined ?? 0) > 3)
        #expect(split.frames == whole.frames && split.segments == whole.segments)
        #expect(plain(split) == plain(whole))
        let marks = folder.path + "/marks"
        _ = try SnapshotSeries.run(of: directory, every: 1, to: marks)
        split = try SplitAuditor.run(
            directory: directory, jobs: 3, snapshots: marks, pieceEntries: 1)
        #expect(plain(split) == plain(whole))
    }

    @Test func `a damaged ledger has the same findings in parts`() throws {
        let folder = try TemporaryFolder()
        let directory = try folder.write(try LedgerScenario.everything().entries)
        let segments = directory + "/segments"
        let name = try #require(
            try FileManager.default.contentsOfDirectory(atPath: segments).first)
        let url = URL(fileURLWithPath: segments + "/" + name)
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: url)
        let whole = try Auditor.run(directory: directory)
        #expect(whole.findings.map(\.kind) == [.damage])
        let split = try SplitAuditor.run(directory: directory, jobs: 2, pieceEntries: 1)
        #expect(split.findings == whole.findings)
    }

    @Test func `snapshots are added where they are missing, and no others are touched`() throws {
        let entries = try LedgerScenario.everything().entries
        let made = try Case(entries)
        let again = try SnapshotSeries.run(of: made.directory, every: 1, to: made.marks)
        #expect(again.written.isEmpty && again.kept == made.verdicts.count - 1)
        let store = SnapshotStore(folder: made.marks, disk: POSIXDisk())
        let last = try #require(try store.heights().last)
        try FileManager.default.removeItem(atPath: store.path(last))
        let added = try SnapshotSeries.run(of: made.directory, every: 1, to: made.marks)
        #expect(added.written.map(\.height) == [last])
        let other = try TemporaryFolder()
        let foreign = try other.write(try LedgerScenario.small().entries)
        #expect(throws: RangeError.self) {
            try SnapshotSeries.run(of: foreign, every: 1, to: made.marks)
        }
        // They end before this log does, and are of another one all the same.
        let short = try Case(try LedgerScenario.small().entries)
        #expect(throws: RangeError.self) {
            try SnapshotSeries.run(of: made.directory, every: 1, to: short.marks)
        }
    }

    @Test func `a snapshot that is damaged costs a piece its start, and not the split`() throws {
        let made = try Case(try LedgerScenario.everything().entries)
        let store = SnapshotStore(folder: made.marks, disk: POSIXDisk())
        let heights = try store.heights()
        for height in heights {
            let url = URL(fileURLWithPath: store.path(height))
            var bytes = try Data(contentsOf: url)
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: url)
            #expect(try store.header(of: height).size > 0, "its header is as it was")
        }
        let split = try SplitAuditor.run(
            directory: made.directory, jobs: 2, snapshots: made.marks, pieceEntries: 1)
        #expect((split.pieces?.joined ?? 0) > 3)
        #expect(plain(split) == plain(try Auditor.run(directory: made.directory)))
    }

    @Test func `a part is audited from tiles as from the log`() throws {
        let scenario = try LedgerScenario.everything()
        let made = try Case(scenario.entries)
        let log = try EventLog.open(
            directory: made.directory, disk: POSIXDisk(), access: .readOnly)
        let checkpoint = try SignedCheckpoint(
            signing: Checkpoint(
                origin: Checkpoint.origin(ofLedger: scenario.ledger.digest),
                head: TreeHead(size: log.size, root: log.root)), with: scenario.keys[1])
        let tiles = made.folder.path + "/tiles"
        _ = try TileExport.run(log, upTo: checkpoint, to: tiles, disk: POSIXDisk())
        let verdicts = try made.verdicts.map { verdict in
            let range = try #require(verdict.report.range)
            let base = range.snapshot.map(AuditBase.file) ?? .piece
            let report = try RangeAuditor.run(
                directory: tiles,
                AuditRangeRequest(from: range.start.size, to: range.end.size, base: base))
            #expect(report.range?.subtrees == range.subtrees)
            #expect(report.range?.end == range.end && report.counts == verdict.report.counts)
            return PartialVerdict(file: verdict.file, report: report)
        }
        let combination = AuditCombination(verdicts)
        #expect(combination.isWhole, "\(combination.report.pieces?.problems ?? [])")
        #expect(combination.report.root == log.root.hex)
        let marks = made.folder.path + "/from-tiles"
        let series = try SnapshotSeries.run(of: tiles, every: 1, to: marks)
        #expect(series.written.count == made.verdicts.count - 1)
        // A byte of a bundle is changed: the part that reads it has a finding, and no other.
        let bundle = URL(fileURLWithPath: tiles + "/tile/entries/000.p/\(log.size)")
        var bytes = try Data(contentsOf: bundle)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: bundle)
        let last = try RangeAuditor.run(directory: tiles, AuditRangeRequest(from: 0))
        #expect(last.findings.map(\.kind) == [.damage])
    }

    @Test func `a thousand verdicts are joined at once`() throws {
        let entries = try LedgerScenario.small().entries
        let folder = try TemporaryFolder()
        let report = try RangeAuditor.run(
            directory: try folder.write(entries), AuditRangeRequest(from: 0))
        let range = try #require(report.range)
        // Each the same but for its place: what is compared is as much as with true ones.
        var place: UInt64 = range.end.size
        var verdicts = [PartialVerdict(file: "0", report: report)]
        for number in 1..<1000 {
            var next = report
            next.range?.start.size = place
            place += range.end.size
            next.range?.end.size = place
            next.size = place
            next.digest = next.digestForTests
            verdicts.append(PartialVerdict(file: "\(number)", report: next))
        }
        let start = ContinuousClock.now
        _ = AuditCombination(verdicts)
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}

extension AuditReport {
    /// The digest that the report would have: of itself, as an audit writes it.
    fileprivate var digestForTests: String? {
        var plain = self
        plain.digest = nil
        plain.directory = ""
        plain.seconds = 0
        plain.entriesPerSecond = 0
        plain.range?.snapshot = nil
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(plain)).map { Digest(hashing: [UInt8]($0)).hex }
    }
}
