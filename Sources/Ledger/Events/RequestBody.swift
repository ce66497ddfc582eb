// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a withdrawal request says, in a message and in the log.
package struct RequestBody<CircuitName: Naming, SubmitterName: Naming>: BorshCodable, Hashable,
    Sendable
{
    /// The circuit of the proof.
    package var circuit: CircuitName
    /// The nullifiers that approval spends, as little-endian field elements.
    package var nullifiers: [Bytes32]
    /// The sum to be paid.
    package var amount: Amount
    /// Who is to be paid.
    package var recipient: Bytes32
    /// The proof in the 128-byte compressed form.
    package var proof: [UInt8]
    /// The public inputs, as little-endian field elements.
    package var publicInputs: [Bytes32]
    /// The submitter's own time.
    package var timestamp: Time
    /// Who submits it.
    package var submitter: SubmitterName
    /// The submitter's, on `RequestMessage.signedBytes`.
    package var signature: Signature

    /// The lists and the proof may be of any length: bounds are kept where they are read.
    package init(
        circuit: CircuitName, nullifiers: [Bytes32], amount: Amount, recipient: Bytes32,
        proof: [UInt8], publicInputs: [Bytes32], timestamp: Time, submitter: SubmitterName,
        signature: Signature
    ) {
        self.circuit = circuit
        self.nullifiers = nullifiers
        self.amount = amount
        self.recipient = recipient
        self.proof = proof
        self.publicInputs = publicInputs
        self.timestamp = timestamp
        self.submitter = submitter
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        encodeContent(to: &writer)
        writer.write(signature)
    }

    /// Appends every field but the signature: what a message's own covers.
    package func encodeContent(to writer: inout BorshWriter) {
        writer.write(circuit)
        writer.write(nullifiers)
        writer.write(amount)
        writer.write(recipient)
        writer.write(proof)
        writer.write(publicInputs)
        writer.write(timestamp)
        writer.write(submitter)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        circuit = try CircuitName(from: &reader)
        nullifiers = try reader.list32(of: "Request.nullifiers", bound: Limits.nullifiersMax)
        amount = try Amount(from: &reader)
        recipient = try reader.bytes32()
        proof = try reader.blob(of: "Request.proof", bound: Limits.proofBytesMax)
        publicInputs = try reader.list32(
            of: "Request.publicInputs", bound: Limits.publicInputsMax)
        timestamp = try Time(from: &reader)
        submitter = try SubmitterName(from: &reader)
        signature = try reader.signature()
    }

    /// The same, with circuit and submitter named as the message or the log names them.
    package func naming<C, S>(circuit: C, submitter: S) -> RequestBody<C, S> {
        RequestBody<C, S>(
            circuit: circuit, nullifiers: nullifiers, amount: amount, recipient: recipient,
            proof: proof, publicInputs: publicInputs, timestamp: timestamp, submitter: submitter,
            signature: signature)
    }
}

/// A submitter asks for a withdrawal.
package typealias RequestMessage = RequestBody<CircuitID, PublicKey>

/// A withdrawal request as it stands in the log.
package typealias RequestSubmitted = RequestBody<CircuitIndex, SubmitterIndex>

extension RequestMessage: Signed, SignedByOne {
    package static var domain: String { "recount/request/v1" }
    package var signer: PublicKey { submitter }

    /// The identity: SHA-256 of what the signature covers.
    package func id(in ledger: LedgerID) -> RequestID {
        RequestID(Digest(hashing: signedBytes(in: ledger)))
    }
}
