// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation
import Ledger
import Node
import TestSupport
import Testing

/// A spool, and messages for it.
private struct SpoolCase {
    let folder: TemporaryFolder
    let spool: Spool
    let ledger = LedgerID(Digest(hashing: Array("a ledger".utf8)))
    let submitter = SigningKey()

    init() throws {
        folder = try TemporaryFolder()
        spool = Spool(home: folder.path)
    }

    func job(_ number: UInt64) -> Message {
        .job(
            JobMessage(
                module: .zero, input: .zero, moduleBytes: 1, inputBytes: 1, fuel: 1, memoryBytes: 1,
                milliseconds: 0,
                engine: "e", engineVersion: "1", timestamp: Time(number),
                submitter: submitter.publicKey, signature: .zero
            ).signed(by: submitter, in: ledger))
    }

    func change(_ signers: [SigningKey]) -> Message {
        var message = GovernanceMessage(
            number: 0, change: .validatorLeft(key: submitter.publicKey), endorsements: [])
        let bytes = message.signedBytes(in: ledger)
        message.endorsements = signers.map {
            Endorsement(validator: $0.publicKey, signature: $0.sign(bytes))
        }
        return .governance(message)
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(spool.directory)/\(name)"))
    }
}

@Suite struct SpoolTests {
    @Test func spoolGivesBackWhatWasPutIn() throws {
        let spool = try SpoolCase()
        #expect(try spool.spool.readAll(in: spool.ledger).isEmpty)
        let messages = [spool.job(1), spool.job(2), spool.change([SigningKey()])]
        let ids = try spool.spool.put(messages, in: spool.ledger)
        #expect(Set(ids).count == 3)
        // Again is not another.
        #expect(try spool.spool.put([messages[1]], in: spool.ledger) == [ids[1]])
        let read = try spool.spool.readAll(in: spool.ledger)
        #expect(Set(read.compactMap(\.message)) == Set(messages))
        #expect(Set(read.compactMap(\.id)) == Set(ids))
        #expect(try spool.spool.holds(ids[2]))
        for file in read { try spool.spool.remove(file.name) }
        try spool.spool.remove(read[0].name)
        #expect(try spool.spool.names().isEmpty)
    }

    @Test func refusalIsSaidToTheClientAndForgottenWhenItTriesAgain() throws {
        let spool = try SpoolCase()
        let id = try spool.spool.put([spool.job(1)], in: spool.ledger)[0]
        #expect(try spool.spool.refusal(of: id) == nil)
        try spool.spool.refuse(try spool.spool.names()[0], because: "the quota is used up")
        #expect(try spool.spool.names().isEmpty)
        #expect(try spool.spool.refusal(of: id) == "the quota is used up")
        try spool.spool.put([spool.job(1)], in: spool.ledger)
        #expect(try spool.spool.refusal(of: id) == nil)
    }

    @Test func refusalsThatAreRememberedAreBounded() throws {
        let spool = try SpoolCase()
        try spool.spool.put([spool.job(0)], in: spool.ledger)
        for number in 0..<NodeLimits.keptRefusalsMax + 20 {
            let name = Digest(hashing: Array("\(number)".utf8)).hex
            try spool.write("\(name).refused", [65])
        }
        try spool.spool.refuse(
            try spool.spool.names()[0], because: String(repeating: "x", count: 100_000))
        let left = try FileManager.default.contentsOfDirectory(atPath: spool.spool.directory)
        #expect(left.count == NodeLimits.keptRefusalsMax)
    }

