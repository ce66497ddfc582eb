// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What follows here from the inputs of a batch, whatever others derived from them.
///
/// Invariant: it ends with a seal exactly where nothing stopped it.
package struct OwnDerivation: Sendable {
    /// Everything that was derived, in order; up to the input that stopped it.
    package let entries: [Entry]
    /// The root of the log after them.
    package let root: Digest
    /// Why an input is not taken here; nil where all are.
    package let stopped: String?

    /// The roots of the components after the batch; nil where an input stopped it.
    package var components: [Digest]? {
        if case .batchSealed(let seal)? = entries.last?.event { seal.components } else { nil }
    }
}

extension DecidedBatch {
    /// The events of the batch; those behind one that cannot be decoded are left out.
    package var events: [Event] {
        var events: [Event] = []
        for entry in entries {
            do throws(DecodingError) {
                events.append(try Event(decoding: entry.bytes))
            } catch { break }
        }
        return events
    }

    /// What opens the batch; nil where that is something else.
    var opening: BatchOpened? {
        guard let first = entries.first else { return nil }
        do throws(DecodingError) {
            if case .batchOpened(let opened) = try Event(decoding: first.bytes) { return opened }
        } catch {}
        return nil
    }

    /// Derives what follows here from the inputs of the batch, up to one that is not signed or not
    /// taken.
    ///
    /// - Parameters:
    ///   - state: The state before the batch.
    ///   - frontier: The tree of the log before it.
    package func derivedHere(
        on state: LedgerState, _ frontier: MerkleFrontier
    ) -> OwnDerivation {
        var run = BatchRun(state: state, frontier: frontier)
        var stopped: String?
        do throws(OwnStop) {
            let checker = SignatureChecker()
            for event in events where !event.isDerived {
                try run.takeInput(of: event, checker)
            }
            do throws(Refusal) { try run.seal() } catch {
                throw OwnStop(reason: "the seal is refused: \(error)")
            }
        } catch { stopped = error.reason }
        let own = OwnDerivation(entries: run.entries, root: run.frontier.root, stopped: stopped)
        invariant(
            (own.stopped == nil) == (own.components != nil),
            "a derivation of \(own.entries.count) entries is sealed and stopped, or neither")
        return own
    }
}

/// What stopped a derivation.
private struct OwnStop: Error {
    let reason: String
}

extension BatchRun {
    fileprivate mutating func takeInput(
        of event: Event, _ checker: SignatureChecker
    ) throws(OwnStop) {
        let input: Input?
        do throws(UnknownParty) { input = try state.input(of: event) } catch {
            throw OwnStop(reason: "a \(event.kind) names a party that the ledger does not hold")
        }
        guard let input else { return }
        guard let checks = input.signatureChecks(in: state.ledger),
            checker.verdicts(checks).allSatisfy(\.self)
        else { throw OwnStop(reason: "a \(event.kind) is not signed by those whom it speaks for") }
        do throws(Refusal) { try take(input.command(root: frontier.root)) } catch {
            throw OwnStop(reason: "a \(event.kind) is refused: \(error)")
        }
    }
}
