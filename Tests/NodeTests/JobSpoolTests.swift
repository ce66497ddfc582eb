// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Foundation
import Hosting
import Ledger
import Node
import TestSupport
import Testing

/// Jobs from their submission to the ledger, without any engine.
@Suite struct JobSpoolTests {
    private func fault(_ body: () throws -> JobID) -> JobProblem? {
        do {
            _ = try body()
            return nil
        } catch NodeError.job(let problem) {
            return problem
        } catch {
            Issue.record(error)
            return nil
        }
    }

    @Test func spoolGivesBackWhatWasPutInOrderOfTimeAndIdentity() throws {
        let node = try JobCase()
        #expect(try node.spool.list(in: node.home.ledger).isEmpty)
        let key = node.home.submitters[0].key
        var ids: [JobID] = []
        for offset in [5, 1, 3] as [UInt64] {
            ids.append(
                try node.spool.put(
                    node.message(by: key, timestamp: JobCase.start.adding(milliseconds: offset)),
                    in: node.home.ledger))
        }
        // Again is not another.
        #expect(
            try node.spool.put(
                node.message(by: key, timestamp: JobCase.start.adding(milliseconds: 5)),
                in: node.home.ledger) == ids[0])
        let list = try node.spool.list(in: node.home.ledger)
        #expect(list.map(\.id) == [ids[1], ids[2], ids[0]])
        #expect(list.allSatisfy { $0.problem == nil })
        try node.spool.remove(ids[2])
        try node.spool.remove(ids[2])
        #expect(try node.spool.list(in: node.home.ledger).map(\.id) == [ids[1], ids[0]])
    }

    @Test func damagedFilesAreToldByNameAndLeftAsTheyAre() async throws {
        let node = try JobCase()
        let good = try node.submit(input: "x")
        let folder = node.spool.directory
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(good.hex).job")))
        func write(_ name: String, _ bytes: [UInt8]) throws {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        let other = String(repeating: "ab", count: 32)
        var unsigned = bytes
        unsigned[unsigned.count - 1] ^= 1
        let changed = node.message(by: SigningKey())
        try write("notes.job", [1])
        try write("\(other).job", bytes)
        try write("\(String(repeating: "cd", count: 32)).job", [1, 2, 3])
        try write("\(String(repeating: "ef", count: 32)).job", [UInt8](repeating: 0, count: 5000))
        var forged = changed
        forged.signature = .zero
        try write("\(changed.id(in: node.home.ledger).hex).job", forged.encoded)
        try write("\(good.hex).0011.tmp", [9])
        try FileManager.default.createDirectory(
            atPath: "\(folder)/\(String(repeating: "01", count: 32)).job",
            withIntermediateDirectories: false)
        let list = try node.spool.list(in: node.home.ledger)
        #expect(list.compactMap(\.id) == [good])
        let problems = list.compactMap { file in
            if case .failure(let problem) = file.content { problem } else { nil }
        }
        #expect(problems.contains(.notNamed))
        #expect(problems.contains(.otherMessage(good.digest)))
        #expect(problems.contains(.tooLong(max: 1024)))
        #expect(problems.contains(.notSigned))
        #expect(problems.count == 6)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let (summary, recorder) = try await node.run(engine: JobCase.noEngine)
        #expect(summary.jobsAccepted == 1)
        for file in list {
            guard file.id == nil else { continue }
            // Once, however often the run looks.
            #expect(recorder.warnings.count { $0.contains(file.path) } == 1, "\(file.path)")
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                == names.filter { $0 != "\(good.hex).job" })
    }

    @Test func submissionIsCheckedBeforeAnythingIsWritten() throws {
        let node = try JobCase()
        func submit(
            module: [UInt8] = [0], input: [UInt8] = [], fuel: UInt64 = 1, memory: UInt64 = 1,
            milliseconds: UInt64 = 0, submitter: String? = nil
        ) -> JobProblem? {
            fault {
                try JobSubmission.submit(
                    module: module, input: input, fuel: fuel, memoryBytes: memory,
                    milliseconds: milliseconds, home: node.home, submitter: submitter,
                    now: JobCase.start)
            }
        }
        let long = [UInt8](repeating: 0, count: ComputeLimits.moduleBytesMax + 1)
        #expect(submit(module: []) == .emptyModule)
        #expect(
            submit(module: long)
                == .moduleTooLarge(bytes: long.count, max: ComputeLimits.moduleBytesMax))
        let input = [UInt8](repeating: 0, count: ComputeLimits.inputBytesMax + 1)
        #expect(
            submit(input: input)
                == .inputTooLarge(bytes: input.count, max: ComputeLimits.inputBytesMax))
        #expect(submit(fuel: 0) == .noFuel)
        #expect(submit(memory: 0) == .memoryOutOfRange(bytes: 0))
        #expect(submit(memory: (4 << 30) + 1) == .memoryOutOfRange(bytes: (4 << 30) + 1))
        #expect(submit(milliseconds: 86_400_001) == .timeOutOfRange(milliseconds: 86_400_001))
        let unknown = submit(submitter: "submiter")
        #expect(unknown == .unknownSubmitter("submiter", known: ["submitter"]))
        #expect(unknown.map { "\($0)".contains("did you mean submitter?") } == true)
        #expect(try node.blobs.verifyAll() == 0)
        #expect(!FileManager.default.fileExists(atPath: node.spool.directory))
        // The most that is possible, and by name.
        #expect(
            submit(
                memory: 4 << 30, milliseconds: 86_400_000,
                submitter: "submitter") == nil)
        #expect(try node.blobs.verifyAll() == 2)
        #expect(try node.spool.list(in: node.home.ledger).count == 1)
    }

    @Test func oneOfSeveralSubmittersMustBeNamed() throws {
        let node = try JobCase(
            submitters: "[[submitters]]\nname = \"a\"\n[[submitters]]\nname = \"b\"")
        #expect(
            fault { try node.submit(input: "x") } == .submitterNotNamed(known: ["a", "b"]))
    }

    @Test func fullSpoolTakesNoMore() throws {
        let node = try JobCase()
        let id = try node.submit(input: "x")
        for number in 1..<NodeLimits.spooledJobsMax {
            let name = Digest(hashing: Array("\(number)".utf8)).hex
            #expect(
                FileManager.default.createFile(
                    atPath: "\(node.spool.directory)/\(name).job", contents: nil))
        }
        #expect(
            fault { try node.submit(input: "y") }
                == .spoolFull(directory: node.spool.directory, max: NodeLimits.spooledJobsMax))
        // What is there already is.
        #expect(try node.submit(input: "x") == id)
    }

    @Test func jobOfAnUnlistedSubmitterIsRefusedRecordedAndGone() async throws {
        let node = try JobCase()
        let stranger = SigningKey()
        let id = try node.spool.put(node.message(by: stranger), in: node.home.ledger)
        let (summary, recorder) = try await node.run(engine: JobCase.noEngine)
        #expect(summary.jobsRefused == 1)
        #expect(summary.jobsAccepted == 0)
        #expect(summary.refusalsRecorded == 1)
        #expect(recorder.jobRefusals.map(\.reason) == ["unknownSubmitter"])
        #expect(recorder.jobRefusals[0].detail.contains("only listed submitters are served"))
        #expect(try node.spool.list(in: node.home.ledger).isEmpty)
        let refused = try entries(node.home).compactMap { event -> MessageRefused? in
            if case .messageRefused(let refused) = event { refused } else { nil }
        }
        guard case .job(let message)? = refused.first?.message else {
            Issue.record("the refusal is not in the ledger")
            return
        }
        #expect(message.id(in: node.home.ledger) == id)
        try checkLedger(node.home)
    }

    @Test func withoutAnEngineValidatorsAbstainAndTheRunEndsInOrder() async throws {
        let node = try JobCase()
        for number in 0..<3 { try node.submit(input: "\(number)") }
        let (summary, recorder) = try await node.run(engine: JobCase.noEngine)
        #expect(summary.jobsAccepted == 3)
        #expect(summary.jobsDisagreed == 3)
        #expect(summary.openJobs == 0)
        let told = recorder.warnings.filter { $0.contains("Tools/setup") }
        #expect(told.count == 1)
        let results = try node.results()
        #expect(results.count == 9)
        #expect(results.allSatisfy { $0.status == JobStatus(.noEngine) && $0.output == .zero })
        // Who abstains loses nothing.
        for validator in summary.validators {
            #expect(validator.reputationAfter == validator.reputationBefore)
        }
        #expect(try node.spool.list(in: node.home.ledger).isEmpty)
        try checkLedger(node.home)
    }

    @Test func jobsBeyondTheQuotaWaitAndAreNotRefused() async throws {
        let node = try JobCase(submitters: "[[submitters]]\nname = \"s\"\nquota = 2")
        for number in 0..<7 { try node.submit(input: "\(number)") }
        let (summary, recorder) = try await node.run(engine: JobCase.noEngine)
        #expect(summary.jobsAccepted == 7)
        #expect(summary.jobsRefused == 0)
        #expect(recorder.jobDecisions.count == 7)
    }

    @Test func journalOrLedgerThatIsAnOlderCopyStopsTheNode() async throws {
        let node = try JobCase()
        let name = node.home.validators[0].name
        let journal = node.home.journalDirectory(of: name)
        let files = FileManager.default
        try files.copyItem(atPath: journal, toPath: node.folder.file("journal"))
        try files.copyItem(atPath: node.home.ledgerDirectory, toPath: node.folder.file("ledger"))
        let id = try node.submit(input: "x")
        try await node.run(engine: JobCase.noEngine)
        func fault() -> NodeError? {
            do throws(NodeError) {
                let coordinator = try Coordinator.open(home: node.home, clock: node.clock)
                try coordinator.close()
                return nil
            } catch {
                return error
            }
        }
        func replace(_ path: String, with copy: String) throws {
            try files.moveItem(atPath: path, toPath: "\(path).aside")
            try files.copyItem(atPath: node.folder.file(copy), toPath: path)
        }
        func restore(_ path: String) throws {
            try files.removeItem(atPath: path)
            try files.moveItem(atPath: "\(path).aside", toPath: path)
        }
        try replace(journal, with: "journal")
        guard case .journalLacksResult(name, id)? = fault() else {
            Issue.record("an old journal was taken")
            return
        }
        try restore(journal)
        try replace(node.home.ledgerDirectory, with: "ledger")
        guard case .ledgerLacksJob(name, id)? = fault() else {
            Issue.record("an old ledger was taken")
            return
        }
        try restore(node.home.ledgerDirectory)
        #expect(fault() == nil)
    }

    @Test func journalBegunAnewHoldsTheResultsOfTheLedger() async throws {
        let node = try JobCase()
        let id = try node.submit(input: "x")
        try await node.run(engine: JobCase.noEngine)
        let named = node.home.validators[2]
        let directory = node.home.journalDirectory(of: named.name)
        try FileManager.default.removeItem(atPath: directory)
        _ = try HomeJournals.beginAnew(at: node.home.path, named: [], clock: node.clock)
        let journal = try VoteJournal(
            directory: directory, disk: POSIXDisk(), key: named.key, ledger: node.home.ledger)
        #expect(journal.report(on: id)?.status == JobStatus(.noEngine))
        try journal.close()
        let (summary, _) = try await node.run(engine: JobCase.noEngine)
        #expect(summary.batches == 0)
    }

    @Test func moreJobsThanFitInMemoryAreAllTaken() async throws {
        let node = try JobCase()
        let key = node.home.submitters[0].key
        let count = NodeLimits.waitingJobsMax + NodeLimits.openJobsMax + 7
        for number in 0..<count {
            _ = try node.spool.put(
                node.message(
                    by: key, timestamp: JobCase.start.adding(milliseconds: UInt64(number))),
                in: node.home.ledger)
        }
        let (summary, _) = try await node.run(engine: JobCase.noEngine)
        #expect(summary.jobsAccepted == count)
        #expect(summary.jobsDisagreed == count)
        #expect(try node.spool.list(in: node.home.ledger).isEmpty)
        #expect(try node.results().count == 3 * count)
    }

    @Test func jobThatIsInTheLedgerLosesItsFileAndIsNotTakenAgain() async throws {
        let node = try JobCase()
        let id = try node.submit(input: "x")
        let message = try #require(try node.spool.list(in: node.home.ledger).first?.message)
        try await node.run(engine: JobCase.noEngine)
        // As after a crash between the commit and the removal.
        #expect(try node.spool.put(message, in: node.home.ledger) == id)
        let (summary, recorder) = try await node.run(engine: JobCase.noEngine)
        #expect(summary.batches == 0)
        #expect(recorder.jobKinds.isEmpty)
        #expect(try node.spool.list(in: node.home.ledger).isEmpty)
    }
}
