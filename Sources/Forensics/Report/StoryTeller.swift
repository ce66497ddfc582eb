// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// Sees the entries of a ledger and keeps what a page tells of them, within bounds.
struct StoryTeller {
    private var requests: UInt64 = 0
    private var approvedAmount: UInt128 = 0
    private var outcomes = OutcomeCounts()
    private var ordered: UInt64 = 0
    private var paid: UInt64 = 0
    private var failed: UInt64 = 0
    private var jobs: UInt64 = 0
    private var refused: UInt64 = 0
    private var started = Time(0)
    private var spans: [LedgerStory.Span] = []
    private var daysPerSpan: UInt64 = 1
    private var moments: [LedgerStory.Moment] = []
    private var momentCount: UInt64 = 0
    private var convictions: [LedgerStory.Moment] = []
    private var causes: [[UInt64]] = []
    private var pairs = DisagreementCounts(DisagreementFilter(), by: .pair, named: nil)
    private var validators = DisagreementCounts(DisagreementFilter(), by: .validator, named: nil)

    /// Sees an entry, with the state before it.
    mutating func see(_ event: Event, at entry: UInt64, _ state: LedgerState) {
        switch event {
        case .ledgerOpened(let opened):
            started = opened.time
            count(opened.time) { _ in }
        case .batchOpened(let opened): count(opened.time) { $0.batches += 1 }
        case .requestSubmitted:
            requests += 1
            count(state.time) { $0.requests += 1 }
        case .outcomeDecided(let decided): see(decided, state)
        case .roundClosed(let closed):
            guard let round = VotedRound.closing(closed.about, state) else { return }
            pairs.add(round)
            validators.add(round)
            if round.isDisagreed { count(state.time) { $0.disagreements += 1 } }
        case .reputationChanged(let changed): see(changed)
        case .settlementOrdered: ordered += 1
        case .settlementReported(let report): see(report, entry, state)
        case .jobSubmitted: jobs += 1
        case .messageRefused: refused += 1
        case .governanceApproved(let approved):
            keep(Self.text(approved.change, state), entry, state)
        case .equivocationFound(let found):
            let text =
                "\(Self.name(found.validator, state)) contradicted itself:"
                + " \(Self.text(found.slot))"
            keep(text, entry, state)
            guard convictions.count < LedgerStory.momentsMax else { return }
            convictions.append(LedgerStory.Moment(entry: entry, time: state.time, text: text))
        default: return
        }
    }

    private mutating func see(_ decided: OutcomeDecided, _ state: LedgerState) {
        switch decided.outcome {
        case .approved:
            outcomes.approved += 1
            let amount = state.openRound(at: decided.request)?.request.amount.rawValue ?? 0
            approvedAmount += UInt128(amount)
            count(state.time) { $0.approved += 1 }
        case .rejected:
            outcomes.rejected += 1
            count(state.time) { $0.rejected += 1 }
        case .timedOut:
            outcomes.timedOut += 1
            count(state.time) { $0.timedOut += 1 }
        }
    }

    private mutating func see(_ changed: ReputationChanged) {
        let place = Int(changed.validator.rawValue)
        while causes.count <= place {
            causes.append(Array(repeating: 0, count: Hypothesis.causes.count))
        }
        let cause = Hypothesis.causes.firstIndex { $0.cause == changed.cause } ?? 0
        causes[place][cause] += 1
    }

    private mutating func see(
        _ report: SettlementReported, _ entry: UInt64, _ state: LedgerState
    ) {
        guard report.result == .failed else {
            paid += 1
            return
        }
        failed += 1
        keep("The payment of request \(report.request.rawValue) failed for good", entry, state)
    }

    /// Counts in the span of a time; where there are too many spans, two become one.
    private mutating func count(_ time: Time, _ change: (inout LedgerStory.Span) -> Void) {
        let day = time.day / daysPerSpan * daysPerSpan
        if let last = spans.last, last.day == day || time.day < last.day + last.days {
            return change(&spans[spans.count - 1])
        }
        spans.append(LedgerStory.Span(day: day, days: daysPerSpan))
        change(&spans[spans.count - 1])
        while spans.count > LedgerStory.spansMax { halve() }
    }

