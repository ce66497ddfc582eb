// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Ledger

/// Both runs, batch by batch, and what is seen of them.
struct WhatIfRuns {
    private let hypothesis: Hypothesis
    private var control = ControlRun()
    private var assumed: AssumedRun
    private var pairs = DecisionPairs(keptMax: WhatIf.pairsMax)
    /// The parameters with which the ledger began.
    private var parameters = Parameters.standard
    private var proposed: [String: UInt64] = [:]
    private var assumedProposed: [String: UInt64] = [:]
    private var proposersMoved: UInt64 = 0
    private var entries: UInt64 = 0

    init(_ hypothesis: Hypothesis) {
        self.hypothesis = hypothesis
        assumed = AssumedRun(hypothesis)
    }

    /// Takes in a sealed batch of the log.
    mutating func take(_ batch: [LoggedEntry]) throws(WhatIfError) {
        var position = 0
        while position < batch.count {
            let entry = batch[position]
            guard entry.index == control.state.size else {
                throw .control(entry: entry.index, "the end of the batch", entry.event.kind)
            }
            guard let input = try control.input(of: entry) else { break }
            control.watch.input = entry.index
            assumed.watch.input = entry.index
            let before = assumed.state.size
            position += try control.take(input, batch[position...])
            if case .ledger(let opened) = input {
                parameters = opened.parameters
                try check(opened)
            }
            assumed.take(input, kind: entry.event.kind)
            if case .messageRefused(let refused) = entry.event { admit(refused, entry, before) }
            if case .batchOpened(let opened) = entry.event { countProposers(opened) }
        }
        position += try control.finish(batch[position...])
        guard position == batch.count else {
            throw .control(
                entry: batch[position].index, "nothing behind the seal",
                batch[position].event.kind)
        }
        assumed.finish(control: control.state)
        entries += UInt64(batch.count)
        collect()
    }

    /// Checks, in order: the threshold, the names of those who never were.
    private func check(_ opened: LedgerOpened) throws(WhatIfError) {
        let names = opened.validators.map(\.name)
        let count = names.count { !hypothesis.absent.contains($0) }
        if let threshold = hypothesis.threshold {
            guard threshold >= 1, Int(threshold) <= count else {
                throw .threshold(threshold, validators: count)
            }
        }
    }

    /// Notes a request that the log refused and the other rules have admitted.
    private mutating func admit(
        _ refused: MessageRefused, _ entry: LoggedEntry, _ before: UInt64
    ) {
        guard case .request(let message) = refused.message else { return }
        let id = message.id(in: control.state.ledger)
        guard let place = assumed.state.entry(of: id), place.rawValue >= before else { return }
        pairs.addAdmitted(id, entry.index, refused.refusal)
    }

    private mutating func countProposers(_ opened: BatchOpened) {
        let own = control.state.name(of: opened.proposer)
        proposed[own, default: 0] += 1
        guard assumed.end == nil, let proposer = assumed.proposer else { return }
        let other = assumed.state.name(of: proposer)
        assumedProposed[other, default: 0] += 1
        if own != other { proposersMoved += 1 }
    }

    /// Takes away what both runs have seen.
    private mutating func collect() {
        for (id, decision) in control.watch.closed {
            let entry = control.state.entry(of: id)?.rawValue ?? 0
            pairs.addOwn(id, entry, decision)
        }
        for (id, decision) in assumed.watch.closed { pairs.addAssumed(id, decision) }
        for (id, decision) in assumed.refusedRequests { pairs.addAssumed(id, decision) }
        control.watch.closed = []
        control.watch.ordered = []
        assumed.watch.closed = []
        assumed.refusedRequests = []
    }

