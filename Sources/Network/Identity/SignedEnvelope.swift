// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Bytes that a peer has signed, with the key to check them by.
///
/// `Envelope { public_key = 1, payload_type = 2, payload = 3, signature = 5 }`; signed are domain,
/// type and payload, each after its length as a varint.
/// Source: libp2p, RFC 0002.
package enum SignedEnvelope {
    /// The most bytes of an envelope that is opened.
    package static let bytesMax = 64 << 10

    /// What an envelope held, and who signed it.
    package struct Content: Equatable {
        /// The key that signed it.
        package let signer: PublicKey
        /// What was signed.
        package let payload: ArraySlice<UInt8>
    }

    /// Signs `payload`, which is of the type `type` and meant for `domain`.
    package static func seal(
        _ payload: [UInt8], type: [UInt8], domain: String, with key: SigningKey
    ) -> [UInt8] {
        let signature = key.sign(signedBytes(payload[...], type: type[...], domain: domain))
        var writer = ProtobufWriter()
        writer.write(1, bytes: KeyMessage.encode(key.publicKey))
        writer.write(2, bytes: type)
        writer.write(3, bytes: payload)
        writer.write(5, bytes: signature.bytes)
        return writer.bytes
    }

    /// Opens an envelope of the type `type` that was meant for `domain`.
    /// - Throws: `wire`, what `KeyMessage.decode` throws, `payloadType`, `signature`, in this
    ///   order.
    package static func open(
        _ bytes: ArraySlice<UInt8>, type: [UInt8], domain: String
    ) throws(IdentityError) -> Content {
        guard bytes.count <= bytesMax else {
            throw .wire(.tooLong(length: UInt64(bytes.count), limit: bytesMax))
        }
        var fields: [UInt32: ArraySlice<UInt8>] = [:]
        do {
            var reader = ProtobufReader(bytes)
            while let field = try reader.next() {
                if [1, 2, 3, 5].contains(field.number) {
                    fields[field.number] = try field.bytes()
                }
            }
        } catch { throw .wire(error) }
        guard let keyBytes = fields[1] else { throw .wire(.missing(field: 1)) }
        guard let signatureBytes = fields[5] else { throw .wire(.missing(field: 5)) }
        let payload = fields[3] ?? []
        let key = try KeyMessage.decode(keyBytes)
        let found = fields[2] ?? []
        guard found.elementsEqual(type) else { throw .payloadType(Array(found.prefix(64))) }
        let signed = signedBytes(payload, type: found, domain: domain)
        guard let signature = Signature(Array(signatureBytes)),
            key.verifies(signature, of: signed)
        else { throw .signature }
        return Content(signer: key, payload: payload)
    }

    private static func signedBytes(
        _ payload: ArraySlice<UInt8>, type: ArraySlice<UInt8>, domain: String
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in [Array(domain.utf8)[...], type, payload] {
            Varint.encode(UInt64(part.count), to: &bytes)
            bytes += part
        }
        return bytes
    }
}
