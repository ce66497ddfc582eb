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

/// An audit of a part finds of that part what an audit of the whole finds.
@Suite(.enabled(if: Paraloom.isThere, skip))
struct RangeAuditTests {
    /// Where batches begin, the end included.
    private func boundaries(_ entries: [[UInt8]]) -> [UInt64] {
        [0] + entries.indices.filter { entries[$0].first == 76 }.map { UInt64($0) + 1 }
    }

    private func range(
        _ directory: String, _ from: UInt64, to: UInt64? = nil,
        _ options: AuditOptions = AuditOptions()
    ) throws -> AuditReport {
        try RangeAuditor.run(
            directory: directory, AuditRangeRequest(from: from, to: to), options: options)
    }

    @Test func `two parts have the findings of the whole, wherever they part`() throws {
        let scenario = try LedgerScenario.everything()
        let folder = try TemporaryFolder()
        let directory = try folder.write(scenario.entries)
        let whole = try Auditor.run(directory: directory)
        #expect(!whole.contradictions.isEmpty)
        let places = boundaries(scenario.entries)
        for place in places.dropFirst().dropLast() {
            let first = try range(directory, 0, to: place)
            let second = try range(directory, place)
            #expect(first.findings == [] && second.findings == [], "\(place)")
            #expect(
                first.contradictions + second.contradictions == whole.contradictions, "\(place)")
            #expect(first.counts.entries == place)
            #expect(first.counts.entries + second.counts.entries == whole.counts.entries)
            #expect(first.counts.signatures + second.counts.signatures == whole.counts.signatures)
            #expect(first.counts.derived + second.counts.derived == whole.counts.derived)
            #expect(first.counts.proofs + second.counts.proofs == whole.counts.proofs)
            #expect(first.counts.votes + second.counts.votes == whole.counts.votes)
            #expect(first.range?.end == second.range?.start)
            #expect(first.range?.base == .genesis && second.range?.base == .fold)
            #expect(second.stateRoot == whole.stateRoot && second.height == whole.height)
            for report in [first, second] {
                #expect(report.checks.derivation == .passed && report.checks.log == .passed)
                #expect(report.checks.signatures == .passed && report.checks.proofs == .passed)
            }
            #expect(first.checks.quorum == .skipped)
        }
    }

    @Test func `a range behind the end is told of a log of any size`() {
        // A folder of tiles may claim so many entries.
        let error = RangeError.outOfRange(from: .max, to: .max, size: 1 << 63 + 1)
        #expect("\(error)".hasSuffix("from 0 to 9223372036854775808"))
    }

    @Test func `a range is widened to whole batches`() throws {
        let entries = try LedgerScenario.everything().entries
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        let places = boundaries(entries)
        let report = try range(directory, places[3] + 1, to: places[4] + 1)
        #expect(report.range?.start.size == places[3])
        #expect(report.range?.end.size == places[5])
        #expect(report.range?.notChecked.count == 3)
    }

    /// Changes one entry; what the whole has of findings is in the part that holds it.
    @Test(arguments: ["outcomeDecided", "reputationChanged", "batchSealed", "voteCast"])
    func `what is wrong is found in its part`(_ kind: String) throws {
        let scenario = try LedgerScenario.everything()
        var entries = scenario.entries
        let events = scenario.log
        let place = try #require(
            events.indices.filter { events[$0].kind == kind }.dropFirst(2).first)
        entries[place] = try Self.changed(events[place]).encoded
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        let whole = try Auditor.run(directory: directory)
        #expect(!whole.findings.isEmpty)
        for start in boundaries(entries) where start < UInt64(entries.count) {
            if start <= UInt64(place) {
                let report = try range(directory, start)
                #expect(report.findings == whole.findings, "from \(start)")
                let before = start > 0 ? try range(directory, 0, to: start).findings : []
                #expect(before == [], "before \(start)")
            } else {
                // What comes after rests on a state that is not the one sealed, or names a root of
                // the log that is not this one's.
                do {
                    let findings = try range(directory, start).findings
                    #expect(!findings.isEmpty, "from \(start)")
                    #expect(kind != "outcomeDecided", "the outcomes are never those sealed")
                    #expect(kind != "batchSealed" || start > UInt64(place) + 1)
                } catch RangeError.otherSeal {
                    #expect(["outcomeDecided", "batchSealed"].contains(kind))
                } catch RangeError.before { #expect(kind == "reputationChanged") }
            }
        }
    }

    static func changed(_ event: Event) throws -> Event {
        switch event {
        case .outcomeDecided(var event):
            event.margin += 1
            return .outcomeDecided(event)
        case .reputationChanged(var event):
            event.after = Reputation(event.after.rawValue + 1)
            return .reputationChanged(event)
        case .batchSealed(var event):
            event.components[0] = Digest(hashing: [1])
            return .batchSealed(event)
        case .voteCast(var event):
            event.signature = .zero
            return .voteCast(event)
        default: return event
        }
    }

    /// The proof is false, the request in one batch, the last votes in the next.
    @Test func `a false proof is found where it is approved, and only there`() throws {
        var scenario = try LedgerScenario(.paraloom("native"))
        var request = RequestID(.zero)
        try scenario.batch(seconds: 1) { scenario in
            let lie = try Paraloom.request("native", proofOf: "spl")
            request = try scenario.submit(lie)
            try scenario.approve(0..<4, request)
        }
        let middle = UInt64(scenario.log.count)
        try scenario.batch(seconds: 2) { try $0.approve(4..<8, request) }
        let end = UInt64(scenario.log.count)
        try scenario.batch(seconds: 40)
        let folder = try TemporaryFolder()
        let directory = try folder.write(scenario.entries)
        let whole = try Auditor.run(directory: directory)
        #expect(whole.findings.map(\.kind) == [.approvedFalseProof])
        let first = try range(directory, 0, to: middle)
        let second = try range(directory, middle, to: end)
        let third = try range(directory, end)
        #expect(first.findings == [] && third.findings == [])
        #expect(second.findings == whole.findings)
        #expect(first.contradictions.count == 4 && third.contradictions.count == 0)
        #expect(
            first.contradictions + second.contradictions == whole.contradictions)
    }

    /// Decided in one batch, and only after more votes in another it shows that too many lied.
    @Test func `a true proof that too many reject is found at the close`() throws {
        var scenario = try LedgerScenario(.paraloom("native"))
        var request = RequestID(.zero)
        try scenario.batch(seconds: 1) { scenario in
            request = try scenario.submit(try Paraloom.request("native"))
            try scenario.reject(0..<3, request)
            try scenario.cast(9, .abstain, on: request)
        }
        let middle = UInt64(scenario.log.count)
        try scenario.batch(seconds: 2) { try $0.reject(3..<9, request) }
        let folder = try TemporaryFolder()
        let directory = try folder.write(scenario.entries)
        let whole = try Auditor.run(directory: directory)
        #expect(whole.findings.map(\.kind) == [.rejectedTrueProof])
        #expect(try range(directory, 0, to: middle).findings == [])
        let second = try range(directory, middle)
        #expect(second.findings == whole.findings)
        #expect(second.contradictions.count == 6)
    }

    /// Writes a snapshot at the end of each batch.
    private func snapshots(
        _ directory: String, _ entries: [[UInt8]]
    ) throws -> [(size: UInt64, path: String)] {
        let log = try EventLog.open(directory: directory, disk: POSIXDisk(), access: .readOnly)
        let store = SnapshotStore(ledgerDirectory: directory, disk: POSIXDisk())
        var state = LedgerState()
        var written: [(UInt64, String)] = []
        for bytes in entries {
            let entry = try Entry(decoding: bytes)
            try state.apply(entry)
            guard bytes.first == 76 else { continue }
            let header = try store.write(
                state.snapshot(), height: state.height, ledger: state.ledger,
                components: state.componentRoots(), size: state.size, log: log)
            written.append((header.size, store.path(header.height)))
        }
        return written
    }

    @Test func `a range starts with the newest snapshot before it that is good`() throws {
        let entries = try LedgerScenario.everything().entries
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        let written = try snapshots(directory, entries)
        let start = written[5].size
        let report = try range(directory, start)
        #expect(report.range?.base == .snapshot && report.range?.folded == 0)
        #expect(report.range?.snapshot == written[5].path)
        #expect(report.findings == [])
        let other = try TemporaryFolder()
        let plain = try range(try other.write(entries), start)
        #expect(plain.range?.start == report.range?.start)
        #expect(plain.contradictions == report.contradictions)
        // The next older one serves where a byte of the newest is changed.
        let url = URL(fileURLWithPath: written[5].path)
        var bytes = try Data(contentsOf: url)
        bytes[bytes.count - 1] ^= 1
        try bytes.write(to: url)
        let older = try range(directory, start)
        #expect(older.range?.snapshot == written[4].path)
        #expect(older.range?.folded == written[5].size - written[4].size)
        #expect(older.notes.contains { $0.contains("was not used") })
        #expect(older.range?.start == report.range?.start)
    }

    private func checkpoint(
        _ size: UInt64, _ root: Digest, _ scenario: LedgerScenario, by key: SigningKey? = nil,
        ledger: Digest? = nil
    ) throws -> SignedCheckpoint {
        let origin = Checkpoint.origin(ofLedger: ledger ?? scenario.ledger.digest)
        let checkpoint = try Checkpoint(
            origin: origin, head: TreeHead(size: size, root: root))
        return try SignedCheckpoint(signing: checkpoint, with: key ?? scenario.keys[1])
    }

    @Test func `a checkpoint is held against the log, and its signers are told`() throws {
        let scenario = try LedgerScenario.everything()
        let folder = try TemporaryFolder()
        let directory = try folder.write(scenario.entries)
        let log = try EventLog.open(directory: directory, disk: POSIXDisk(), access: .readOnly)
        let size = boundaries(scenario.entries)[4]
        func since(_ checkpoint: SignedCheckpoint) throws -> AuditReport {
            try RangeAuditor.run(
                directory: directory, AuditRangeRequest(since: checkpoint, file: "it"))
        }
        let root = try log.root(at: size)
        let good = try since(try checkpoint(size, root, scenario))
        #expect(good.findings == [] && good.range?.start.size == size)
        #expect(good.range?.trusted?.signers == [Fixture.name(1)])
        #expect(good.range?.trusted?.needed == 7)
        let whole = try since(try checkpoint(log.size, log.root, scenario))
        #expect(whole.findings == [] && whole.counts.entries == 0)
        let other = try since(try checkpoint(size, Digest(hashing: [1]), scenario))
        #expect(other.findings.map(\.kind) == [.contradicted])
        let longer = try since(try checkpoint(log.size + 1, root, scenario))
        #expect(longer.findings.map(\.kind) == [.contradicted])
        let stranger = try checkpoint(size, root, scenario, by: scenario.submitter)
        #expect(throws: RangeError.self) { try since(stranger) }
        let foreign = try checkpoint(size, root, scenario, ledger: Digest(hashing: [9]))
        #expect(throws: RangeError.self) { try since(foreign) }
    }

    @Test func `an audit that was interrupted anywhere goes on to the same end`() throws {
        let scenario = try LedgerScenario.everything()
        let folder = try TemporaryFolder()
        let directory = try folder.write(scenario.entries)
        let request = AuditRangeRequest(from: 0)
        var saved: [AuditReport] = []
        let whole = try RangeAuditor.run(
            directory: directory, request, chunk: 1, didFinish: { saved.append($0) })
        #expect(saved.count > 5)
        for done in saved {
            let bytes = try JSONEncoder().encode(done)
            let read = try JSONDecoder().decode(AuditReport.self, from: bytes)
            var again = try RangeAuditor.run(directory: directory, request, done: read)
            again.seconds = whole.seconds
            again.entriesPerSecond = whole.entriesPerSecond
            #expect(again == whole)
        }
        let done = saved[2]
        for other in [AuditRangeRequest(from: 1), AuditRangeRequest(from: 0, to: 9)] {
            #expect(throws: RangeError.self) {
                try RangeAuditor.run(directory: directory, other, done: done)
            }
        }
        #expect(throws: RangeError.self) {
            try RangeAuditor.run(
                directory: directory, request, options: .derivationOnly, done: done)
        }
        let otherFolder = try TemporaryFolder()
        let shorter = try otherFolder.write(try LedgerScenario.small().entries)
        #expect(throws: RangeError.self) {
            try RangeAuditor.run(directory: shorter, request, done: done)
        }
    }

    @Test func `after a difference nothing more is derived, in later parts neither`() throws {
        let scenario = try LedgerScenario.everything()
        var entries = scenario.entries
        let events = scenario.log
        let place = try #require(events.firstIndex { $0.kind == "outcomeDecided" })
        entries[place] = try Self.changed(events[place]).encoded
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        let whole = try Auditor.run(directory: directory)
        let parts = try RangeAuditor.run(
            directory: directory, AuditRangeRequest(from: 0), chunk: 1)
        #expect(parts.findings == whole.findings)
        #expect(parts.checks.derivation == .failed && parts.checks.signatures == .passed)
    }

    @Test func `levels that are not asked for are not checked`() throws {
        let scenario = try LedgerScenario.everything()
        var entries = scenario.entries
        let events = scenario.log
        let place = try #require(events.firstIndex { $0.kind == "outcomeDecided" })
        entries[place] = try Self.changed(events[place]).encoded
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        var options = AuditOptions()
        options.derives = false
        for report in [
            try range(directory, 0, options),
            try Auditor.run(directory: directory, options: options),
        ] {
            #expect(report.findings == [] && report.checks.derivation == .skipped)
            #expect(report.counts.signatures > 0 && report.counts.derived == 0)
        }
        options = AuditOptions(checkSignatures: false, verifyProofs: false)
        options.derives = false
        options.checkTree = false
        let files = try Auditor.run(directory: directory, options: options)
        #expect(files.findings == [] && files.counts.entries == 0 && files.frames > 0)
        #expect(files.checks.log == .passed && files.checks.quorum == .skipped)
    }

    @Test func `damage is a finding`() throws {
        let scenario = try LedgerScenario.everything()
        let disk = SimulatedDisk()
        try disk.createDirectory("/l")
        try disk.syncDirectory("/")
        try EventLog.write(scenario.entries, to: "/l", disk: disk)
        let places = boundaries(scenario.entries)
        let path = try #require(try disk.list("/l/segments").first)
        let file = "/l/segments/" + path
        var bytes = try #require(disk.bytes(of: file))
        // In the first frame: behind the header of the segment and that of the frame.
        bytes[200] ^= 1
        disk.replace(file, with: bytes)
        func audit(_ from: UInt64) throws -> AuditReport {
            try RangeAuditor.run(
                directory: "/l", AuditRangeRequest(from: from), disk: disk)
        }
        // It lies in the last segment, all of which is read where the log is opened.
        for start in [0, places[2]] {
            let report = try audit(start)
            #expect(report.findings.map(\.kind) == [.damage])
            #expect(report.checks.log == .failed && report.checks.proofs == .incomplete)
        }
    }

    @Test func `a range that is not in the log is refused`() throws {
        let entries = try LedgerScenario.small().entries
        let folder = try TemporaryFolder()
        let directory = try folder.write(entries)
        let size = UInt64(entries.count)
        for (from, to) in [(size, nil), (0, size + 1), (2, 2), (3, 2)] as [(UInt64, UInt64?)] {
            #expect(throws: RangeError.self, "\(from)") { try range(directory, from, to: to) }
        }
        let empty = try TemporaryFolder()
        #expect(throws: RangeError.self) { try range(try empty.write([]), 0) }
        #expect(throws: RangeError.self) { try range("/nothing/there", 0) }
    }
}
