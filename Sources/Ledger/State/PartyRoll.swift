// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Who is who in a ledger at a place of its log: keys, names, terms, circuits and parameters.
///
/// It is the part of the state that needs no records, and follows the log by its openings and its
/// changes alone, so that a signature deep in a long log is checked without folding what is before.
package struct PartyRoll: Sendable {
    /// Of this only the parties are right; rounds, records and reputations are not followed.
    private var state: LedgerState

    /// The parties of a ledger that has only its first entry.
    package init(opened: Entry) throws(FoldError) {
        state = LedgerState()
        try state.apply(opened)
    }

    /// The parties in the fixed part of a snapshot; see `holds(components:)`.
    package init(fixed: [UInt8]) throws(SnapshotError) {
        do throws(DecodingError) {
            var reader = BorshReader(fixed)
            state = try LedgerState(fixed: &reader)
            try reader.end()
        } catch {
            throw .undecodable(part: "fixed", error)
        }
    }

    /// Whether the parties have the roots that the seal of the batch names.
    package func holds(components: [Digest]) -> Bool {
        let all = StateComponent.allCases
        guard components.count == all.count else { return false }
        let computed = state.componentRoots()
        return [StateComponent.parameters, .validators, .submitters, .circuits].allSatisfy { part in
            all.firstIndex(of: part).map { computed[$0] == components[$0] } ?? false
        }
    }

    /// Folds the next opening, change or seal; other events change nothing here.
    package mutating func fold(_ event: Event) throws(FoldError) {
        switch event {
        case .batchOpened(let opened): try state.applyBatch(opened, state.batchEntry)
        case .governanceApproved(let change): try state.applyChange(change)
        case .batchSealed: state.sealUnfollowed()
        default: invariant(!Self.isFollowed(tag: event.tag), "\(event.kind) is not followed")
        }
    }

    /// Whether an event of this tag changes the parties.
    package static func isFollowed(tag: UInt8) -> Bool { [1, 7, 76].contains(tag) }

    /// The ledger.
    package var ledger: LedgerID { state.ledger }

    /// The last batch that was opened.
    package var height: Height { state.height }

    /// The bridge's key.
    package var bridge: PublicKey { state.bridge }

    /// What the parties are called.
    package var names: LedgerNames { LedgerNames(state) }

    /// Who has a number; nil where nobody does. Stake and reputation are not followed.
    package func validator(_ index: ValidatorIndex) -> Validator? { state.validator(index) }

    /// The key of a validator; nil where there is none of this number.
    package func key(of index: ValidatorIndex) -> PublicKey? { state.validator(index)?.key }

    /// How many of those in office must sign the next batch.
    package var nextThreshold: Int { Int(state.sealedLast.parameters.threshold) }

    /// Those who order a batch, by index, and how many of them must sign; nil of batches that are
    /// not opened yet.
    ///
    /// Exact for the last batch opened; for older ones stakes and parameters are those of now.
    package func ordering(
        _ height: Height
    ) -> (members: [RankedMember], threshold: Int)? {
        guard height.rawValue > 0, height <= state.height else { return nil }
        if height == state.height {
            let sealed = state.sealedBefore
            return (sealed.members, Int(sealed.parameters.threshold))
        }
        let members = state.validators.enumerated().compactMap {
            place, validator -> RankedMember? in
            let index = ValidatorIndex(UInt16(place))
            return state.orders(index, height)
                ? RankedMember(index: index, key: validator.key, stake: validator.stake) : nil
        }
        return (members, Int(state.parameters.threshold))
    }

    /// Who may propose the batch after a sealed one, in rank.
    ///
    /// - Precondition: no batch is open, `height` is the next, and the state is within bounds.
    package func proposerRanking(_ height: Height) -> [ValidatorIndex] {
        state.proposerRanking(height: height)
    }

    /// See `LedgerState.isWithinBounds`.
    package var isWithinBounds: Bool { state.isWithinBounds }

    /// The identity of a request or job by its entry; nil where it is neither, or names a party
    /// that is unknown here.
    package func identity(of event: Event) -> Digest? {
        switch state.message(of: event) {
        case .request(let message)?: message.id(in: ledger).digest
        case .job(let message)?: message.id(in: ledger).digest
        default: nil
        }
    }
}