    @Test func damagedFilesAreToldByNameAndLeftAsTheyAre() throws {
        let spool = try SpoolCase()
        let good = try spool.spool.put([spool.job(1)], in: spool.ledger)[0]
        let bytes = spool.job(1).encoded
        try spool.write("notes.message", [1])
        try spool.write("\(String(repeating: "ab", count: 32)).message", bytes)
        try spool.write("\(String(repeating: "cd", count: 32)).message", [1, 2, 3])
        try spool.write(
            "\(String(repeating: "ef", count: 32)).message",
            [UInt8](repeating: 0, count: NodeLimits.spooledMessageBytesMax + 1))
        guard case .job(var forged) = spool.job(2) else { return }
        forged.signature = .zero
        try spool.write("\(forged.id(in: spool.ledger).hex).message", Message.job(forged).encoded)
        let evidence = Message.vote(
            VoteMessage(
                request: RequestID(.zero), validator: PublicKey(.zero), vote: .approve,
                reason: .proofHolds, timestamp: Time(0), signature: .zero))
        try spool.write("\(Digest(hashing: evidence.encoded).hex).message", evidence.encoded)
        try spool.write("\(good.hex).0011.tmp", [9])
        try FileManager.default.createDirectory(
            atPath: "\(spool.spool.directory)/\(String(repeating: "01", count: 32)).message",
            withIntermediateDirectories: false)
        let before = try FileManager.default.contentsOfDirectory(atPath: spool.spool.directory)
        let files = try spool.spool.readAll(in: spool.ledger)
        #expect(files.compactMap(\.id) == [good])
        let problems = files.compactMap { file in
            if case .failure(let problem) = file.content { problem } else { nil }
        }
        #expect(problems.count == 7)
        for problem: SpoolProblem in [
            .notNamed, .otherMessage(good), .notSigned, .otherKind,
            .tooLong(max: NodeLimits.spooledMessageBytesMax),
        ] { #expect(problems.contains(problem), "\(problem)") }
        let after = try FileManager.default.contentsOfDirectory(atPath: spool.spool.directory)
        #expect(after.sorted() == before.sorted())
    }

    @Test func fullSpoolTakesNoMoreAndWhatIsThereAlreadyIs() throws {
        let spool = try SpoolCase()
        let id = try spool.spool.put([spool.job(0)], in: spool.ledger)[0]
        for number in 1..<NodeLimits.spooledFilesMax {
            let name = Digest(hashing: Array("\(number)".utf8)).hex
            #expect(
                FileManager.default.createFile(
                    atPath: "\(spool.spool.directory)/\(name).message", contents: nil))
        }
        #expect(throws: NodeError.self) {
            try spool.spool.put([spool.job(1)], in: spool.ledger)
        }
        #expect(try spool.spool.put([spool.job(0)], in: spool.ledger) == [id])
        #expect(try spool.spool.names().count == NodeLimits.spooledFilesMax)
    }

    @Test func bytesThatWaitAreBounded() throws {
        let spool = try SpoolCase()
        try spool.spool.put([spool.job(0)], in: spool.ledger)
        // A file with a hole: its length counts, and the disk does not.
        let path = "\(spool.spool.directory)/\(String(repeating: "aa", count: 32)).message"
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        try FileHandle(forWritingTo: URL(fileURLWithPath: path)).truncate(
            atOffset: UInt64(NodeLimits.spooledBytesMax))
        #expect(throws: NodeError.self) {
            try spool.spool.put([spool.job(1)], in: spool.ledger)
        }
        #expect(try spool.spool.names().count == 2)
    }
}

/// What becomes of the folder while a node looks at it.
@Suite(.timeLimit(.minutes(30)))
struct WatchedSpoolTests {
    @Test func spoolThatIsMovedAwayWhileItIsWatchedIsLookedAtWhereItIsMadeAnew() async throws {
        let folder = try TemporaryFolder()
        let nodes = try RunningNodes(try RunningNodes.network(folder))
        let home = nodes.network.nodes[0].path
        let requests = try nodes.requests(2)
        let ids = requests.map { $0.id(in: nodes.network.ledger) }
        _ = try Spool(home: home).put([.request(requests[0])], in: nodes.network.ledger)
        #expect(try await nodes.wait { $0.entry(of: ids[0]) != nil })
        let spool = Spool(home: home).directory
        try FileManager.default.moveItem(atPath: spool, toPath: spool + "-away")
        try await Task.sleep(for: .milliseconds(1_500))
        _ = try Spool(home: home).put([.request(requests[1])], in: nodes.network.ledger)
        #expect(try await nodes.wait { $0.entry(of: ids[1]) != nil })
        #expect(nodes.stop().isEmpty)
    }
}
