// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger

/// What is checked of a certificate, in this order.
package enum CertificateCheck: String, Codable, Sendable, CaseIterable {
    /// The first entry is that of the ledger: its hash is the identity.
    case ledger
    /// Enough keys of the policy signed the checkpoint, and no line of it is left unchecked.
    case checkpoint
    /// All entries are in the tree of the checkpoint.
    case inclusion
    /// Every entry is an event.
    case entries
    /// The request is bound to circuit and submitter, whose signature holds, and to its inputs.
    case request
    /// The pinned validators are those that `RoundOpened` names, and the threshold is safe.
    case pinnedSet
    /// Every vote is of a pinned validator, its first, and signed.
    case votes
    /// The votes give what `OutcomeDecided` says.
    case decision
    /// Where the decision rests on votes that are not there: no entry of the round is missing.
    case absence
    /// Where a conflicting request was approved: that decision, and the nullifier of both.
    case conflict
    /// The proof, verified under the key of the circuit.
    case proof
}

/// What is wrong with a certificate: the first thing that was found.
package struct CertificateFlaw: Error, Equatable, Encodable, Sendable {
    /// The check that failed.
    package var check: CertificateCheck
    /// The entry where it shows, where it shows at one.
    package var entry: UInt64?
    /// What part of the entry or of the file.
    package var field: String
    /// What should be there.
    package var expected: String
    /// What is there.
    package var found: String
}

extension CertificateFlaw: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        let place = entry.map { "entry \($0), " } ?? ""
        return "\(check.rawValue): \(place)\(field): expected \(expected), found \(found)"
    }
}

/// How a check ended.
package struct CertificateCheckLine: Encodable, Equatable, Sendable {
    /// The check.
    package var check: CertificateCheck
    /// How it ended: `incomplete` after one that failed, `skipped` where it does not apply.
    package var result: CheckResult
    /// What was found.
    package var detail: String
}

/// A vote as the certificate shows it.
package struct CertifiedVote: Encodable, Equatable, Sendable {
    /// Its entry.
    package var entry: UInt64
    /// The number of the validator.
    package var validator: UInt16
    /// Its key, in hexadecimal.
    package var key: String
    /// What it says.
    package var vote: String
    /// Why.
    package var reason: String
    /// The validator's own time, in milliseconds since 1970 UTC.
    package var timestamp: UInt64
    /// Whether it contradicts what was found of the proof.
    package var contradictsProof: Bool?
}

/// A decision as the certificate shows it.
package struct CertifiedDecision: Encodable, Equatable, Sendable {
    /// The identity of the request, in hexadecimal.
    package var requestID: String
    /// The entry that introduced the request.
    package var entry: UInt64
    /// The name of the circuit.
    package var circuit: String
    /// The identity of the circuit, in hexadecimal.
    package var circuitID: String
    /// The key that submitted the request, in hexadecimal.
    package var submitter: String
    /// The sum to be paid.
    package var amount: UInt64
    /// Who is to be paid, in hexadecimal.
    package var recipient: String
    /// The nullifiers, in hexadecimal.
    package var nullifiers: [String]
    /// The number of pinned validators.
    package var validators: Int
    /// Approvals that approve.
    package var threshold: UInt32
    /// When votes end, in milliseconds since 1970 UTC.
    package var deadline: UInt64
    /// The votes, by entry.
    package var votes: [CertifiedVote]
    /// How it was decided.
    package var outcome: String
    /// Why.
    package var reason: String
    /// Votes to approve at that moment.
    package var approvals: Int
    /// Votes to reject at that moment.
    package var rejections: Int
    /// Abstentions at that moment.
    package var abstentions: Int
    /// Approvals less T.
    package var margin: Int32
    /// The entry that decided.
    package var deciding: UInt64
    /// The entry that says so.
    package var decisionEntry: UInt64
    /// Batch time of the decision, in milliseconds since 1970 UTC.
    package var time: UInt64
    /// Whether the proof holds; nil where it was not verified.
    package var proofHolds: Bool?
}

/// What was found of a certificate.
package struct CertificateReport: Encodable, Sendable {
    /// Whether every check that applies passed.
    package var isValid = false
    /// The identity of the ledger, in hexadecimal.
    package var ledgerID = ""
    /// Where the ledger comes from.
    package var name = ""
    /// The size of the log that the checkpoint signs.
    package var checkpointSize: UInt64 = 0
    /// Its root, in hexadecimal.
    package var checkpointRoot = ""
    /// The policy: how many of how many keys.
    package var policy = ""
    /// The keys of the policy that signed, in hexadecimal.
    package var signers: [String] = []
    /// The decision, once it was recounted.
    package var decision: CertifiedDecision?
    /// The decision on the conflicting request, where there is one.
    package var conflict: CertifiedDecision?
    /// The checks, in order.
    package var checks: [CertificateCheckLine] = []
    /// What is wrong.
    package var flaw: CertificateFlaw?
    /// Votes and outcomes that contradict the mathematics, and what else a reader should know.
    package var notes: [String] = []

    mutating func pass(_ check: CertificateCheck, _ detail: String) {
        checks.append(CertificateCheckLine(check: check, result: .passed, detail: detail))
    }

    mutating func skip(_ check: CertificateCheck, _ detail: String) {
        checks.append(CertificateCheckLine(check: check, result: .skipped, detail: detail))
    }

    mutating func fail(_ flaw: CertificateFlaw) {
        self.flaw = flaw
        isValid = false
        // A part of an earlier check that shows later does not pass after all.
        checks.removeAll { $0.check == flaw.check }
        checks.append(
            CertificateCheckLine(
                check: flaw.check, result: .failed,
                detail: (flaw.entry.map { "entry \($0), " } ?? "")
                    + "\(flaw.field): expected \(flaw.expected), found \(flaw.found)"))
        for check in CertificateCheck.allCases where !checks.contains(where: { $0.check == check })
        {
            checks.append(
                CertificateCheckLine(check: check, result: .incomplete, detail: "not reached"))
        }
    }
}

/// Whose signatures make a checkpoint trusted.
package struct CertificatePolicy: Sendable {
    /// Where the keys come from.
    package enum Keys: Sendable {
        /// They are the validators that the first entry of this ledger names.
        case validators(of: LedgerID)
        /// They are these; of which ledger the certificate is, is checked where one is given.
        case listed([PolicyKey], ledger: LedgerID?)
    }

    /// How many of how many.
    package let quorum: Quorum
    /// Of which keys.
    package let keys: Keys

    /// Joins the parts; throws what is wrong with listed keys.
    package init(quorum: Quorum, keys: Keys) throws(PolicyError) {
        self.quorum = quorum
        self.keys = keys
        if case .listed(let list, _) = keys {
            _ = try CheckpointPolicy(quorum: quorum, keys: list)
        }
    }

    /// The ledger that the certificate must be of, where it is said.
    var ledger: LedgerID? {
        switch keys {
        case .validators(let ledger): ledger
        case .listed(_, let ledger): ledger
        }
    }

    func checkpointPolicy(_ opened: LedgerOpened) throws(PolicyError) -> CheckpointPolicy {
        switch keys {
        case .validators:
            try CheckpointPolicy(quorum: quorum, validators: opened.validators.map(\.key))
        case .listed(let list, _): try CheckpointPolicy(quorum: quorum, keys: list)
        }
    }
}
