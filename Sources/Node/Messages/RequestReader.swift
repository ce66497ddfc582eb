// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
package import Cryptography
internal import Groth16
package import Ledger

/// A signing key and what people call it.
package struct NamedKey: Sendable {
    /// The name of the configuration.
    package let name: String
    /// The key.
    package let key: SigningKey

    /// The key that signs for the submitter of this name.
    package init(name: String, key: SigningKey) {
        self.name = name
        self.key = key
    }
}

/// Why a request never reached the ledger.
package enum RequestProblem: Error, Equatable, Sendable {
    /// The line is no request.
    case line(LineProblem)
    /// No circuit of the ledger has this name or identity.
    case unknownCircuit(String, known: [String])
    /// The circuit is not named, and the ledger has none or several.
    case circuitNotNamed(known: [String])
    /// The points of the proof cannot even be written as bytes.
    case malformedProof(String)
    /// A public input or nullifier is no number of at most 256 bits, or there are too many.
    case malformedInput(field: String, index: Int)
    /// The request is unsigned, and the node holds no key of this submitter.
    case unknownSubmitter(String, known: [String])
    /// It is not said who submits, and the ledger has none or several submitters.
    case submitterNotNamed(known: [String])
    /// No submitter of the ledger has this name, and it is no key.
    case noSubmitter(String, known: [String])
    /// The request is signed, but does not say by which key.
    case signerNotNamed
    /// The signature is not the submitter's on this request.
    case wrongSignature
    /// The identity given is not that of the request.
    case wrongRequestID(given: RequestID, derived: RequestID)
}

extension RequestProblem: CustomStringConvertible {
    /// One word for machines; the ledger's own word where it would refuse for the same reason.
    package var reason: String {
        switch self {
        case .line: "malformedJSON"
        case .unknownCircuit, .circuitNotNamed: "unknownCircuit"
        case .malformedProof: "malformedProof"
        case .malformedInput: "malformedInput"
        case .unknownSubmitter, .signerNotNamed, .submitterNotNamed, .noSubmitter:
            "unknownSubmitter"
        case .wrongSignature: "wrongSignature"
        case .wrongRequestID: "wrongRequestID"
        }
    }

    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .line(let problem): "\(problem)"
        case .unknownCircuit(let name, let known):
            "the field circuit: no circuit is called \(name)"
                + Spelling.suggestion(for: name, among: known)
        case .circuitNotNamed(let known):
            known.isEmpty
                ? "the ledger has no circuit, so it can take no request"
                : "the field circuit is missing; the ledger has \(known.joined(separator: ", "))"
        case .malformedProof(let problem): "the field proof: \(problem)"
        case .malformedInput(let field, let index):
            "the field \(field)[\(index)]: a decimal number below the group order is wanted"
        case .unknownSubmitter(let name, let known):
            "the field submitter: the request is unsigned, and the node signs for"
                + " \(known.isEmpty ? "nobody" : known.joined(separator: ", ")), not for \(name)"
        case .submitterNotNamed(let known):
            "who submits? Name one with --submitter, or in the field submitter:"
                + " \(known.isEmpty ? "a key" : known.joined(separator: ", "))"
        case .noSubmitter(let name, let known):
            "no submitter is called \(name.prefix(80)), which is no key of 64 hexadecimal digits"
                + " either\(Spelling.suggestion(for: name, among: known))"
        case .signerNotNamed:
            "the field submitter is missing: a signed request names the key that signed it"
        case .wrongSignature: "the field signature: it is not the submitter's on this request"
        case .wrongRequestID(let given, let derived):
            "the field request_id: \(given.hex) is given, but the request has \(derived.hex)"
        }
    }
}

/// A request that is ready for the ledger, with its signature checked.
package struct ReadRequest: Sendable {
    /// The message.
    package let message: RequestMessage
    /// Its identity.
    package let id: RequestID
    /// The same message as the ledger takes it.
    package let checked: Checked<Message>
    /// What is known to be wrong with the proof; the ledger judges by itself.
    package let proofProblem: String?
}

