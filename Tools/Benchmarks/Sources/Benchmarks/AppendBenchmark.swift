// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Figures
import Foundation
import GRDB
import Ledger

/// Appending vote entries durably, beside a table of events in SQLite and in PostgreSQL, and beside
/// a bare loop of write and fdatasync.
struct AppendBenchmark {
    private static let batch = 1_000
    private static let batches = 300
    private static let commits = 2_000

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        try inTemporaryFolder(note) { folder in
            note("The entries are votes; random bytes stand for their signatures.")
            let votes = Votes.make(Self.batch * Self.batches)
            var values: [String: [Double]] = [:]
            for run in 0..<runs {
                let place = folder.appendingPathComponent("\(run)")
                try FileManager.default.createDirectory(
                    at: place, withIntermediateDirectories: true)
                func add(_ name: String, _ count: Int, _ work: () throws -> Void) rethrows {
                    let (seconds, _) = try timed(work)
                    values[name, default: []].append(Double(count) / seconds)
                }
                try add("log", votes.count) {
                    try Self.append(votes, by: Self.batch, place.path + "/log")
                }
                try add("sqlite", votes.count) {
                    try Self.insert(votes, by: Self.batch, place.path + "/batches.db")
                }
                add("hashes", votes.count) { Self.hash(votes) }
                let some = Array(votes.prefix(Self.commits))
                try add("log one", some.count) {
                    try Self.append(some, by: 1, place.path + "/log-one")
                }
                try add("bare one", some.count) { try Self.write(some, place.path + "/bare") }
                try add("sqlite one", some.count) {
                    try Self.insert(some, by: 1, place.path + "/one.db")
                }
                try FileManager.default.removeItem(at: place)
            }
            values["postgres"] = try Postgres.copy(
                votes, by: Self.batch, runs: runs, in: folder, note)
            return Self.lines(values)
        }
    }

    private static func lines(_ values: [String: [Double]]) -> [Figure] {
        let unit = "entries/s"
        let lines = [
            ("log", "append, 1,000 vote entries a commit, durable, with root", unit),
            ("sqlite", "  beside: SQLite table, WAL, synchronous FULL", unit),
            ("postgres", "  beside: PostgreSQL, COPY of 1,000 a transaction", unit),
            ("hashes", "  beside: their leaves and nodes hashed alone, one core", unit),
            ("log one", "append, one entry a durable commit", unit),
            ("bare one", "  beside: bare write and fdatasync", unit),
            ("sqlite one", "  beside: SQLite table, WAL, synchronous FULL", unit),
        ]
        return lines.compactMap { key, name, unit in
            values[key].flatMap { $0.isEmpty ? nil : Figure(name, unit: unit, values: $0) }
        }
    }

    static func append(_ votes: [[UInt8]], by batch: Int, _ path: String) throws {
        let log = try EventLog.create(
            directory: path, disk: POSIXDisk(), options: LogOptions())
        for start in stride(from: 0, to: votes.count, by: batch) {
            _ = try log.stage(votes[start..<min(start + batch, votes.count)])
            try log.commit()
        }
        try log.close()
    }

    private static func insert(_ votes: [[UInt8]], by batch: Int, _ path: String) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
        }
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try database.write { db in
            try db.execute(sql: "CREATE TABLE event (position INTEGER PRIMARY KEY, data BLOB)")
        }
        for start in stride(from: 0, to: votes.count, by: batch) {
            try database.write { db in
                let insert = try db.cachedStatement(sql: "INSERT INTO event VALUES (?, ?)")
                for position in start..<min(start + batch, votes.count) {
                    try insert.execute(arguments: [position, Data(votes[position])])
                }
            }
        }
        try database.close()
    }

    /// The RFC 6962 root of the entries, and nothing else.
    private static func hash(_ votes: [[UInt8]]) {
        var frontier = MerkleFrontier()
        for vote in votes { frontier.append(leaf: vote) }
        guard frontier.count == votes.count else { fatalError("leaves were lost") }
    }

    /// Each entry, at the end of a file, synced.
    private static func write(_ votes: [[UInt8]], _ path: String) throws {
        let file = try POSIXDisk().open(path, .create)
        var offset: UInt64 = 0
        for vote in votes {
            try file.write(vote, at: offset)
            try file.sync()
            offset += UInt64(vote.count)
        }
    }
}

/// Entries of votes as ten validators cast them, in any order and a few at each millisecond.
enum Votes {
    static func make(_ count: Int, seed: UInt64 = 1) -> [[UInt8]] {
        var random = SeededRandom(seed: seed)
        // A request every twelve entries, as in a ledger; ten votes on each of the last hundred.
        return (0..<count).map { number in
            let round = UInt64(number / 1000 * 100) + random.next(below: 100)
            let isApproval = random.next(below: 100) < 97
            let vote = VoteCast(
                request: EntryIndex(round * 34),
                validator: ValidatorIndex(UInt16(random.next(below: 10))),
                vote: isApproval ? .approve : .reject,
                reason: isApproval ? .proofHolds : .proofFails,
                timestamp: Time(1_767_225_600_000 + UInt64(number) / 2),
                signature: Signature(random.bytes(64)) ?? .zero)
            return Event.voteCast(vote).encoded
        }
    }

    /// Entries of lists, each of one validator on the requests of a moment, in their order.
    static func lists(_ count: Int, of votes: Int, seed: UInt64 = 2) -> [[UInt8]] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { number in
            let first = UInt64(number / 10 * votes)
            let list = VotesCast(
                validator: ValidatorIndex(UInt16(random.next(below: 10))),
                timestamp: Time(1_767_225_600_000 + UInt64(number) * 20),
                votes: (0..<UInt64(votes)).map { place in
                    let isApproval = random.next(below: 100) < 97
                    return .shown(
                        request: EntryIndex((first + place) * 34),
                        vote: isApproval ? .approve : .reject,
                        reason: isApproval ? .proofHolds : .proofFails)
                }, signature: Signature(random.bytes(64)) ?? .zero)
            return Event.votesCast(list).encoded
        }
    }
}
