// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An Ed25519 signature: R and S (RFC 8032 section 5.1.6).
package struct Signature: Hashable, Sendable {
    /// The first half: R, a point.
    package let r: Bytes32
    /// The second half: S, a scalar.
    package let s: Bytes32

    /// Sixty-four zero bytes, which no key accepts.
    package static let zero = Signature(r: .zero, s: .zero)

    private init(r: Bytes32, s: Bytes32) {
        self.r = r
        self.s = s
    }

    /// Reads sixty-four bytes at `offset`; nil where the span is shorter.
    package init?(_ span: Span<UInt8>, at offset: Int = 0) {
        guard let r = Bytes32(span, at: offset), let s = Bytes32(span, at: offset + 32)
        else { return nil }
        self.init(r: r, s: s)
    }

    /// Reads exactly sixty-four bytes; nil at any other length.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 64 else { return nil }
        self.init(bytes.span)
    }

    /// The bytes, first to last.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(64)
        append(to: &result)
        return result
    }

    /// Appends the sixty-four bytes.
    package func append(to buffer: inout [UInt8]) {
        r.append(to: &buffer)
        s.append(to: &buffer)
    }

    /// One hundred and twenty-eight lower-case hexadecimal digits.
    package var hex: String { bytes.hex }
}
