// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// When a liar that speaks for clients does: now and then, a few times in a row, to one or to all.
struct Burst<Kind: CaseIterable & Sendable>: Sendable where Kind.AllCases == [Kind] {
    /// What is said this time.
    private(set) var kind: Kind
    /// Who alone hears it; nil for all.
    private(set) var victim: ValidatorIndex?
    private var remaining = 0

    /// Nothing is said yet.
    init(_ kind: Kind) { self.kind = kind }

    /// Whether something is said now.
    ///
    /// - Parameters:
    ///   - timesMax: The most times in a row.
    ///   - perMille: Of 1,000 of those, how many are for one alone.
    mutating func begins(
        timesMax: Int, toOnePerMille perMille: Int, _ context: inout ByzantineContext
    ) -> Bool {
        if remaining == 0 {
            guard context.random.happens(perMille: 60) else { return false }
            remaining = 1 + context.random.below(timesMax)
            kind = context.random.pick(Kind.allCases) ?? kind
            victim =
                context.random.happens(perMille: perMille)
                ? context.random.pick(context.honest) : nil
        }
        remaining -= 1
        return true
    }
}
