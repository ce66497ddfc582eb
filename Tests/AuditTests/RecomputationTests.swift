// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Compute
import Cryptography
import EventLog
import Foundation
import Ledger
import TestSupport
import Testing

private let lie = JobLedger.Answer.signs(
    JobStatus(.success), output: Digest(hashing: [UInt8]("a lie".utf8)))

@Suite(.enabled(if: Engine.isHere, "no engine: see Tools/setup"))
struct RecomputationTests {
    @Test func `honest results agree with running the job again`() throws {
        var ledger = try JobLedger()
        let simple = try ledger.add(Wasm.simple, [.honest, .honest, .honest])
        let trap = try ledger.add(Wasm.unreachable, [.honest, .honest, .honest])
        let endless = try ledger.add(Wasm.endless, fuel: 1000, [.honest, .honest, .silent])
        let broken = try ledger.add([1, 2, 3], [.honest, .honest, .honest])
        // What the first gives is stated by the third party's vectors too.
        #expect(
            simple.truth.outputHash.hex
                == "76a21b7a80f8e1ca5b3bb386437fb3c3c54e1b2347fcd3e11aeaf281d0d1d2f3")
        #expect(trap.truth.status.reasonName == "unreachable")
        #expect(endless.truth.status == JobStatus(.fuelExhausted))
        #expect(broken.truth.status == JobStatus(.malformed))
        let report = try ledger.recount()
        #expect(report.findings == [])
        #expect(report.resultContradictions == [])
        #expect(report.notRecomputed == [])
        #expect(report.checks.recomputation == .passed)
        #expect(report.counts.jobs == 4)
        #expect(report.counts.recomputed == 4)
        #expect(report.counts.results == 11)
        #expect(report.isSpotless)
    }

    @Test func `a liar is named, whatever the lie is about`() throws {
        let lies: [(answer: JobLedger.Answer, difference: String)] = [
            (.signs(JobStatus(.fuelExhausted)), "fuelExhausted, not success"),
            (.signs(JobStatus(.trap, code: 9)), "trap unreachable, not success"),
            (.signs(JobStatus(.trap, code: 77)), "trap 77, not success"),
            (lie, "output "),
            (.signs(JobStatus(.success)), "output 00000000…, not 76a21b7a…"),
        ]
        for (answer, difference) in lies {
            for place in 0..<3 {
                var answers = [JobLedger.Answer](repeating: .honest, count: 3)
                answers[place] = answer
                var ledger = try JobLedger()
                let made = try ledger.add(Wasm.simple, answers)
                let report = try ledger.recount()
                #expect(report.findings == [])
                #expect(report.isRight && !report.isSpotless)
                #expect(report.checks.recomputation == .passed)
                let named = try #require(report.resultContradictions.first)
                #expect(report.resultContradictions.count == 1)
                let liar = made.validators[place]
                #expect(Int(named.validator) == liar)
                #expect(named.key == ledger.key(liar))
                #expect(named.entry == ledger.entry(of: made, by: liar))
                #expect(named.job == made.entry)
                #expect(named.jobID == made.id.hex)
                #expect(named.recomputed == JobResult(made.truth))
                #expect(named.signed != named.recomputed)
                #expect(named.difference.hasPrefix(difference), "\(named.difference)")
            }
        }
    }

    @Test func `a wrong fuel alone names who signed it`() throws {
        for (module, ending) in [(Wasm.length, "success"), (Wasm.unreachable, "trap")] {
            var ledger = try JobLedger()
            let made = try ledger.add(module, [.honest, .wrongFuel, .honest])
            #expect("\(made.truth.status.kind)" == ending)
            let report = try ledger.recount()
            #expect(report.findings == [])
            #expect(
                report.resultContradictions.map { Int($0.validator) } == [made.validators[1]])
            #expect(
                report.resultContradictions.first?.difference
                    == "fuel \(made.truth.fuel + 1), not \(made.truth.fuel)")
        }
    }

    @Test func `a dishonest pair that won the vote is convicted, and the honest third is not`()
        throws
    {
        for honest in 0..<3 {
            var answers = [JobLedger.Answer](repeating: lie, count: 3)
            answers[honest] = .honest
            var ledger = try JobLedger()
            _ = try ledger.add(Wasm.unreachable, [.honest, .honest, .honest])
            let made = try ledger.add(Wasm.simple, answers)
            let report = try ledger.recount()
            let liars = made.validators.enumerated().filter { $0.offset != honest }.map(\.element)
            #expect(report.resultContradictions.map { Int($0.validator) } == liars)
            let finding = try #require(report.findings.first)
            #expect(report.findings.count == 1)
            #expect(finding.kind == .agreedFalseResult)
            guard case .jobDecided(let decided) = ledger.scenario.log[Int(finding.entry)]
            else {
                Issue.record("entry \(finding.entry) decides nothing")
                continue
            }
            #expect(decided.job.rawValue == made.entry && decided.decision == .agreed)
            #expect(finding.expected.contains("job \(made.entry)"))
            #expect(finding.expected.contains("success, output 76a21b7a80f8e1ca…"))
            for liar in liars {
                let key = ledger.key(liar).prefix(16)
                #expect(finding.found.contains("\(liar) (party-\(liar), key \(key)…)"))
            }
            let third = ledger.key(made.validators[honest]).prefix(16)
            #expect(!finding.found.contains(third))
            #expect(report.checks.recomputation == .failed)
            #expect(report.checks.derivation == .passed)
            #expect(!report.isRight)
        }
    }

    @Test func `a pair that agreed on a failure that is none is convicted too`() throws {
        var ledger = try JobLedger()
        let trap = JobLedger.Answer.signs(JobStatus(.trap, code: 9))
        let made = try ledger.add(Wasm.simple, [trap, .honest, trap])
        let report = try ledger.recount()
        #expect(report.findings.map(\.kind) == [.agreedFalseResult])
        #expect(report.findings.first?.found.hasPrefix("agreed on trap unreachable,") == true)
        #expect(
            report.resultContradictions.map { Int($0.validator) }
                == [made.validators[0], made.validators[2]])
    }

    @Test func `an abstention is never named`() throws {
        var ledger = try JobLedger()
        let abstention = JobLedger.Answer.signs(JobStatus(.timeGuard), fuel: 5)
        let one = try ledger.add(Wasm.simple, [abstention, .honest, .honest])
        #expect(one.truth.status.kind == .success)
        _ = try ledger.add(Wasm.simple, input: [7], [abstention, abstention, lie])
        _ = try ledger.add(Wasm.simple, input: [8], [abstention, abstention, .silent])
        let report = try ledger.recount()
        #expect(report.findings == [])
        // The lie of the second is found though the job was decided before it, as disagreed.
        #expect(report.resultContradictions.count == 1)
        #expect(report.counts.results == 3)
        #expect(report.counts.recomputed == 2)
        #expect(report.notes.contains { $0.contains("without a single signed result") })
        #expect(report.checks.recomputation == .passed)
    }

    @Test func `results of jobs that disagreed or timed out are compared`() throws {
        var ledger = try JobLedger()
        let other = JobLedger.Answer.signs(JobStatus(.success), output: Digest(hashing: [9]))
        let disagreed = try ledger.add(Wasm.simple, [lie, .honest, other])
        let timedOut = try ledger.add(Wasm.simple, input: [7], [.silent, lie, .silent])
        let report = try ledger.recount()
        #expect(report.findings == [])
        #expect(
            report.resultContradictions.map { Int($0.validator) } == [
                disagreed.validators[0], disagreed.validators[2], timedOut.validators[1],
            ])
    }

    @Test func `a decided job is judged before its close, and an open one is told`() throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.simple, isLeftOpen: true, [lie, lie, .silent])
        _ = try ledger.add(Wasm.simple, input: [7], isLeftOpen: true, [lie, .silent, .silent])
        let report = try ledger.recount()
        #expect(report.resultContradictions.count == 2)
        #expect(report.findings.map(\.kind) == [.agreedFalseResult])
        #expect(report.notes.contains { $0.contains("Not decided") && $0.contains("1 of 2") })
    }

    @Test func `it is skipped unless asked for`() throws {
        var ledger = try JobLedger()
        _ = try ledger.add(Wasm.simple, [lie, lie, .honest])
        let folder = try TemporaryFolder()
        let report = try Auditor.run(directory: try ledger.write(in: folder))
        #expect(report.checks.recomputation == .skipped)
        #expect(report.isSpotless)
        #expect(report.counts.recomputed == 0)
    }
}
