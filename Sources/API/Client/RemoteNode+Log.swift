// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import Cryptography
internal import EventLog
package import Ledger

/// What a node says of itself, as far as its clients rest on it.
package struct RemoteStatus: Decodable, Sendable {
    /// The identity of its ledger, in hexadecimal.
    package let ledger: String
    /// Entries of its ledger.
    package let size: UInt64
    /// The newest sealed batch.
    package let height: UInt64
}

extension RemoteNode {
    /// What the node says of itself.
    package func status() throws(ClientError) -> RemoteStatus {
        try value(RemoteStatus.self, ["status"])
    }

    /// What the ledger calls its parties.
    package func names() throws(ClientError) -> LedgerNames {
        try value(NamesAnswer.self, ["names"]).names
    }

    /// An entry by its number, decoded; nil where the ledger does not reach so far.
    package func entry(_ index: UInt64) throws(ClientError) -> LoggedEntry? {
        let bytes: [UInt8]
        do throws(ClientError) {
            bytes = try self.bytes(["entries", "\(index)"], bytesMax: LogLimits.entryBytesMax)
        } catch {
            guard case .refused(_, let no) = error, no.status == 404 else { throw error }
            return nil
        }
        return try decoded(bytes, index, "/entries/\(index)")
    }

    /// The entries of a range, in order, some hundreds at a time.
    package func entries(from start: UInt64, to end: UInt64) -> RemoteEntries {
        RemoteEntries(self, from: start, to: end)
    }

    fileprivate func decoded(
        _ bytes: [UInt8], _ index: UInt64, _ path: String
    ) throws(ClientError) -> LoggedEntry {
        do throws(DecodingError) { return try LoggedEntry(index: index, bytes: bytes) } catch {
            throw .nonsense(url, path: path, problem: "entry \(index) is not an event: \(error)")
        }
    }
}

/// Reads the entries of a node's ledger in order: a bundle of C2SP tlog-tiles at a time.
package struct RemoteEntries: Sendable {
    private let node: RemoteNode
    private let end: UInt64
    private var next: UInt64
    private var page: [LoggedEntry] = []
    private var place = 0

    init(_ node: RemoteNode, from start: UInt64, to end: UInt64) {
        self.node = node
        self.end = end
        next = start
    }

    /// The next entry; nil at the end of the range.
    package mutating func entry() throws(ClientError) -> LoggedEntry? {
        guard next < end else { return nil }
        if place == page.count { try fill() }
        defer {
            place += 1
            next += 1
        }
        return page[place]
    }

    /// Fetches the bundle that holds the next entry, and drops what stands before it.
    private mutating func fill() throws(ClientError) {
        let full = UInt64(TilePath.fullWidth)
        let number = next / full
        let width = Int(min(full, end - number * full))
        let tile = TilePath.entries(number: number, width: width)
        let path = tile.description.split(separator: "/").map(String.init)
        let bytes = try node.bytes(path, bytesMax: width * (LogLimits.entryBytesMax + 2))
        page = []
        place = 0
        var offset = 0
        for index in (number * full)..<(number * full + UInt64(width)) {
            guard offset + 2 <= bytes.count else { throw short(tile) }
            let count = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
            guard offset + 2 + count <= bytes.count else { throw short(tile) }
            if index >= next {
                let entry = Array(bytes[(offset + 2)..<(offset + 2 + count)])
                page.append(try node.decoded(entry, index, "/\(tile)"))
            }
            offset += 2 + count
        }
        guard offset == bytes.count else { throw short(tile) }
    }

    private func short(_ tile: TilePath) -> ClientError {
        .nonsense(
            node.url, path: "/\(tile)", problem: "the bundle does not hold \(tile.width) entries")
    }
}
