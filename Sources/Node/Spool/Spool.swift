// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
internal import EventLog
package import Ledger

/// What clients hand in to a node, and the ledger does not hold yet: files in `HOME/jobs/`.
///
/// `<64 hexadecimal digits>.message` holds the Borsh of a signed request, job or governance
/// command (`Message`), and is named for its identity (`Spool.identity`). It is there whole or not
/// at all, and durable when `put` returns; what a job needs is in the blob store of the ledger
/// before it. Clients and a running node share the folder without a lock: files come by a rename
/// and go when the node has taken them. `<the same digits>.refused` says in words, for its client,
/// why one was refused.
package struct Spool: Sendable {
    /// The path of the folder.
    package let directory: String
    private let disk = POSIXDisk()
    private static let suffix = ".message"
    private static let refusedSuffix = ".refused"

    /// The spool of the home in the folder `path`. The first `put` makes it where it is absent.
    package init(home path: String) { directory = NodeHome.spoolFolder(path) }

    /// The identity of a message: of a request or job its own, of others the SHA-256 of the bytes.
    package static func identity(of message: Message, in ledger: LedgerID) -> Digest {
        switch message {
        case .request(let request): request.id(in: ledger).digest
        case .job(let job): job.id(in: ledger).digest
        default: Digest(hashing: message.encoded)
        }
    }

    /// Whether a client may hand in a message of this kind.
    static func takes(_ message: Message) -> Bool {
        switch message {
        case .request, .job, .governance: true
        default: false
        }
    }

    // MARK: Clients

    /// Adds messages, or leaves those as they are that are there, and returns their identities.
    ///
    /// What was said of an earlier refusal of the same is removed. Throws `.spoolFull` where they
    /// would be more files or bytes than may wait, before anything is written, or `.disk`.
    @discardableResult
    package func put(
        _ messages: [Message], in ledger: LedgerID
    ) throws(NodeError) -> [Digest] {
        do throws(DiskError) { _ = try disk.makeDirectory(directory) } catch { throw .disk(error) }
        let there = Set(try names())
        let files = messages.map { message in
            invariant(Self.takes(message), "clients do not hand in messages of this kind")
            return (id: Self.identity(of: message, in: ledger), bytes: message.encoded)
        }
        let new = files.filter { !there.contains(Self.name($0.id)) }
        let bytes = bytesCount(there) + UInt64(new.map(\.bytes.count).reduce(0, +))
        guard there.count + new.count <= NodeLimits.spooledFilesMax,
            bytes <= NodeLimits.spooledBytesMax
        else { throw .spoolFull(directory: directory) }
        for file in new { try removeFile(Self.refusedName(file.id)) }
        try place(new.map { (Self.name($0.id), $0.bytes) })
        return files.map(\.id)
    }

    /// Whether a message waits here.
    package func holds(_ id: Digest) throws(NodeError) -> Bool {
        try names().contains(Self.name(id))
    }

    /// Why a message was refused, where the node has said so.
    package func refusal(of id: Digest) throws(NodeError) -> String? {
        do throws(DiskError) {
            let bytes = try disk.contents(
                of: "\(directory)/\(Self.refusedName(id))", max: NodeLimits.refusalBytesMax)
            return String(decoding: bytes, as: UTF8.self)
        } catch {
            if case .notFound = error { return nil }
            throw .disk(error)
        }
    }

    // MARK: The node

    /// When the folder was changed last, and whether any later change bears a later time; nil where
    /// there is none.
    var lastChange: FileChange? { disk.lastChange(of: directory) }

    /// The names of the messages, in order; files under temporary names are passed over.
    package func names() throws(NodeError) -> [String] {
        try list().filter { $0.hasSuffix(Self.suffix) }
    }

    /// Reads one file. Damage is told and never fatal.
    package func read(_ name: String, in ledger: LedgerID) -> SpooledMessage {
        do throws(SpoolProblem) {
            let (id, message) = try message(name, ledger)
            return SpooledMessage(
                name: name, path: "\(directory)/\(name)", content: .success(message), id: id)
        } catch {
            return SpooledMessage(
                name: name, path: "\(directory)/\(name)", content: .failure(error), id: nil)
        }
    }

    /// Reads all that is there: messages by name; what is damaged, likewise.
    package func readAll(in ledger: LedgerID) throws(NodeError) -> [SpooledMessage] {
        try names().map { read($0, in: ledger) }
    }

    /// Removes a message, where it is there; not durable, since what has gone may come again.
    package func remove(_ name: String) throws(NodeError) { try removeFile(name) }

    /// Removes a message that is refused for good, and leaves word of it for its client.
    ///
    /// Word of the refusals that are oldest by name goes where there are too many.
    package func refuse(_ name: String, because reason: String) throws(NodeError) {
        guard name.hasSuffix(Self.suffix) else { return }
        let said = try list().filter { $0.hasSuffix(Self.refusedSuffix) }
        for old in said.dropLast(NodeLimits.keptRefusalsMax - 1) { try removeFile(old) }
        let text = Array(reason.utf8.prefix(NodeLimits.refusalBytesMax))
        try place([("\(name.dropLast(Self.suffix.count))\(Self.refusedSuffix)", text)])
        try removeFile(name)
    }

    // MARK: Files

    /// Checks, in order: name, length, encoding, kind, identity, signature.
    private func message(
        _ name: String, _ ledger: LedgerID
    ) throws(SpoolProblem) -> (Digest, Message) {
        let digits = String(name.dropLast(Self.suffix.count))
        guard let named = Bytes32(hex: digits), named.hex == digits else { throw .notNamed }
        let bytes: [UInt8]
        do throws(DiskError) {
            bytes = try disk.contents(
                of: "\(directory)/\(name)", max: NodeLimits.spooledMessageBytesMax)
        } catch {
            throw .unreadable("\(error)")
        }
        guard bytes.count <= NodeLimits.spooledMessageBytesMax else {
            throw .tooLong(max: NodeLimits.spooledMessageBytesMax)
        }
        let message: Message
        do throws(DecodingError) { message = try Message(decoding: bytes) } catch {
            throw .undecodable(error)
        }
        guard Self.takes(message) else { throw .otherKind }
        let id = Self.identity(of: message, in: ledger)
        guard id == Digest(named) else { throw .otherMessage(id) }
        guard message.isSigned(in: ledger) else { throw .notSigned }
        return (id, message)
    }

    private func list() throws(NodeError) -> [String] {
        do throws(DiskError) { return try disk.list(directory) } catch {
            if case .notFound = error { return [] }
            throw .disk(error)
        }
    }

    /// The bytes of files; the node takes some while this looks at them.
    private func bytesCount(_ names: Set<String>) -> UInt64 {
        names.reduce(0) { $0 + (disk.size(of: "\(directory)/\($1)") ?? 0) }
    }

    private func place(_ files: [(name: String, bytes: [UInt8])]) throws(NodeError) {
        // Unique, so that two who hand in the same do not write over each other.
        let new = files.map {
            NewFile(name: $0.name, temporary: "\(randomBytes(16).hex).tmp", bytes: $0.bytes)
        }
        do throws(DiskError) { try disk.place(new, in: directory) } catch { throw .disk(error) }
    }

    private func removeFile(_ name: String) throws(NodeError) {
        do throws(DiskError) { try disk.remove("\(directory)/\(name)") } catch {
            if case .notFound = error { return }
            throw .disk(error)
        }
    }

    private static func name(_ id: Digest) -> String { "\(id.hex)\(suffix)" }
    private static func refusedName(_ id: Digest) -> String { "\(id.hex)\(refusedSuffix)" }
}
