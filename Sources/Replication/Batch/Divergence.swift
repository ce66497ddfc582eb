// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// How what T validators agreed on differs from what this node derives: it must stop.
package enum Divergence: Error, Equatable, Sendable {
    /// The state of a component differs after the batch.
    case component(Height, StateComponent, decided: Digest, derived: Digest)
    /// An entry is another than the one that follows from those before it.
    case entry(Height, EntryIndex, decided: String, derived: String)
    /// An input that T validators let pass is not signed, or the rules refuse it.
    case input(Height, EntryIndex, kind: String, Refusal?)
    /// T validators precommitted another root of the log after the last batch.
    case history(Height, decided: Digest, derived: Digest)

    /// The batch that is in dispute.
    package var height: Height {
        switch self {
        case .component(let height, _, _, _), .entry(let height, _, _, _),
            .input(let height, _, _, _):
            height
        case .history(let height, _, _): height
        }
    }
}

extension Divergence: BorshCodable {
    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .component(let height, let component, let decided, let derived):
            writer.write(UInt8(0))
            writer.write(height)
            writer.write(component.rawValue)
            writer.write(decided)
            writer.write(derived)
        case .entry(let height, let entry, let decided, let derived):
            invariant(
                max(decided.utf8.count, derived.utf8.count) <= Limits.nameBytesMax,
                "a divergence is told of \(decided) and \(derived), which nobody could read")
            writer.write(UInt8(1))
            writer.write(height)
            writer.write(entry)
            writer.write(decided)
            writer.write(derived)
        case .input(let height, let entry, let kind, let refusal):
            invariant(
                kind.utf8.count <= Limits.nameBytesMax,
                "a divergence is told of \(kind), which nobody could read")
            writer.write(UInt8(2))
            writer.write(height)
            writer.write(entry)
            writer.write(kind)
            writer.write(optional: refusal)
        case .history(let height, let decided, let derived):
            writer.write(UInt8(3))
            writer.write(height)
            writer.write(decided)
            writer.write(derived)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        let tag = try reader.integer(UInt8.self)
        let height = try Height(from: &reader)
        switch tag {
        case 0:
            let number = try reader.integer(UInt8.self)
            guard let component = StateComponent(rawValue: number) else {
                throw .unknownTag(type: "StateComponent", tag: number, offset: start)
            }
            self = .component(
                height, component, decided: try reader.digest(), derived: try reader.digest())
        case 1:
            self = .entry(
                height, try EntryIndex(from: &reader),
                decided: try reader.text(of: "Divergence", bound: Limits.nameBytesMax),
                derived: try reader.text(of: "Divergence", bound: Limits.nameBytesMax))
        case 2:
            self = .input(
                height, try EntryIndex(from: &reader),
                kind: try reader.text(of: "Divergence", bound: Limits.nameBytesMax),
                try reader.optional(Refusal.self))
        case 3:
            self = .history(height, decided: try reader.digest(), derived: try reader.digest())
        default: throw .unknownTag(type: "Divergence", tag: tag, offset: start)
        }
    }
}

extension Divergence: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .component(let height, let component, let decided, let derived):
            "batch \(height.rawValue): the component \(component.label) differs: \(decided.hex)"
                + " was decided by a quorum, \(derived.hex) is derived here"
        case .entry(let height, let entry, let decided, let derived):
            "batch \(height.rawValue), entry \(entry.rawValue): a quorum decided on \(decided),"
                + " here follows \(derived)"
        case .input(let height, let entry, let kind, let refusal):
            "batch \(height.rawValue), entry \(entry.rawValue): a quorum decided on a \(kind) that"
                + " \(refusal.map { "the rules refuse: \($0)" } ?? "is not signed")"
        case .history(let height, let decided, let derived):
            "batch \(height.rawValue): a quorum decided on the root \(decided.hex), and the log"
                + " here has the root \(derived.hex) after it"
        }
    }
}

/// Why a batch that a peer sent as decided proves nothing.
package enum DecidedBatchFault: Error, Equatable, Sendable {
    /// It is not the next one.
    case wrongHeight(Height)
    /// The precommits are not T of those who order this height, by index, or one is not signed.
    case wrongPrecommits
    /// The entries do not give the root that the precommits name.
    case otherRoot
    /// An entry cannot be decoded.
    case undecodable(entry: Int)
    /// This node derives something else from the same inputs, though a quorum agreed.
    case diverged(Divergence)
}
