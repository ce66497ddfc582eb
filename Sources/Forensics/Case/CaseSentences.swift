// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Hosting
internal import Ledger
internal import Replication

/// Puts a case into words: what happened, what differs, and what to do.
struct CaseSentences {
    private let found: DivergenceCase

    init(_ found: DivergenceCase) { self.found = found }

    /// In the order in which they are read.
    var all: [String] { [happened, answer, advice] }

    private var happened: String {
        "\(found.voters.count) validators agreed on batch"
            + " \(found.batch.precommits.height.rawValue), and \(found.name) derives something"
            + " else: \(found.divergence)."
    }

    private var answer: String {
        switch found.answer {
        case .damage:
            "The ledger on the disk of \(found.name) is not what the node held in memory, or cannot"
                + " be read."
        case .memory:
            "Deriving the same batch again did not give what the node had derived: its memory, or"
                + " what computes its hashes, failed."
        case .version:
            "All that agreed run another version than \(found.name) does"
                + " (\(found.versions.program)), and deriving the batch again gives the same as"
                + " before."
        case .inputs: inputs
        case .derivation:
            "From the same inputs on the same state \(found.name) derives the same again, and not"
                + " what was agreed on: either it, or those that agreed, break a rule."
        case .unknown:
            "Nobody has derived the batch again yet, so that it is not known whether the machine or"
                + " the rules differ."
        }
    }

    private var inputs: String {
        if case .history = found.divergence {
            return "The batches before differ: \(found.name) rests on another history than those"
                + " that agreed."
        }
        return "The batch holds an input that \(found.name) does not take, and those that agreed"
            + " took it."
    }

    private var advice: String {
        switch found.answer {
        case .damage:
            "Recover the ledger from another validator's (recount recover), look at the disk, and"
                + " release the case then."
        case .memory:
            "Test the machine's memory before the node signs again; then release the case: the"
                + " node takes up what was agreed on."
        case .version:
            "Install the version that the others run: the node then takes up what was agreed on by"
                + " itself."
        case .inputs, .derivation:
            "Let the second reader say which side the rules confirm (recount case verify --referee)"
                + " and compare versions; T validators may be wrong together."
        case .unknown: "Derive it again on this machine: recount case derive."
        }
    }
}
