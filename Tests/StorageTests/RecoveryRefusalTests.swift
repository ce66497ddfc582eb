// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger
import Storage
import TestSupport
import Testing

@Suite("recovery refuses what it cannot vouch for, and changes nothing then")
struct RecoveryRefusalTests {
    private static let directory = StoredLedger.directory

    /// Damages the second segment, so that there is something to do.
    private static func damaged() throws -> TwoCopies {
        let copies = try TwoCopies.fresh()
        copies.disk.replace(copies.segments[1], with: nil)
        return copies
    }

    private static func expect(
        _ copies: TwoCopies, from source: (any EntrySource)? = nil, trust: TrustedHead? = nil,
        _ isRight: (RecoveryError) -> Bool
    ) throws {
        let before = copies.files(in: "")
        do {
            let report = try copies.recover(from: source, trust: trust)
            Issue.record("nothing was refused: \(report)")
        } catch let error as RecoveryError {
            #expect(isRight(error), "\(error)")
        }
        var after = copies.files(in: "")
        after["\(directory)/LOCK"] = before["\(directory)/LOCK"]
        #expect(after == before)
    }

    @Test("a head of no entries, of another ledger, of another root, within a batch, too long")
    func heads() throws {
        let copies = try Self.damaged()
        let good = copies.trust
        func head(
            ledger: LedgerID? = nil, size: UInt64? = nil, root: Digest? = nil
        ) -> TrustedHead {
            TrustedHead(
                ledger: ledger ?? good.ledger, size: size ?? good.size, root: root ?? good.root)
        }
        try Self.expect(copies, trust: head(size: 0)) { $0 == .emptyCheckpoint }
        let other = LedgerID(Digest(hashing: [1]))
        try Self.expect(copies, trust: head(ledger: other)) {
            $0 == .otherLedger(place: TwoCopies.copy, expected: other, found: good.ledger)
        }
        try Self.expect(copies, trust: head(root: .zero)) {
            $0 == .notVouchedFor(place: TwoCopies.copy, expected: .zero, computed: good.root)
        }
        try Self.expect(copies, trust: head(size: good.size + 1)) {
            $0
                == .sourceTooShort(
                    place: TwoCopies.copy, size: good.size, needed: good.size + 1)
        }
        try Self.expect(copies, trust: try copies.head(at: good.size - 1)) {
            $0 == .withinBatch(size: good.size - 1)
        }
    }

    @Test("every lie of a copy is found where it matters")
    func liars() throws {
        let lies: [(String, (Liar, UInt64) -> Void)] = [
            (
                "a changed entry",
                { liar, place in
                    liar.changeEntries = { range, entries in
                        guard range.contains(place), range.count > 1 else { return }
                        entries[Int(place - range.lowerBound)][0] ^= 1
                    }
                }
            ),
            (
                "two entries swapped",
                { liar, place in
                    liar.changeEntries = { range, entries in
                        if range.contains(place), range.count > 1 { entries.swapAt(3, 4) }
                    }
                }
            ),
            (
                "one entry less",
                { liar, place in
                    liar.changeEntries = { range, entries in
                        if range.contains(place), range.count > 1 { entries.removeLast() }
                    }
                }
            ),
            (
                "one entry more",
                { liar, place in
                    liar.changeEntries = { range, entries in
                        if range.contains(place), range.count > 1 { entries.append([1]) }
                    }
                }
            ),
            (
                "an empty entry",
                { liar, place in
                    liar.changeEntries = { range, entries in
                        if range.contains(place), range.count > 1 { entries[7] = [] }
                    }
                }
            ),
            (
                "a changed root of a tile",
                { liar, _ in
                    liar.changeRoots = { $0[2] = Digest(hashing: [1]) }
                }
            ),
            ("a root less", { liar, _ in liar.changeRoots = { $0.removeLast() } }),
            ("a root more", { liar, _ in liar.changeRoots = { $0.append(.zero) } }),
            ("a changed leaf", { liar, _ in liar.changeLeaves = { $0[0] = .zero } }),
            ("no leaves", { liar, _ in liar.changeLeaves = { $0 = [] } }),
            ("a short size", { liar, _ in liar.size = 5 }),
            ("nothing", { liar, _ in liar.size = 0 }),
            (
                "a first entry of another ledger",
                { liar, _ in
                    liar.changeEntries = { range, entries in
                        if range == 0..<1 { entries[0][5] ^= 1 }
                    }
                }
            ),
            (
                "no first entry",
                { liar, _ in
                    liar.changeEntries = { range, entries in if range == 0..<1 { entries = [] } }
                }
            ),
        ]
        for (number, (name, lie)) in lies.enumerated() {
            let copies = try Self.damaged()
            // In a tile that has to be fetched.
            let place = copies.range(of: 1).lowerBound
            let liar = Liar(try LedgerSource(directory: TwoCopies.copy, disk: copies.disk))
            lie(liar, place)
            try Self.expect(copies, from: liar) { error in
                switch (number, error) {
                case (0...4, .sourceDamaged("the liar", _, _, _)): true
                case (5, .notVouchedFor), (8, .notVouchedFor): true
                case (6, .sourceUnreadable), (7, .sourceUnreadable), (9, .sourceUnreadable): true
                case (10, .sourceTooShort), (11, .sourceUnreadable), (12, .otherLedger): true
                case (13, .sourceUnreadable): true
                default: false
                }
            }
            #expect(liar.asked.allSatisfy { $0.count <= 256 }, "\(name)")
        }
    }

