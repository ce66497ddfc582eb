// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// Why the rules do not admit a command. The numbers stand in the log and never change.
///
/// They are no order, but for those of a request, 0 to 11. Which reason comes first where several
/// hold, each `decide` in this folder says under "Checks, in order"; the page Rules has them all.
package enum Refusal: UInt8, Error, BorshCodable, Hashable, Sendable, CaseIterable {
    /// The message is in the log already; it is answered with what is known.
    case alreadyRecorded = 0
    /// The submitter is not listed.
    case unknownSubmitter = 1
    /// The submitter has as many undecided rounds and jobs as it may.
    case quotaExceeded = 2
    /// The ledger has as many unfinished rounds, jobs and settlements as it may.
    case tooManyUnclosed = 3
    /// No such circuit is registered.
    case unknownCircuit = 4
    /// The proof is not a well-formed one: length, coordinate, curve or subgroup.
    case malformedProof = 5
    /// A public input, or a nullifier, is not below the group order, or their number is wrong.
    case malformedInput = 6
    /// A public input contradicts the field of the request that it is bound to.
    case contradictsRequest = 7
    /// The request names a nullifier twice.
    case nullifierTwice = 8
    /// The root was not published for the circuit.
    case unknownRoot = 9
    /// A nullifier is spent.
    case nullifierSpent = 10
    /// There are fewer validators than the threshold asks for.
    case tooFewValidators = 11
    /// No such request is in the log.
    case unknownRequest = 12
    /// The validator is not among those whose votes count in this round.
    case notPinned = 13
    /// The validator approved and rejected: an equivocation; submit it as evidence.
    case voteContradicts = 14
    /// The validator has voted, and a vote does not change.
    case voteChanged = 15
    /// The round is closed.
    case roundClosed = 16
    /// The timestamp is more than sixty seconds from batch time.
    case timestampOutOfRange = 17
    /// A limit of the job is zero or too large, or its engine has no name.
    case malformedJob = 18
    /// No such job is in the log.
    case unknownJob = 19
    /// The validator was not drawn for this job.
    case notAssigned = 20
    /// The validator has reported another result, and a result does not change.
    case resultChanged = 21
    /// The key is not the bridge's.
    case notTheBridge = 22
    /// No settlement was ordered for this request.
    case notOrdered = 23
    /// Another settlement report stands.
    case settlementChanged = 24
    /// The running number is not the next one.
    case wrongNumber = 25
    /// Fewer than T validators agree.
    case tooFewSignatures = 26
    /// The signatures are not in the order of validator indices, or one stands twice.
    case signaturesUnordered = 27
    /// One of the signers is not a validator now.
    case signerNotMember = 28
    /// The key is not a valid Ed25519 point.
    case invalidKey = 29
    /// The key is a validator already.
    case alreadyMember = 30
    /// The key is not a validator.
    case notMember = 31
    /// There are as many validators as there may be.
    case tooManyMembers = 32
    /// Two quorums would not always share an honest validator: 3T > 2N and T <= N must hold.
    case unsafeThreshold = 33
    /// Total stake must be above zero and below 2^64.
    case stakeOutOfRange = 34
    /// A timeout must be from 1 ms to one day.
    case timeoutOutOfRange = 35
    /// The bounds must hold the starting reputation, and end at 100,000 points.
    case reputationBoundsOutOfRange = 36
    /// The weights must add up to one million.
    case weightsOutOfRange = 37
    /// A bound on unfinished work or refusals is zero or too large.
    case boundsOutOfRange = 38
    /// The circuit is registered already.
    case circuitKnown = 39
    /// The circuit leaves root, a nullifier, amount or recipient unbound.
    case circuitUnbound = 40
    /// The verifying key cannot be read, or its inputs do not fit.
    case malformedCircuit = 41
    /// There are as many circuits as there may be.
    case tooManyCircuits = 42
    /// The root is published already.
    case rootKnown = 43
    /// There are as many submitters as there may be.
    case tooManySubmitters = 44
    /// The key was never a validator.
    case unknownValidator = 45
    /// The two messages do not contradict each other.
    case noContradiction = 46
    /// The validator was convicted of this already.
    case alreadyConvicted = 47
    /// No party of the ledger stands for the refusal.
    case noSender = 48
    /// The message would not be refused, or for another reason.
    case notRefused = 49
    /// As many refusals of this minute are recorded as may be.
    case refusalsExhausted = 50
    /// No batch is open.
    case noBatch = 51
    /// A batch is open.
    case batchOpen = 52
    /// The batch has as many commands, or bytes of them, as it may.
    case batchFull = 53
    /// The height is not the next one.
    case wrongHeight = 54
    /// Batch time must be later than that of the batch before.
    case timeNotLater = 55
    /// Batch time is further ahead than one batch may advance.
    case tooManyDays = 56
    /// The proposer is not the one in rank for this round.
    case wrongProposer = 57
    /// The root is not that of the log.
    case wrongPreviousRoot = 58
    /// The precommits are not exactly T of the batch before, by index.
    case wrongPrecommits = 59
    /// Deadlines have passed whose rounds are not closed yet.
    case deadlinesDue = 60
    /// The size is not that of the log.
    case wrongSize = 61
    /// The ledger is open already.
    case ledgerOpened = 62
    /// The ledger is not open yet.
    case ledgerNotOpened = 63
    /// The first entry names a key twice, or it or a part of it is longer than it may be.
    case malformedGenesis = 64
    /// A part of the message is longer than may be, so that no entry can hold it.
    case oversized = 65
    /// Gamma of the verifying key equals delta, so anybody can forge proofs.
    case gammaIsDelta = 66
    /// Gamma of the verifying key equals beta, so anybody can forge proofs.
    case gammaIsBeta = 67
    /// Delta of the verifying key equals beta, so anybody can forge proofs.
    case deltaIsBeta = 68
    /// Delta of the verifying key is the generator, so anybody can forge proofs.
    case deltaIsGenerator = 69
    /// Alpha or beta of the verifying key is the generator, so a secret is known.
    case keySecretKnown = 70
    /// The verifying key's point for the constant is infinity.
    case constantIsInfinity = 71
    /// The verifying key's point for the constant equals alpha.
    case constantIsAlpha = 72
    /// The verifying key's point for a bound input is infinity, so it binds nothing.
    case inputIsInfinity = 73
    /// The verifying key's point for an input equals that for the constant.
    case inputIsConstant = 74
    /// The verifying key has one point for two inputs, so it does not bind each.
    case inputsShareAPoint = 75
    /// A name has 1 to 32 characters of a-z, 0-9, '-' and '.'.
    case malformedName = 76
    /// The name is another's, and stays so for ever.
    case nameTaken = 77
    /// The key has another name, which it keeps for ever.
    case nameChanged = 78
    /// A bound on jobs is zero or too large, or the least deadline is above the longest.
    case jobBoundsOutOfRange = 79
    /// T is above 991: no entry can hold so many precommits.
    case thresholdTooLarge = 80
    /// The job asks for more fuel or memory, or has a larger module or input, than the parameters
    /// admit.
    case jobOverBounds = 81
    /// The job leaves less time than the parameters ask for.
    case jobDeadlineTooShort = 82
    /// The deadlines of the batch are reached, and no command follows them.
    case batchClosing = 83
    /// The running number is not higher than the last of this validator.
    case numberNotHigher = 84
    /// The program has no version, or a text is longer than may be.
    case malformedAnnouncement = 85
    /// The validator has announced itself in this minute.
    case announcedOften = 86
    /// A list of votes shows none, or two on one request.
    case malformedList = 87

    /// Whether the message is answered with what the log holds instead of being refused.
    package var isAnswer: Bool { self == .alreadyRecorded }
}

