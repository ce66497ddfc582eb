// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The voting on a request begins.
package struct RoundOpened: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the request.
    package var request: EntryIndex
    /// The first in rank: it submits the settlement.
    package var leader: ValidatorIndex
    /// `PinnedSet.digest` of the validators whose votes count.
    package var pinnedSet: Digest
    /// Approvals that approve.
    package var threshold: UInt32
    /// When votes end.
    package var deadline: Time

    /// The deadline is in milliseconds since 1970, as all times of the log.
    package init(
        request: EntryIndex, leader: ValidatorIndex, pinnedSet: Digest, threshold: UInt32,
        deadline: Time
    ) {
        self.request = request
        self.leader = leader
        self.pinnedSet = pinnedSet
        self.threshold = threshold
        self.deadline = deadline
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(leader)
        writer.write(pinnedSet)
        writer.write(threshold)
        writer.write(deadline)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try EntryIndex(from: &reader)
        leader = try ValidatorIndex(from: &reader)
        pinnedSet = try reader.digest()
        threshold = try reader.integer()
        deadline = try Time(from: &reader)
    }
}

/// How a round was decided.
package enum Outcome: UInt8, BorshCodable, Hashable, NamedCase {
    /// At least T approved.
    case approved = 0
    /// Approval is out of reach, or at least T voted and too few approved.
    case rejected = 1
    /// Fewer than T voted by the deadline.
    case timedOut = 2

    package static let names = namesOfCases()
}

/// Why a round was decided as it was.
package enum OutcomeReason: UInt8, BorshCodable, Hashable, NamedCase {
    /// T approvals.
    case quorumApproved = 0
    /// So many rejections and abstentions that T approvals cannot be reached.
    case approvalOutOfReach = 1
    /// The deadline passed with T votes or more, but without T approvals.
    case deadlineWithQuorum = 2
    /// The deadline passed with fewer than T votes.
    case deadlineWithoutQuorum = 3
    /// Another request spent a nullifier of this one.
    case nullifierSpent = 4

    package static let names = namesOfCases()
}

/// A round is decided, once.
package struct OutcomeDecided: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the request.
    package var request: EntryIndex
    /// How.
    package var outcome: Outcome
    /// Why.
    package var reason: OutcomeReason
    /// Votes to approve at that moment.
    package var approvals: UInt16
    /// Votes to reject at that moment.
    package var rejections: UInt16
    /// Abstentions at that moment.
    package var abstentions: UInt16
    /// The vote, the vote on the other request, or the `BatchOpened`.
    package var deciding: EntryIndex
    /// Approvals less T.
    package var margin: Int32
    /// Batch time.
    package var time: Time

    /// The three counts add up to at most the pinned validators.
    package init(
        request: EntryIndex, outcome: Outcome, reason: OutcomeReason, approvals: UInt16,
        rejections: UInt16, abstentions: UInt16, deciding: EntryIndex, margin: Int32, time: Time
    ) {
        self.request = request
        self.outcome = outcome
        self.reason = reason
        self.approvals = approvals
        self.rejections = rejections
        self.abstentions = abstentions
        self.deciding = deciding
        self.margin = margin
        self.time = time
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(outcome)
        writer.write(reason)
        writer.write(approvals)
        writer.write(rejections)
        writer.write(abstentions)
        writer.write(deciding)
        writer.write(margin)
        writer.write(time)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try EntryIndex(from: &reader)
        outcome = try Outcome(from: &reader)
        reason = try OutcomeReason(from: &reader)
        approvals = try reader.integer()
        rejections = try reader.integer()
        abstentions = try reader.integer()
        deciding = try EntryIndex(from: &reader)
        margin = try reader.integer()
        time = try Time(from: &reader)
    }
}

/// A nullifier is spent with an approval, or released with a settlement that failed.
package struct NullifierChanged: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the request.
    package var request: EntryIndex
    /// The nullifier.
    package var nullifier: Bytes32

    /// The nullifier is a little-endian field element, as the request has it.
    package init(
        request: EntryIndex, nullifier: Bytes32
    ) {
        self.request = request
        self.nullifier = nullifier
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(nullifier)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try EntryIndex(from: &reader)
        nullifier = try reader.bytes32()
    }
}

