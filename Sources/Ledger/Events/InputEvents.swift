// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// What a validator says of a request.
package enum Vote: UInt8, BorshCodable, Hashable, Sendable {
    /// The proof holds.
    case approve = 0
    /// The proof does not hold.
    case reject = 1
    /// The validator's own machinery could not tell.
    case abstain = 2
}

/// Why a validator voted as it did. It never decides anything.
package enum VoteReason: UInt8, BorshCodable, Hashable, Sendable {
    /// The proof was verified under the circuit's key.
    case proofHolds = 0
    /// The verification equation does not hold.
    case proofFails = 1
    /// The number of public inputs is not the circuit's.
    case wrongInputCount = 2
    /// The validator could not verify in time.
    case outOfTime = 3
    /// The validator's own machinery failed.
    case localError = 4
    /// The validator does not hold the verifying key of the circuit.
    case keyUnavailable = 5
    /// None of the others.
    case unspecified = 6
}

/// A withdrawal request as it stands in the log.
package struct RequestSubmitted: BorshCodable, Hashable, Sendable {
    /// The circuit of the proof.
    package var circuit: CircuitIndex
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
    package var submitter: SubmitterIndex
    /// The submitter's, on `RequestMessage.signedBytes`.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        circuit: CircuitIndex, nullifiers: [Bytes32], amount: Amount, recipient: Bytes32,
        proof: [UInt8], publicInputs: [Bytes32], timestamp: Time, submitter: SubmitterIndex,
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
        circuit = try CircuitIndex(from: &reader)
        nullifiers = try reader.list32(
            of: "RequestSubmitted.nullifiers", bound: Limits.nullifiersMax)
        amount = try Amount(from: &reader)
        recipient = try reader.bytes32()
        proof = try reader.blob(of: "RequestSubmitted.proof", bound: Limits.proofBytesMax)
        publicInputs = try reader.list32(
            of: "RequestSubmitted.publicInputs", bound: Limits.publicInputsMax)
        timestamp = try Time(from: &reader)
        submitter = try SubmitterIndex(from: &reader)
        signature = try reader.signature()
    }
}

/// A vote as it stands in the log.
package struct VoteCast: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the request.
    package var request: EntryIndex
    /// The validator.
    package var validator: ValidatorIndex
    /// What it says.
    package var vote: Vote
    /// Why.
    package var reason: VoteReason
    /// The validator's own time.
    package var timestamp: Time
    /// The validator's, on `VoteMessage.signedBytes`.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        request: EntryIndex, validator: ValidatorIndex, vote: Vote, reason: VoteReason,
        timestamp: Time, signature: Signature
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
        request = try EntryIndex(from: &reader)
        validator = try ValidatorIndex(from: &reader)
        vote = try Vote(from: &reader)
        reason = try VoteReason(from: &reader)
        timestamp = try Time(from: &reader)
        signature = try reader.signature()
    }
}

/// A compute job as it stands in the log.
package struct JobSubmitted: BorshCodable, Hashable, Sendable {
    /// SHA-256 of the WASM module in the blob store.
    package var module: Digest
    /// SHA-256 of the input in the blob store.
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
    package var submitter: SubmitterIndex
    /// The submitter's, on `JobMessage.signedBytes`.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        module: Digest, input: Digest, moduleBytes: UInt64, inputBytes: UInt64, fuel: UInt64,
        memoryBytes: UInt64, milliseconds: UInt64,
        engine: String, engineVersion: String, timestamp: Time, submitter: SubmitterIndex,
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
        engine = try reader.text(of: "JobSubmitted.engine", bound: Limits.nameBytesMax)
        engineVersion = try reader.text(
            of: "JobSubmitted.engineVersion", bound: Limits.nameBytesMax)
        timestamp = try Time(from: &reader)
        submitter = try SubmitterIndex(from: &reader)
        signature = try reader.signature()
    }
}

