// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
package import Ledger

/// A vote for a proof that does not verify, or against one that does.
///
/// The vote names the request by a hash that covers proof, inputs and circuit, and the circuit by
/// one that covers the verifying key: so nothing else is needed. An abstention is no word on a
/// proof, and a proof that cannot be read never opens a round, so that nobody honest votes on it.
package struct FalseVote: Hashable, Sendable, BorshCodable {
    /// The request, as it was signed.
    package let request: RequestMessage
    /// The circuit of its proof.
    package let circuit: Circuit
    /// The vote.
    package let vote: VoteMessage
    /// Its way to the root of the list that is signed, where it is in one; a field of the file, not
    /// of these bytes.
    package internal(set) var path: VotePath?

    /// Takes the parts as they are: nothing is checked before it is judged.
    package init(request: RequestMessage, circuit: Circuit, vote: SignedVote) {
        self.request = request
        self.circuit = circuit
        self.vote = vote.vote
        path = vote.path
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(circuit)
        writer.write(vote)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try RequestMessage(from: &reader)
        circuit = try Circuit(from: &reader)
        vote = try VoteMessage(from: &reader)
    }
}

extension FalseVote: Convicting {
    /// Checks, in order: the vote's signature, request, circuit, that it is a verdict, the proof.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        guard vote.validator.isValid, vote.isSigned(in: ledger, along: path) else {
            throw .notSigned(field: "vote")
        }
        guard request.id(in: ledger) == vote.request else { throw .unrelated(field: "request") }
        guard circuit.id == request.circuit else { throw .unrelated(field: "circuit") }
        guard vote.vote != .abstain else { throw .innocent("an abstention is no word on a proof") }
        switch (request.verifyProof(under: circuit), vote.vote) {
        case (.holds, .reject), (.fails, .approve): return [vote.validator]
        case (.holds, _): throw .innocent("the proof holds, and the vote says so")
        case (.fails, _): throw .innocent("the proof does not hold, and the vote says so")
        case (.unjudged(let why), _): throw .innocent("nobody can verify the proof: \(why)")
        }
    }

    func sentence(_ names: [String]) -> String {
        let said = vote.vote == .approve ? "approved" : "rejected"
        let truth = vote.vote == .approve ? "does not hold" : "holds"
        return "\(names.listed) \(said) request \(vote.request.hex), whose proof \(truth)."
    }
}
