// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Field: Encodable {
    /// A name that is known only at run time.
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { stringValue = name }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { return nil }
    }

    /// Numbers stay numbers: times are milliseconds, reputations thousandths of a point.
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .number(let value), .time(let value), .points(let value), .party(let value, _, _):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .signed(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .text(let value), .hex(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .none:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .list(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(value) }
        case .record(let fields):
            var container = encoder.container(keyedBy: Name.self)
            for field in fields {
                try container.encode(field.value, forKey: Name(field.name))
                guard let (name, value) = field.nameOfParty else { continue }
                try container.encode(value, forKey: Name(name))
            }
        }
    }
}
