// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Ledger

/// Both runs, batch by batch, and what is seen of them.
struct WhatIfRuns {
    private let hypothesis: Hypothesis
    private var control = ControlRun()
    private let assumed: AssumedThread
    /// The parameters with which the ledger began.
    private var parameters = Parameters.standard
    private var proposed: [String: UInt64] = [:]
    private var entries: UInt64 = 0

    init(_ hypothesis: Hypothesis) {
        self.hypothesis = hypothesis
        assumed = AssumedThread(hypothesis)
    }

    /// Replays a sealed batch of the log.
    mutating func replay(_ batch: [LoggedEntry]) throws(WhatIfError) {
        var replayed = ReplayedBatch()
        var position = 0
        while position < batch.count {
            let entry = batch[position]
            guard entry.index == control.state.size else {
                throw .control(entry: entry.index, "the end of the batch", entry.event.kind)
            }
            guard let input = try control.input(of: entry) else { break }
            control.watch.input = entry.index
            position += try control.take(input, batch[position...])
            if case .ledger(let opened) = input {
                parameters = opened.parameters
                try check(opened)
            }
            if case .batchOpened(let opened) = entry.event {
                let name = control.state.name(of: opened.proposer)
                proposed[name, default: 0] += 1
                replayed.proposer = name
            }
            var refusal: Refusal?
            if case .messageRefused(let refused) = entry.event { refusal = refused.refusal }
            replayed.steps.append(
                ReplayedBatch.Step(
                    entry: entry.index, kind: entry.event.kind, input: input, refusal: refusal))
        }
        position += try control.finish(batch[position...])
        guard position == batch.count else {
            throw .control(
                entry: batch[position].index, "nothing behind the seal",
                batch[position].event.kind)
        }
        entries += UInt64(batch.count)
        collect(into: &replayed)
        assumed.put(replayed)
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

    /// Takes away what the run has seen.
    private mutating func collect(into batch: inout ReplayedBatch) {
        batch.closed = control.watch.closed.map { id, decision in
            ReplayedBatch.Closed(
                id: id, entry: control.state.entry(of: id)?.rawValue ?? 0, decision: decision)
        }
        batch.decided = control.watch.decided
        control.watch.closed = []
        control.watch.decided = []
        control.watch.ordered = []
    }

    /// Puts together the answer.
    func finish(isUnsealed: Bool) throws(WhatIfError) -> WhatIf {
        guard entries > 0 else { throw .empty }
        let names = control.state.validators.map(\.name)
        for name in hypothesis.absent where !names.contains(name) {
            throw .unknownValidator(name, known: Array(names.prefix(20)))
        }
        return assumed.finish { answer($0, isUnsealed: isUnsealed) }
    }

    private func answer(_ side: AssumedSide, isUnsealed: Bool) -> WhatIf {
        let assumed = side.run
        var pairs = side.pairs
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
            proposersMoved: side.proposersMoved, leadersMoved: pairs.leadersMoved,
            validators: validators(side),
            notTaken: assumed.refused.map { refused in
                WhatIf.NotTaken(
                    entry: refused.what.entry, reason: refused.what.reason, count: refused.count)
            }, limits: limits(assumed, isUnsealed: isUnsealed))
    }

    private func validators(_ side: AssumedSide) -> [WhatIf.ValidatorView] {
        let assumed = side.run
        return control.state.validators.enumerated().map { place, validator in
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
                    assumed: side.proposed[validator.name] ?? 0),
                led: WhatIf.Both(
                    own: Self.count(control.watch.led, place),
                    assumed: number.map { Self.count(assumed.watch.led, $0) } ?? 0))
        }
    }

    private static func count(_ led: [UInt64], _ place: Int) -> UInt64 {
        led.indices.contains(place) ? led[place] : 0
    }

    /// What a reader must know to judge the answer.
    private func limits(_ assumed: AssumedRun, isUnsealed: Bool) -> [String] {
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
        let members = assumed.state.members.count
        if let threshold = hypothesis.threshold,
            !Parameters.isSafe(threshold: threshold, of: members)
        {
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
}
