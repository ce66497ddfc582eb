// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
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
