// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import Ledger

/// What a state holds, key by key, of the components that are asked for.
///
/// Of those that only grow each record is a key, by its place; the records of the leaders are not
/// kept, so that their number and root are the one key.
struct StateKeys {
    typealias Place = StateWrites.Place

    private var values: [Place: String] = [:]
    private let state: LedgerState
    private let names: LedgerNames

    /// The keys of two states that they hold otherwise, in order of component and key.
    static func different(
        _ one: LedgerState, _ other: LedgerState, of components: [StateComponent]
    ) -> [DifferentKey] {
        let first = StateKeys(one, of: components)
        let second = StateKeys(other, of: components)
        let places = Set(first.values.keys).union(second.values.keys).sorted()
        let fixed = places.filter { first.values[$0] != second.values[$0] }.map { place in
            DifferentKey(
                component: place.component.label, key: place.key, first: first.values[place],
                second: second.values[place])
        }
        return fixed + records(first, second, of: components)
    }

    private init(_ state: LedgerState, of components: [StateComponent]) {
        self.state = state
        names = LedgerNames(state)
        for component in components { add(component) }
    }

    private mutating func add(_ component: StateComponent) {
        switch component {
        case .parameters: addParameters()
        case .validators: addValidators()
        case .submitters:
            for submitter in state.submitters {
                set(
                    component, submitter.name,
                    "quota \(submitter.quota), \(submitter.undecided) undecided")
            }
        case .circuits:
            for circuit in state.circuits { set(component, circuit.circuit.name, circuit.id.hex) }
        case .rounds: for entry in state.openRounds { addRound(entry) }
        case .jobs: for entry in state.openJobs { addJob(entry) }
        case .outbox:
            for entry in state.pendingSettlements {
                set(component, "request \(entry.rawValue)", "ordered, not reported")
            }
        case .time: addTime()
        case .leaders:
            let history = state.leaderHistory
            set(component, "history", "\(history.count) records, root \(history.root.hex)")
        case .roots, .outcomes, .nullifiers, .evidence: return
        }
    }

    private mutating func set(_ component: StateComponent, _ key: String, _ value: String) {
        values[Place(component: component, key: key)] = value
    }

    private mutating func addParameters() {
        set(.parameters, "ledger", state.ledger.hex)
        set(.parameters, "name", state.name)
        set(.parameters, "bridge", state.bridge.hex)
        set(.parameters, "next change", "\(state.nextChange)")
        guard case .record(let fields) = Field(state.parameters) else { return }
        for field in fields { set(.parameters, field.name, field.value.text()) }
    }

    private mutating func addValidators() {
        for validator in state.validators {
            let name = validator.name
            set(.validators, "key of \(name)", validator.key.hex)
            set(.validators, "stake of \(name)", "\(validator.stake.rawValue)")
            set(.validators, "reputation of \(name)", UTC.points(validator.reputation))
            set(.validators, "membership of \(name)", Field(validator.terms).text())
            set(
                .validators, "announcement of \(name)",
                validator.announced.map { $0.announcement.program } ?? "nothing")
        }
        set(.validators, "decay", "day \(state.decayDay)")
        for (key, sealed) in [
            ("members of the last batch", state.sealedLast),
            ("members of the batch before", state.sealedBefore),
        ] {
            let members = sealed.members.map { member in
                "\(names.name(of: member.index)) \(member.stake.rawValue)"
            }
            set(.validators, key, members.joined(separator: ", "))
        }
    }

    private mutating func addRound(_ entry: EntryIndex) {
        guard let round = state.openRound(at: entry) else { return }
        let request = "request \(entry.rawValue)"
        set(.rounds, request, round.id.hex)
        set(.rounds, "\(request), leader", names.name(of: round.opened.leader))
        set(.rounds, "\(request), deadline", UTC.text(round.opened.deadline))
        set(.rounds, "\(request), threshold", "\(round.threshold)")
        for case let vote? in round.votes {
            set(
                .rounds, "\(request), vote of \(names.name(of: vote.event.validator))",
                "\(vote.event.vote), \(vote.event.reason), of \(UTC.text(vote.event.timestamp)),"
                    + " entry \(vote.entry.rawValue)")
        }
        if let decided = round.decided {
            set(.rounds, "\(request), decision", "\(decided.outcome), \(decided.reason)")
        }
    }

    private mutating func addJob(_ entry: EntryIndex) {
        guard let job = state.job(at: entry) else { return }
        let name = "job \(entry.rawValue)"
        set(.jobs, name, job.id.hex)
        if let assigned = job.assigned {
            set(
                .jobs, "\(name), drawn",
                assigned.validators.map { names.name(of: $0) }.joined(separator: ", "))
        }
        for case let result? in job.results {
            set(
                .jobs, "\(name), result of \(names.name(of: result.event.validator))",
                "\(result.event.status.kind), output \(result.event.output.hex), fuel"
                    + " \(result.event.fuel), entry \(result.entry.rawValue)")
        }
        if let decided = job.decided { set(.jobs, "\(name), decision", "\(decided.decision)") }
    }

    private mutating func addTime() {
        set(.time, "height", "\(state.height.rawValue)")
        set(.time, "batch time", UTC.text(state.time))
        set(.time, "root of the log before", state.previousRoot.hex)
        set(.time, "opening of the batch", "entry \(state.batchEntry.rawValue)")
        set(.time, "size of the log", "\(state.size)")
    }
}

// MARK: - Records

extension StateKeys {
    private static func records(
        _ one: StateKeys, _ other: StateKeys, of components: [StateComponent]
    ) -> [DifferentKey] {
        let (first, second) = (one.state.snapshot().records, other.state.snapshot().records)
        var found: [DifferentKey] = []
        for (place, component) in StateSnapshot.grown.enumerated()
        where components.contains(component) {
            let (here, there) = (first[place].all, second[place].all)
            for number in 0..<max(here.count, there.count) {
                let left = number < here.count ? here[number] : nil
                let right = number < there.count ? there[number] : nil
                guard left != right else { continue }
                found.append(
                    DifferentKey(
                        component: component.label, key: "record \(number)",
                        first: left.map { one.words($0, component) },
                        second: right.map { other.words($0, component) }))
            }
        }
        return found
    }

    /// A record as people read it: what it keeps begins with an event, but for the roots.
    private func words(_ record: [UInt8], _ component: StateComponent) -> String {
        var reader = BorshReader(record)
        do throws(DecodingError) {
            if component == .roots {
                let circuit = try CircuitIndex(from: &reader)
                let root = try reader.fixed(32)
                return "circuit \(circuit.rawValue), \(root.hex)"
            }
            let event = try Event(from: &reader)
            let fields = event.fields.map { $0.named(by: names).text() }
            return ([event.kind] + fields).joined(separator: " ")
        } catch {
            return record.hex
        }
    }
}
