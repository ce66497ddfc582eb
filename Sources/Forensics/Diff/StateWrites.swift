// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import Ledger

/// A key of the state that a batch wrote in one history and not, or otherwise, in the other.
package struct DifferentKey: Codable, Equatable, Sendable {
    /// The label of the component.
    package let component: String
    /// What is kept there, in words of the component.
    package let key: String
    /// What the first history wrote; nil for nothing.
    package let first: String?
    /// What the second wrote; nil for nothing.
    package let second: String?
}

/// What the entries of a batch write to the state, key by key.
///
/// The last entry that writes a key counts. Both histories have the same state before the first
/// batch that differs, so the keys that they write otherwise are those in which they differ after.
struct StateWrites {
    /// By component and key.
    private(set) var values: [Place: String] = [:]
    /// The entries that wrote each, in order.
    private(set) var writers: [Place: [UInt64]] = [:]
    private var current: UInt64 = 0
    /// Votes and results of this batch, by what they are about: a close records them.
    private var ballots: [EntryIndex: [String]] = [:]
    /// What is known to be a job.
    private var jobs: Set<EntryIndex> = []

    struct Place: Hashable, Comparable {
        let component: StateComponent
        let key: String

        static func < (one: Place, other: Place) -> Bool {
            (one.component.rawValue, one.key) < (other.component.rawValue, other.key)
        }
    }

    /// The writes of a batch's entries.
    init(_ entries: [LoggedEntry], names: LedgerNames) {
        for entry in entries { note(entry.event, at: entry.index, names) }
    }

    /// The keys that two batches write otherwise, in order of component and key.
    static func different(_ one: StateWrites, _ other: StateWrites) -> [DifferentKey] {
        differentPlaces(one, other).map { place in
            DifferentKey(
                component: place.component.label, key: place.key, first: one.values[place],
                second: other.values[place])
        }
    }

    /// Where two batches write otherwise, in order of component and key.
    static func differentPlaces(_ one: StateWrites, _ other: StateWrites) -> [Place] {
        Set(one.values.keys).union(other.values.keys).sorted().filter {
            one.values[$0] != other.values[$0]
        }
    }

    private mutating func write(_ component: StateComponent, _ key: String, _ value: String) {
        let place = Place(component: component, key: key)
        values[place] = value
        writers[place, default: []].append(current)
    }

    private mutating func note(_ event: Event, at index: UInt64, _ names: LedgerNames) {
        current = index
        switch event {
        case .batchOpened(let opened):
            write(.time, "batch time", UTC.text(opened.time))
            write(.time, "root of the log before", opened.previousRoot.hex)
            write(
                .leaders, "proposer of batch \(opened.height.rawValue)",
                names.name(of: opened.proposer))
        case .governanceApproved(let approved):
            write(.parameters, "last change", "number \(approved.number)")
            note(approved.change)
        case .validatorAnnounced(let said):
            write(
                .validators, "announcement of \(names.name(of: said.validator))",
                said.announcement.program)
        case .messageRefused(let refused):
            write(.submitters, "refusal at entry \(index)", "\(refused.refusal)")
        case .reputationChanged(let changed):
            write(
                .validators, "reputation of \(names.name(of: changed.validator))",
                UTC.points(changed.after))
        case .reputationDecayed(let decayed): write(.validators, "decay", "day \(decayed.day)")
        case .equivocationFound(let found):
            write(.evidence, "\(found.slot)", names.name(of: found.validator))
        default: noteWork(event, at: index, names)
        }
    }

