// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What became of a payment.
package enum SettlementResult: UInt8, BorshCodable, Hashable, NamedCase {
    /// It was paid.
    case settled = 0
    /// It failed, and the bridge has made sure that it cannot be paid any more.
    case failed = 1

    package static let names = namesOfCases()
}

/// The bridge's report of a payment as it stands in the log.
package struct SettlementReported: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the request.
    package var request: EntryIndex
    /// The bridge's own name of the payment.
    package var reference: [UInt8]
    /// What became of it.
    package var result: SettlementResult
    /// The bridge's, on `SettlementMessage.signedBytes`.
    package var signature: Signature

    /// The reference may be of any length: the bound is kept where it is read.
    package init(
        request: EntryIndex, reference: [UInt8], result: SettlementResult, signature: Signature
    ) {
        self.request = request
        self.reference = reference
        self.result = result
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(reference)
        writer.write(result)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try EntryIndex(from: &reader)
        reference = try reader.blob(
            of: "SettlementReported.reference", bound: Limits.referenceBytesMax)
        result = try SettlementResult(from: &reader)
        signature = try reader.signature()
    }
}

/// The bridge reports what became of a payment. The log leaves out the key, of which there is one.
package struct SettlementMessage: BorshCodable, Hashable, Sendable {
    /// The request.
    package var request: RequestID
    /// The bridge's key.
    package var bridge: PublicKey
    /// The bridge's own name of the payment.
    package var reference: [UInt8]
    /// What became of it.
    package var result: SettlementResult
    /// The bridge's.
    package var signature: Signature

    /// The reference may be of any length: the bound is kept where it is read.
    package init(
        request: RequestID, bridge: PublicKey, reference: [UInt8], result: SettlementResult,
        signature: Signature
    ) {
        self.request = request
        self.bridge = bridge
        self.reference = reference
        self.result = result
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        encodeContent(to: &writer)
        writer.write(signature)
    }

    package func encodeContent(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(bridge)
        writer.write(reference)
        writer.write(result)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try RequestID(from: &reader)
        bridge = try reader.publicKey()
        reference = try reader.blob(
            of: "SettlementMessage.reference", bound: Limits.referenceBytesMax)
        result = try SettlementResult(from: &reader)
        signature = try reader.signature()
    }
}

extension SettlementMessage: SignedByOne {
    package static var domain: String { "recount/settlement/v1" }
    package var signer: PublicKey { bridge }

    /// The message that became an entry, on the request that it names.
    package init(_ event: SettlementReported, request: RequestID, bridge: PublicKey) {
        self.init(
            request: request, bridge: bridge, reference: event.reference, result: event.result,
            signature: event.signature)
    }
}
