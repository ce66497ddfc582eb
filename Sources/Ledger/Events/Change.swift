// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A change of membership, stake, parameters, circuits, roots or submitters.
package enum Change: Hashable, Sendable, BorshCodable {
    /// A validator joins, or a former one returns with its old index, name and reputation.
    case validatorJoined(key: PublicKey, name: String, stake: Stake)
    /// A validator leaves.
    case validatorLeft(key: PublicKey)
    /// A validator's stake becomes another.
    case stakeChanged(key: PublicKey, stake: Stake)
    /// The parameters become these.
    case parametersChanged(Parameters)
    /// A circuit is added.
    case circuitRegistered(Circuit)
    /// A root is added to those that requests to a circuit may name.
    case rootPublished(circuit: CircuitIndex, root: Bytes32)
    /// A submitter is listed, or its quota becomes another; 0 serves it no more.
    case submitterListed(key: PublicKey, name: String, quota: UInt32)

    /// What JSON calls the kind: the name of the case.
    package var jsonName: String {
        switch self {
        case .validatorJoined: "validatorJoined"
        case .validatorLeft: "validatorLeft"
        case .stakeChanged: "stakeChanged"
        case .parametersChanged: "parametersChanged"
        case .circuitRegistered: "circuitRegistered"
        case .rootPublished: "rootPublished"
        case .submitterListed: "submitterListed"
        }
    }

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .validatorJoined(let key, let name, let stake):
            writer.write(UInt8(0))
            writer.write(key)
            writer.write(name)
            writer.write(stake)
        case .validatorLeft(let key):
            writer.write(UInt8(1))
            writer.write(key)
        case .stakeChanged(let key, let stake):
            writer.write(UInt8(2))
            writer.write(key)
            writer.write(stake)
        case .parametersChanged(let parameters):
            writer.write(UInt8(3))
            writer.write(parameters)
        case .circuitRegistered(let circuit):
            writer.write(UInt8(4))
            writer.write(circuit)
        case .rootPublished(let circuit, let root):
            writer.write(UInt8(5))
            writer.write(circuit)
            writer.write(root)
        case .submitterListed(let key, let name, let quota):
            writer.write(UInt8(6))
            writer.write(key)
            writer.write(name)
            writer.write(quota)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0:
            self = .validatorJoined(
                key: try reader.publicKey(),
                name: try reader.text(of: "Change.name", bound: Limits.partyNameBytesMax),
                stake: try Stake(from: &reader))
        case 1: self = .validatorLeft(key: try reader.publicKey())
        case 2: self = .stakeChanged(key: try reader.publicKey(), stake: try Stake(from: &reader))
        case 3: self = .parametersChanged(try Parameters(from: &reader))
        case 4: self = .circuitRegistered(try Circuit(from: &reader))
        case 5:
            self = .rootPublished(
                circuit: try CircuitIndex(from: &reader), root: try reader.bytes32())
        case 6:
            self = .submitterListed(
                key: try reader.publicKey(),
                name: try reader.text(of: "Change.name", bound: Limits.partyNameBytesMax),
                quota: try reader.integer())
        case let tag: throw .unknownTag(type: "Change", tag: tag, offset: start)
        }
    }
}
