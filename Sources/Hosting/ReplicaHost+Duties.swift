// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
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
        return try take(intake.check([(arrived, nil)], at: now.uptime), at: now)
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
        let arrived = messages.map {
            (
                ArrivedMessage(PeerMessage.command(.result($0)).encoded),
                peer: nil as ValidatorIndex?
            )
        }
        return try take(intake.check(arrived, at: now.uptime), at: now)
    }

    /// What became of a cosignature that was asked for.
    package enum Cosigning: Sendable, Equatable {
        /// It is there, noted durably before.
        case signed
        /// The ledger has that root, and the node does not sign: it is no member, or is silent, for
        /// its journal was lost.
        case agreed
        /// The ledger is not that long yet, or not whole.
        case tooEarly
        /// The ledger has another root at that size.
        case otherRoot(Digest)
        /// It does not continue what was cosigned last.
        case refused(CosignRefusal)
    }

    /// Adds the validator's cosignature to a checkpoint of its own log, after noting that durably.
    package func cosign(
        _ signed: inout SignedCheckpoint, seconds: UInt64
    ) throws(HostError) -> Cosigning {
        let checkpoint = signed.checkpoint
        guard stopped == nil, ahead == nil, checkpoint.size <= log.size else { return .tooEarly }
        var proof: [Digest] = []
        let isSigner = !isSilent && replica.index.map(state.members.contains) ?? false
        do throws(LogError) {
            let root = try log.root(at: checkpoint.size)
            guard root == checkpoint.root else { return .otherRoot(root) }
            guard isSigner else { return .agreed }
            if let last = journal.lastCosigned, last.size < checkpoint.size, last.size > 0 {
                proof = try log.consistencyProof(from: last.size, to: checkpoint.size)
            }
        } catch { throw .log(error) }
        do throws(JournalError) {
            try journal.noteCosigning(checkpoint, proof: proof)
        } catch {
            if case .cosign(let refusal) = error { return .refused(refusal) }
            throw .journal(error)
        }
        do throws(NoteError) {
            _ = try signed.cosign(with: replica.key, seconds: seconds)
        } catch { return .otherRoot(checkpoint.root) }
        return .signed
    }
}
