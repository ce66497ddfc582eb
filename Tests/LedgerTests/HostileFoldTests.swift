// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport
import Testing

@Suite("logs that no rules wrote")
struct HostileFoldTests {
    /// Asks everything that can be asked; each answer but a trap is good.
    private func ask(_ state: LedgerState, _ generator: inout EventGenerator) -> Int {
        var answers = 0
        func decide(_ command: Command) {
            do throws(Refusal) { _ = try state.decide(command) } catch { answers += 1 }
        }
        for tag in 0..<7 as Range<UInt8> {
            let message = generator.message(tag)
            decide(.message(Checked(unchecked: message)))
            decide(.recordRefusal(Checked(unchecked: message)))
        }
        decide(.closeDue)
        decide(.seal(size: state.size, root: .zero))
        let ranking = state.proposerRanking(height: Height(1))
        for time in [state.time.adding(milliseconds: 1), Time(.max)] {
            let event = BatchOpened(
                height: Height(state.height.rawValue &+ 1), time: time,
                proposer: ranking.first ?? ValidatorIndex(0), round: 0, previousRoot: .zero,
                precommitRound: 0, precommits: [], signature: .zero)
            let opening = BatchOpening(event: event, proposer: PublicKey(.zero), precommitKeys: [])
            decide(.openBatch(Checked(unchecked: opening), root: .zero))
        }
        _ = state.componentRoots()
        _ = state.nextDue
        return answers + closeAll(state)
    }

    /// Goes to the end of time, where every round and job is due; counts what cannot follow.
    private func closeAll(_ state: LedgerState) -> Int {
        var state = state
        var refused = 0
        let seal = BatchSealed(
            height: state.height, size: 0, root: .zero, stateRoot: .zero, components: [])
        let open = BatchOpened(
            height: Height(state.height.rawValue &+ 1), time: Time(.max),
            proposer: ValidatorIndex(0), round: 0, previousRoot: .zero, precommitRound: 0,
            precommits: [], signature: .zero)
        var events: [Event] = [.batchSealed(seal), .batchOpened(open)]
        for _ in 0..<2 {
            for event in events {
                do throws(FoldError) { try state.apply(Entry(event)) } catch {
                    refused += 1
                }
            }
            do throws(Refusal) { events = try state.decide(.closeDue) } catch { refused += 1 }
        }
        return refused
    }

    private func fold(_ log: [Event], _ generator: inout EventGenerator) -> (Int, Int) {
        var state = LedgerState()
        var refused = 0
        var folded = 0
        for (place, event) in log.enumerated() {
            if let message = state.message(of: event) {
                do throws(Refusal) {
                    _ = try state.decide(.message(Checked(unchecked: message)))
                } catch { refused += 1 }
            }
            do throws(FoldError) {
                try state.apply(Entry(event))
                folded += 1
            } catch { refused += 1 }
            if place % 97 == 96 { refused += ask(state, &generator) }
        }
        return (folded, refused + ask(state, &generator))
    }

    /// Bytes of the event changed until they decode again, or the event itself.
    private func bent(_ event: Event, _ generator: inout EventGenerator) -> Event {
        for _ in 0..<8 {
            var bytes = event.encoded
            for _ in 0...generator.below(2) {
                bytes[Int(generator.below(UInt64(bytes.count)))] = UInt8(generator.below(4))
            }
            do throws(DecodingError) { return try Event(decoding: bytes) } catch { continue }
        }
        return event
    }

    @Test("a log with events changed, moved, doubled, dropped or invented never traps the fold")
    func mutatedLogs() throws {
        let log = try GoldenRun.play(seed: 6, batches: 20, signs: false).log
        for seed in 0..<60 as Range<UInt64> {
            var generator = EventGenerator(seed: seed)
            var bad = log
            for _ in 0..<(1 + generator.below(60)) {
                let place = Int(generator.below(UInt64(bad.count)))
                let other = Int(generator.below(UInt64(bad.count)))
                switch generator.below(6) {
                case 0: bad.swapAt(place, other)
                case 1: bad.insert(bad[place], at: other)
                case 2: bad.remove(at: place)
                case 3: bad.insert(generator.event(), at: place)
                default: bad[place] = bent(bad[place], &generator)
                }
            }
            let (folded, refused) = fold(bad, &generator)
            #expect(folded + refused > 0, "seed \(seed)")
        }
    }

    @Test("shuffled batches and garbage never trap the fold")
    func shuffledLogs() throws {
        let log = try GoldenRun.play(seed: 7, batches: 12, signs: false).log
        for seed in 0..<40 as Range<UInt64> {
            var generator = EventGenerator(seed: seed)
            var tail = Array(log.dropFirst(3)) + (0..<100).map { _ in generator.event() }
            tail.shuffle(using: &generator.random)
            let (folded, refused) = fold(Array(log.prefix(3)) + tail, &generator)
            #expect(folded > 3 && refused > 0, "seed \(seed)")
        }
    }

    @Test("events out of place are told from those that contradict")
    func errors() throws {
        var scenario = try LedgerScenario()
        func error(_ event: Event) -> FoldError? {
            var state = scenario.state
            do throws(FoldError) {
                try state.apply(Entry(event))
                return nil
            } catch { return error }
        }
        let decay = Event.reputationDecayed(ReputationDecayed(day: 1))
        #expect(error(decay) == .outOfPlace(kind: .reputationDecayed))
        #expect(error(scenario.log[0]) == .outOfPlace(kind: .ledgerOpened))
        try scenario.open()
        #expect(error(scenario.log[0]) == .outOfPlace(kind: .ledgerOpened))
        #expect(error(scenario.log[2]) == .outOfPlace(kind: .batchOpened))
        #expect(error(decay) == .contradicts(kind: .reputationDecayed, field: "day"))
        let closed = Event.roundClosed(RoundClosed(about: EntryIndex(9), cause: .complete))
        #expect(error(closed) == .unknown(kind: .roundClosed, field: "about", value: 9))
        _ = try scenario.assignedJob()
        for (drawn, expected) in [([0, 1, 2], nil), ([0, 1, 9], true), ([1, 1, 2], true)]
            as [([UInt16], Bool?)]
        {
            let assigned = JobAssigned(
                job: scenario.state.openJobs[0], validators: drawn.map(ValidatorIndex.init),
                deadline: Time(0))
            let contradicts = FoldError.contradicts(kind: .jobAssigned, field: "validators")
            #expect(error(.jobAssigned(assigned)) == (expected == nil ? nil : contradicts))
        }
        let change = GovernanceApproved(
            number: 0, change: .validatorLeft(key: PublicKey(.zero)), signatures: [])
        #expect(
            error(.governanceApproved(change))
                == .refused(kind: .governanceApproved, .notMember))
    }
}
