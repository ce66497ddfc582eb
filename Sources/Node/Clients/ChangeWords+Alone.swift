// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Groth16
package import Ledger

extension ChangeWords {
    /// A change in words where there is no ledger that could say what its keys and numbers are
    /// called: keys and numbers stand for themselves.
    package static func text(alone change: Change) -> String {
        switch change {
        case .validatorJoined(let key, let name, let stake):
            "\(name) joins with key \(key.hex) and stake \(stake.rawValue)"
        case .validatorLeft(let key): "the validator of key \(key.hex) leaves"
        case .stakeChanged(let key, let stake):
            "the stake of the validator of key \(key.hex) becomes \(stake.rawValue)"
        case .parametersChanged(let parameters):
            parameters.fault.map(faulty)
                ?? "parameters become " + lines(of: parameters).joined(separator: ", ")
        case .circuitRegistered(let circuit):
            "circuit \(circuit.name) is added, its key has the hash"
                + " \(Digest(hashing: circuit.verifyingKey).hex)"
        case .rootPublished(let circuit, let root):
            "root \(FieldText.decimal(root)) is published for circuit number \(circuit.rawValue)"
        case .submitterListed(let key, let name, let quota):
            quota == 0
                ? "submitter \(name) of key \(key.hex) is served no more"
                : "submitter \(name) of key \(key.hex) is listed with quota \(quota)"
        }
    }

    /// All parameters, as a configuration has them.
    private static func lines(of parameters: Parameters) -> [String] {
        var configuration = Configuration.standard
        configuration.parameters = parameters
        let lines = configuration.toml.split(separator: "\n").map { String($0) }
        let start = lines.firstIndex(of: "[consensus]") ?? 0
        let end = lines.firstIndex(of: "[network]") ?? lines.count
        return lines[start..<end].filter {
            $0.contains(" = ") && !$0.hasPrefix("total_validators = ")
        }
    }
}