/// Turns lines into messages of one ledger.
package struct RequestReader: Sendable {
    private let ledger: LedgerID
    private let circuits: [Circuit]
    private let circuitIDs: [CircuitID]
    private let signers: [NamedKey]
    private let submitters: [(name: String, key: PublicKey)]

    /// A reader for a ledger with these circuits, which signs with these keys.
    ///
    /// - Parameter submitters: Whose names a signed request may give in the place of the key.
    package init(
        ledger: LedgerID, circuits: [Circuit], signers: [NamedKey],
        submitters: [(name: String, key: PublicKey)] = []
    ) {
        self.ledger = ledger
        self.circuits = circuits
        self.circuitIDs = circuits.map(\.id)
        self.signers = signers
        self.submitters = submitters
    }

    /// Reads one line.
    package func read(line: [UInt8]) throws(RequestProblem) -> ReadRequest {
        try read(try Self.request(line))
    }

    private static func request(_ line: [UInt8]) throws(RequestProblem) -> VerificationRequest {
        do throws(LineProblem) {
            return try NodeJSON.decode(VerificationRequest.self, line: line)
        } catch { throw .line(error) }
    }

    /// Makes the message.
    ///
    /// Checks, in order: circuit, proof, public inputs, nullifiers, submitter, signature, identity.
    /// What the ledger judges (points, ranges, bindings) is left to it, so that its refusal can be
    /// recorded, as long as the message can carry it.
    package func read(_ request: VerificationRequest) throws(RequestProblem) -> ReadRequest {
        var (message, proofProblem) = try unsigned(request)
        if let signature = request.signature {
            message.submitter = try signer(request.submitter)
            message.signature = signature
        } else {
            let key = try signingKey(request.submitter)
            message.submitter = key.publicKey
            message = message.signed(by: key, in: ledger)
        }
        guard let checked = Checked(Message.request(message), in: ledger) else {
            throw .wrongSignature
        }
        let id = message.id(in: ledger)
        try Self.check(request.requestID, id)
        return ReadRequest(message: message, id: id, checked: checked, proofProblem: proofProblem)
    }

    /// Returns the identity that the request of a line has, for which no key is needed.
    ///
    /// Checks as `read` does, but for the signature, which the identity does not cover.
    /// - Parameter submitter: Who submits what names nobody: a name or a key; where it is nil too
    ///   the only submitter that there is.
    package func identity(
        line: [UInt8], submitter: String?
    ) throws(RequestProblem) -> RequestID {
        let request = try Self.request(line)
        var message = try unsigned(request).message
        let known = submitters.map(\.name)
        let only = submitters.count == 1 ? submitters[0].name : nil
        guard let name = request.submitter ?? submitter ?? only else {
            throw .submitterNotNamed(known: known)
        }
        if let found = submitters.first(where: { $0.name == name }) {
            message.submitter = found.key
        } else {
            guard let bytes = Bytes32(hex: name) else { throw .noSubmitter(name, known: known) }
            message.submitter = PublicKey(bytes)
        }
        let id = message.id(in: ledger)
        try Self.check(request.requestID, id)
        return id
    }

    private static func check(
        _ given: RequestID?, _ derived: RequestID
    ) throws(RequestProblem) {
        guard let given, given != derived else { return }
        throw .wrongRequestID(given: given, derived: derived)
    }

    /// The message without submitter and signature, and what is known to be wrong with its proof.
    private func unsigned(
        _ request: VerificationRequest
    ) throws(RequestProblem) -> (message: RequestMessage, proofProblem: String?) {
        let (circuit, circuitID) = try circuit(request.circuit)
        let (proof, proofProblem) = try Self.proofBytes(request.proof)
        let inputs = try Self.numbers(
            request.publicInputs, "public_inputs", max: Limits.publicInputsMax)
        let nullifiers: [Bytes32]
        if let given = request.nullifiers {
            nullifiers = try Self.numbers(given, "nullifiers", max: Limits.nullifiersMax)
        } else {
            nullifiers = zip(circuit.inputs, inputs).filter { $0.0 == .nullifier }.map(\.1)
        }
        let message = RequestMessage(
            circuit: circuitID, nullifiers: nullifiers, amount: Amount(request.amount),
            recipient: request.recipient, proof: proof, publicInputs: inputs,
            timestamp: Time(request.timestamp), submitter: PublicKey(.zero), signature: .zero)
        return (message, proofProblem)
    }

    private func circuit(_ name: String?) throws(RequestProblem) -> (Circuit, CircuitID) {
        let known = circuits.map(\.name)
        guard let name else {
            guard circuits.count == 1 else { throw .circuitNotNamed(known: known) }
            return (circuits[0], circuitIDs[0])
        }
        for (circuit, id) in zip(circuits, circuitIDs) where circuit.name == name || id.hex == name
        {
            return (circuit, id)
        }
        throw .unknownCircuit(name, known: known)
    }

    private func signer(_ name: String?) throws(RequestProblem) -> PublicKey {
        guard let name else { throw .signerNotNamed }
        if let known = signers.first(where: { $0.name == name }) { return known.key.publicKey }
        if let known = submitters.first(where: { $0.name == name }) { return known.key }
        guard let bytes = Bytes32(hex: name) else { throw .signerNotNamed }
        return PublicKey(bytes)
    }

    private func signingKey(_ name: String?) throws(RequestProblem) -> SigningKey {
        let found = signers.first { name == nil || $0.name == name || $0.key.publicKey.hex == name }
        guard let found else {
            throw .unknownSubmitter(name ?? "it", known: signers.map(\.name))
        }
        return found.key
    }

    /// The compressed form, or the bytes as they are where they are no proof, for the ledger to
    /// refuse.
    private static func proofBytes(
        _ form: VerificationRequest.ProofForm
    ) throws(RequestProblem) -> ([UInt8], String?) {
        switch form {
        case .bytes(let bytes) where bytes.count == Proof.compressedSize: return (bytes, nil)
        case .bytes(let bytes):
            do throws(Groth16Error) {
                return (try Proof(ethereum: bytes).compressed, nil)
            } catch {
                return (bytes, "\(error)")
            }
        case .snarkjs(let proof):
            do throws(Groth16Error) {
                return (try Proof(snarkjs: proof).compressed, nil)
            } catch {
                guard let bytes = rawBytes(proof) else { throw .malformedProof("\(error)") }
                return (bytes, "\(error)")
            }
        }
    }

    /// The coordinates in the Ethereum form, points or not; nil where they are no numbers.
    private static func rawBytes(_ proof: SnarkjsProof) -> [UInt8]? {
        guard proof.a.count == 3, proof.c.count == 3, proof.b.count == 3,
            proof.b.allSatisfy({ $0.count == 2 })
        else { return nil }
        let texts =
            [proof.a[0], proof.a[1]]
            + [proof.b[0][1], proof.b[0][0], proof.b[1][1], proof.b[1][0]]
            + [proof.c[0], proof.c[1]]
        var bytes: [UInt8] = []
        for text in texts {
            guard let number = UInt256(decimal: text) else { return nil }
            bytes += number.bigEndianBytes
        }
        return bytes
    }

    private static func numbers(
        _ texts: [String], _ field: String, max: Int
    ) throws(RequestProblem) -> [Bytes32] {
        guard texts.count <= max else { throw .malformedInput(field: field, index: max) }
        var numbers: [Bytes32] = []
        for (index, text) in texts.enumerated() {
            guard let number = UInt256(decimal: text), let bytes = Bytes32(number.littleEndianBytes)
            else { throw .malformedInput(field: field, index: index) }
            numbers.append(bytes)
        }
        return numbers
    }
}