    /// Puts together the answer.
    mutating func finish(isUnsealed: Bool) throws(WhatIfError) -> WhatIf {
        guard entries > 0 else { throw .empty }
        let names = control.state.validators.map(\.name)
        for name in hypothesis.absent where !names.contains(name) {
            throw .unknownValidator(name, known: Array(names.prefix(20)))
        }
        for case let round? in control.state.openRounds.map(control.state.openRound) {
            let decision = control.watch.decision(on: round, in: control.state)
            pairs.addOwn(round.id, round.entry.rawValue, decision)
        }
        for case let round? in assumed.state.openRounds.map(assumed.state.openRound) {
            pairs.addAssumed(round.id, assumed.watch.decision(on: round, in: assumed.state))
        }
        pairs.finish()
        return WhatIf(
            ledger: control.state.ledger.hex, entries: entries,
            height: control.state.height.rawValue,
            assumed: hypothesis.sentences(instead: parameters),
            control: WhatIf.Control(
                stateRoots: control.roots, derivedEvents: control.derived),
            outcomes: WhatIf.Both(own: pairs.own, assumed: pairs.assumed),
            flipCount: pairs.flipCount, flips: pairs.flips, byVotesToFlip: pairs.byVotes,
            nearest: pairs.nearest, batches: control.state.height.rawValue,
            proposersMoved: proposersMoved, leadersMoved: pairs.leadersMoved,
            validators: validators,
            notTaken: assumed.refused.map { refused in
                WhatIf.NotTaken(
                    entry: refused.what.entry, reason: refused.what.reason, count: refused.count)
            }, limits: limits(isUnsealed: isUnsealed))
    }

    private var validators: [WhatIf.ValidatorView] {
        control.state.validators.enumerated().map { place, validator in
            // Without those who never were, the others may have joined under other numbers.
            let other = assumed.state.validatorIndex(of: validator.key)
                .flatMap { assumed.state.validator($0) }
            let isAbsent = hypothesis.absent.contains(validator.name)
            let number = assumed.state.validatorIndex(of: validator.key).map { Int($0.rawValue) }
            return WhatIf.ValidatorView(
                name: validator.name,
                reputation: WhatIf.Both(
                    own: validator.reputation.rawValue,
                    assumed: isAbsent ? nil : other?.reputation.rawValue),
                proposed: WhatIf.Both(
                    own: proposed[validator.name] ?? 0,
                    assumed: assumedProposed[validator.name] ?? 0),
                led: WhatIf.Both(
                    own: Self.count(control.watch.led, place),
                    assumed: number.map { Self.count(assumed.watch.led, $0) } ?? 0))
        }
    }

    private static func count(_ led: [UInt64], _ place: Int) -> UInt64 {
        led.indices.contains(place) ? led[place] : 0
    }

    /// What a reader must know to judge the answer.
    private func limits(isUnsealed: Bool) -> [String] {
        var limits = [
            "What is replayed are the requests, votes, results, reports, evidence, changes and"
                + " times of the log, each at its place: they were made under the old rules, and"
                + " under others people may have voted, come late or asked otherwise, which no log"
                + " can tell.",
            "Whose turn it was is taken to have proposed each batch, at the same time and in the"
                + " same round, and each change that was agreed on to have been agreed on by"
                + " enough.",
            "A payment that only the other rules order is taken for made. A job that the other"
                + " rules give to other validators has no results.",
        ]
        if let threshold = hypothesis.threshold, isUnsafe(threshold) {
            limits.append(
                "With a threshold of \(threshold), two quorums need not share an honest validator:"
                    + " no ledger is made with it.")
        }
        if hypothesis.verificationMilliseconds ?? 0 > parameters.verificationMilliseconds {
            limits.append(
                "Votes that came after the old deadlines are not in the log, but for those whose"
                    + " refusal was recorded.")
        }
        if let end = assumed.end { limits.append(end) }
        if isUnsealed {
            limits.append("The batch at the end of the log is not sealed; it is left out.")
        }
        return limits
    }

    private func isUnsafe(_ threshold: UInt32) -> Bool {
        !Parameters.isSafe(threshold: threshold, of: assumed.state.members.count)
    }
}
