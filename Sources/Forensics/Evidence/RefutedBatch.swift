// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger
package import Replication

/// T precommits under a batch that the rules refute: one file that names all who gave them.
///
/// As much of the state before the batch as the rules read is in the file. Its roots are those that
/// the seal before the batch names, and that seal is in the log whose root was signed: so whoever
/// signed that root held this state, and the rules are run again on it without a ledger. Of records
/// the file holds a part, which its maker may have chosen badly or made up; where the fault rests
/// on those of a component, all of that component must be in the file.
package struct RefutedBatch: Equatable, Sendable, BorshCodable {
    /// The part of the state before the batch.
    package let excerpt: StateExcerpt
    /// The end of the log before the batch.
    package let before: SealedEnd
    /// The entries of the batch, and T precommits of the root after it.
    package let batch: DecidedBatch

    /// Takes the parts as they are: nothing is checked before it is judged.
    package init(on excerpt: StateExcerpt, _ before: SealedEnd, batch: DecidedBatch) {
        self.excerpt = excerpt
        self.before = before
        self.batch = batch
    }

    /// Takes as much of the state before a batch as shows that the rules refute it.
    ///
    /// - Parameters:
    ///   - state: Of which `before` is the last seal.
    ///   - frontier: The tree of the log before the batch.
    package init(
        on state: LedgerState, _ frontier: MerkleFrontier, _ before: SealedEnd, batch: DecidedBatch
    ) {
        var grounds: [StateComponent] = []
        do throws(DecidedBatchFault) {
            _ = try batch.replayed(
                on: state, frontier, threshold: Int(state.sealedLast.parameters.threshold))
        } catch {
            if case .diverged(let divergence) = error {
                grounds = batch.grounds(of: divergence, on: state)
            }
        }
        self.init(
            on: state.excerpt(for: batch.events, whole: grounds), before, batch: batch)
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(excerpt)
        writer.write(before)
        writer.write(batch)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        excerpt = try StateExcerpt(from: &reader)
        before = try SealedEnd(from: &reader)
        batch = try DecidedBatch(from: &reader)
    }
}

extension RefutedBatch: Convicting {
    /// Checks, in order: the end of the log, the state, the entries, the precommits, what the rules
    /// say of the batch, and that the records on which that rests are all there.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        let (sealed, frontier) = try before.end("before")
        let state = try state(sealed, in: ledger)
        let threshold = Int(state.sealedLast.parameters.threshold)
        do throws(DecidedBatchFault) {
            _ = try batch.replayed(on: state, frontier, threshold: threshold)
        } catch {
            switch error {
            case .wrongHeight: throw .unrelated(field: "batch")
            case .otherRoot: throw .unrelated(field: "batch, whose root is another than signed")
            case .wrongPrecommits: throw .notSigned(field: "one of the precommits")
            // Whoever makes the file can put another history before a batch that is right.
            case .diverged(.history): throw .unrelated(field: "batch, which rests on another log")
            case .undecodable: return signers(state)
            case .diverged(let divergence):
                try checkRecords(batch.grounds(of: divergence, on: state))
                return signers(state)
            }
        }
        throw .innocent("the rules give this batch")
    }

    private func checkRecords(_ grounds: [StateComponent]) throws(EvidenceFlaw) {
        let lacking = grounds.filter { !excerpt.isWhole($0) }.map(\.label)
        guard lacking.isEmpty else {
            throw .unjudged(
                "the fault rests on all records of the \(lacking.listed), and the file holds a"
                    + " part of them")
        }
    }

    private func signers(_ state: LedgerState) -> [PublicKey] {
        batch.precommits.signatures.compactMap { state.validator($0.validator)?.key }
    }

    private func state(
        _ sealed: BatchSealed, in ledger: LedgerID
    ) throws(EvidenceFlaw) -> LedgerState {
        do throws(SnapshotError) {
            let state = try LedgerState(excerpt, components: sealed.components)
            guard state.ledger == ledger, state.height == sealed.height,
                state.size == sealed.size + 1
            else { throw SnapshotError.malformed(part: "state") }
            return state
        } catch {
            throw .unrelated(field: "state (\(error))")
        }
    }

    func sentence(_ names: [String]) -> String {
        "\(names.listed) precommitted batch \(batch.precommits.height.rawValue), which the rules"
            + " refute."
    }
}
