// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Something that carries the signatures of those that it speaks for.
package protocol Signed: Sendable {
    /// The signatures in it, each with its key and what it covers in the ledger named; nil where
    /// one of them could cover nothing, so that no check makes it hold.
    func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]?
}

extension Signed {
    /// Whether every signature in it holds for the ledger named.
    package func isSigned(in ledger: LedgerID) -> Bool {
        signatureChecks(in: ledger)?.allSatisfy(\.holds) ?? false
    }
}

/// A message whose signatures were checked, or whose reader chose not to.
///
/// `LedgerState.decide` takes nothing else, so nothing unsigned is ever decided by accident.
package struct Checked<Content: Signed>: Sendable {
    /// The message.
    package let content: Content
    /// Whether the proof in it is well formed, where that was looked at before; nil to look.
    package let isProofWellFormed: Bool?

    /// Checks the signatures; nil where one does not hold.
    package init?(_ content: Content, in ledger: LedgerID) {
        guard content.isSigned(in: ledger) else { return nil }
        self.content = content
        isProofWellFormed = nil
    }

    /// Takes the caller's word for the signatures: a replay that leaves them to an audit. So it
    /// does for the form of a request's proof (`RequestMessage.isWellFormed`), where it is given.
    package init(unchecked content: Content, isProofWellFormed: Bool? = nil) {
        self.content = content
        self.isProofWellFormed = isProofWellFormed
    }
}

/// A submitter asks for a withdrawal.
package struct RequestMessage: BorshCodable, Hashable, Sendable {
    /// The circuit of the proof.
    package var circuit: CircuitID
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
    package var submitter: PublicKey
    /// The submitter's.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        circuit: CircuitID, nullifiers: [Bytes32], amount: Amount, recipient: Bytes32,
        proof: [UInt8], publicInputs: [Bytes32], timestamp: Time, submitter: PublicKey,
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
        writer.write(circuit)
        writer.write(nullifiers)
        writer.write(amount)
        writer.write(recipient)
        writer.write(proof)
        writer.write(publicInputs)
        writer.write(timestamp)
        writer.write(submitter)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        circuit = try CircuitID(from: &reader)
        nullifiers = try reader.list32(of: "RequestMessage.nullifiers", bound: Limits.nullifiersMax)
        amount = try Amount(from: &reader)
        recipient = try reader.bytes32()
        proof = try reader.blob(of: "RequestMessage.proof", bound: Limits.proofBytesMax)
        publicInputs = try reader.list32(
            of: "RequestMessage.publicInputs", bound: Limits.publicInputsMax)
        timestamp = try Time(from: &reader)
        submitter = try reader.publicKey()
        signature = try reader.signature()
    }
}

extension RequestMessage: Signed {
    /// What the signature covers: Borsh of `recount/request/v1`, ledger id, every field but it.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/request/v1")
        writer.write(ledger)
        writer.write(circuit)
        writer.write(nullifiers)
        writer.write(amount)
        writer.write(recipient)
        writer.write(proof)
        writer.write(publicInputs)
        writer.write(timestamp)
        writer.write(submitter)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        [
            SignatureCheck(
                key: submitter, message: signedBytes(in: ledger), signature: signature)
        ]
    }

    /// The identity: SHA-256 of what the signature covers.
    package func id(in ledger: LedgerID) -> RequestID {
        RequestID(Digest(hashing: signedBytes(in: ledger)))
    }

    /// The message with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }
}

/// A validator votes on a request.
package struct VoteMessage: BorshCodable, Hashable, Sendable {
    /// The request.
    package var request: RequestID
    /// Who votes.
    package var validator: PublicKey
    /// What it says.
    package var vote: Vote
    /// Why.
    package var reason: VoteReason
    /// The validator's own time.
    package var timestamp: Time
    /// The validator's.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        request: RequestID, validator: PublicKey, vote: Vote, reason: VoteReason, timestamp: Time,
        signature: Signature
    ) {
        self.request = request
        self.validator = validator
        self.vote = vote
        self.reason = reason
        self.timestamp = timestamp
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(validator)
        writer.write(vote)
        writer.write(reason)
        writer.write(timestamp)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try RequestID(from: &reader)
        validator = try reader.publicKey()
        vote = try Vote(from: &reader)
        reason = try VoteReason(from: &reader)
        timestamp = try Time(from: &reader)
        signature = try reader.signature()
    }
}

extension VoteMessage: Signed {
    /// What the signature covers: Borsh of `recount/vote/v1`, the ledger id and every field but it.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/vote/v1")
        writer.write(ledger)
        writer.write(request)
        writer.write(validator)
        writer.write(vote)
        writer.write(reason)
        writer.write(timestamp)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        [
            SignatureCheck(
                key: validator, message: signedBytes(in: ledger), signature: signature)
        ]
    }

    /// The message with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }
}

