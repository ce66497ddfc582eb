// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension OutcomesComponent {
    /// See `LedgerState.checkSoundness`.
    func checkSoundness(in state: Components) throws(Unsoundness) {
        let waiting = state.rounds.table.entries.count { places[$0] != nil }
        try Self.believe(
            history.count == UInt64(2 * places.count - waiting),
            "each decision has a record, and each close but of \(waiting) that wait for votes")
        for entry in state.rounds.table.entries {
            let isDecided = state.rounds.table[entry]?.decided != nil
            try Self.believe(
                isDecided == (places[entry] != nil), "\(entry.rawValue) is decided in both places")
            try Self.believe(
                places[entry]?.close == nil, "\(entry.rawValue) is open and not closed")
        }
    }

    /// See `LedgerState.checkRecords`.
    func checkRecords(in state: Components) throws(Unsoundness) {
        try history.checkTree(of: Self.self)
        try history.records.forEach { place, record throws(Unsoundness) in
            if record[0] == 65 {
                try check(history.read(place) as OutcomeRecord, at: place, in: state)
            } else {
                try check(history.read(place) as CloseRecord, at: place)
            }
        }
    }

    private func check(
        _ record: OutcomeRecord, at place: RecordPosition, in state: Components
    ) throws(Unsoundness) {
        let entry = record.event.request
        let name = "request \(entry.rawValue)"
        guard let places = places[entry] else {
            throw Unsoundness(component: Self.kind, belief: "\(name) is found by its entry")
        }
        try Self.believe(places.outcome == place, "\(name) is decided once")
        try Self.believe(state.rounds.entries[record.id] == entry, "\(name) is found by identity")
        try Self.believe(
            entry < record.event.deciding && record.event.deciding.rawValue < state.time.size,
            "\(name) was decided after it came")
        try Self.believe(record.event.time <= state.time.time, "\(name) was decided by now")
        try record.event.checkTally(voters: record.validators.count, of: Self.kind)
        try Self.believe(
            zip(record.validators, record.validators.dropFirst()).allSatisfy { $0 < $1 },
            "the voters on \(name) rise by number")
        try Self.believe(
            state.validators.hold(record.validators), "the voters on \(name) are validators")
        try Self.believe(
            (places.order != nil) == (record.event.outcome == .approved),
            "\(name) is paid where it is approved")
        try Self.believe(
            places.report == nil || places.order != nil, "\(name) is reported where it is ordered")
        try Self.believe(
            (places.close == nil) == (state.rounds.table[entry] != nil),
            "\(name) is closed or has an open round")
    }

    private func check(
        _ record: CloseRecord, at place: RecordPosition
    ) throws(Unsoundness) {
        let name = "request \(record.event.about.rawValue)"
        guard let places = places[record.event.about] else {
            throw Unsoundness(component: Self.kind, belief: "\(name) is closed once decided")
        }
        try Self.believe(places.close == place, "\(name) is closed once")
        try Self.believe(
            places.outcome.rawValue < place.rawValue, "\(name) is decided before it is closed")
        let outcome: OutcomeRecord = history.read(places.outcome)
        try Self.believe(
            record.votes.count == outcome.validators.count, "\(name) has a place for each vote")
        let approvals = record.votes.count { $0 == .approve }
        try Self.believe(
            approvals >= outcome.event.approvals, "\(name) keeps the approvals that decided it")
    }

    /// The record of the decision on a request; nil where there is none.
    func outcome(of entry: EntryIndex) -> OutcomeRecord? {
        places[entry].map { history.read($0.outcome) }
    }
}

extension NullifiersComponent {
    /// See `LedgerState.checkSoundness`.
    func checkSoundness() throws(Unsoundness) {
        try Self.believe(
            UInt64(conditions.count) <= history.count, "each nullifier has a record")
    }

    /// See `LedgerState.checkRecords`.
    func checkRecords(in state: Components) throws(Unsoundness) {
        try history.checkTree(of: Self.self)
        var last: [Bytes32: NullifierCondition] = [:]
        try history.records.forEach { place, _ throws(Unsoundness) in
            let (change, isSpent) = try change(at: place)
            let name = "\(change.nullifier.hex.prefix(16))"
            let before = last.updateValue(
                NullifierCondition(request: change.request, isSpent: isSpent),
                forKey: change.nullifier)
            guard let outcome = state.outcomes.outcome(of: change.request) else {
                throw Unsoundness(component: Self.kind, belief: "\(name) is of a decided request")
            }
            try Self.believe(
                outcome.event.outcome == .approved, "\(name) is spent by what is approved")
            try Self.believe(
                outcome.nullifiers.contains(change.nullifier), "\(name) is spent by who names it")
            try Self.believe(
                isSpent || before == NullifierCondition(request: change.request, isSpent: true),
                "\(name) is released by the request that has spent it")
            try Self.believe(
                !isSpent || before?.isSpent != true, "\(name) is spent while it is not")
            try Self.believe(
                isSpent || state.hasFailed(change.request), "\(name) is released by a failure")
        }
        try Self.believe(last.count == conditions.count, "only what was spent has a condition")
        for nullifier in last.keys.sorted() {
            try Self.believe(
                conditions[nullifier] == last[nullifier], "a condition is what was said last")
        }
    }