/// The bridge is to pay.
package struct SettlementOrdered: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the request.
    package var request: EntryIndex
    /// Who is to be paid.
    package var recipient: Bytes32
    /// How much.
    package var amount: Amount
    /// Who submits it first.
    package var leader: ValidatorIndex
    /// When the next in rank submits it.
    package var nextTurn: Time

    /// The amount is in the smallest unit of its asset.
    package init(
        request: EntryIndex, recipient: Bytes32, amount: Amount, leader: ValidatorIndex,
        nextTurn: Time
    ) {
        self.request = request
        self.recipient = recipient
        self.amount = amount
        self.leader = leader
        self.nextTurn = nextTurn
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(request)
        writer.write(recipient)
        writer.write(amount)
        writer.write(leader)
        writer.write(nextTurn)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        request = try EntryIndex(from: &reader)
        recipient = try reader.bytes32()
        amount = try Amount(from: &reader)
        leader = try ValidatorIndex(from: &reader)
        nextTurn = try Time(from: &reader)
    }
}

/// Why a reputation changed. One close gives the causes of a validator in this order.
package enum ReputationCause: UInt8, BorshCodable, Hashable, NamedCase {
    /// The vote or result matches the outcome.
    case correct = 0
    /// And it was counted at the moment of decision.
    case bonus = 1
    /// The vote or result contradicts the outcome.
    case incorrect = 2
    /// There was none by the deadline.
    case missed = 3
    /// Two signed messages contradict each other.
    case equivocation = 4

    package static let names = namesOfCases()
}

/// The reputation of one validator changes for one cause.
package struct ReputationChanged: BorshCodable, Hashable, Sendable {
    /// The validator.
    package var validator: ValidatorIndex
    /// The cause.
    package var cause: ReputationCause
    /// The request, job or evidence.
    package var about: EntryIndex
    /// What it was.
    package var before: Reputation
    /// What it is.
    package var after: Reputation

    /// Reputations are thousandths of a point, and `after` is clamped to the bounds.
    package init(
        validator: ValidatorIndex, cause: ReputationCause, about: EntryIndex, before: Reputation,
        after: Reputation
    ) {
        self.validator = validator
        self.cause = cause
        self.about = about
        self.before = before
        self.after = after
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(cause)
        writer.write(about)
        writer.write(before)
        writer.write(after)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorIndex(from: &reader)
        cause = try ReputationCause(from: &reader)
        about = try EntryIndex(from: &reader)
        before = try Reputation(from: &reader)
        after = try Reputation(from: &reader)
    }
}

/// A UTC day has passed: the reputation of every member sinks by 0.1 %.
package struct ReputationDecayed: BorshCodable, Hashable, Sendable {
    /// The day that begins, counted from 1970.
    package var day: UInt64

    /// Days are whole ones of UTC since 1970.
    package init(
        day: UInt64
    ) {
        self.day = day
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(day)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        day = try reader.integer()
    }
}

/// Evidence convicts a validator.
package struct EquivocationFound: BorshCodable, Hashable, Sendable {
    /// The validator.
    package var validator: ValidatorIndex
    /// What it contradicted itself on.
    package var slot: Slot

    /// A slot of any kind: the evidence before it shows both statements.
    package init(
        validator: ValidatorIndex, slot: Slot
    ) {
        self.validator = validator
        self.slot = slot
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validator)
        writer.write(slot)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validator = try ValidatorIndex(from: &reader)
        slot = try Slot(from: &reader)
    }
}

/// Validators that said the same.
package struct Side: BorshCodable, Hashable, Sendable {
    /// By index.
    package var validators: [ValidatorIndex]

    /// At most `Limits.membersMax`, rising.
    package init(
        validators: [ValidatorIndex]
    ) {
        self.validators = validators
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(validators)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        validators = try reader.list(bound: Limits.membersMax)
    }
}

/// Recorded votes or results differ.
package struct DisagreementRecorded: BorshCodable, Hashable, Sendable {
    /// The request or job.
    package var about: EntryIndex
    /// Of a request: approve, reject, abstain. Of a job: those of equal results, by lowest index.
    package var sides: [Side]

    /// Sides without a validator are there too, of a request: always three.
    package init(
        about: EntryIndex, sides: [Side]
    ) {
        self.about = about
        self.sides = sides
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(about)
        writer.write(sides)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        about = try EntryIndex(from: &reader)
        sides = try reader.list(bound: Limits.membersMax)
    }
}