    @Test("a tile that is needed and damaged in the copy too is named, with its file")
    func bothDamaged() throws {
        let copies = try Self.damaged()
        let path = copies.segments[1].replacing(Self.directory, with: TwoCopies.copy)
        var bytes = try #require(copies.disk.bytes(of: path))
        bytes[64 + 52 + 100] ^= 1
        copies.disk.replace(path, with: bytes)
        let first = copies.range(of: 1).lowerBound
        try Self.expect(copies) { error in
            guard case .sourceDamaged(TwoCopies.copy, let tile, path, _) = error else {
                return false
            }
            return tile * 256 <= first + 256 && (tile + 1) * 256 > first
                && "\(error)".contains(path)
        }
        // What is damaged there and not needed does no harm.
        let again = try Self.damaged()
        let other = again.segments[4].replacing(Self.directory, with: TwoCopies.copy)
        var fine = try #require(again.disk.bytes(of: other))
        fine[64 + 52 + fine.count / 2] ^= 1
        again.disk.replace(other, with: fine)
        let report = try again.recover()
        #expect(report.outcome == .recovered)
        try again.check("damage elsewhere")
    }

    @Test("a ledger that a process holds, or recovers, is left alone")
    func running() throws {
        let copies = try Self.damaged()
        let lock = try copies.disk.lock("\(Self.directory)/LOCK")
        try Self.expect(copies) { $0 == .running(path: Self.directory, holder: 1) }
        lock.release()
        try copies.disk.createDirectory("\(Self.directory).recovering")
        let second = try copies.disk.lock("\(Self.directory).recovering/LOCK")
        try Self.expect(copies) { $0 == .running(path: "\(Self.directory).recovering", holder: 1) }
        second.release()
        #expect(try copies.recover().outcome == .recovered)
    }

    @Test("a directory that is no ledger, or another ledger, or the copy itself, is left alone")
    func targets() throws {
        let copies = try TwoCopies.fresh()
        try copies.remove(Self.directory)
        try copies.disk.createDirectory(Self.directory)
        copies.disk.replace("\(Self.directory)/thesis.tex", with: [1])
        try Self.expect(copies) { $0 == .notALedger(path: Self.directory, found: "thesis.tex") }

        let again = try TwoCopies.fresh()
        #expect(throws: RecoveryError.sameDirectory(path: Self.directory)) {
            try again.recover(
                from: LedgerSource(directory: Self.directory, disk: again.disk))
        }
        try again.remove(Self.directory)
        var setup = Setup()
        setup.start = Time(setup.start.rawValue + 1)
        let foreign = try LedgerScenario(setup)
        let log = try EventLog.create(directory: Self.directory, disk: again.disk)
        var state = LedgerState()
        try StoredLedger.append(foreign.log, to: log, &state)
        try log.close()
        try Self.expect(again) {
            $0
                == .targetIsOtherLedger(
                    path: Self.directory, expected: again.trust.ledger, found: state.ledger)
        }
        #expect(throws: RecoveryError.self) {
            // Its parent is missing.
            try LedgerRecovery.run(
                directory: "/nowhere/ledger",
                from: LedgerSource(directory: TwoCopies.copy, disk: again.disk),
                trust: again.trust, disk: again.disk)
        }
    }
}