    private func change(
        at place: RecordPosition
    ) throws(Unsoundness) -> (NullifierChanged, isSpent: Bool) {
        switch history.read(place) as Event {
        case .nullifierSpent(let change): return (change, true)
        case .nullifierReleased(let change): return (change, false)
        default: throw Unsoundness(component: Self.kind, belief: "records are of nullifiers")
        }
    }
}

extension Components {
    /// Whether the bridge has reported that the payment of a request has failed.
    fileprivate func hasFailed(_ request: EntryIndex) -> Bool {
        outcomes.places[request]?.report.flatMap(outbox.report)?.result == .failed
    }
}

extension OutboxComponent {
    /// See `LedgerState.checkSoundness`.
    func checkSoundness(in state: Components) throws(Unsoundness) {
        try Self.believe(rising: pending, "payments under way")
        for entry in pending {
            let places = state.outcomes.places[entry]
            try Self.believe(places?.order != nil, "\(entry.rawValue) is ordered")
            try Self.believe(places?.report == nil, "\(entry.rawValue) is not reported")
            try Self.believe(
                state.outcomes.outcome(of: entry)?.event.outcome == .approved,
                "\(entry.rawValue) is paid for it is approved")
        }
    }

    /// See `LedgerState.checkRecords`.
    func checkRecords(in state: Components) throws(Unsoundness) {
        try history.checkTree(of: Self.self)
        var (orders, reports) = (0, 0)
        try history.records.forEach { place, record throws(Unsoundness) in
            if let order = order(at: place) {
                orders += 1
                let places = state.outcomes.places[order.request]
                let name = "the order to pay \(order.request.rawValue)"
                try Self.believe(places?.order == place, "\(name) is found by its request")
                let outcome = state.outcomes.outcome(of: order.request)
                try Self.believe(outcome?.event.outcome == .approved, "\(name) was approved")
                try Self.believe(
                    outcome?.validators.contains(order.leader) == true,
                    "\(name) is led by one who could vote")
            } else if let report = report(at: place) {
                reports += 1
                let places = state.outcomes.places[report.request]
                let name = "the report of \(report.request.rawValue)"
                try Self.believe(places?.report == place, "\(name) is found by its request")
                try Self.believe(
                    places?.order.map { $0.rawValue < place.rawValue } ?? false,
                    "\(name) comes after its order")
            }
        }
        try Self.believe(
            UInt64(orders + reports) == history.count, "records are of orders and reports")
        try Self.believe(
            pending.count == orders - reports, "each payment is under way until it is reported")
    }
}

extension LeadersComponent {
    /// See `LedgerState.checkSoundness`.
    func checkSoundness(in state: Components) throws(Unsoundness) {
        let requests = UInt64(state.rounds.entries.count)
        try Self.believe(
            history.count >= state.time.height.rawValue + requests,
            "each batch and each request has a leader")
    }
}

extension EvidenceComponent {
    /// See `LedgerState.checkSoundness`.
    func checkSoundness() throws(Unsoundness) {
        try Self.believe(
            UInt64(convictions.count) == history.count, "nobody is convicted twice of the same")
    }

    /// See `LedgerState.checkRecords`.
    func checkRecords(in state: Components) throws(Unsoundness) {
        try history.checkTree(of: Self.self)
        try history.records.forEach { place, _ throws(Unsoundness) in
            guard case .equivocationFound(let found) = history.read(place) as Event else {
                throw Unsoundness(component: Self.kind, belief: "records are of convictions")
            }
            let name = "\(found.validator.rawValue)"
            try Self.believe(
                found.validator == .bridge || state.validators[found.validator] != nil,
                "\(name) is the bridge or was a validator")
            let conviction = Conviction(validator: found.validator, slot: found.slot)
            try Self.believe(convictions.contains(conviction), "\(name) is convicted of it")
            switch found.slot {
            case .vote(let request), .settlement(let request):
                try Self.believe(
                    state.rounds.table[request] != nil || state.outcomes.places[request] != nil,
                    "\(name) is convicted about a request of the ledger")
            case .result(let job):
                try Self.believe(
                    state.jobs.jobs[job] != nil || state.jobs.places[job] != nil,
                    "\(name) is convicted about a job of the ledger")
            default: break
            }
        }
    }
}
