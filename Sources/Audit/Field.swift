// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// A value of an event as people and machines read it.
package indirect enum Field: Sendable, Equatable {
    /// An unsigned number.
    case number(UInt64)
    /// A signed number.
    case signed(Int64)
    /// Milliseconds since 1970 UTC.
    case time(UInt64)
    /// Thousandths of a reputation point.
    case points(UInt64)
    /// A text.
    case text(String)
    /// Lower-case hexadecimal digits.
    case hex(String)
    /// A validator, submitter or circuit by its number, with its name where that is known.
    case party(UInt64, Party, name: String?)
    /// Several values in order.
    case list([Field])
    /// Named values in order.
    case record([NamedField])
    /// Nothing.
    case none
}

/// Who, or what, a ledger gives a number and a name.
package enum Party: Sendable {
    case validator, submitter, circuit
}

/// A value with its name, in the spelling of JSON: `snake_case`.
package struct NamedField: Sendable, Equatable {
    /// The name.
    package let name: String
    /// The value.
    package let value: Field

    /// Joins name and value.
    package init(_ name: String, _ value: Field) {
        self.name = name
        self.value = value
    }
}

extension Field {
    /// Reads any value of the ledger's types by its stored properties, in order of declaration.
    package init(_ value: Any) {
        if let leaf = Self.leaves[ObjectIdentifier(type(of: value))]?(value) {
            self = leaf
            return
        }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: self = mirror.children.first.map { Field($0.value) } ?? .none
        case .collection: self = .list(mirror.children.map { Field($0.value) })
        case .enum:
            guard let payload = mirror.children.first else {
                self = .text("\(value)")
                return
            }
            self = .record([NamedField(snakeCase(payload.label ?? ""), Field(payload.value))])
        default:
            self = .record(
                mirror.children.enumerated().map { position, child in
                    let label = child.label.flatMap { $0.hasPrefix(".") ? nil : $0 }
                    return NamedField(snakeCase(label ?? "value\(position)"), Field(child.value))
                })
        }
    }

    /// How a value of a type is read that is not taken apart.
    private typealias Reading = @Sendable (Any) -> Field?

    private static let leaves: [ObjectIdentifier: Reading] = Dictionary(
        uniqueKeysWithValues: [
            leaf(EntryIndex.self) { .number($0.rawValue) },
            leaf(Height.self) { .number($0.rawValue) },
            leaf(ValidatorIndex.self) { .party(UInt64($0.rawValue), .validator, name: nil) },
            leaf(SubmitterIndex.self) { .party(UInt64($0.rawValue), .submitter, name: nil) },
            leaf(CircuitIndex.self) { .party(UInt64($0.rawValue), .circuit, name: nil) },
            leaf(Time.self) { .time($0.rawValue) },
            leaf(Reputation.self) { .points($0.rawValue) },
            leaf(Stake.self) { .number($0.rawValue) },
            leaf(Amount.self) { .number($0.rawValue) },
            leaf(Bytes32.self) { .hex($0.hex) },
            leaf(Digest.self) { .hex($0.hex) },
            leaf(PublicKey.self) { .hex($0.hex) },
            leaf(Signature.self) { .hex($0.hex) },
            leaf(RequestID.self) { .hex($0.hex) },
            leaf(JobID.self) { .hex($0.hex) },
            leaf(CircuitID.self) { .hex($0.hex) },
            leaf(LedgerID.self) { .hex($0.hex) },
            leaf([UInt8].self) { .hex($0.hex) },
            leaf(String.self) { .text($0) },
            leaf(UInt8.self) { .number(UInt64($0)) },
            leaf(UInt16.self) { .number(UInt64($0)) },
            leaf(UInt32.self) { .number(UInt64($0)) },
            leaf(UInt64.self) { .number($0) },
            leaf(Int32.self) { .signed(Int64($0)) },
            leaf(Int64.self) { .signed($0) },
            leaf(Int.self) { .signed(Int64($0)) },
            leaf(Bool.self) { .text($0 ? "true" : "false") },
        ])

    private static func leaf<Value>(
        _ type: Value.Type, _ field: @escaping @Sendable (Value) -> Field
    ) -> (ObjectIdentifier, Reading) {
        (ObjectIdentifier(type), { ($0 as? Value).map(field) })
    }
}

extension Event {
    /// The fields of the event in order, without its kind.
    package var fields: [NamedField] {
        if case .batchSealed(let sealed) = self { return sealed.fields }
        guard case .record(let cases) = Field(self), case .record(let fields)? = cases.first?.value
        else { return [] }
        return fields
    }
}

extension BatchSealed {
    /// The fields with the components by their labels.
    fileprivate var fields: [NamedField] {
        let components = zip(StateComponent.allCases, self.components).map { component, root in
            NamedField(component.label, .hex(root.hex))
        }
        return [
            NamedField("height", .number(height.rawValue)), NamedField("size", .number(size)),
            NamedField("root", .hex(root.hex)), NamedField("state_root", .hex(stateRoot.hex)),
            NamedField("components", .record(components)),
        ]
    }
}

/// Spells a name of Swift as JSON does here: `publicInputs` as `public_inputs`.
///
/// Of the letters those of ASCII change, which names here consist of.
package func snakeCase(_ name: String) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(name.utf8.count + 4)
    for byte in name.utf8 {
        guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) else {
            result.append(byte)
            continue
        }
        if !result.isEmpty { result.append(UInt8(ascii: "_")) }
        result.append(byte | 0x20)
    }
    return String(decoding: result, as: UTF8.self)
}
