// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Refusal: CustomStringConvertible {
    /// What JSON calls it: the name of the case.
    package var jsonName: String { words.name }

    /// What a person is told.
    package var description: String { words.sentence }

    /// The one table of the names and sentences.
    private var words: (name: String, sentence: String) {
        switch self {
        case .alreadyRecorded:
            (
                "alreadyRecorded",
                "the message is in the log already; it is answered with what is known"
            )
        case .unknownSubmitter: ("unknownSubmitter", "the submitter is not listed")
        case .quotaExceeded:
            ("quotaExceeded", "the submitter has as many undecided rounds and jobs as it may")
        case .tooManyUnclosed:
            (
                "tooManyUnclosed",
                "the ledger has as many unfinished rounds, jobs and settlements as it may"
            )
        case .unknownCircuit: ("unknownCircuit", "no such circuit is registered")
        case .malformedProof:
            (
                "malformedProof",
                "the proof is not a well-formed one: length, coordinate, curve or subgroup"
            )
        case .malformedInput:
            (
                "malformedInput",
                "a public input, or a nullifier, is not below the group order, or"
                    + " their number is wrong"
            )
        case .contradictsRequest:
            (
                "contradictsRequest",
                "a public input contradicts the field of the request that it is bound to"
            )
        case .nullifierTwice: ("nullifierTwice", "the request names a nullifier twice")
        case .unknownRoot: ("unknownRoot", "the root was not published for the circuit")
        case .nullifierSpent: ("nullifierSpent", "a nullifier is spent")
        case .tooFewValidators:
            ("tooFewValidators", "there are fewer validators than the threshold asks for")
        case .unknownRequest: ("unknownRequest", "no such request is in the log")
        case .notPinned:
            ("notPinned", "the validator is not among those whose votes count in this round")
        case .voteContradicts:
            (
                "voteContradicts",
                "the validator approved and rejected: an equivocation; submit it as evidence"
            )
        case .voteChanged: ("voteChanged", "the validator has voted, and a vote does not change")
        case .roundClosed: ("roundClosed", "the round is closed")
        case .timestampOutOfRange:
            ("timestampOutOfRange", "the timestamp is more than sixty seconds from batch time")
        case .malformedJob:
            ("malformedJob", "a limit of the job is zero or too large, or its engine has no name")
        case .unknownJob: ("unknownJob", "no such job is in the log")
        case .notAssigned: ("notAssigned", "the validator was not drawn for this job")
        case .resultChanged:
            (
                "resultChanged",
                "the validator has reported another result, and a result does not change"
            )
        case .notTheBridge: ("notTheBridge", "the key is not the bridge's")
        case .notOrdered: ("notOrdered", "no settlement was ordered for this request")
        case .settlementChanged: ("settlementChanged", "another settlement report stands")
        case .wrongNumber: ("wrongNumber", "the running number is not the next one")
        case .tooFewSignatures: ("tooFewSignatures", "fewer than T validators agree")
        case .signaturesUnordered:
            (
                "signaturesUnordered",
                "the signatures are not in the order of validator indices, or one stands twice"
            )
        case .signerNotMember: ("signerNotMember", "one of the signers is not a validator now")
        case .invalidKey: ("invalidKey", "the key is not a valid Ed25519 point")
        case .alreadyMember: ("alreadyMember", "the key is a validator already")
        case .notMember: ("notMember", "the key is not a validator")
        case .tooManyMembers: ("tooManyMembers", "there are as many validators as there may be")
        case .unsafeThreshold:
            (
                "unsafeThreshold",
                "two quorums would not always share an honest validator: 3T > 2N and T"
                    + " <= N must hold"
            )
        case .stakeOutOfRange: ("stakeOutOfRange", "total stake must be above zero and below 2^64")
        case .timeoutOutOfRange: ("timeoutOutOfRange", "a timeout must be from 1 ms to one day")
        case .reputationBoundsOutOfRange:
            (
                "reputationBoundsOutOfRange",
                "the bounds must hold the starting reputation, and end at 100,000 points"
            )
        case .weightsOutOfRange: ("weightsOutOfRange", "the weights must add up to one million")
        case .boundsOutOfRange:
            ("boundsOutOfRange", "a bound on unfinished work or refusals is zero or too large")
        case .circuitKnown: ("circuitKnown", "the circuit is registered already")
        case .circuitUnbound:
            ("circuitUnbound", "the circuit leaves root, a nullifier, amount or recipient unbound")
        case .malformedCircuit:
            ("malformedCircuit", "the verifying key cannot be read, or its inputs do not fit")
        case .tooManyCircuits: ("tooManyCircuits", "there are as many circuits as there may be")
        case .rootKnown: ("rootKnown", "the root is published already")
        case .tooManySubmitters:
            ("tooManySubmitters", "there are as many submitters as there may be")
        case .unknownValidator: ("unknownValidator", "the key was never a validator")
        case .noContradiction: ("noContradiction", "the two messages do not contradict each other")
        case .alreadyConvicted: ("alreadyConvicted", "the validator was convicted of this already")
        case .noSender: ("noSender", "no party of the ledger stands for the refusal")
        case .notRefused: ("notRefused", "the message would not be refused, or for another reason")
        case .refusalsExhausted:
            ("refusalsExhausted", "as many refusals of this minute are recorded as may be")
        case .noBatch: ("noBatch", "no batch is open")
        case .batchOpen: ("batchOpen", "a batch is open")
        case .batchFull:
            ("batchFull", "the batch has as many commands, or bytes of them, as it may")
        case .wrongHeight: ("wrongHeight", "the height is not the next one")
        case .timeNotLater:
            ("timeNotLater", "batch time must be later than that of the batch before")
        case .tooManyDays: ("tooManyDays", "batch time is further ahead than one batch may advance")
        case .wrongProposer: ("wrongProposer", "the proposer is not the one in rank for this round")
        case .wrongPreviousRoot: ("wrongPreviousRoot", "the root is not that of the log")
        case .wrongPrecommits:
            ("wrongPrecommits", "the precommits are not exactly T of the batch before, by index")
        case .deadlinesDue:
            ("deadlinesDue", "deadlines have passed whose rounds are not closed yet")
        case .wrongSize: ("wrongSize", "the size is not that of the log")
        case .ledgerOpened: ("ledgerOpened", "the ledger is open already")
        case .ledgerNotOpened: ("ledgerNotOpened", "the ledger is not open yet")
        case .malformedGenesis:
            (
                "malformedGenesis",
                "the first entry names a key twice, or it or a part of it is longer than it may be"
            )
        case .oversized: ("oversized", "a part of the message is longer than may be")
        case .gammaIsDelta:
            ("gammaIsDelta", "gamma of the verifying key equals delta, so anybody can forge proofs")
        case .gammaIsBeta:
            ("gammaIsBeta", "gamma of the verifying key equals beta, so anybody can forge proofs")
        case .deltaIsBeta:
            ("deltaIsBeta", "delta of the verifying key equals beta, so anybody can forge proofs")
        case .deltaIsGenerator:
            (
                "deltaIsGenerator",
                "delta of the verifying key is the generator, so anybody can forge proofs"
            )
        case .keySecretKnown:
            (
                "keySecretKnown",
                "alpha or beta of the verifying key is the generator, so a secret is known"
            )
        case .constantIsInfinity:
            ("constantIsInfinity", "the verifying key's point for the constant is infinity")
        case .constantIsAlpha:
            ("constantIsAlpha", "the verifying key's point for the constant equals alpha")
        case .inputIsInfinity:
            (
                "inputIsInfinity",
                "the verifying key's point for a bound input is infinity, so it binds nothing"
            )
        case .inputIsConstant:
            (
                "inputIsConstant",
                "the verifying key's point for an input equals that for the constant"
            )
        case .inputsShareAPoint:
            (
                "inputsShareAPoint",
                "the verifying key has one point for two inputs, so it does not bind each"
            )
        case .malformedName:
            ("malformedName", "a name has 1 to 32 characters of a-z, 0-9, '-' and '.'")
        case .nameTaken: ("nameTaken", "the name is another's, and stays so for ever")
        case .nameChanged: ("nameChanged", "the key has another name, which it keeps for ever")
        case .jobBoundsOutOfRange:
            (
                "jobBoundsOutOfRange",
                "a bound on jobs is zero or too large, or the least deadline is above"
                    + " the longest"
            )
        case .thresholdTooLarge:
            ("thresholdTooLarge", "T is above 991: no entry can hold so many precommits")
        case .jobOverBounds:
            (
                "jobOverBounds",
                "the job asks for more fuel or memory, or has a larger module or"
                    + " input, than the parameters admit"
            )
        case .jobDeadlineTooShort:
            ("jobDeadlineTooShort", "the job leaves less time than the parameters ask for")
        case .batchClosing:
            ("batchClosing", "the deadlines of the batch are reached, and no command follows them")
        case .numberNotHigher:
            ("numberNotHigher", "the running number is not higher than the last of this validator")
        case .malformedAnnouncement:
            ("malformedAnnouncement", "the program has no version, or a text is longer than may be")
        case .announcedOften:
            ("announcedOften", "the validator has announced itself in this minute")
        case .malformedList: ("malformedList", "the list shows no vote, or two on one request")
        }
    }
}