// MARK: - Recorded refusals

extension LedgerState {
    /// Checks, in order: a sender that is or was a party of the ledger, its limit, that the rules
    /// refuse the message, and that an entry can hold it.
    func recordRefusal(_ message: Message) throws(Refusal) -> [Event] {
        guard let sender = message.sender, isParty(sender) else { throw .noSender }
        if let counted = refusals.first(where: { $0.sender == sender }) {
            guard counted.count < parameters.refusalsPerMinute else { throw .refusalsExhausted }
        } else {
            guard refusals.count < Limits.refusedSendersMax else { throw .refusalsExhausted }
        }
        let refusal: Refusal
        do throws(Refusal) {
            _ = try decide(message)
            throw Refusal.notRefused
        } catch {
            refusal = error
        }
        guard !refusal.isAnswer, refusal != .notRefused else { throw .notRefused }
        let event = Event.messageRefused(MessageRefused(message: message, refusal: refusal))
        guard Self.isReadable(event) else { throw .oversized }
        return [event]
    }

    /// Whether a key is or was a validator or a submitter, or is the bridge's.
    package func isParty(_ key: PublicKey) -> Bool {
        validatorIndices[key] != nil || submitterIndices[key] != nil || key == bridge
    }

    /// Whether what is written can be read again: no list or text over its bound.
    private static func isReadable(_ event: Event) -> Bool {
        do throws(DecodingError) {
            return try Event(decoding: event.encoded) == event
        } catch { return false }
    }
}
