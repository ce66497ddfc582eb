// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
package import Cryptography
package import Ledger

/// What one link of a chain of causes adds to the value that the chain explains.
package enum LinkFact: Sendable {
    /// A reputation begins: at joining, or at the bound to which a change clamped it.
    case origin(Reputation)
    /// Points given or taken, within the bounds of that moment.
    case change(points: Int64, Parameters)
    /// A day's decay, within the bounds of that moment.
    case decay(Parameters)
    /// A request asks for a sum.
    case request(amount: Amount)
    /// A round opens: how many may vote, and how many approvals approve.
    case opened(members: Int, threshold: Int)
    /// A vote is counted.
    case vote(Vote)
    /// The deadline passes.
    case deadline
    /// Another request spends a nullifier of this one.
    case conflict
    /// The nullifiers of an approved request are spent.
    case spent
    /// The bridge reports that the payment failed.
    case failed
    /// A nullifier is released.
    case released
    /// The seed of a ranking and the parameters of its weights.
    case seed(Digest, Parameters)
    /// One of those who are ranked.
    case candidate(Candidate)
    /// A job asks for the output of a module.
    case job(module: Digest)
    /// Those who run a job are drawn.
    case drawn(Int)
    /// A result is counted.
    case result(JobStatus, output: Digest)
    /// The log before a batch.
    case before(MerkleFrontier)
    /// An entry of a batch.
    case leaf(Digest)
    /// A validator signs the root after a batch.
    case precommit
}

/// One cause of a value.
package struct CausalLink: Sendable {
    /// The entry that says so; nil where the whole log before does.
    package let entry: UInt64?
    /// What a person is told of it, in a few words.
    package let label: String
    /// The places in the chain of what had to be first.
    package let causes: [Int]
    /// What it adds to the value.
    package let fact: LinkFact
}

/// What a value rests on: every link of it is needed, and nothing else is.
package struct CausalChain: Sendable {
    /// What a chain gives.
    package enum Kind: String, Codable, Sendable {
        case reputation, request, nullifier, leader, job, batch
    }

    /// What it gives.
    package let kind: Kind
    /// The causes, each after its own.
    package private(set) var links: [CausalLink] = []

    init(_ kind: Kind) { self.kind = kind }

    /// Adds a link and returns its place.
    @discardableResult
    mutating func add(
        _ entry: UInt64?, _ label: String, _ fact: LinkFact, causes: [Int] = []
    ) -> Int {
        invariant(causes.allSatisfy { $0 < links.count }, "a cause after its effect")
        links.append(CausalLink(entry: entry, label: label, causes: causes, fact: fact))
        return links.count - 1
    }

    /// The chain without one link, of which the others may still speak.
    package func without(_ place: Int) -> CausalChain {
        var copy = self
        copy.links.remove(at: place)
        return copy
    }

    /// The value that the links give, counted again; nil where they give none.
    package var value: String? {
        switch kind {
        case .reputation: reputation.map { "\(UTC.points($0)) points" }
        case .request: outcome
        case .nullifier: condition
        case .leader: ranking
        case .job: jobResult
        case .batch: order
        }
    }
}