/// Why a round or job closed.
package enum CloseCause: UInt8, BorshCodable, Hashable, NamedCase {
    /// Everybody asked has answered.
    case complete = 0
    /// The deadline passed.
    case deadline = 1
    /// Another request spent a nullifier of this one.
    case nullifierSpent = 2

    package static let names = namesOfCases()
}

/// No vote on the request, or result of the job, is taken any more.
package struct RoundClosed: BorshCodable, Hashable, Sendable {
    /// The request or job.
    package var about: EntryIndex
    /// Why.
    package var cause: CloseCause

    /// Of a request or of a job, by the entry that introduced it.
    package init(
        about: EntryIndex, cause: CloseCause
    ) {
        self.about = about
        self.cause = cause
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(about)
        writer.write(cause)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        about = try EntryIndex(from: &reader)
        cause = try CloseCause(from: &reader)
    }
}

/// The validators that run a job are drawn.
package struct JobAssigned: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the job.
    package var job: EntryIndex
    /// In rank.
    package var validators: [ValidatorIndex]
    /// When results end.
    package var deadline: Time

    /// At most `Limits.jobValidators`, in rank.
    package init(
        job: EntryIndex, validators: [ValidatorIndex], deadline: Time
    ) {
        self.job = job
        self.validators = validators
        self.deadline = deadline
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(job)
        writer.write(validators)
        writer.write(deadline)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        job = try EntryIndex(from: &reader)
        validators = try reader.list(bound: Limits.jobValidators)
        deadline = try Time(from: &reader)
    }
}

/// How a job was decided.
package enum JobDecision: UInt8, BorshCodable, Hashable, NamedCase {
    /// Two results are equal.
    case agreed = 0
    /// No two results can be equal any more.
    case disagreed = 1
    /// The deadline passed.
    case timedOut = 2

    package static let names = namesOfCases()
}

/// A job is decided, once.
package struct JobDecided: BorshCodable, Hashable, Sendable {
    /// The entry that introduced the job.
    package var job: EntryIndex
    /// How.
    package var decision: JobDecision
    /// The agreed status; of no meaning otherwise.
    package var status: JobStatus
    /// The agreed output; zero otherwise.
    package var output: Digest
    /// The result, or the `BatchOpened`.
    package var deciding: EntryIndex
    /// Batch time.
    package var time: Time

    /// Status and output mean nothing unless the decision is `agreed`.
    package init(
        job: EntryIndex, decision: JobDecision, status: JobStatus, output: Digest,
        deciding: EntryIndex, time: Time
    ) {
        self.job = job
        self.decision = decision
        self.status = status
        self.output = output
        self.deciding = deciding
        self.time = time
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(job)
        writer.write(decision)
        writer.write(status)
        writer.write(output)
        writer.write(deciding)
        writer.write(time)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        job = try EntryIndex(from: &reader)
        decision = try JobDecision(from: &reader)
        status = try JobStatus(from: &reader)
        output = try reader.digest()
        deciding = try EntryIndex(from: &reader)
        time = try Time(from: &reader)
    }
}

/// The last entry of every batch.
package struct BatchSealed: BorshCodable, Hashable, Sendable {
    /// The number of the batch.
    package var height: Height
    /// The number of entries before this one.
    package var size: UInt64
    /// The root of the log of those entries.
    package var root: Digest
    /// The state root: `StateRoot.combined` of `components`.
    package var stateRoot: Digest
    /// The root of each component, in the order of `StateComponent`.
    package var components: [Digest]

    /// As many components as `StateComponent` has cases, in their order.
    package init(
        height: Height, size: UInt64, root: Digest, stateRoot: Digest, components: [Digest]
    ) {
        self.height = height
        self.size = size
        self.root = root
        self.stateRoot = stateRoot
        self.components = components
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(size)
        writer.write(root)
        writer.write(stateRoot)
        for component in components { writer.write(component) }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        size = try reader.integer()
        root = try reader.digest()
        stateRoot = try reader.digest()
        components = try Self.readComponents(&reader)
    }

    private static func readComponents(
        _ reader: inout BorshReader
    ) throws(DecodingError) -> [Digest] {
        var components: [Digest] = []
        for _ in StateComponent.allCases { components.append(try reader.digest()) }
        return components
    }
}
