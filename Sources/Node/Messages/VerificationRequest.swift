// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Groth16
package import Ledger

/// A withdrawal request as JSON: what a line of the input says.
///
/// `amount` and `timestamp` are numbers or decimal strings, which is how `NodeJSON` writes a great
/// one; numbers of the field are decimal strings, bytes are hexadecimal. `note` and `expect` are
/// for people and ignored; any other field is refused.
package struct VerificationRequest: Sendable, Equatable {
    /// A proof in one of its written forms.
    package enum ProofForm: Sendable, Equatable {
        /// The object that snarkjs writes, or what another program wrote, put into its form.
        case snarkjs(SnarkjsProof)
        /// 128 bytes (compressed) or 256 (Ethereum), in hexadecimal.
        case bytes([UInt8])
    }

    /// The identity; derived where absent, and compared where given.
    package var requestID: RequestID?
    /// Name or identity of the circuit; may be absent where the ledger has only one.
    package var circuit: String?
    /// The proof.
    package var proof: ProofForm
    /// The public inputs, in decimal.
    package var publicInputs: [String]
    /// The sum to be paid.
    package var amount: UInt64
    /// Who is to be paid: thirty-two bytes.
    package var recipient: Bytes32
    /// The submitter's own time, in milliseconds since 1970.
    package var timestamp: UInt64
    /// The nullifiers, in decimal; taken from the public inputs where absent.
    package var nullifiers: [String]?
    /// Name or key of the submitter; the first that the node signs for where absent.
    package var submitter: String?
    /// The submitter's signature; the node signs where it is absent.
    package var signature: Signature?

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The fields, in the order in which they are checked.
    package static let fields = [
        "request_id", "circuit", "proof", "public_inputs", "amount", "recipient", "timestamp",
        "nullifiers", "submitter", "signature", "note", "expect",
    ]
}

extension VerificationRequest: Codable {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        // The order of the keys is not defined; the smallest unknown one is named.
        let unknown = fields.allKeys.map(\.stringValue).filter { !Self.fields.contains($0) }.min()
        if let unknown {
            throw LineProblem.unknownField(field: unknown, known: Self.fields)
        }
        func key(_ name: String) -> Key { Key(stringValue: name) }
        func text(_ name: String) throws -> String? {
            try fields.decodeIfPresent(String.self, forKey: key(name))
        }
        func bytes<T>(_ name: String, _ read: (String) -> T?, _ digits: Int) throws -> T? {
            guard let text = try text(name) else { return nil }
            guard let value = read(text) else {
                throw LineProblem.wrongValue(
                    field: name, problem: "\(digits) hexadecimal digits are wanted")
            }
            return value
        }
        requestID = try bytes("request_id", { Bytes32(hex: $0) }, 64).map { RequestID(Digest($0)) }
        circuit = try text("circuit")
        proof = try fields.decode(ProofForm.self, forKey: key("proof"))
        publicInputs = try fields.decode([String].self, forKey: key("public_inputs"))
        amount = try Self.whole(fields, key("amount"))
        guard let recipient = try bytes("recipient", { Bytes32(hex: $0) }, 64) else {
            throw LineProblem.missing(field: "recipient")
        }
        self.recipient = recipient
        timestamp = try Self.whole(fields, key("timestamp"))
        nullifiers = try fields.decodeIfPresent([String].self, forKey: key("nullifiers"))
        submitter = try text("submitter")
        signature = try bytes(
            "signature", { [UInt8](hex: $0).flatMap { Signature($0) } }, 128)
    }

    /// Reads a number, and names the field where the type cannot hold it, as Foundation does not.
    private static func number(
        _ fields: KeyedDecodingContainer<Key>, _ key: Key
    ) throws -> UInt64 {
        do {
            return try fields.decode(UInt64.self, forKey: key)
        } catch let error as Swift.DecodingError {
            throw error
        } catch {
            throw LineProblem.wrongType(
                field: key.stringValue, expected: "a whole number from 0 to \(UInt64.max)")
        }
    }

    /// Reads a number, or a string of its digits: numbers above 2^53 are often written so.
    private static func whole(_ fields: KeyedDecodingContainer<Key>, _ key: Key) throws -> UInt64 {
        let text: String
        do {
            return try number(fields, key)
        } catch let mismatch as Swift.DecodingError {
            do { text = try fields.decode(String.self, forKey: key) } catch { throw mismatch }
        }
        guard let value = UInt64(plain: text) else {
            throw LineProblem.wrongValue(
                field: key.stringValue,
                problem: "a whole number from 0 to \(UInt64.max) is wanted")
        }
        return value
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        func key(_ name: String) -> Key { Key(stringValue: name) }
        try fields.encodeIfPresent(requestID?.hex, forKey: key("request_id"))
        try fields.encodeIfPresent(circuit, forKey: key("circuit"))
        try fields.encode(proof, forKey: key("proof"))
        try fields.encode(publicInputs, forKey: key("public_inputs"))
        try fields.encode(amount, forKey: key("amount"))
        try fields.encode(recipient.hex, forKey: key("recipient"))
        try fields.encode(timestamp, forKey: key("timestamp"))
        try fields.encodeIfPresent(nullifiers, forKey: key("nullifiers"))
        try fields.encodeIfPresent(submitter, forKey: key("submitter"))
        try fields.encodeIfPresent(signature?.hex, forKey: key("signature"))
    }
}

extension VerificationRequest.ProofForm: Codable {
    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        do {
            let text = try value.decode(String.self)
            guard let bytes = [UInt8](hex: text), [128, 256].contains(bytes.count) else {
                throw LineProblem.wrongValue(
                    field: "proof",
                    problem: "the hexadecimal digits of 128 or 256 bytes are wanted, or the"
                        + " object that snarkjs writes; here are \(text.utf8.count) characters")
            }
            self = .bytes(bytes)
        } catch Swift.DecodingError.typeMismatch {
            self = .snarkjs(try Self.object(value))
        }
    }

    /// The object that snarkjs writes, or another that says the same.
    private static func object(_ value: any SingleValueDecodingContainer) throws -> SnarkjsProof {
        do {
            return try value.decode(SnarkjsProof.self)
        } catch {
            let tree = try value.decode(JSONTree.self)
            do throws(ProofFileProblem) {
                if let form = try ForeignForm.proof(tree) { return form }
            } catch let problem {
                throw LineProblem.wrongValue(field: "proof", problem: "\(problem)")
            }
            throw error
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .snarkjs(let proof): try value.encode(proof)
        case .bytes(let bytes): try value.encode(bytes.hex)
        }
    }
}
