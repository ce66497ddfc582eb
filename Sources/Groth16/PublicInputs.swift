// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import BN254

/// Readers of public inputs, which refuse what they would have to reduce.
package enum PublicInputs {
    /// Reads decimal numbers, as snarkjs writes them.
    ///
    /// Throws `malformedInput` or `inputNotCanonical` for the first input that is refused.
    package static func parse(decimal texts: [String]) throws(Groth16Error) -> [Fr] {
        var inputs: [Fr] = []
        inputs.reserveCapacity(texts.count)
        for (index, text) in texts.enumerated() {
            switch CanonicalDecimal(text) {
            case .malformed: throw .malformedInput(index: index)
            case .tooLarge: throw .inputNotCanonical(index: index)
            case .number(let value): inputs.append(try canonical(value, index))
            }
        }
        return inputs
    }

    /// Reads numbers of 32 bytes, least significant first.
    ///
    /// Throws `malformedInput` or `inputNotCanonical` for the first input that is refused.
    package static func parse(littleEndian parts: [[UInt8]]) throws(Groth16Error) -> [Fr] {
        var inputs: [Fr] = []
        inputs.reserveCapacity(parts.count)
        for (index, bytes) in parts.enumerated() {
            guard let value = UInt256(littleEndian: bytes) else {
                throw .malformedInput(index: index)
            }
            inputs.append(try canonical(value, index))
        }
        return inputs
    }

    /// Reads numbers of 32 bytes, most significant first.
    ///
    /// Throws `malformedInput` or `inputNotCanonical` for the first input that is refused.
    package static func parse(bigEndian parts: [[UInt8]]) throws(Groth16Error) -> [Fr] {
        try parse(littleEndian: parts.map { $0.reversed() })
    }

    private static func canonical(_ value: UInt256, _ index: Int) throws(Groth16Error) -> Fr {
        guard let input = Fr(canonical: value) else { throw .inputNotCanonical(index: index) }
        return input
    }
}

/// What a text says as a decimal number without sign and leading zeros.
enum CanonicalDecimal {
    case malformed
    /// 2^256 or more.
    case tooLarge
    case number(UInt256)

    /// Looks at no more than 79 bytes of the text.
    init(_ text: String) {
        if let value = UInt256(decimal: text) {
            self = .number(value)
            return
        }
        let head = text.utf8.prefix(79)
        let isPlain = head.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && head.first != 0x30
        self = isPlain && !head.isEmpty ? .tooLarge : .malformed
    }
}
