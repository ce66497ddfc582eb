// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger
package import Replication

/// What a node that does more than agree asks of its host.
extension ReplicaHost {
    /// The precommits of the last batch, where the node has all that prove it.
    package var proof: Precommits? {
        guard let last = replica.lastPrecommits,
            last.signatures.count >= Int(state.sealedBefore.parameters.threshold)
        else { return nil }
        return last
    }

    /// Takes in a message of a client, or of the node's own duties.
    package func handIn(
        _ message: Message, at now: Instant
    ) throws(HostError) -> [HostOutput] {
        let arrived = ArrivedMessage(PeerMessage.command(message).encoded)
        return try receive(intake.check([(arrived, nil)], at: now.uptime), at: now)
    }

    /// What the validator has reported of a job, as its journal says.
    package func report(on job: JobID) -> JobReport? { journal.report(on: job) }

    /// The validator's verdict on a request, as its journal says.
    package func verdict(on request: RequestID) -> Verdict? { journal.verdict(on: request) }

    /// Where the journal was cut; nil where all that was ever in it is there.
    package var journalCut: JournalCut? { journal.cut }

    /// When the journal was begun anew, for it was lost.
    package var journalBegunAnew: Time? { journal.begunAnew }

    /// The ledger time up to which batches may hold what the validator said before its journal was
    /// lost; nil where none was.
    package var forgottenThrough: Time? { journal.silentUntil }

    /// Journals the results of jobs in one commit, signs them and sends them: of each job the first
    /// one, whatever is given later.
    ///
    /// Says nothing where the node is silent.
    package func report(
        _ reports: [(job: JobID, report: JobReport)], at now: Instant
    ) throws(HostError) -> [HostOutput] {
        guard stopped == nil, !isSilent else { return [] }
        let messages: [ResultMessage]
        do throws(JournalError) { messages = try journal.results(reports) } catch {
            throw .journal(error)
        }
        invariant(
            reports.allSatisfy { journal.report(on: $0.job) != nil },
            "a result of \(reports.count) is said that the journal does not hold")
        let arrived = messages.map {
            (
                ArrivedMessage(PeerMessage.command(.result($0)).encoded),
                peer: nil as ValidatorIndex?
            )
        }
        return try receive(intake.check(arrived, at: now.uptime), at: now)
    }
}
