// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Ledger

extension Field {
    /// The value with the names of the parties in it, as far as they are known.
    package func named(by names: LedgerNames) -> Field {
        switch self {
        case .party(let number, let party, _):
            .party(number, party, name: names.name(of: number, party))
        case .list(let values): .list(values.map { $0.named(by: names) })
        case .record(let fields): .record(fields.map { $0.named(by: names) })
        default: self
        }
    }

    /// Whether it holds a party that these names do not reach.
    package func isBeyond(_ names: LedgerNames) -> Bool {
        switch self {
        case .party(let number, let party, _): names.name(of: number, party) == nil
        case .list(let values): values.contains { $0.isBeyond(names) }
        case .record(let fields): fields.contains { $0.value.isBeyond(names) }
        default: false
        }
    }
}

extension NamedField {
    /// The field with the names of the parties in it, as far as they are known.
    package func named(by names: LedgerNames) -> NamedField {
        NamedField(name, value.named(by: names))
    }

    /// What machines find beside a field that holds parties: `leader_name` beside `leader`,
    /// `validator_names` beside `validators`; nil where no name is known.
    var nameOfParty: (name: String, value: Field)? {
        switch value {
        case .party(_, _, let called?): return ("\(name)_name", .text(called))
        case .list(let values):
            var names: [Field] = []
            for value in values {
                guard case .party(_, _, let called?) = value else { return nil }
                names.append(.text(called))
            }
            let one = name.hasSuffix("s") ? String(name.dropLast()) : name
            return names.isEmpty ? nil : ("\(one)_names", .list(names))
        default: return nil
        }
    }
}

extension LedgerNames {
    fileprivate func name(of number: UInt64, _ party: Party) -> String? {
        if party == .validator, number == UInt64(ValidatorIndex.bridge.rawValue) {
            return "the bridge"
        }
        let known =
            switch party {
            case .validator: validators
            case .submitter: submitters
            case .circuit: circuits
            }
        return number < UInt64(known.count) ? known[Int(number)] : nil
    }
}
