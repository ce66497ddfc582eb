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
        if let leaf = Self.leaf(value) {
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

    private static func leaf(_ value: Any) -> Field? {
        let isBytes = type(of: value) == [UInt8].self
        return switch value {
        case let value as EntryIndex: .number(value.rawValue)
        case let value as Height: .number(value.rawValue)
        case let value as ValidatorIndex: .party(UInt64(value.rawValue), .validator, name: nil)
        case let value as SubmitterIndex:
            .party(UInt64(value.rawValue), .submitter, name: nil)
        case let value as CircuitIndex:
            .party(UInt64(value.rawValue), .circuit, name: nil)
        case let value as Time: .time(value.rawValue)
        case let value as Reputation: .points(value.rawValue)
        case let value as Stake: .number(value.rawValue)
        case let value as Amount: .number(value.rawValue)
        case let value as Bytes32: .hex(value.hex)
        case let value as Digest: .hex(value.hex)
        case let value as PublicKey: .hex(value.hex)
        case let value as Signature: .hex(value.hex)
        case let value as RequestID: .hex(value.hex)
        case let value as JobID: .hex(value.hex)
        case let value as CircuitID: .hex(value.hex)
        case let value as LedgerID: .hex(value.hex)
        // An empty list of anything can be cast to any list.
        case let value as [UInt8] where isBytes: .hex(value.hex)
        case let value as String: .text(value)
        default: integer(value)
        }
    }

    private static func integer(_ value: Any) -> Field? {
        switch value {
        case let value as UInt8: .number(UInt64(value))
        case let value as UInt16: .number(UInt64(value))
        case let value as UInt32: .number(UInt64(value))
        case let value as UInt64: .number(value)
        case let value as Int32: .signed(Int64(value))
        case let value as Int64: .signed(value)
        case let value as Int: .signed(Int64(value))
        case let value as Bool: .text(value ? "true" : "false")
        default: nil
        }
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
package func snakeCase(_ name: String) -> String {
    var result = ""
    for character in name {
        if character.isUppercase {
            if !result.isEmpty { result.append("_") }
            result += character.lowercased()
        } else {
            result.append(character)
        }
    }
    return result
}
