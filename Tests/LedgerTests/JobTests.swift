// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

@Suite("jobs")
struct JobTests {
    /// Points of each validator drawn, in rank, after these results and the deadline.
    private func points(
        _ results: [(JobStatus, UInt8)?]
    ) throws -> (kinds: [[String]], decided: JobDecided?, points: [Int64]) {
        var scenario = try LedgerScenario(.of(4, 3))
        let (id, drawn) = try scenario.assignedJob()
        var kinds: [[String]] = []
        for (validator, result) in zip(drawn, results) {
            guard let result else { continue }
            let message = scenario.result(validator, id, result.0, output: result.1)
            kinds.append(try scenario.send(.result(message)).kinds)
        }
        try scenario.next(after: 30_000)
        kinds.append(try scenario.seal().kinds)
        let decided = scenario.log.compactMap { event in
            if case .jobDecided(let decided) = event { decided } else { nil }
        }
        #expect(decided.count == 1)
        return (
            kinds, decided.first,
            drawn.map { (Int64(scenario.reputation(Int($0.rawValue))) - 1_000_000) / 1000 }
        )
    }

    @Test("whether results that wait decide a job, with those that the ledger holds")
    func decidedBy() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        let (id, drawn) = try scenario.assignedJob()
        func result(_ place: Int, _ output: UInt8, _ status: JobStatus? = nil) -> ResultMessage {
            scenario.result(drawn[place], id, status ?? success, output: output)
        }
        func decides(_ results: ResultMessage...) -> Bool {
            scenario.state.isDecided(id, by: results)
        }
        #expect(!decides())
        #expect(!decides(result(0, 1)))
        #expect(decides(result(0, 1), result(2, 1)))
        #expect(!decides(result(0, 1), result(1, 2)))
        #expect(decides(result(0, 1), result(1, 2), result(2, 3)))
        #expect(!decides(result(0, 1), result(0, 1)), "one validator said it twice")
        #expect(!decides(result(0, 1, gaveUp), result(1, 1)))
        #expect(decides(result(0, 1, gaveUp), result(1, 1, gaveUp)), "two cannot agree any more")
        let others = scenario.state.members.filter { !drawn.contains($0) }
        let outsider = scenario.result(try #require(others.first), id, success, output: 1)
        #expect(!decides(result(0, 1), outsider))
        let other = scenario.result(drawn[1], JobID(Digest(hashing: [7])), success, output: 1)
        #expect(!decides(result(0, 1), other))
        #expect(!scenario.state.isDecided(JobID(Digest(hashing: [7])), by: [other]))
        _ = try scenario.send(.result(result(0, 1)))
        #expect(!decides())
        #expect(decides(result(1, 1)))
        #expect(!decides(result(1, 2)))
        _ = try scenario.send(.result(result(1, 1)))
        #expect(!decides(result(2, 1)), "it is decided already")
    }

    private let success = JobStatus(.success)
    private let gaveUp = JobStatus(.abstained, code: 1)

    @Test("agreed at the second equal result; the third is late, right or wrong")
    func agreed() throws {
        let right = try points([(success, 1), (success, 1), (success, 1)])
        let change = "reputationChanged"
        #expect(
            right.kinds == [
                ["resultReported"], ["resultReported", "jobDecided"],
                ["resultReported"] + Array(repeating: change, count: 5) + ["roundClosed"],
                ["batchSealed"],
            ])
        #expect(right.points == [15, 15, 10])
        #expect(right.decided?.output == Digest(hashing: [1]))
        let wrong = try points([(success, 1), (success, 1), (success, 2)])
        #expect(
            wrong.kinds[2]
                == ["resultReported", "disagreementRecorded"]
                + Array(repeating: change, count: 5) + ["roundClosed"])
        #expect(wrong.points == [15, 15, -50])
        let between = try points([(success, 1), (success, 2), (success, 1)])
        #expect(between.points == [15, -50, 15])
        let missing = try points([(success, 1), (success, 1), nil])
        #expect(missing.points == [15, 15, -30])
        let abstained = try points([(gaveUp, 0), (success, 1), (success, 1)])
        #expect(abstained.points == [0, 15, 15])
        #expect(abstained.decided?.decision == .agreed)
    }

    @Test("disagreed as soon as agreement is out of reach, and it costs nobody anything")
    func disagreed() throws {
        let three = try points([(success, 1), (success, 2), (success, 3)])
        #expect(
            three.kinds == [
                ["resultReported"], ["resultReported"],
                ["resultReported", "jobDecided", "disagreementRecorded", "roundClosed"],
                ["batchSealed"],
            ])
        #expect(three.decided?.decision == .disagreed)
        #expect(three.points == [0, 0, 0])
        let two = try points([(gaveUp, 0), (gaveUp, 0), nil])
        #expect(two.kinds[1] == ["resultReported", "jobDecided"])
        #expect(two.decided?.decision == .disagreed)
        #expect(two.decided?.output == .zero)
        #expect(two.points == [0, 0, -30])
    }

    @Test("timed out at the deadline, where only a missing result costs")
    func timedOut() throws {
        let none = try points([nil, nil, nil])
        #expect(none.decided?.decision == .timedOut)
        #expect(none.points == [-30, -30, -30])
        let one = try points([(success, 1), nil, nil])
        #expect(one.decided?.decision == .timedOut)
        #expect(one.points == [0, -30, -30])
        let split = try points([(success, 1), nil, (success, 2)])
        #expect(split.decided?.decision == .timedOut)
        #expect(split.points == [0, -30, 0])
    }

    @Test("a job's own limit shortens its deadline and never lengthens it")
    func deadlines() throws {
        for (asked, given) in [(0, 30_000), (5_500, 5_500), (80_000, 30_000)] as [(UInt64, UInt64)]
        {
            var scenario = try LedgerScenario(.of(4, 3))
            try scenario.open()
            try scenario.send(.job(scenario.job { $0.milliseconds = asked }))
            let events = try scenario.next()
            guard case .jobAssigned(let assigned)? = events.last else {
                Issue.record("nobody was drawn")
                continue
            }
            #expect(assigned.deadline == scenario.state.time.adding(milliseconds: given))
        }
    }
}
