// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import Replication

/// A piece of the batch behind a value: an entry of a log is too short for all of it.
///
/// The parts of a batch follow each other without a gap, in one commit; all but the last have
/// `HostingLimits.heldPartBytesMax` bytes.
struct HeldPart: BorshCodable, Hashable {
    /// What its encoding takes besides its bytes, the tag of the entry included.
    static let headerBytes = 53

    /// Of the batch.
    let height: Height
    /// The root of the log after the batch.
    let value: Digest
    /// From 0.
    let number: UInt32
    /// How many there are.
    let parts: UInt32
    /// Those of the batch's encoding that are in this part.
    let bytes: [UInt8]

    /// Cuts a batch into its parts.
    ///
    /// Throws `.batchTooLarge` where a message between nodes could not hold it either.
    static func cut(
        _ batch: ProposedBatch, height: Height, value: Digest
    ) throws(JournalProblem) -> [HeldPart] {
        let bytes = batch.encoded
        guard bytes.count <= ReplicationLimits.messageBytesMax else {
            throw .batchTooLarge(bytes: bytes.count, max: ReplicationLimits.messageBytesMax)
        }
        let size = HostingLimits.heldPartBytesMax
        let parts = (bytes.count + size - 1) / size
        invariant(parts >= 1, "a batch of no bytes")
        invariant(parts <= HostingLimits.heldPartsMax, "a batch in \(parts) parts")
        let cut = (0..<parts).map { number in
            HeldPart(
                height: height, value: value, number: UInt32(number), parts: UInt32(parts),
                bytes: Array(bytes[(number * size)..<min(bytes.count, (number + 1) * size)]))
        }
        let sum = cut.reduce(0) { $0 + $1.bytes.count }
        invariant(sum == bytes.count, "\(sum) bytes in the parts of a batch of \(bytes.count)")
        return cut
    }

    private init(height: Height, value: Digest, number: UInt32, parts: UInt32, bytes: [UInt8]) {
        self.height = height
        self.value = value
        self.number = number
        self.parts = parts
        self.bytes = bytes
    }

    func encode(to writer: inout BorshWriter) {
        // The tag of the entry stands before it.
        let end = writer.bytes.count + Self.headerBytes - 1 + bytes.count
        writer.write(height)
        writer.write(value)
        writer.write(number)
        writer.write(parts)
        writer.write(bytes)
        invariant(
            writer.bytes.count == end, "a part ends at byte \(writer.bytes.count), not at \(end)")
    }

    init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        value = try reader.digest()
        let start = reader.offset
        number = try reader.integer()
        parts = try reader.integer()
        guard number < parts, parts <= UInt32(HostingLimits.heldPartsMax) else {
            throw .notCanonical(type: "HeldPart", offset: start)
        }
        bytes = try reader.blob(of: "HeldPart", bound: HostingLimits.heldPartBytesMax)
        guard !bytes.isEmpty,
            number + 1 == parts || bytes.count == HostingLimits.heldPartBytesMax
        else { throw .notCanonical(type: "HeldPart", offset: start) }
    }
}

/// Joins the parts of batches as they are read, one batch at a time.
///
/// Invariant: while parts are due, `bytes` are those of the parts so far, where bytes are kept;
/// else there are none. After an error it is of no more use.
struct HeldAssembly {
    private let keepsBytes: Bool
    private var last: (height: Height, value: Digest, number: UInt32, parts: UInt32)?
    private var bytes: [UInt8] = []

    /// Joins parts, or, where the bytes are not to be kept, only checks their order.
    init(keepsBytes: Bool) { self.keepsBytes = keepsBytes }

    /// Whether parts are due.
    var isOpen: Bool { last != nil }

    /// Throws `.partsMissing` where parts are due.
    func end() throws(JournalProblem) {
        if let last { throw .partsMissing(number: last.number + 1, of: last.parts) }
    }

    /// Takes the next part; returns the bytes of the batch, where kept, once all are there.
    mutating func add(_ part: HeldPart) throws(JournalProblem) -> [UInt8]? {
        if let last {
            guard part.height == last.height, part.value == last.value,
                part.parts == last.parts, part.number == last.number + 1
            else { throw .partsMissing(number: last.number + 1, of: last.parts) }
        } else if part.number != 0 {
            throw .partsMissing(number: 0, of: part.parts)
        }
        if keepsBytes { bytes += part.bytes }
        let wanted = Int(part.number) * HostingLimits.heldPartBytesMax + part.bytes.count
        invariant(
            !keepsBytes || bytes.count == wanted,
            "\(bytes.count) bytes of \(part.number + 1) parts, not \(wanted)")
        guard part.number + 1 == part.parts else {
            last = (part.height, part.value, part.number, part.parts)
            return nil
        }
        last = nil
        defer { bytes = [] }
        return bytes
    }
}