/// A submitter asks for a computation.
package struct JobMessage: BorshCodable, Hashable, Sendable {
    /// SHA-256 of the WASM module.
    package var module: Digest
    /// SHA-256 of the input.
    package var input: Digest
    /// Bytes of the module.
    package var moduleBytes: UInt64
    /// Bytes of the input.
    package var inputBytes: UInt64
    /// Fuel that ends the job.
    package var fuel: UInt64
    /// Memory that it may have.
    package var memoryBytes: UInt64
    /// Ledger time that it may take; 0 for the ledger's own limit.
    package var milliseconds: UInt64
    /// The engine that must run it.
    package var engine: String
    /// The version of the engine.
    package var engineVersion: String
    /// The submitter's own time.
    package var timestamp: Time
    /// Who submits it.
    package var submitter: PublicKey
    /// The submitter's.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        module: Digest, input: Digest, moduleBytes: UInt64, inputBytes: UInt64, fuel: UInt64,
        memoryBytes: UInt64, milliseconds: UInt64,
        engine: String, engineVersion: String, timestamp: Time, submitter: PublicKey,
        signature: Signature
    ) {
        self.module = module
        self.input = input
        self.moduleBytes = moduleBytes
        self.inputBytes = inputBytes
        self.fuel = fuel
        self.memoryBytes = memoryBytes
        self.milliseconds = milliseconds
        self.engine = engine
        self.engineVersion = engineVersion
        self.timestamp = timestamp
        self.submitter = submitter
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(module)
        writer.write(input)
        writer.write(moduleBytes)
        writer.write(inputBytes)
        writer.write(fuel)
        writer.write(memoryBytes)
        writer.write(milliseconds)
        writer.write(engine)
        writer.write(engineVersion)
        writer.write(timestamp)
        writer.write(submitter)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        module = try reader.digest()
        input = try reader.digest()
        moduleBytes = try reader.integer()
        inputBytes = try reader.integer()
        fuel = try reader.integer()
        memoryBytes = try reader.integer()
        milliseconds = try reader.integer()
        engine = try reader.text(of: "JobMessage.engine", bound: Limits.nameBytesMax)
        engineVersion = try reader.text(of: "JobMessage.engineVersion", bound: Limits.nameBytesMax)
        timestamp = try Time(from: &reader)
        submitter = try reader.publicKey()
        signature = try reader.signature()
    }
}

extension JobMessage: Signed {
    /// What the signature covers: Borsh of `recount/job/v1`, the ledger id and every field but it.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/job/v1")
        writer.write(ledger)
        writer.write(module)
        writer.write(input)
        writer.write(moduleBytes)
        writer.write(inputBytes)
        writer.write(fuel)
        writer.write(memoryBytes)
        writer.write(milliseconds)
        writer.write(engine)
        writer.write(engineVersion)
        writer.write(timestamp)
        writer.write(submitter)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        [
            SignatureCheck(
                key: submitter, message: signedBytes(in: ledger), signature: signature)
        ]
    }

    /// The identity: SHA-256 of what the signature covers.
    package func id(in ledger: LedgerID) -> JobID {
        JobID(Digest(hashing: signedBytes(in: ledger)))
    }

    /// The message with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }
}

/// A validator reports the result of a job.
package struct ResultMessage: BorshCodable, Hashable, Sendable {
    /// The job.
    package var job: JobID
    /// Who reports.
    package var validator: PublicKey
    /// How the job ended.
    package var status: JobStatus
    /// SHA-256 of the output; zero where there is none.
    package var output: Digest
    /// Fuel used.
    package var fuel: UInt64
    /// The validator's.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        job: JobID, validator: PublicKey, status: JobStatus, output: Digest, fuel: UInt64,
        signature: Signature
    ) {
        self.job = job
        self.validator = validator
        self.status = status
        self.output = output
        self.fuel = fuel
        self.signature = signature
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(job)
        writer.write(validator)
        writer.write(status)
        writer.write(output)
        writer.write(fuel)
        writer.write(signature)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        job = try JobID(from: &reader)
        validator = try reader.publicKey()
        status = try JobStatus(from: &reader)
        output = try reader.digest()
        fuel = try reader.integer()
        signature = try reader.signature()
    }
}

extension ResultMessage: Signed {
    /// What the signature covers: Borsh of `recount/result/v1`, ledger id, every field but it.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/result/v1")
        writer.write(ledger)
        writer.write(job)
        writer.write(validator)
        writer.write(status)
        writer.write(output)
        writer.write(fuel)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        [
            SignatureCheck(
                key: validator, message: signedBytes(in: ledger), signature: signature)
        ]
    }

    /// The message with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }
}

/// The bridge reports what became of a payment.
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

    /// Takes the fields in order.
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
        writer.write(request)
        writer.write(bridge)
        writer.write(reference)
        writer.write(result)
        writer.write(signature)
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

extension SettlementMessage: Signed {
    /// What the signature covers: Borsh of `recount/settlement/v1`, ledger id, every field but it.
    package func signedBytes(in ledger: LedgerID) -> [UInt8] {
        var writer = BorshWriter(domain: "recount/settlement/v1")
        writer.write(ledger)
        writer.write(request)
        writer.write(bridge)
        writer.write(reference)
        writer.write(result)
        return writer.bytes
    }

    package func signatureChecks(in ledger: LedgerID) -> [SignatureCheck]? {
        [
            SignatureCheck(
                key: bridge, message: signedBytes(in: ledger), signature: signature)
        ]
    }

    /// The message with the signature of `key` on it.
    package func signed(by key: SigningKey, in ledger: LedgerID) -> Self {
        var copy = self
        copy.signature = key.sign(signedBytes(in: ledger))
        return copy
    }
}
