// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What the values of a column are, and how they lie in a block: integers little-endian.
package enum ColumnType: String, Codable, Sendable {
    /// Unsigned, 2 bytes.
    case u16
    /// Unsigned, 4 bytes.
    case u32
    /// Unsigned, 8 bytes.
    case u64
    /// Signed, 4 bytes.
    case i32
    /// Milliseconds since 1970 UTC, 8 bytes, signed.
    case time
    /// UTF-8.
    case text
    /// Thirty-two bytes.
    case hash
    /// Bytes of any number.
    case bytes
}

/// A column of a table.
package struct Column: Codable, Sendable {
    /// What it is called.
    package let name: String
    /// What its values are.
    package let type: ColumnType
    /// Whether there may be none.
    package let optional: Bool
}

/// A table of what happened in a ledger. Rows are never changed: each is there once nothing can
/// change it, and belongs to the entry that made it so.
package enum ColumnTable: UInt8, CaseIterable, Sendable {
    case entries, batches, requests, votes, reputation, leaders, jobs, settlements, evidence
    case disagreements

    /// What it is called.
    package var name: String { "\(self)" }

    /// Its columns, in order; the first three of all tables are the same.
    package var columns: [Column] {
        [Self.column("entry", .u64), Self.column("batch", .u64), Self.column("time", .time)] + own
    }

    private static func column(
        _ name: String, _ type: ColumnType, optional: Bool = false
    ) -> Column {
        Column(name: name, type: type, optional: optional)
    }

    /// Number, name and key of a party.
    private static func party(_ role: String, optional: Bool = false) -> [Column] {
        [
            column(role, .u16, optional: optional),
            column(role + "_name", .text, optional: optional),
            column(role + "_key", .hash, optional: optional),
        ]
    }

    private var own: [Column] {
        let column = Self.column(_:_:optional:)
        func one(_ name: String, _ type: ColumnType) -> Column { column(name, type, false) }
        func maybe(_ name: String, _ type: ColumnType) -> Column { column(name, type, true) }
        switch self {
        case .entries: return [one("kind", .text), one("bytes", .u32), one("leaf_hash", .hash)]
        case .batches:
            return [one("opened", .u64)] + Self.party("proposer", optional: true)
                + [one("round", .u32), one("log_root", .hash), one("state_root", .hash)]
        case .requests:
            return [
                one("request", .u64), one("request_id", .hash), one("circuit", .u16),
                one("circuit_name", .text),
            ] + Self.party("submitter") + [
                one("amount", .u64), one("recipient", .hash), one("submitted_at", .time),
            ] + Self.party("leader") + [
                one("threshold", .u32), one("deadline", .time), maybe("outcome", .text),
                maybe("reason", .text), maybe("approvals", .u16), maybe("rejections", .u16),
                maybe("abstentions", .u16), maybe("margin", .i32), maybe("deciding", .u64),
                maybe("decided_at", .time), one("close_cause", .text),
            ]
        case .votes:
            return [one("request", .u64)] + Self.party("validator")
                + [one("vote", .text), one("reason", .text), one("signed_at", .time)]
        case .reputation:
            return Self.party("validator") + [
                one("cause", .text), maybe("about", .u64), one("before", .u64), one("after", .u64),
            ]
        case .leaders:
            return [one("matter", .text), one("about", .u64)] + Self.party("leader")
                + [one("passed_over", .u32)]
        case .jobs:
            return [one("job", .u64), one("job_id", .hash)] + Self.party("submitter") + [
                one("module", .hash), one("input", .hash), one("fuel", .u64),
                one("memory_bytes", .u64), one("engine", .text), one("engine_version", .text),
                one("submitted_at", .time), maybe("deadline", .time), maybe("decision", .text),
                maybe("status", .text), maybe("status_code", .u16), maybe("output", .hash),
                maybe("deciding", .u64), maybe("decided_at", .time), one("close_cause", .text),
            ]
        case .settlements:
            return [one("request", .u64), one("event", .text)]
                + Self.party("leader", optional: true)
                + [maybe("next_turn", .time), maybe("reference", .bytes)]
        case .evidence:
            return Self.party("validator", optional: true) + [
                one("slot", .text), maybe("request", .u64), maybe("height", .u64),
                maybe("round", .u32), maybe("job", .u64), maybe("size", .u64),
            ]
        case .disagreements:
            return [one("about", .u64)] + Self.party("validator") + [one("side", .u16)]
        }
    }
}