/// How a job ended on one validator. Failures match only with the same kind and code.
package struct JobStatus: Hashable, Sendable, BorshCodable {
    /// The ways in which a job ends.
    package enum Kind: UInt8, Sendable {
        /// The module returned; `code` is 0.
        case success = 0
        /// The module trapped; `code` is the engine's trap code.
        case trap = 1
        /// The fuel ran out; `code` is 0.
        case fuelExhausted = 2
        /// Memory growth was refused at the limit; `code` is 0.
        case memoryLimit = 3
        /// The module cannot run or breaks its interface; `code` is an `InvalidModule`.
        case invalidModule = 4
        /// The validator gives no result; `code` is a `JobAbstention`. It matches nothing.
        case abstained = 5
    }

    /// How it ended.
    package let kind: Kind
    /// What `kind` says that it is.
    package let code: UInt8

    /// Joins kind and code.
    package init(_ kind: Kind, code: UInt8 = 0) {
        self.kind = kind
        self.code = code
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(kind.rawValue)
        writer.write(code)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        kind = try reader.tag()
        code = try reader.integer()
    }
}

/// A validator's result of a job as it stands in the log.
package struct ResultReported: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the job.
    package var job: EntryIndex
    /// The validator.
    package var validator: ValidatorIndex
    /// How the job ended.
    package var status: JobStatus
    /// SHA-256 of the output; zero where there is none.
    package var output: Digest
    /// Fuel used; not compared.
    package var fuel: UInt64
    /// The validator's, on `ResultMessage.signedBytes`.
    package var signature: Signature

    /// Takes the fields in order.
    package init(
        job: EntryIndex, validator: ValidatorIndex, status: JobStatus, output: Digest, fuel: UInt64,
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
        job = try EntryIndex(from: &reader)
        validator = try ValidatorIndex(from: &reader)
        status = try JobStatus(from: &reader)
        output = try reader.digest()
        fuel = try reader.integer()
        signature = try reader.signature()
    }
}

/// What became of a payment.
package enum SettlementResult: UInt8, BorshCodable, Hashable, Sendable {
    /// It was paid.
    case settled = 0
    /// It failed, and the bridge has made sure that it cannot be paid any more.
    case failed = 1
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

    /// Takes the fields in order.
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

/// A change that T validators agreed on.
package struct GovernanceApproved: BorshCodable, Hashable, Sendable {
    /// The running number of the change.
    package var number: UInt64
    /// What changes.
    package var change: Change
    /// The validators' signatures, by index, on `GovernanceMessage.signedBytes`.
    package var signatures: [IndexedSignature]

    /// Takes the fields in order.
    package init(
        number: UInt64, change: Change, signatures: [IndexedSignature]
    ) {
        self.number = number
        self.change = change
        self.signatures = signatures
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(number)
        writer.write(change)
        writer.write(signatures)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        number = try reader.integer()
        change = try Change(from: &reader)
        signatures = try reader.list(bound: Limits.membersMax)
    }
}

/// Two signed messages of one validator that contradict each other.
package struct EvidenceSubmitted: BorshCodable, Hashable, Sendable {
    /// The validator.
    package var validator: ValidatorIndex
    /// What both messages are about.
    package var slot: Slot
    /// The one.
    package var first: Statement
    /// The other.
    package var second: Statement

    /// Takes the fields in order.
    package init(
        validator: ValidatorIndex, slot: Slot, first: Statement, second: Statement
    ) {
        self.validator = validator
        self.slot = slot
        self.first = first
        self.second = second
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(slot)
        writer.write(first)
        writer.write(second)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorIndex(from: &reader)
        slot = try Slot(from: &reader)
        first = try Statement(from: &reader)
        second = try Statement(from: &reader)
    }
}

/// A message that the rules refused, kept whole so that an audit can refuse it again.
package struct MessageRefused: BorshCodable, Hashable, Sendable {
    /// The message.
    package var message: Message
    /// Why it was refused.
    package var refusal: Refusal

    /// Takes the fields in order.
    package init(
        message: Message, refusal: Refusal
    ) {
        self.message = message
        self.refusal = refusal
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(message)
        writer.write(refusal)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        message = try Message(from: &reader)
        refusal = try Refusal(from: &reader)
    }
}
