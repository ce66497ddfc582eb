// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Hosting
import Ledger
import Replication
import Storage
import TestSupport
import Testing

/// Cases and snapshots as copies: the batch in dispute, and the state at a place.
struct DiffStateTests {
    // MARK: Cases

    private func keep(_ found: DivergenceCase, _ dispute: Dispute) -> String {
        dispute.disk.replace("/x.case", with: CaseFile.encoded(found))
        return "/x.case"
    }

    private func write(_ events: [Event], to path: String, on disk: SimulatedDisk) throws {
        let log = try EventLog.create(directory: path, disk: disk)
        for event in events { _ = try log.stage(event.encoded) }
        try log.commit()
        try log.close()
    }

    @Test(arguments: Dispute.Wrong.allCases)
    func `a case is two sides by itself, and one beside a ledger`(
        _ wrong: Dispute.Wrong
    ) throws {
        for seed in UInt64(80)..<84 {
            var dispute = try Dispute(seed: seed)
            let batch = try dispute.makeBatch()
            let broken = try dispute.broken(batch, wrong)
            let found = try #require(try dispute.found(in: broken))
            let path = keep(found, dispute)
            let place = zip(broken.entries, batch.entries).enumerated()
                .first { $0.element.0 != $0.element.1 }?.offset
            let entry = found.frontier.count + UInt64(try #require(place))
            let alone = try HistoryDiff(caseAt: path, disk: dispute.disk)
            #expect(alone.verdict == .different)
            #expect(alone.copies.map(\.form) == [.case, .case])
            let own = try #require(alone.comparisons.first)
            #expect(own.entry == entry, "\(wrong): \(own.sentence)")
            if found.ownStopped == nil {
                #expect(own.height == batch.precommits.height.rawValue)
                // T signed what was decided, and nobody what the node derived.
                let proved = own.signatures.filter(\.holds).map(\.copy)
                #expect(proved == ["the decided side"], "\(wrong)")
            } else {
                #expect(own.kind == .longer && own.sentence.contains("stopped"), "\(own.sentence)")
            }
            try write(dispute.scenario.log, to: "/right", on: dispute.disk)
            for names in [["/right", path], [path, "/right"]] {
                let beside = try HistoryDiff(names.map { ($0, $0) }, disk: dispute.disk)
                let other = try #require(beside.comparisons.first)
                #expect(other.entry == entry, "\(wrong): \(other.sentence)")
                #expect(other.height == batch.precommits.height.rawValue)
                if wrong == .reputation {
                    #expect(own.kind == .otherDerivation && other.kind == .otherDerivation)
                    #expect(own.components.map(\.component) == ["validators"])
                    #expect(other.keys.count == 1)
                }
            }
            // What the node held is the start of the case.
            let before = try HistoryDiff(
                [("/node", "node"), (path, path)], disk: dispute.disk)
            #expect(before.comparisons.first?.kind == .longer, "\(before.comparisons)")
        }
    }

    @Test func `a case whose batch a ledger holds is no difference`() throws {
        var random = SplitMix64(seed: 90)
        var dispute = try Dispute(seed: 90)
        let batch = try dispute.makeBatch()
        let found = try dispute.foundAfterFailedMemory(batch, &random)
        let path = keep(found, dispute)
        try write(dispute.scenario.log, to: "/right", on: dispute.disk)
        let diff = try HistoryDiff([("/right", "right"), (path, "x")], disk: dispute.disk)
        #expect(diff.verdict == .same, "\(diff.comparisons)")
    }

    @Test func `a case of another history tells that the logs differ before it`() throws {
        var dispute = try Dispute(seed: 5)
        let batch = try dispute.makeBatch()
        var found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        found.divergence = .history(
            found.height, decided: Digest(hashing: [1]), derived: found.frontier.root)
        guard case .batchOpened(var opened)? = found.batch.events.first else { return }
        opened.previousRoot = Digest(hashing: [1])
        found.batch.entries[0] = EntryBytes(Event.batchOpened(opened).encoded)
        let diff = try HistoryDiff(caseAt: keep(found, dispute), disk: dispute.disk)
        #expect(diff.comparisons.first?.kind == .otherRoot)
        #expect(diff.comparisons.first?.before == found.frontier.count)
    }

    @Test func `a case that is cut or bound to nothing is refused in words`() throws {
        var dispute = try Dispute(seed: 7)
        let batch = try dispute.makeBatch()
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        var (unbound, shorter) = (found, found)
        unbound.components[1] = .zero
        // The hash of the file holds, and the root that T signed is not that of the entries.
        shorter.batch.entries.remove(at: 1)
        let whole = CaseFile.encoded(found)
        dispute.disk.replace("/y.case", with: whole)
        _ = try HistoryDiff(caseAt: "/y.case", disk: dispute.disk)
        for bytes in [
            CaseFile.encoded(unbound), CaseFile.encoded(shorter), Array(whole.dropLast()),
        ] {
            dispute.disk.replace("/y.case", with: bytes)
            do {
                _ = try HistoryDiff(caseAt: "/y.case", disk: dispute.disk)
                Issue.record("it was taken")
            } catch {
                #expect("\(error)".contains("/y.case"))
            }
        }
    }

    // MARK: Snapshots

    private struct Kept {
        let shelf = Shelf()
        let log: EventLog
        let state: LedgerState
        let events: [Event]

        init(seed: UInt64) throws {
            let scenario = try GoldenRun.play(seed: seed, batches: 12, signs: false)
            (events, state) = (scenario.log, scenario.state)
            try shelf.write(events, to: "/a")
            log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        }

        /// Writes a snapshot of this state, with these roots in its header.
        func write(_ snapshot: StateSnapshot, _ components: [Digest], to folder: String) throws
            -> String
        {
            try shelf.write(events, to: folder)
            let store = SnapshotStore(ledgerDirectory: folder, disk: shelf.disk)
            _ = try store.write(
                snapshot, height: state.height, ledger: state.ledger, components: components,
                size: state.size, log: log)
            return store.path(state.height)
        }

        /// The state with another reputation of somebody, and its roots.
        func changed() throws -> (snapshot: StateSnapshot, roots: [Digest], name: String) {
            let honest = state.snapshot()
            for place in honest.fixed.indices {
                var fixed = honest.fixed
                fixed[place] ^= 1
                let snapshot = StateSnapshot(fixed: fixed, records: honest.records)
                guard var other = try? LedgerState(unverified: snapshot) else { continue }
                try? other.verify(
                    trees: snapshot.records.map { $0.frontier() }, components: [])
                let differing = zip(other.validators, state.validators).filter {
                    $0.reputation != $1.reputation
                }
                guard let one = differing.first else { continue }
                return (snapshot, other.componentRoots(), one.1.name)
            }
            throw Missing()
        }
    }

    private struct Missing: Error {}

    @Test func `a snapshot of the ledger's own state is told to be that`() throws {
        let kept = try Kept(seed: 31)
        let path = try kept.write(
            kept.state.snapshot(), kept.state.componentRoots(), to: "/s")
        let diff = try kept.shelf.diff("/a", path)
        #expect(diff.verdict == .same)
        #expect(diff.comparisons.first?.sentence.contains("state after the first") == true)
        #expect(diff.comparisons.first?.components.isEmpty == true)
        // A ledger that goes on is only longer.
        let longer = try GoldenRun.play(seed: 31, batches: 14, signs: false).log
        try kept.shelf.write(longer, to: "/longer")
        let other = try #require(try kept.shelf.diff("/longer", path).comparisons.first)
        #expect(other.kind == .longer)
        #expect(other.sentence.contains("is the same"), "\(other.sentence)")
    }

    @Test func `another state under the same log is told by component and key`() throws {
        let kept = try Kept(seed: 32)
        let changed = try kept.changed()
        let path = try kept.write(changed.snapshot, changed.roots, to: "/s")
        for names in [["/a", path], [path, "/a"]] {
            let diff = try HistoryDiff(names.map { ($0, $0) }, disk: kept.shelf.disk)
            let found = try #require(diff.comparisons.first)
            #expect(diff.verdict == .different)
            #expect(found.kind == .otherState, "\(found.sentence)")
            #expect(found.components.map(\.component) == ["validators"])
            #expect(found.keys.map(\.key) == ["reputation of \(changed.name)"])
            #expect(found.keys.first?.first != found.keys.first?.second)
        }
        // Two snapshots of one place.
        let honest = try kept.write(
            kept.state.snapshot(), kept.state.componentRoots(), to: "/h")
        let found = try #require(try kept.shelf.diff(honest, path).comparisons.first)
        #expect(found.kind == .otherState)
        #expect(found.keys.count == 1)
    }

    @Test func `other leaders are told by their number and root`() throws {
        let kept = try Kept(seed: 34)
        let honest = kept.state.snapshot()
        let root = kept.state.leaderHistory.frontier.subtrees[0].bytes
        let place = try #require(honest.fixed.firstRange(of: root)?.lowerBound)
        var fixed = honest.fixed
        fixed[place] ^= 1
        let snapshot = StateSnapshot(fixed: fixed, records: honest.records)
        var other = try LedgerState(unverified: snapshot)
        try? other.verify(trees: snapshot.records.map { $0.frontier() }, components: [])
        let path = try kept.write(snapshot, other.componentRoots(), to: "/s")
        let found = try #require(try kept.shelf.diff("/a", path).comparisons.first)
        #expect(found.components.map(\.component) == ["leaders"])
        #expect(found.keys.map(\.key) == ["history"])
        let count = kept.state.leaderHistory.count
        #expect(found.keys.first?.first?.hasPrefix("\(count) records") == true)
    }

    @Test func `a snapshot whose contents are not what it says is damaged`() throws {
        let kept = try Kept(seed: 33)
        let changed = try kept.changed()
        let path = try kept.write(changed.snapshot, kept.state.componentRoots(), to: "/s")
        let found = try #require(try kept.shelf.diff("/a", path).comparisons.first)
        #expect(found.kind == .damage, "\(found.sentence)")
        #expect(found.keys.map(\.key) == ["reputation of \(changed.name)"])
        #expect(found.sentence.contains("damaged"))
        // Cut, it cannot be read.
        var bytes = try #require(kept.shelf.disk.bytes(of: path))
        bytes.removeLast(5)
        kept.shelf.disk.replace(path, with: bytes)
        #expect(throws: CopyError.self) { try kept.shelf.diff("/a", path) }
    }

    @Test func `keys are told where the logs differ before the snapshot too`() throws {
        var told = 0
        for seed in UInt64(0)..<10 {
            let quarrel = try Quarrel(.otherTime, seed: seed)
            let shelf = Shelf()
            try shelf.write(quarrel.first, to: "/a")
            try shelf.write(quarrel.second, to: "/b")
            let log = try EventLog.open(directory: "/b", disk: shelf.disk, access: .readOnly)
            var state = LedgerState()
            for event in quarrel.second { try state.apply(Entry(event)) }
            let store = SnapshotStore(ledgerDirectory: "/b", disk: shelf.disk)
            _ = try store.write(
                state.snapshot(), height: state.height, ledger: state.ledger,
                components: state.componentRoots(), size: state.size, log: log)
            let found = try #require(
                try shelf.diff("/a", store.path(state.height)).comparisons.first)
            #expect(found.kind == .otherRoot)
            // Without a seal of that size in the ledger there is nothing to compare.
            guard !found.components.isEmpty else { continue }
            let parts = Set(found.components.map(\.component))
            #expect(found.keys.allSatisfy { parts.contains($0.component) })
            #expect(found.unjudged.isEmpty, "\(found.unjudged)")
            if !found.keys.isEmpty { told += 1 }
        }
        #expect(told > 0)
    }
}
