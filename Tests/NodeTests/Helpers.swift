// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Hosting
import Ledger
import Node
import Synchronization
import TestSupport
import Testing

/// A folder that goes with the object.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "recount-node-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print(error) }
    }

    func file(_ name: String) -> String { "\(path)/\(name)" }
}

/// What a coordinator told, in order.
final class Recorder: Sendable {
    private let list = Mutex<[CoordinatorEvent]>([])

    var events: [CoordinatorEvent] { list.withLock { $0 } }

    func add(_ event: CoordinatorEvent) { list.withLock { $0.append(event) } }

    var decisions: [ConsensusResult] {
        events.compactMap { if case .decided(_, let result) = $0 { result } else { nil } }
    }
    var answers: [ConsensusResult?] {
        events.compactMap { event -> ConsensusResult?? in
            if case .answered(_, _, let result) = event { return .some(result) }
            return nil
        }
    }
    var refusals: [String] {
        events.compactMap { if case .refused(_, _, let reason, _) = $0 { reason } else { nil } }
    }
    var votes: [VerificationVote] {
        events.compactMap { if case .voted(let vote, _) = $0 { vote } else { nil } }
    }
}

/// The sample withdrawals of the repository.
enum Samples {
    static let folder = Vectors.repository.appendingPathComponent("Tools/samples").path
    static let start = Time(1_767_300_000_000)

