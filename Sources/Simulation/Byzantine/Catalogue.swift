// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Byzantine {
    /// Every single way of lying, in an order that seeds rest on: new ones go to the end.
    static let plain: [any Strategy.Type] = [
        EquivocatingProposer.self, DoubleVotes.self, TwoFacedVerdicts.self, Withholding.self,
        Censorship.self, FalseDerivation.self, ForgedAuthority.self, WrongTime.self,
        Replaying.self, Impersonation.self, FalseVerdicts.self, Flooding.self, Garbage.self,
        LyingStatuses.self, FalseBatches.self, Amnesia.self, HiddenLocks.self, Stalling.self,
        Conspiracy.self, PartialDecisions.self, HiddenRequests.self, LyingSubmitter.self,
        Strangers.self, FalseGrounds.self, WithheldPrevotes.self, ListGames.self,
        FarRounds.self,
    ]

    /// The same and the mixture of them, which is the last.
    package static let catalogue: [any Strategy.Type] = plain + [Mixed.self]
}
