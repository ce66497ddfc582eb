// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension JobsComponent {
    /// See `LedgerState.checkSoundness`.
    func checkSoundness(in state: Components) throws(Unsoundness) {
        try Self.believe(rising: open, "entries of jobs")
        try Self.believe(jobs.count == open.count, "only open jobs are kept")
        for entry in open { try check(entry, in: state) }
        let waiting = open.count { places[$0] != nil }
        try Self.believe(
            history.count == UInt64(2 * places.count - waiting),
            "each decision has a record, and each close but of \(waiting) that wait for results")
        try Self.believe(
            entries.count == open.count - waiting + places.count,
            "\(entries.count) jobs are open or decided")
    }

    private func check(_ entry: EntryIndex, in state: Components) throws(Unsoundness) {
        let name = "job \(entry.rawValue)"
        guard let job = jobs[entry] else {
            throw Unsoundness(component: Self.kind, belief: "\(name) is kept while it is open")
        }
        try Self.believe(job.entry == entry, "\(name) is kept under its entry")
        try Self.believe(entries[job.id] == entry, "\(name) is found by its identity")
        try Self.believe(entry.rawValue < state.time.size, "\(name) was submitted")
        try Self.believe(
            state.submitters.holds(job.submitted.submitter), "\(name) has a submitter")
        // What a batch has submitted, the opening of the next assigns.
        try Self.believe(
            job.assigned != nil || entry > state.time.batchEntry, "\(name) is assigned by now")
        try Self.believe(
            (job.decided != nil) == (places[entry] != nil), "\(name) is decided in both places")
        try Self.believe(places[entry]?.close == nil, "\(name) is open and not closed")
        try Self.believe(state.rounds.table.id(of: entry) == nil, "\(name) is no round as well")
        let drawn = job.assigned?.validators ?? []
        try Self.believe(job.results.count == drawn.count, "\(name) has a place for each result")
        if let assigned = job.assigned {
            try Self.believe(assigned.job == entry, "\(name) is assigned by its entry")
            try Self.believe(
                (1...Limits.jobValidators).contains(drawn.count), "\(name) is run by a few")
            try Self.believe(Set(drawn).count == drawn.count, "\(name) is run once by each")
            try Self.believe(state.validators.hold(drawn), "\(name) is run by validators")
        }
        for (validator, result) in zip(drawn, job.results) {
            guard let result else { continue }
            try Self.believe(result.event.job == entry, "a result of \(name) is about it")
            try Self.believe(
                result.event.validator == validator, "a result of \(name) is in its place")
            try Self.believe(
                result.entry > entry && result.entry.rawValue < state.time.size,
                "results of \(name) come after it")
        }
        if let decided = job.decided {
            try Self.believe(decided.job == entry, "the decision of \(name) is about it")
            try Self.believe(
                decided.deciding > entry && decided.deciding.rawValue < state.time.size,
                "\(name) was decided after it came")
        }
    }

    /// See `LedgerState.checkRecords`.
    func checkRecords(in state: Components) throws(Unsoundness) {
        try history.checkTree(of: Self.self)
        try history.records.forEach { place, record throws(Unsoundness) in
            if record[0] == 75 {
                guard case .jobDecided(let decided) = history.read(place) as Event else { return }
                let name = "job \(decided.job.rawValue)"
                try Self.believe(places[decided.job]?.decision == place, "\(name) is decided once")
                try Self.believe(decided.time <= state.time.time, "\(name) was decided by now")
                try Self.believe(
                    (places[decided.job]?.close == nil) == (jobs[decided.job] != nil),
                    "\(name) is closed or open")
                try Self.believe(
                    decided.decision == .agreed || decided.output == .zero,
                    "\(name) has an output where results agree")
            } else {
                try checkClose(history.read(place), at: place, in: state)
            }
        }
    }

    private func checkClose(
        _ record: JobCloseRecord, at place: RecordPosition, in state: Components
    ) throws(Unsoundness) {
        let entry = record.event.about
        let name = "job \(entry.rawValue)"
        try Self.believe(places[entry]?.close == place, "\(name) is closed once")
        try Self.believe(
            places[entry].map { $0.decision.rawValue < place.rawValue } ?? false,
            "\(name) is decided before it is closed")
        try Self.believe(entries[record.id] == entry, "\(name) is found by its identity")
        try Self.believe(
            record.results.count == record.validators.count, "\(name) has a place for each result")
        try Self.believe(
            state.validators.hold(record.validators), "\(name) was run by validators")
    }
}
