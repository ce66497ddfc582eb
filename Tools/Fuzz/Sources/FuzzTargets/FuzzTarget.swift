// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An input to start from.
struct Seed {
    let name: String
    let bytes: [UInt8]
}

/// Something that takes bytes from outside, and the laws that it must keep on any of them.
struct FuzzTarget: Sendable {
    /// What the command line calls it.
    let name: String
    /// What it reads and which laws hold, in a line.
    let about: String
    /// The longest input worth trying, in bytes.
    let bytesMax: Int
    /// Makes the seeds from real values.
    let seeds: @Sendable () throws -> [Seed]
    /// Reads one input.
    let run: @Sendable ([UInt8]) -> Void

    static let all: [FuzzTarget] = [
        .events, .messages, .folds, .commands, .frames, .ledgers, .snapshots, .cases, .journals,
        .merkle, .hashing, .signatures,
        .checkpoints, .tiles, .certificates,
        .proofs, .keys, .configuration, .requests, .sealedKeys, .peers, .duties,
        .hellos, .publicFiles, .genesis, .modules,
        .fields, .gossip, .names, .identities, .discovery, .handshakes, .streams, .negotiations,
    ]
}

/// Reads the parts that an input is made of; what is not there reads as zero or empty.
struct Parts {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    /// The bytes that are left.
    var rest: [UInt8] { Array(bytes[position...]) }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        position += 1
        return bytes[position - 1]
    }

    /// An integer, least significant byte first.
    mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T {
        var value: T = 0
        for place in 0..<T.bitWidth / 8 {
            value |= T(truncatingIfNeeded: byte()) << T(truncatingIfNeeded: 8 * place)
        }
        return value
    }

    /// `count` bytes, fewer where the input ends.
    mutating func read(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, position + count)
        defer { position = end }
        return Array(bytes[position..<end])
    }

    /// Bytes behind their length (u16).
    mutating func list() -> [UInt8] { read(Int(integer(UInt16.self))) }

    /// Writes what `list` reads.
    static func list(_ bytes: [UInt8]) -> [UInt8] { little(UInt16(bytes.count)) + bytes }

    /// An integer, least significant byte first.
    static func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T(8 * $0)) }
    }
}
