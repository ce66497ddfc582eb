// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Foundation
import Hosting
import Ledger
import Replication
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct CaseTests {
    // MARK: The first answer

    @Test(arguments: 0..<50)
    func brokenRuleIsToldFromAllElse(_ seed: Int) throws {
        var dispute = try Dispute(seed: UInt64(seed), othersRun: seed % 2 == 0 ? "1.0" : nil)
        let batch = try dispute.makeBatch()
        let wrong = Dispute.Wrong.allCases[seed % Dispute.Wrong.allCases.count]
        let found = try #require(try dispute.found(in: try dispute.broken(batch, wrong)))
        let expected: CaseAnswer = wrong == .unsigned || wrong == .stale ? .inputs : .derivation
        #expect(found.answer == expected, "\(wrong)")
        #expect(found.disk == .whole)
        #expect(found.repeats.map(\.isFromLedger) == [true])
        let check = CaseCheck(found)
        #expect(check.holds, "\(check.lines)")
        #expect(check.confirms == .node)
        // Its state is the node's; nobody needs the ledger.
        #expect(try found.state().componentRoots() == dispute.before.state.componentRoots())
        var elsewhere = found
        elsewhere.derive(
            again: .freshProcess, ledgerDirectory: nil, disk: SimulatedDisk(),
            versions: Dispute.versions)
        #expect(elsewhere.answer == expected)
        #expect(elsewhere.repeats.last?.isFromLedger == false)
    }

    @Test(arguments: 100..<150)
    func otherVersionOfAllOthersIsTold(_ seed: Int) throws {
        var dispute = try Dispute(seed: UInt64(seed), othersRun: "2.0")
        let batch = try dispute.makeBatch()
        let wrong = Dispute.Wrong.allCases[seed % Dispute.Wrong.allCases.count]
        let found = try #require(try dispute.found(in: try dispute.broken(batch, wrong)))
        #expect(found.answer == .version)
        #expect(found.voters.allSatisfy { $0.versions?.program == "2.0" })
    }

    @Test(arguments: 200..<250)
    func failureOfMemoryIsTold(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var dispute = try Dispute(seed: UInt64(seed))
        let batch = try dispute.makeBatch()
        let found = try dispute.foundAfterFailedMemory(batch, &random)
        #expect(found.answer == .memory, "\(found.divergence)")
        // The state in the case comes from the disk then, and gives what was agreed on.
        #expect(CaseCheck(found).confirms == .quorum)
    }

    @Test func failureThatDidNotLastIsOneOfMemory() throws {
        var dispute = try Dispute(seed: 11)
        let batch = try dispute.makeBatch()
        var found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        found.batch = batch
        found.repeats = []
        #expect(found.answer == .unknown)
        // State and disk are whole, and the batch comes to what was agreed on by now.
        found.derive(
            again: .sameProcess, ledgerDirectory: "\(Dispute.directory)/ledger",
            disk: dispute.disk, versions: Dispute.versions)
        #expect(found.held == found.components && found.disk == .whole)
        #expect(found.answer == .memory)
        // What the node held tells it by itself.
        found.repeats = []
        found.held[4] = .zero
        #expect(found.answer == .memory)
    }

    @Test(arguments: 300..<350)
    func damagedDiskIsTold(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var dispute = try Dispute(seed: UInt64(seed))
        let batch = try dispute.makeBatch()
        let broken = try dispute.broken(batch, .reputation)
        let found = try #require(
            try dispute.found(in: broken) { disk in
                let files = disk.files.filter { $0.contains("/ledger/segments/") }
                guard let file = files.randomElement(using: &random),
                    var bytes = disk.bytes(of: file)
                else { return }
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1
                disk.replace(file, with: bytes)
            })
        #expect(found.answer == .damage, "\(found.disk)")
    }

    @Test(arguments: 400..<440)
    func whereNothingDiffersThereIsNoCase(_ seed: Int) throws {
        var dispute = try Dispute(seed: UInt64(seed))
        let batch = try dispute.makeBatch()
        #expect(try dispute.found(in: batch) == nil)
        #expect(!dispute.disk.files.contains { $0.contains("/cases/") })
    }

    @Test func caseOfTwoSizesIsNotDerived() throws {
        var dispute = try Dispute(seed: 3)
        let batch = try dispute.makeBatch()
        var found = try #require(try dispute.found(in: try dispute.broken(batch, .reputation)))
        let state = try found.state()
        found.frontier.append(leaf: [1])
        let words = "the state has \(state.size) entries, the log \(state.size + 1)"
        #expect(found.outcome(on: state) == .failed(words))
    }

    // MARK: What is in it

    @Test func caseHoldsBothSidesInFull() throws {
        var dispute = try Dispute(seed: 1, othersRun: "1.0")
        let batch = try dispute.makeBatch()
        let broken = try dispute.broken(batch, .reputation)
        let found = try #require(try dispute.found(in: broken))
        #expect(found.batch == broken)
        #expect(found.own == batch.entries)
        #expect(found.ownRoot == batch.precommits.root)
        let report = CaseReport(found, path: "x.case")
        #expect(report.answer == "derivation")
        #expect(report.components.filter { !$0.isSame }.map(\.component) == ["validators"])
        let key = try #require(report.keys.first)
        #expect(report.keyCount == 1)
        #expect(key.component == "validators" && key.key.hasPrefix("reputation of party-"))
        #expect(key.first != key.second)
        #expect(report.entries?.decided?.event == "reputationChanged")
        #expect(report.voters.count == Dispute.threshold && report.needed == Dispute.threshold)
        #expect(report.sentences.count == 3)
    }

    @Test func caseOfAnotherHistorySaysSo() throws {
        var dispute = try Dispute(seed: 5)
        let copy = dispute
        let batch = try dispute.makeBatch()
        let other = try dispute.broken(batch, .reputation)
        // The others go on from what they agreed on, the node from what the rules say.
        let host = try copy.open()
        try copy.hand(batch, to: host)
        try host.close()
        var state = dispute.before.state
        for event in other.events { try state.apply(Entry(event)) }
        let opened = try opening(after: other, state)
        let found = try #require(try dispute.found(in: opened))
        #expect(found.answer == .inputs)
        guard case .history(let height, let decided, let derived) = found.divergence else {
            Issue.record("\(found.divergence)")
            return
        }
        #expect(height == batch.precommits.height && decided == other.precommits.root)
        #expect(derived == batch.precommits.root)
        #expect(CaseCheck(found).holds)
    }

    @Test func nobodyIsBelievedWhoOnlySaysThatHistoryIsAnother() throws {
        var dispute = try Dispute(seed: 16)
        let batch = try dispute.makeBatch()
        let other = try dispute.broken(batch, .reputation)
        let host = try dispute.open()
        try dispute.hand(batch, to: host)
        try host.close()
        var forged = other
        forged.precommits.signatures[0].signature = .zero
        let state = dispute.scenario.state
        #expect(try dispute.found(in: try opening(after: forged, state)) == nil)
        forged.precommits.signatures.removeFirst()
        #expect(try dispute.found(in: try opening(after: forged, state)) == nil)
    }

    /// A batch that rests on another, as far as its opening goes.
    private func opening(
        after last: DecidedBatch, _ state: LedgerState
    ) throws -> DecidedBatch {
        let opened = BatchOpened(
            height: Height(state.height.rawValue + 1), time: state.time.adding(milliseconds: 1),
            proposer: ValidatorIndex(0), round: 0, previousRoot: last.precommits.root,
            precommitRound: 0, precommits: last.precommits.signatures, signature: .zero)
        return Dispute.decided(
            [.batchOpened(opened)], height: opened.height, root: Digest(hashing: [1]),
            in: state.ledger)
    }

    @Test func caseThatDoesNotHoldTogetherIsNotBelieved() throws {
        var dispute = try Dispute(seed: 13)
        let batch = try dispute.makeBatch()
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        func wrong(_ change: (inout DivergenceCase) -> Void) -> [String] {
            var copy = found
            change(&copy)
            let check = CaseCheck(copy)
            #expect(!check.holds && check.confirms == .unjudged)
            return check.lines.filter { $0.holds == false }.map(\.check)
        }
        #expect(wrong { $0.batch.entries.removeLast() } == ["batch"])
        #expect(wrong { $0.batch.precommits.signatures[2].signature = .zero } == ["precommits"])
        #expect(wrong { $0.batch.precommits.signatures.removeLast() } == ["precommits"])
        #expect(wrong { $0.seal?.before.append(leaf: [1]) } == ["history"])
        #expect(wrong { $0.components[2] = .zero }.contains("state"))
        #expect(wrong { $0.frontier.append(leaf: [1]) }.contains("history"))
    }

    @Test func otherLogOnTheDiskIsDamage() throws {
        var dispute = try Dispute(seed: 14)
        let batch = try dispute.makeBatch()
        var found = try #require(try dispute.found(in: try dispute.broken(batch, .margin)))
        var other = try Dispute(seed: 15)
        for _ in 0..<3 {
            let host = try other.open()
            try other.hand(try other.makeBatch(), to: host)
            try host.close()
        }
        found.derive(
            again: .freshProcess, ledgerDirectory: "\(Dispute.directory)/ledger",
            disk: other.disk, versions: Dispute.versions)
        #expect(found.answer == .damage)
        guard case .otherRoot = found.disk else {
            Issue.record("\(found.disk)")
            return
        }
        // What was found wrong once stays so.
        found.derive(
            again: .freshProcess, ledgerDirectory: "\(Dispute.directory)/ledger",
            disk: dispute.disk, versions: Dispute.versions)
        #expect(found.answer == .damage)
    }

    // MARK: The second reader

    @Test(.enabled(if: Reader.isThere), arguments: Dispute.Wrong.allCases)
    func secondReaderConfirmsTheNodeAgainstABrokenRule(_ wrong: Dispute.Wrong) throws {
        var dispute = try Dispute(seed: 21, othersRun: "1.0")
        let batch = try dispute.makeBatch()
        let found = try #require(try dispute.found(in: try dispute.broken(batch, wrong)))
        let verdict = try judge(found)
        #expect(verdict.output.contains(#""confirms": "node""#), "\(verdict.output)")
        #expect(verdict.status == 1)
    }

    @Test(.enabled(if: Reader.isThere), arguments: 0..<4)
    func secondReaderConfirmsTheQuorumAgainstFailedMemory(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var dispute = try Dispute(seed: UInt64(30 + seed))
        let batch = try dispute.makeBatch()
        var found = try dispute.foundAfterFailedMemory(batch, &random)
        let verdict = try judge(found)
        #expect(verdict.output.contains(#""confirms": "quorum""#), "\(verdict.output)")
        #expect(verdict.status == 0)
        // Neither side, where both break a rule.
        let broken = try dispute.broken(batch, .margin)
        found.batch = broken
        let neither = try judge(found)
        #expect(neither.output.contains(#""confirms": "n"#), "\(neither.output)")
    }

    @Test(.enabled(if: Reader.isThere)) func secondReaderRefusesWhatIsNoCase() throws {
        var dispute = try Dispute(seed: 40)
        let batch = try dispute.makeBatch()
        var found = try #require(try dispute.found(in: try dispute.broken(batch, .leader)))
        found.batch.precommits.signatures[0].signature = .zero
        #expect(try judge(found).status == 2)
        found.components[3] = .zero
        #expect(try judge(found).status == 2)
    }

    private func judge(_ found: DivergenceCase) throws -> (status: Int32, output: String) {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("\(UUID().uuidString).case")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(CaseFile.encoded(found)).write(to: file)
        return try Reader.judge(file.path)
    }

    // MARK: What the node does then

    @Test func nodeWithAnOpenCaseDoesNothingUntilItIsReleased() throws {
        var dispute = try Dispute(seed: 2)
        let batch = try dispute.makeBatch()
        #expect(try dispute.found(in: try dispute.broken(batch, .deadline)) != nil)
        for _ in 0..<3 {
            let host = try dispute.open()
            #expect(host.stopped?.contains("recount case release") == true)
            #expect(host.nextWake == .max)
            #expect(try host.start(at: dispute.instant).isEmpty)
            #expect(try dispute.hand(batch, to: host).isEmpty)
            #expect(host.state.height < batch.precommits.height)
            try host.close()
        }
        let store = CaseStore(home: Dispute.directory, disk: dispute.disk)
        let listed = try #require(try store.all().first)
        #expect(listed.status == .open)
        try store.note(.released, of: listed.name)
        let host = try dispute.open()
        #expect(host.stopped == nil)
        #expect(host.isSilent)
        _ = try host.start(at: dispute.instant)
        #expect(try store.all().map(\.status) == [.released])
        // What was agreed on is still not what follows: there is another case, which is open.
        #expect(throws: HostError.self) {
            try dispute.hand(try dispute.broken(batch, .deadline), to: host)
        }
        #expect(try store.all().map(\.status) == [.released, .open])
    }

    @Test func nodeTakesUpWhatWasAgreedOnAndSpeaksAgain() throws {
        var dispute = try Dispute(seed: 3)
        let batch = try dispute.makeBatch()
        var random = SplitMix64(seed: 3)
        let found = try dispute.foundAfterFailedMemory(batch, &random)
        let store = CaseStore(home: Dispute.directory, disk: dispute.disk)
        let name = try store.keep(found)
        #expect(try dispute.open().stopped != nil)
        try store.note(.released, of: name)
        let host = try dispute.open()
        #expect(host.isSilent)
        _ = try host.start(at: dispute.instant)
        try dispute.hand(batch, to: host)
        #expect(host.state.height == batch.precommits.height)
        #expect(!host.isSilent)
        #expect(try store.all().map(\.status) == [.closed])
        try host.close()
        #expect(try dispute.open().stopped == nil)
    }

    @Test func anotherVersionGoesOnByItself() throws {
        var dispute = try Dispute(seed: 4)
        let batch = try dispute.makeBatch()
        var random = SplitMix64(seed: 9)
        let found = try dispute.foundAfterFailedMemory(batch, &random)
        let store = CaseStore(home: Dispute.directory, disk: dispute.disk)
        _ = try store.keep(found)
        var newer = Dispute.versions
        newer.program = "1.1"
        let host = try dispute.open(versions: newer)
        #expect(host.stopped == nil && host.isSilent)
        _ = try host.start(at: dispute.instant)
        try dispute.hand(batch, to: host)
        #expect(!host.isSilent)
        try host.close()
        #expect(try store.all().map(\.status) == [.closed])
    }

    @Test func ledgerThatHoldsTheOutcomeStillWantsAPersonsWord() throws {
        var dispute = try Dispute(seed: 6)
        let batch = try dispute.makeBatch()
        var random = SplitMix64(seed: 6)
        let found = try dispute.foundAfterFailedMemory(batch, &random)
        let host = try dispute.open()
        try dispute.hand(batch, to: host)
        try host.close()
        let store = CaseStore(home: Dispute.directory, disk: dispute.disk)
        let name = try store.keep(found)
        #expect(try dispute.open().stopped != nil)
        try store.note(.released, of: name)
        let again = try dispute.open()
        #expect(again.stopped == nil && !again.isSilent)
        #expect(again.notices.contains { $0.contains(name) })
        #expect(try store.all().map(\.status) == [.closed])
    }

    @Test func ledgerThatHoldsAnotherBatchKeepsTheNodeStopped() throws {
        var dispute = try Dispute(seed: 12)
        let batch = try dispute.makeBatch()
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .deadline)))
        let store = CaseStore(home: Dispute.directory, disk: dispute.disk)
        let name = try #require(try store.all().first).name
        try store.note(.released, of: name)
        let host = try dispute.open()
        try dispute.hand(batch, to: host)
        try host.close()
        #expect(found.root != batch.precommits.root)
        #expect(try dispute.open().stopped?.contains("another batch") == true)
        #expect(try store.all().map(\.status) == [.released])
    }

    @Test func caseOfAnotherLedgerIsNotTakenForOneOfThis() throws {
        var dispute = try Dispute(seed: 17)
        let batch = try dispute.makeBatch()
        var found = try #require(try dispute.found(in: try dispute.broken(batch, .leader)))
        let store = CaseStore(home: Dispute.directory, disk: dispute.disk)
        let name = try #require(try store.all().first).name
        found.ledger = LedgerID(.zero)
        try store.replace(name, with: found)
        // A word about another ledger releases nothing here.
        try store.note(.released, of: name)
        #expect(try dispute.open().stopped?.contains("another ledger") == true)
    }

    @Test func damagedCaseStopsTheNodeToo() throws {
        var dispute = try Dispute(seed: 7)
        let batch = try dispute.makeBatch()
        #expect(try dispute.found(in: try dispute.broken(batch, .omitted)) != nil)
        let path = try #require(dispute.disk.files.first { $0.hasSuffix(".case") })
        let bytes = try #require(dispute.disk.bytes(of: path))
        dispute.disk.replace(path, with: Array(bytes.prefix(bytes.count / 2)))
        #expect(try dispute.open().stopped?.contains("cut short") == true)
        let store = CaseStore(home: Dispute.directory, disk: dispute.disk)
        try store.note(.released, of: try #require(try store.all().first).name)
        let host = try dispute.open()
        #expect(host.stopped == nil && host.isSilent)
    }

    /// Power fails at each operation while a case is kept: afterwards there is none, and nothing
    /// was said, or it is whole.
    @Test func powerFailsAtEachStepOfKeeping() throws {
        var dispute = try Dispute(seed: 8)
        let batch = try dispute.makeBatch()
        let broken = try dispute.broken(batch, .margin)
        var step = 0
        var kept = 0
        while step < 200 {
            let disk = SimulatedDisk(copying: dispute.disk)
            let host = try dispute.open(on: disk)
            disk.fail(operation: step, with: .powerCut)
            do throws(HostError) {
                _ = try host.receive(
                    PeerMessage.batch(broken).encoded, from: ValidatorIndex(0),
                    at: dispute.instant)
                Issue.record("step \(step): the node went on")
            } catch {
                guard case .diverged(_, let path) = error else {
                    Issue.record("step \(step): \(error)")
                    return
                }
                if path != nil { kept += 1 }
            }
            let isOver = kept > 0
            disk.healFaults()
            disk.restart(seed: UInt64(step))
            let store = CaseStore(home: Dispute.directory, disk: disk)
            for one in try store.all() {
                #expect(try store.load(one.name).batch == broken, "step \(step)")
                #expect(try dispute.open(on: disk).stopped != nil, "step \(step)")
            }
            if isOver { break }
            step += 1
        }
        #expect(step > 8 && kept == 1)
    }

    @Test func fullDiskIsSaidAndStopsTheNode() throws {
        var dispute = try Dispute(seed: 9)
        let batch = try dispute.makeBatch()
        let host = try dispute.open()
        dispute.disk.fail(operation: 1, with: .noSpace)
        do throws(HostError) {
            _ = try host.receive(
                PeerMessage.batch(try broken(dispute, batch)).encoded, from: ValidatorIndex(0),
                at: dispute.instant)
            Issue.record("the node went on")
        } catch {
            guard case .diverged(_, case: nil) = error else {
                Issue.record("\(error)")
                return
            }
            #expect("\(error)".contains("no case could be kept"))
        }
    }

    private func broken(_ dispute: Dispute, _ batch: DecidedBatch) throws(HostError) -> DecidedBatch
    {
        do { return try dispute.broken(batch, .margin) } catch { fatalError("\(error)") }
    }

    // MARK: Files that are wrong

    @Test func everyCutAndManyFlipsAreRefused() throws {
        var dispute = try Dispute(seed: 10)
        let batch = try dispute.makeBatch()
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .reputation)))
        let bytes = CaseFile.encoded(found)
        #expect(try CaseFile.decode(bytes) == found)
        for length in 0..<bytes.count {
            #expect(throws: CaseFault.self) { try CaseFile.decode(Array(bytes.prefix(length))) }
        }
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 0x10
            #expect(throws: CaseFault.self) { try CaseFile.decode(changed) }
        }
        #expect(throws: CaseFault.self) { try CaseFile.decode(bytes + [0]) }
    }

    /// Whoever forges a case can give it the right hash, and roots that its state has.
    @Test(arguments: 0..<8)
    func forgedCasesAreJudgedWithoutATrap(_ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(1_000 + seed))
        var dispute = try Dispute(seed: UInt64(seed), othersRun: "1.0")
        let batch = try dispute.makeBatch()
        let found = try #require(try dispute.found(in: try dispute.broken(batch, .reputation)))
        let body = found.encoded
        var judged = 0
        for _ in 0..<4_000 {
            var changed = body
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: changed.indices, using: &random)
                changed[place] = UInt8.random(in: .min ... .max, using: &random)
            }
            var forged: DivergenceCase
            do throws(Ledger.DecodingError) {
                forged = try DivergenceCase(decoding: changed)
            } catch { continue }
            forged = forged.withRootsOfItsState
            let check = CaseCheck(forged)
            if check.confirms != .unjudged { judged += 1 }
            _ = CaseReport(forged, path: "forged")
            _ = forged.answer
        }
        #expect(judged > 0)
    }
}

extension DivergenceCase {
    /// With the roots that the state in it has, so that it passes as what was sealed.
    fileprivate var withRootsOfItsState: DivergenceCase {
        var copy = self
        for _ in StateComponent.allCases {
            do throws(SnapshotError) {
                _ = try copy.state()
                break
            } catch {
                guard case .root(let label, _, let computed) = error,
                    let place = StateComponent.allCases.firstIndex(where: { $0.label == label })
                else { return copy }
                copy.components[place] = computed
            }
        }
        if let seal = copy.seal, copy.components != seal.components { copy.seal = nil }
        return copy
    }
}
