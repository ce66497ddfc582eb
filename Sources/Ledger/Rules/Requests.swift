// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Groth16

extension LedgerState {
    /// Checks, in order: in the log already, submitter, quota, bound, circuit, proof, inputs,
    /// bindings, nullifiers named twice, root, spent nullifiers, number of validators.
    ///
    /// The form of the proof, which takes longest, is not looked at where it is given.
    func decide(
        request message: RequestMessage, isProofWellFormed: Bool?
    ) throws(Refusal) -> [Event] {
        let id = message.id(in: ledger)
        guard requestEntries[id] == nil else { throw .alreadyRecorded }
        let submitter = try admit(message.submitter)
        guard let index = circuitIndices[message.circuit], let known = circuit(index) else {
            throw .unknownCircuit
        }
        guard isProofWellFormed ?? RequestMessage.isWellFormed(proof: message.proof) else {
            throw .malformedProof
        }
        let circuit = known.circuit
        guard message.publicInputs.count == circuit.inputs.count,
            message.nullifiers.count == circuit.nullifierCount,
            message.publicInputs.allSatisfy(isCanonical),
            message.nullifiers.allSatisfy(isCanonical)
        else { throw .malformedInput }
        guard circuit.isSatisfied(by: message) else { throw .contradictsRequest }
        guard Set(message.nullifiers).count == message.nullifiers.count else {
            throw .nullifierTwice
        }
        for (binding, input) in zip(circuit.inputs, message.publicInputs) where binding == .root {
            guard isPublished(input, for: index) else { throw .unknownRoot }
        }
        for nullifier in message.nullifiers where nullifiers[nullifier]?.isSpent == true {
            throw .nullifierSpent
        }
        guard members.count >= Int(parameters.threshold) else { throw .tooFewValidators }

        var derivation = Derivation(at: size)
        let entry = derivation.next
        derivation.emit(.requestSubmitted(message.naming(circuit: index, submitter: submitter)))
        let pinned = pinnedSet
        guard let leader = requestRanking(pinned, id).first else { throw .tooFewValidators }
        invariant(
            pinned.position(of: leader) != nil, "\(leader.rawValue) leads and is not pinned")
        derivation.emit(
            .roundOpened(
                RoundOpened(
                    request: entry, leader: leader,
                    pinnedSet: pinned.digest, threshold: parameters.threshold,
                    deadline: time.adding(milliseconds: parameters.verificationMilliseconds))))
        return derivation.events
    }

    /// Checks, in order: that the submitter is listed, its quota, and the bound of the ledger.
    func admit(_ key: PublicKey) throws(Refusal) -> SubmitterIndex {
        guard let index = submitterIndices[key] else { throw .unknownSubmitter }
        let submitter = submitters[Int(index.rawValue)]
        invariant(
            Int(submitter.undecided) <= openRounds.count + openJobs.count,
            "\(submitter.undecided) undecided of \(openRounds.count) rounds and"
                + " \(openJobs.count) jobs")
        guard submitter.quota > 0 else { throw .unknownSubmitter }
        guard submitter.undecided < submitter.quota else { throw .quotaExceeded }
        guard unfinishedCount < Int(parameters.unclosedMax) else { throw .tooManyUnclosed }
        return index
    }
}

extension RequestMessage {
    /// Whether the bytes are a proof in the compressed form: canonical, on the curve, in the group.
    package static func isWellFormed(proof: [UInt8]) -> Bool {
        Proof.areReadable([proof])[0]
    }

    /// The same of each of several, which together take less time.
    package static func areWellFormed(proofs: [[UInt8]]) -> [Bool] { Proof.areReadable(proofs) }
}