    private mutating func noteWork(_ event: Event, at index: UInt64, _ names: LedgerNames) {
        switch event {
        case .requestSubmitted(let request):
            write(.rounds, "request \(index)", "amount \(request.amount.rawValue)")
            write(.submitters, "request \(index)", "undecided")
        case .roundOpened(let opened):
            write(
                .rounds, "request \(opened.request.rawValue), leader",
                names.name(of: opened.leader))
            write(
                .leaders, "leader of request \(opened.request.rawValue)",
                names.name(of: opened.leader))
            write(
                .rounds, "request \(opened.request.rawValue), deadline",
                UTC.text(opened.deadline))
        case .voteCast, .votesCast:
            for cast in event.casts {
                write(
                    .rounds,
                    "request \(cast.request.rawValue), vote of "
                        + names.name(of: cast.validator),
                    "\(cast.vote), \(cast.reason), of \(UTC.text(cast.timestamp)), entry \(index)")
                ballots[cast.request, default: []].append(
                    "\(names.name(of: cast.validator)) \(cast.vote)")
            }
        case .outcomeDecided(let decided):
            write(
                .outcomes, "request \(decided.request.rawValue)",
                "\(decided.outcome.jsonName), \(decided.reason.jsonName), \(decided.approvals) for,"
                    + " \(decided.rejections) against, \(decided.abstentions) abstained, by entry"
                    + " \(decided.deciding.rawValue) at \(UTC.text(decided.time))")
            write(.submitters, "request \(decided.request.rawValue)", "decided")
        case .roundClosed(let closed): writeClose(closed)
        case .nullifierSpent(let spent):
            write(.nullifiers, spent.nullifier.hex, "spent by request \(spent.request.rawValue)")
        case .nullifierReleased(let released):
            write(
                .nullifiers, released.nullifier.hex,
                "released by request \(released.request.rawValue)")
        case .settlementOrdered(let ordered):
            write(
                .outbox, "request \(ordered.request.rawValue)",
                "ordered: \(ordered.amount.rawValue), leader \(names.name(of: ordered.leader)),"
                    + " next turn at \(UTC.text(ordered.nextTurn))")
        case .settlementReported(let reported):
            write(.outbox, "request \(reported.request.rawValue)", "\(reported.result)")
        case .jobSubmitted(let job):
            write(.jobs, "job \(index)", "module \(job.module.hex)")
            write(.submitters, "job \(index)", "undecided")
        case .jobAssigned(let assigned):
            write(
                .jobs, "job \(assigned.job.rawValue), drawn",
                assigned.validators.map { names.name(of: $0) }.joined(separator: ", "))
            write(
                .leaders, "job \(assigned.job.rawValue), drawn",
                assigned.validators.map { names.name(of: $0) }.joined(separator: ", "))
        case .resultReported(let result):
            write(
                .jobs, "job \(result.job.rawValue), result of \(names.name(of: result.validator))",
                "\(result.status.kind), output \(result.output.hex), fuel \(result.fuel), entry"
                    + " \(index)")
            jobs.insert(result.job)
            ballots[result.job, default: []].append(
                "\(names.name(of: result.validator)) \(result.status.kind)")
        case .jobDecided(let decided):
            jobs.insert(decided.job)
            write(
                .jobs, "job \(decided.job.rawValue)",
                "\(decided.decision), by entry \(decided.deciding.rawValue) at"
                    + " \(UTC.text(decided.time))")
        case .batchSealed(let sealed): write(.time, "size of the log", "\(sealed.size)")
        default: return
        }
    }

    /// A close records who said what; of a job its component is that of the jobs.
    private mutating func writeClose(_ closed: RoundClosed) {
        let about = closed.about
        let said = (ballots[about] ?? []).joined(separator: ", ")
        let value = "closed: \(closed.cause)" + (said.isEmpty ? "" : ", after \(said)")
        if jobs.contains(about) {
            write(.jobs, "job \(about.rawValue), close", value)
        } else {
            write(.rounds, "request \(about.rawValue), close", "closed")
            write(.outcomes, "request \(about.rawValue), close", value)
        }
    }

    private mutating func note(_ change: Change) {
        switch change {
        case .validatorJoined(let key, let name, let stake):
            write(.validators, "member \(key.hex)", "\(name) joined, stake \(stake.rawValue)")
        case .validatorLeft(let key): write(.validators, "member \(key.hex)", "left")
        case .stakeChanged(let key, let stake):
            write(.validators, "stake of \(key.hex)", "\(stake.rawValue)")
        case .parametersChanged(let parameters):
            for case .record(let fields) in [Field(parameters)] {
                for field in fields { write(.parameters, field.name, field.value.text()) }
            }
        case .circuitRegistered(let circuit): write(.circuits, circuit.name, circuit.id.hex)
        case .rootPublished(let circuit, let root):
            write(.roots, "circuit \(circuit.rawValue), \(root.hex)", "published")
        case .submitterListed(let key, let name, let quota):
            write(.submitters, key.hex, "\(name), quota \(quota)")
        }
    }
}