    static func lines() throws -> [String] {
        try String(contentsOfFile: "\(folder)/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    /// What the line expects: outcome and reason.
    static func expectation(_ line: String) throws -> (outcome: String, reason: String?) {
        struct Line: Decodable {
            struct Expect: Decodable {
                let outcome: String
                let reason: String?
            }
            let expect: Expect
        }
        let expect = try JSONDecoder().decode(Line.self, from: Data(line.utf8)).expect
        return (expect.outcome, expect.reason)
    }

    static func configuration() throws -> Configuration {
        try Configuration.load(path: "\(folder)/recount.toml")
    }

    static func home(
        _ folder: TemporaryFolder, _ configuration: Configuration? = nil, name: String = "node"
    ) throws -> Home {
        try Home.initialise(
            configuration: try configuration ?? Self.configuration(), at: folder.file(name),
            protection: .keyFile(path: nil), startTime: start)
    }
}

/// Opens a node, runs lines through it and gives what happened.
@discardableResult
func run(
    _ home: Home, _ lines: [String], behaviours: [Behaviour] = [], clock: VirtualClock,
    openRoundsMax: Int = 256, acceptClockJump: Bool = false
) async throws -> (RunSummary, Recorder) {
    let recorder = Recorder()
    let coordinator = try Coordinator.open(
        home: home,
        options: CoordinatorOptions(
            behaviours: behaviours, acceptClockJump: acceptClockJump,
            openRoundsMax: openRoundsMax), clock: clock)
    let summary = try await coordinator.run(ArrayLineSource(lines)) { recorder.add($0) }
    return (summary, recorder)
}

/// Every entry of a node's ledger.
func entries(_ home: Home) throws -> [Event] {
    let log = try EventLog.open(
        directory: home.ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
    return try (0..<log.size).map { try Event(decoding: try log.entry(at: $0)) }
}

/// The third-party settlements, as requests.
enum Paraloom {
    static let folder = "groth16/paraloom"
    static let exists = Vectors.has("\(folder)/transact_native.proof.json")
    static let start = Time(1_767_300_000_000)

    static func configuration(
        validators: Int = 10, threshold: Int = 7, extra: String = ""
    ) throws -> Configuration {
        let key = Vectors.folder.appendingPathComponent("\(folder)/verification_key.json").path
        func circuit(_ name: String, asset: String, root: String) -> String {
            """
            [[circuits]]
            name = "\(name)"
            verifying_key = "\(key)"
            public_inputs = ["root", "negated_amount", "external_data_hash", "constant:\(asset)",
                "nullifier", "nullifier", "free", "free"]
            roots = ["\(root)"]

            """
        }
        let native = try inputs("native")
        let spl = try inputs("spl")
        return try Configuration(
            toml: """
                [consensus]
                threshold = \(threshold)
                total_validators = \(validators)
                \(extra)

                """ + circuit("native", asset: native[3], root: native[0])
                    + circuit("spl", asset: spl[3], root: spl[0]), folder: "/")
    }

    static func inputs(_ name: String) throws -> [String] {
        try Vectors.json("\(folder)/transact_\(name).public.json")
    }

    /// A line for the settlement `name`; `change` is applied to its fields.
    static func line(
        _ name: String, timestamp: UInt64 = 1_767_300_000_000,
        _ change: (inout [String: Any]) -> Void = { _ in }
    ) throws -> String {
        var fields: [String: Any] = [
            "circuit": name,
            "proof": try JSONSerialization.jsonObject(
                with: Vectors.data("\(folder)/transact_\(name).proof.json")),
            "public_inputs": try inputs(name),
            "amount": 500,
            "recipient": String(repeating: name == "native" ? "03" : "22", count: 32),
            "timestamp": timestamp,
        ]
        change(&fields)
        return String(
            decoding: try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys),
            as: UTF8.self)
    }

    /// The same with other nullifiers: well-formed, and false.
    static func falseLine(_ name: String, timestamp: UInt64 = 1_767_300_000_001) throws -> String {
        try line(name, timestamp: timestamp) { fields in
            var inputs = fields["public_inputs"] as? [String] ?? []
            inputs[4] = "12345"
            fields["public_inputs"] = inputs
        }
    }

    static func home(
        _ folder: TemporaryFolder, _ configuration: Configuration? = nil, name: String = "node"
    ) throws -> Home {
        try Home.initialise(
            configuration: try configuration ?? Self.configuration(), at: folder.file(name),
            protection: .keyFile(path: nil), startTime: start)
    }
}

/// Replays a node's ledger: every state root is what the entries give, nobody votes twice on a
/// request or contradicts its journal, nothing is decided or ordered twice. Gives the last root.
@discardableResult
func checkLedger(_ home: Home) throws -> Digest {
    var state = LedgerState()
    var votes: [String: Vote] = [:]
    var results: Set<String> = []
    var decided: Set<EntryIndex> = []
    var ordered: Set<EntryIndex> = []
    var last = Digest.zero
    var journals: [VoteJournal] = []
    for validator in home.validators {
        journals.append(
            try VoteJournal(
                directory: home.journalDirectory(of: validator.name), disk: POSIXDisk(),
                key: validator.key, ledger: home.ledger))
    }
    for event in try entries(home) {
        switch event {
        case .batchSealed(let seal):
            #expect(StateRoot.combined(state.componentRoots()) == seal.stateRoot)
            last = seal.stateRoot
        case .voteCast(let vote):
            let key = "\(vote.validator.rawValue)/\(vote.request.rawValue)"
            #expect(votes.updateValue(vote.vote, forKey: key) == nil, "two votes: \(key)")
            let id = try #require(state.requestID(at: vote.request))
            let verdict = journals[Int(vote.validator.rawValue)].verdict(on: id)
            #expect(verdict?.vote == vote.vote, "the journal says otherwise: \(key)")
        case .resultReported(let result):
            let key = "\(result.validator.rawValue)/\(result.job.rawValue)"
            #expect(results.insert(key).inserted, "two results: \(key)")
            let id = try #require(state.jobID(at: result.job))
            let report = journals[Int(result.validator.rawValue)].report(on: id)
            #expect(
                report
                    == JobReport(result.status, output: result.output, fuel: result.fuel),
                "the journal says otherwise: \(key)")
        case .outcomeDecided(let outcome): #expect(decided.insert(outcome.request).inserted)
        case .settlementOrdered(let order): #expect(ordered.insert(order.request).inserted)
        default: break
        }
        try state.apply(Entry(event))
    }
    #expect(!state.isBatchOpen)
    for journal in journals { try journal.close() }
    return last
}
