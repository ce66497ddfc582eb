// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why the input of a precompiled contract is refused.
package enum PrecompileError: Error, Equatable, Sendable {
    /// The length of a pairing input is no multiple of 192.
    case wrongLength(actualBytes: Int)
    /// A point is refused; the index counts the points in the input, from 0.
    case point(index: Int, PointError)
}

/// The functions of EIP-196 and EIP-197 over byte strings, without their cost in gas.
package enum EthereumPrecompiles {
    /// Adds two points of G1 of 64 bytes each (EIP-196).
    ///
    /// A short input is filled up with zeros, bytes past the 128th are ignored.
    package static func ecAdd(_ input: [UInt8]) throws(PrecompileError) -> [UInt8] {
        let padded = fit(input, size: 128)
        let left = try point(padded[0..<64], index: 0)
        let right = try point(padded[64..<128], index: 1)
        return (left + right).ethereum
    }

    /// Multiplies a point of G1 of 64 bytes with a big-endian number of 32 bytes (EIP-196).
    ///
    /// The number may exceed the order. A short input is filled up with zeros, bytes past the
    /// 96th are ignored.
    package static func ecMul(_ input: [UInt8]) throws(PrecompileError) -> [UInt8] {
        let padded = fit(input, size: 96)
        let base = try point(padded[0..<64], index: 0)
        guard let scalar = UInt256(bigEndian: padded[64..<96]) else {
            fatalError("32 bytes are a number of 256 bits")
        }
        return base.multipliedVariableTime(by: scalar).ethereum
    }

    /// Returns whether the product of the pairings of k pairs of 192 bytes each is one (EIP-197).
    ///
    /// Checks the length, then the points in their order.
    package static func pairingCheck(_ input: [UInt8]) throws(PrecompileError) -> Bool {
        guard input.count % 192 == 0 else { throw .wrongLength(actualBytes: input.count) }
        var pairs: [(G1Affine, G2Affine)] = []
        for start in stride(from: 0, to: input.count, by: 192) {
            let first = try point(input[start..<start + 64], index: pairs.count * 2)
            do throws(PointError) {
                let second = try G2Affine(ethereum: input[start + 64..<start + 192])
                pairs.append((first, second))
            } catch {
                throw .point(index: pairs.count * 2 + 1, error)
            }
        }
        return Pairing.product(pairs) == .one
    }

    private static func fit(_ input: [UInt8], size: Int) -> [UInt8] {
        let kept = input.prefix(size)
        return kept + [UInt8](repeating: 0, count: size - kept.count)
    }

    private static func point(
        _ bytes: ArraySlice<UInt8>, index: Int
    ) throws(PrecompileError) -> G1Affine {
        do throws(PointError) {
            return try G1Affine(ethereum: bytes)
        } catch {
            throw .point(index: index, error)
        }
    }
}
