// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger
internal import Node

/// The node as a C2SP log: checkpoint, tiles and entries, with proofs for those who want few.
extension Routes {
    /// Checkpoint, tiles, entries and proofs.
    static func addLog(to router: inout Router, _ desk: NodeDesk) {
        router.get("checkpoint") { request in
            _ = try Query(request, known: [])
            return .bytes(try await checkpoint(desk).bytes, "text/plain; charset=utf-8")
        }
        router.get("precommits") { request in
            _ = try Query(request, known: [])
            guard let proof = try await desk.proof() else {
                throw APIError.busy("the node has not got the precommits of its last batch")
            }
            return .bytes(proof.encoded)
        }
        router.get("tile/**") { request in
            _ = try Query(request, known: [])
            guard let tile = TilePath("tile/" + request.parameter("path")) else {
                throw APIError.notFound("a tile is called tile/LEVEL/NUMBER (C2SP tlog-tiles)")
            }
            let (log, _) = try desk.log()
            let bytes = try await desk.reading.run { try LogAnswers.tile(tile, log) }
            return .bytes(bytes, isForEver: true)
        }
        router.get("entries/:entry") { request in try await entry(request, desk) }
        router.get("proof/inclusion") { request in
            let query = try Query(request, known: ["entry", "size"])
            let (log, held) = try desk.log()
            guard held > 0 else { throw APIError.busy("the ledger has no entry yet") }
            let size = try query.number("size", 1...held) ?? held
            guard let entry = try query.number("entry", 0...(size - 1)) else {
                throw APIError.wrong("entry", "it is missing")
            }
            let answer = try await desk.reading.run {
                try LogAnswers.Inclusion(entry, size, log)
            }
            return try .json(answer)
        }
        router.get("proof/consistency") { request in
            let query = try Query(request, known: ["from", "to"])
            let (log, held) = try desk.log()
            let to = try query.number("to", 0...held) ?? held
            guard let from = try query.number("from", 0...to) else {
                throw APIError.wrong("from", "it is missing")
            }
            let answer = try await desk.reading.run { try LogAnswers.Consistency(from, to, log) }
            return try .json(answer)
        }
    }

    /// An entry: its bytes, or what they say.
    private static func entry(_ request: Request, _ desk: NodeDesk) async throws -> Response {
        let form = try Query(request, known: ["form"]).word("form", ["bytes", "json"]) ?? "bytes"
        let text = request.parameter("entry")
        let (log, size) = try desk.log()
        guard let entry = UInt64(plain: text) else {
            throw APIError.wrong("entry", "a whole number is wanted")
        }
        guard entry < size else { throw APIError.notFound("the ledger holds \(size) entries") }
        if form == "bytes" {
            let bytes = try await desk.reading.run { try LogAnswers.entry(entry, log) }
            return .bytes(bytes, isForEver: true)
        }
        let names = try await desk.state { LedgerNames($0) }
        let answer = try await desk.reading.run { try LogAnswers.words(entry, log, names) }
        return try .json(answer)
    }

    /// The newest checkpoint of the ledger.
    static func checkpoint(_ desk: NodeDesk) async throws -> SignedCheckpoint {
        let home = desk.node.home
        return try await desk.reading.run {
            try LogAnswers.checkpoint(home.ledgerDirectory, home.ledger)
        }
    }
}

/// What is read of a log to answer; each throws `APIError`.
private enum LogAnswers {
    struct Inclusion: Encodable, Sendable {
        var entry: UInt64
        var size: UInt64
        var root: String
        var leafHash: String
        var proof: [String]

        init(_ entry: UInt64, _ size: UInt64, _ log: EventLog) throws {
            self.entry = entry
            self.size = size
            let bytes = try LogAnswers.entry(entry, log)
            leafHash = MerkleFrontier.leafHash(bytes.span).hex
            root = try LogAnswers.root(size, log)
            proof = try LogAnswers.inclusion(entry, size, log)
        }
    }

    struct Consistency: Encodable, Sendable {
        var from: UInt64
        var to: UInt64
        var fromRoot: String
        var toRoot: String
        var proof: [String]

        init(_ from: UInt64, _ to: UInt64, _ log: EventLog) throws {
            self.from = from
            self.to = to
            fromRoot = try LogAnswers.root(from, log)
            toRoot = try LogAnswers.root(to, log)
            proof = try LogAnswers.consistency(from, to, log)
        }
    }

    static func root(_ size: UInt64, _ log: EventLog) throws -> String {
        do throws(LogError) { return try log.root(at: size).hex } catch { throw Self.error(error) }
    }

    static func inclusion(_ entry: UInt64, _ size: UInt64, _ log: EventLog) throws -> [String] {
        do throws(LogError) {
            return try log.inclusionProof(index: entry, size: size).map(\.hex)
        } catch { throw Self.error(error) }
    }

    static func consistency(_ from: UInt64, _ to: UInt64, _ log: EventLog) throws -> [String] {
        do throws(LogError) {
            return try log.consistencyProof(from: from, to: to).map(\.hex)
        } catch { throw Self.error(error) }
    }

    static func tile(_ tile: TilePath, _ log: EventLog) throws -> [UInt8] {
        do throws(LogError) { return try log.bytes(of: tile) } catch { throw Self.error(error) }
    }

    static func entry(_ entry: UInt64, _ log: EventLog) throws -> [UInt8] {
        do throws(LogError) { return try log.entry(at: entry) } catch { throw Self.error(error) }
    }

    static func words(_ entry: UInt64, _ log: EventLog, _ names: LedgerNames) throws -> EntryAnswer
    {
        var reader = EntryReader(log, from: entry, to: entry + 1)
        let found: LoggedEntry?
        do throws(ReadingError) { found = try reader.entry() } catch {
            throw APIError.failed("the entry cannot be read: \(error)")
        }
        guard let found else { throw APIError.notFound("there is no such entry") }
        return EntryAnswer(found, fields: found.event.fields.map { $0.named(by: names) })
    }

    static func checkpoint(_ directory: String, _ ledger: LedgerID) throws -> SignedCheckpoint {
        let store = CheckpointStore(
            logDirectory: directory, origin: Checkpoint.origin(ofLedger: ledger.digest),
            disk: POSIXDisk())
        let newest: SignedCheckpoint?
        do throws(CheckpointStoreError) { newest = try store.newest().checkpoint } catch {
            throw APIError.failed("the checkpoints cannot be read: \(error)")
        }
        guard let newest else {
            throw APIError.notFound("there is no checkpoint yet; the node makes them as it runs")
        }
        return newest
    }

    static func error(_ error: LogError) -> APIError {
        switch error {
        case .outOfRange: .notFound("the log does not reach so far")
        case .closed: .busy("the node is ending", reason: "ending")
        default: .failed("the log cannot be read: \(error)")
        }
    }
}
