// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger

/// How far a proposed change has come, held against a state of a ledger, or, where there is none,
/// what the proposal shows by itself.
package struct ProposalStanding: Codable, Equatable, Sendable {
    /// What would become of it if it were handed in now; the first that holds.
    package enum Word: String, Codable, Sendable {
        /// It is of another ledger.
        case foreign
        /// Another change took its number, so that no signature on it counts any more.
        case outdated
        /// Its number comes later.
        case early
        /// A signature on it does not hold.
        case forged
        /// The rules refuse what it changes, as the ledger is now.
        case refused
        /// Too few members have signed.
        case lacking
        /// It can be handed in.
        case ready
        /// Nothing is wrong with what it shows by itself, and it was held against no ledger.
        case unchecked
    }

    /// One who has signed.
    package struct Signer: Codable, Equatable, Sendable {
        /// What the ledger calls it; nil for one that it does not know.
        package var name: String?
        /// Its key, in hexadecimal.
        package var key: String
        /// Whether it has a say; nil without a ledger.
        package var isMember: Bool?
        /// Whether the signature is its.
        package var holds: Bool
    }

    /// What would become of it.
    package let standing: Word
    /// The change in words.
    package let says: String
    /// What would be otherwise after it, a sentence each.
    package let effects: [String]
    /// Why the rules refuse it; nil where they do not.
    package let refusal: String?
    /// The ledger that it is of, in hexadecimal.
    package let ledgerID: String
    /// Its number.
    package let number: UInt64
    /// The number of the change that the ledger waits for; nil without a ledger, like what follows
    /// beside the signers.
    package let nextNumber: UInt64?
    /// Who has signed, in the order of the file.
    package let signers: [Signer]
    /// How many members must sign.
    package let threshold: UInt32?
    /// How many members still have to sign.
    package let lacking: Int?
    /// The members that have not signed, by name.
    package let unsigned: [String]?

    /// Judges a proposal.
    package init(_ proposal: ChangeProposal, in state: LedgerState) {
        let (message, names) = (proposal.message, LedgerNames(state))
        let refusal = state.refusal(of: message.change)
        let checks = message.signatureChecks(in: proposal.ledger) ?? []
        let signers = zip(message.endorsements, checks).map { endorsement, check in
            let index = state.validatorIndex(of: endorsement.validator)
            return Signer(
                name: index.map { names.name(of: $0) }, key: endorsement.validator.hex,
                isMember: index.map { state.members.contains($0) } ?? false, holds: check.holds)
        }
        let signed = Set(signers.filter { $0.isMember == true && $0.holds }.map(\.key))
        let nextNumber = state.nextChange
        let lacking = max(0, Int(state.parameters.threshold) - signed.count)
        says = ChangeWords(state: state).text(of: message.change)
        effects = Self.effects(of: message.change, state)
        self.refusal = refusal.map { "\($0)" }
        (ledgerID, number, self.nextNumber) = (proposal.ledger.hex, message.number, nextNumber)
        (self.signers, threshold) = (signers, state.parameters.threshold)
        self.lacking = lacking
        unsigned = state.members.filter { index in
            state.validator(index).map { !signed.contains($0.key.hex) } ?? false
        }.map { names.name(of: $0) }
        standing =
            if proposal.ledger != state.ledger {
                .foreign
            } else if number != nextNumber {
                number < nextNumber ? .outdated : .early
            } else if signers.contains(where: { !$0.holds }) {
                .forged
            } else if refusal != nil {
                .refused
            } else {
                lacking > 0 ? .lacking : .ready
            }
    }

    /// Judges a proposal by what it shows alone: its signatures, and whether the rules would refuse
    /// the change in any state.
    package init(alone proposal: ChangeProposal) {
        let message = proposal.message
        let checks = message.signatureChecks(in: proposal.ledger) ?? []
        signers = zip(message.endorsements, checks).map { endorsement, check in
            Signer(name: nil, key: endorsement.validator.hex, isMember: nil, holds: check.holds)
        }
        let refusal = LedgerState.refusalEverywhere(of: message.change)
        says = ChangeWords.text(alone: message.change)
        effects = []
        self.refusal = refusal.map { "\($0)" }
        (ledgerID, number) = (proposal.ledger.hex, message.number)
        (nextNumber, threshold, lacking, unsigned) = (nil, nil, nil, nil)
        standing =
            if signers.contains(where: { !$0.holds }) {
                .forged
            } else {
                refusal == nil ? .unchecked : .refused
            }
    }

    /// What is to be done with it.
    package var advice: String {
        switch standing {
        case .foreign: "it is of another ledger: look at it with a home of that one"
        case .outdated: "the ledger has moved on: it waits for \(next); propose it again"
        case .early: "the ledger waits for \(next) first"
        case .forged: "a signature in it does not hold; have it signed again"
        case .refused: "the ledger would refuse it: \(refusal ?? "")"
        case .lacking: "recount govern sign adds the signature of a home"
        case .ready: "recount govern submit hands it in"
        case .unchecked:
            "held against no ledger: not which number it waits for, whose keys these are, how many"
                + " must sign, and what its rules say; recount govern show FILE HOME does"
        }
    }

    private var next: String { nextNumber.map { "change \($0)" } ?? "another change" }

    private static func effects(of change: Change, _ state: LedgerState) -> [String] {
        let (members, threshold) = (state.members.count, state.parameters.threshold)
        func quorum(_ threshold: UInt32, _ members: Int) -> [String] {
            [
                "\(state.parameters.threshold) of \(state.members.count) decide now,"
                    + " \(threshold) of \(members) after it"
            ]
        }
        switch change {
        case .validatorJoined: return quorum(threshold, members + 1)
        case .validatorLeft: return quorum(threshold, members - 1)
        case .parametersChanged(let parameters):
            guard parameters.threshold != threshold else { return [] }
            return quorum(parameters.threshold, members)
        case .rootPublished: return ["requests against this root are taken from then on"]
        case .circuitRegistered(let circuit):
            let wait = circuit.inputs.contains(.root) ? "once a root is published" : "from then on"
            return ["requests under this circuit are taken \(wait)"]
        case .submitterListed(let key, _, let quota):
            let isKnown = state.submitterIndex(of: key) != nil
            guard quota > 0 else { return ["what it hands in is refused from then on"] }
            return [isKnown ? "it is known already, and its quota changes" : "it is new"]
        case .stakeChanged: return []
        }
    }
}