    private mutating func halve() {
        daysPerSpan *= 2
        var merged: [LedgerStory.Span] = []
        for span in spans {
            let day = span.day / daysPerSpan * daysPerSpan
            if let last = merged.last, last.day == day {
                merged[merged.count - 1].add(span)
            } else {
                merged.append(span)
                merged[merged.count - 1].day = day
            }
            merged[merged.count - 1].days = daysPerSpan
        }
        spans = merged
    }

    /// Keeps a moment: the first half of those that are told, and the last.
    private mutating func keep(_ text: String, _ entry: UInt64, _ state: LedgerState) {
        momentCount += 1
        moments.append(LedgerStory.Moment(entry: entry, time: state.time, text: text))
        let half = LedgerStory.momentsMax / 2
        if moments.count >= 4 * half { moments.removeSubrange(half..<(moments.count - half)) }
    }

    func story(_ log: EventLog, _ state: LedgerState) -> LedgerStory {
        let half = LedgerStory.momentsMax / 2
        var story = LedgerStory(disagreements: pairs.result(state))
        story.byValidator = validators.result(state).groups
        story.ledger = state.ledger.hex
        story.name = state.name
        story.size = log.size
        story.root = log.root.hex
        story.height = state.height.rawValue
        story.started = started
        story.ended = state.time
        story.threshold = state.parameters.threshold
        story.members = state.members.count
        story.outcomes = outcomes
        story.outcomes.open = requests - outcomes.approved - outcomes.rejected - outcomes.timedOut
        story.requests = requests
        story.approvedAmount = approvedAmount
        story.ordered = ordered
        story.paid = paid
        story.failed = failed
        story.jobs = jobs
        story.refused = refused
        story.spans = spans
        story.moments =
            moments.count <= 2 * half
            ? moments : Array(moments.prefix(half) + moments.suffix(half))
        story.momentCount = momentCount
        story.convictions = convictions
        story.isUnsealed = state.isBatchOpen
        story.standings = state.validators.enumerated().map { place, validator in
            LedgerStory.Standing(
                name: validator.name, key: validator.key.hex, isMember: validator.isMember,
                stake: validator.stake.rawValue, reputation: validator.reputation,
                causes: causes.indices.contains(place)
                    ? causes[place] : Array(repeating: 0, count: Hypothesis.causes.count))
        }
        return story
    }

    private static func name(_ index: ValidatorIndex, _ state: LedgerState) -> String {
        index == .bridge ? "the bridge" : state.name(of: index)
    }

    private static func text(_ change: Change, _ state: LedgerState) -> String {
        func name(_ key: PublicKey) -> String {
            state.validatorIndex(of: key).map { state.name(of: $0) } ?? key.hex
        }
        switch change {
        case .validatorJoined(_, let name, let stake):
            return "\(name) joined the validators with stake \(stake.rawValue)"
        case .validatorLeft(let key): return "\(name(key)) left the validators"
        case .stakeChanged(let key, let stake):
            return "The stake of \(name(key)) became \(stake.rawValue)"
        case .parametersChanged(let new):
            return "The parameters changed: \(new.threshold) approvals approve,"
                + " \(new.verificationMilliseconds) ms to vote"
        case .circuitRegistered(let circuit): return "The circuit \(circuit.name) was registered"
        case .rootPublished(let circuit, let root):
            let name = state.circuit(circuit)?.circuit.name ?? "\(circuit.rawValue)"
            return "A root of the circuit \(name) was published: \(root.hex.prefix(16))…"
        case .submitterListed(_, let name, let quota):
            return "The submitter \(name) may have \(quota) requests undecided"
        }
    }

    private static func text(_ slot: Slot) -> String {
        switch slot {
        case .vote(let request): "two votes on the request of entry \(request.rawValue)"
        case .proposal(let height, let round):
            "two proposals of batch \(height.rawValue), round \(round)"
        case .prevote(let height, let round):
            "two prevotes on batch \(height.rawValue), round \(round)"
        case .precommit(let height, let round):
            "two precommits of batch \(height.rawValue), round \(round)"
        case .result(let job): "two results of the job of entry \(job.rawValue)"
        case .amnesia(let height, let precommit, let prevote):
            "a precommit of batch \(height.rawValue) in round \(precommit), forgotten in round"
                + " \(prevote)"
        case .checkpoint(let size): "two checkpoints of \(size) entries"
        case .settlement(let request):
            "two reports on the payment of the request of entry \(request.rawValue)"
        }
    }
}
