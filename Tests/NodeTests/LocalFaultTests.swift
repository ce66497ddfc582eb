// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Hosting
import Ledger
import Node
import Replication
import Synchronization
import TestSupport
import Testing

/// Local networks of which some nodes fail, lie, stop or were away.
@Suite("Local networks under faults", .serialized)
struct LocalFaultTests {
    /// The samples' configuration, with a deadline that a test can wait for.
    private static func configuration(
        milliseconds: UInt64 = 4_000
    ) throws -> Configuration {
        var configuration = try Samples.configuration()
        configuration.parameters.verificationMilliseconds = milliseconds
        configuration.parameters.settlementMilliseconds = 1_000
        return configuration
    }

    /// The first lines that are to be approved.
    private static func lines(_ count: Int) throws -> [String] {
        try Array(
            Samples.lines().filter { try Samples.expectation($0).outcome == "approved" }
                .prefix(count))
    }

    private static func behaving(
        _ behaviour: Behaviour, _ numbers: ClosedRange<Int>
    ) -> LocalRunOptions {
        var options = LocalRunOptions()
        for number in numbers { options.behaviours["validator-\(number)"] = behaviour }
        return options
    }

    @Test("three validators that are offline stop nobody, and catch up when they come")
    func threeOffline() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder, Self.configuration())
        let clock = ShiftedClock(Samples.start)
        let (summary, _) = try await runLocal(
            network, Self.lines(6), options: Self.behaving(.offline, 8...10), clock: clock)
        #expect(summary.approved == 6)
        #expect(summary.settled == 6)
        let heads = try Networks.heads(network)
        #expect(Set(heads.prefix(7)).count == 1)
        #expect(heads[9].size < heads[0].size)
        let (again, _) = try await runLocal(network, Self.lines(6), clock: clock)
        #expect(again.answered == 6)
        #expect(Set(try Networks.heads(network)).count == 1)
    }

    @Test("three validators that vote against the truth decide nothing, and lose for it")
    func threeMalicious() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder, Self.configuration())
        let (summary, _) = try await runLocal(
            network, Self.lines(6), options: Self.behaving(.malicious, 8...10))
        #expect(summary.approved == 6)
        for validator in summary.validators.suffix(3) {
            #expect(validator.reputationAfter < validator.reputationBefore)
        }
        for validator in summary.validators.prefix(7) {
            #expect(validator.reputationAfter > validator.reputationBefore)
        }
    }

    @Test("a validator that votes both ways is convicted by its own signatures")
    func equivocating() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder, Self.configuration())
        let (summary, recorder) = try await runLocal(
            network, Self.lines(4), options: Self.behaving(.equivocating, 10...10))
        #expect(summary.approved == 4)
        #expect(summary.equivocations >= 1)
        for event in recorder.events {
            if case .equivocation(let validator, _, _) = event {
                #expect(validator == NodeEvent.Party(9, "validator-10"))
            }
        }
    }

    @Test("a run that is stopped is taken up by the next, and nothing is decided or paid twice")
    func stoppedAndTakenUp() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder, Self.configuration(milliseconds: 30_000))
        let clock = ShiftedClock(Samples.start)
        let lines = try Self.lines(8)
        let recorder = LocalRecorder()
        let run = try LocalRun(network, clock: clock)
        let first = try await run.run(ArrayLineSource(lines)) { event in
            recorder.add(event)
            if case .accepted = event { run.stop() }
        }
        #expect(first.stopped)
        let (second, after) = try await runLocal(network, lines, clock: clock)
        #expect(
            Set((recorder.decisions + after.decisions).map(\.requestID)).count == 8)
        #expect(second.openRounds == 0 && second.openSettlements == 0)
        #expect(Set(try Networks.heads(network)).count == 1)
        var decided: Set<EntryIndex> = []
        var settled: Set<EntryIndex> = []
        for event in try Networks.entries(network.nodes[0]) {
            if case .outcomeDecided(let event) = event {
                #expect(decided.insert(event.request).inserted)
            }
            if case .settlementReported(let event) = event {
                #expect(settled.insert(event.request).inserted)
            }
        }
        #expect(decided.count == 8 && settled.count == 8)
    }

    @Test("a line whose node catches up on the decision, which nobody tells, is answered")
    func untold() async throws {
        let folder = try TemporaryFolder()
        var configuration = try Self.configuration()
        configuration.validators = Array(configuration.validators.prefix(4))
        configuration.parameters.threshold = 3
        let made = try Networks.make(folder, configuration)
        // Nobody pays, so that something is unfinished: who takes it up has told of every batch.
        try FileManager.default.removeItem(atPath: made.path + "/bridge")
        let network = try LocalNetwork.open(at: made.path, protection: .keyFile(path: nil))
        let clock = ShiftedClock(Samples.start)
        let lines = try Self.lines(1)
        let (first, _) = try await runLocal(
            network, lines, options: Self.behaving(.offline, 1...1), clock: clock)
        #expect(first.approved == 1)

        // The first line goes to the first node, which hears of no batch before it has the line.
        let behind = network.nodes[0].key.publicKey
        let recorder = LocalRecorder()
        let hasLine = Atomic(false)
        let hub = LocalHub { bytes, sender, receiver in
            // The request, or its vote where its rank does not pass the request on.
            if sender == behind, case .command? = try? PeerMessage(decoding: bytes) {
                hasLine.store(true, ordering: .relaxed)
            }
            return receiver != behind
                || hasLine.load(ordering: .relaxed)
                    && recorder.events.contains { if case .recovered = $0 { true } else { false } }
        }
        let run = try LocalRun(network, clock: clock, hub: hub)
        let patience = Task {
            try await Task.sleep(for: .seconds(60))
            run.stop()
        }
        let summary = try await run.run(ArrayLineSource(lines)) { recorder.add($0) }
        patience.cancel()
        #expect(!summary.stopped)
        #expect(summary.answered == 1 && recorder.decisions.isEmpty)
        #expect(Set(try Networks.heads(network)).count == 1)
    }

    @Test("a wall clock that steps back by 15 seconds stretches no wait")
    func clockStepsBack() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder, Self.configuration())
        let clock = ShiftedClock(Samples.start)
        clock.step(milliseconds: 20_000)
        let isStepped = Atomic(false)
        let recorder = LocalRecorder()
        let run = try LocalRun(network, clock: clock)
        let started = ContinuousClock.now
        let summary = try await run.run(ArrayLineSource(Self.lines(4))) { event in
            recorder.add(event)
            guard case .accepted = event, !isStepped.exchange(true, ordering: .relaxed) else {
                return
            }
            clock.step(milliseconds: -15_000)
        }
        let hasStepped = isStepped.load(ordering: .relaxed)
        #expect(hasStepped)
        #expect(summary.approved == 4)
        #expect(ContinuousClock.now - started < .seconds(15))
    }

    @Test("a clock beyond the year 2261 is an error in words")
    func absurdClock() throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder)
        let clock = ShiftedClock(Time(9_214_646_400_001))
        let error = #expect(throws: NodeError.self) {
            _ = try LocalRun(network, clock: clock)
        }
        #expect("\(try #require(error))".contains("set it right"))
    }

    @Test("the clock jumps ahead once and cannot come back: it waits for the operator's word")
    func jumpedClock() async throws {
        let folder = try TemporaryFolder()
        let network = try Networks.make(folder)
        let clock = ShiftedClock(Samples.start)
        clock.step(milliseconds: 7_200_000)
        #expect(throws: NodeError.self) { _ = try LocalRun(network, clock: clock) }
        var options = LocalRunOptions()
        options.acceptsClockJump = true
        let (summary, _) = try await runLocal(
            network, Self.lines(1), options: options, clock: clock)
        #expect(summary.approved == 1)
    }

    @Test("a ledger of one validator is a quorum of one")
    func oneValidator() async throws {
        let folder = try TemporaryFolder()
        var configuration = try Samples.configuration()
        configuration.validators = Array(configuration.validators.prefix(1))
        configuration.parameters.threshold = 1
        let network = try Networks.make(folder, configuration)
        let (summary, _) = try await runLocal(network, Self.lines(3))
        #expect(summary.approved == 3)
        #expect(summary.settled == 3)
    }
}
