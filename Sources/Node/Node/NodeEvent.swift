// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// What happens while nodes run. Nothing is told before it is durable.
package enum NodeEvent: Sendable, Equatable {
    /// A validator as it is told of: its number in the ledger, and its name.
    package struct Party: Codable, Equatable, Sendable {
        /// The number; nil of the bridge, which has none.
        package var validator: UInt16?
        /// What the ledger calls it.
        package var name: String

        /// Takes both.
        package init(_ validator: UInt16?, _ name: String) {
            self.validator = validator
            self.name = name
        }
    }

    /// Something was found and put right, or is put off, when the node was opened.
    case recovered(String)
    /// A request stands in the ledger, at this entry, and its round is open.
    case accepted(line: Int?, request: RequestID, entry: EntryIndex)
    /// A request was not taken; `reason` is one word.
    case refused(line: Int?, request: RequestID?, reason: String, detail: String)
    /// A request stood in the ledger before; nil where it is not decided and too many wait.
    case answered(line: Int?, request: RequestID, ConsensusResult?)
    /// A vote stands in the ledger.
    case voted(VerificationVote, validator: Party)
    /// A request is decided; the line is that of this run where there is one.
    case decided(line: Int?, ConsensusResult)
    /// The bridge's report stands in the ledger.
    case settled(request: RequestID, SettlementResult, reference: String)
    /// A validator is convicted of two messages that contradict each other: about a request, where
    /// they are votes.
    case equivocation(validator: Party, about: String, request: RequestID?)
    /// A change that T validators agreed on stands in the ledger, at this entry.
    case changed(number: UInt64, entry: EntryIndex)
    /// A job stands in the ledger, at this entry.
    case jobSubmitted(job: JobID, entry: EntryIndex)
    /// Three validators are to run a job, by this time.
    case jobAssigned(job: JobID, validators: [Party], deadline: Time)
    /// A validator's result of a job stands in the ledger.
    case jobReported(job: JobID, validator: Party, JobStatus, output: Digest, fuel: UInt64)
    /// A job is decided; status and output have a meaning where validators agree.
    case jobDecided(job: JobID, JobDecision, JobStatus, output: Digest)
    /// A submitted job was not taken; `reason` is one word.
    case jobRefused(job: JobID, reason: String, detail: String)
    /// Nothing can be done before this time.
    case waiting(
        until: Time, openRounds: Int, openJobs: Int, settlements: Int, reason: String)
    /// The projections follow the log no more, and why; the ledger goes on.
    case projectionsStopped(String)
    /// Something that a person should know.
    case warning(String)
}

extension NodeEvent: CustomStringConvertible {
    /// Bytes of a text within an event that are told: it may hold what came from outside.
    package static let textBytesMax = 4 << 10

    /// One line for people.
    package var description: String { bounded.words }

    /// The event with its texts cut where they are long.
    private var bounded: NodeEvent {
        func cut(_ text: String) -> String { text.bounded(bytes: Self.textBytesMax) }
        return switch self {
        case .recovered(let text): .recovered(cut(text))
        case .warning(let text): .warning(cut(text))
        case .projectionsStopped(let text): .projectionsStopped(cut(text))
        case .refused(let line, let request, let reason, let detail):
            .refused(line: line, request: request, reason: reason, detail: cut(detail))
        case .jobRefused(let job, let reason, let detail):
            .jobRefused(job: job, reason: reason, detail: cut(detail))
        case .settled(let request, let result, let reference):
            .settled(request: request, result, reference: cut(reference))
        case .equivocation(let validator, let about, let request):
            .equivocation(validator: validator, about: cut(about), request: request)
        case .waiting(let until, let rounds, let jobs, let settlements, let reason):
            .waiting(
                until: until, openRounds: rounds, openJobs: jobs, settlements: settlements,
                reason: cut(reason))
        default: self
        }
    }

    private var words: String {
        switch self {
        case .recovered(let text): "recovered: \(text)"
        case .accepted(let line, let request, let entry):
            Self.place(line) + "accepted \(request.hex.prefix(16)) at entry \(entry.rawValue)"
        case .refused(let line, let request, let reason, let detail):
            Self.place(line) + "refused \(request.map { "\($0.hex.prefix(16)) " } ?? "")"
                + "(\(reason)): \(detail)"
        case .answered(let line, let request, let result):
            Self.place(line) + "known \(request.hex.prefix(16)): "
                + (result.map { "\($0.outcome) (\($0.reason))" } ?? "its round is still open")
        case .voted(let vote, let validator):
            "\(validator.name) votes \(vote.vote) on \(vote.requestID.prefix(16)) (\(vote.reason))"
        case .decided(let line, let result):
            Self.place(line)
                + "\(result.outcome) \(result.requestID.prefix(16)) (\(result.reason);"
                + " \(result.tally.approvals) for, \(result.tally.rejections) against,"
                + " \(result.tally.abstentions) abstained)"
        case .settled(let request, let result, let reference):
            "\(result.jsonName) \(request.hex.prefix(16)) as \(reference)"
        case .equivocation(let validator, let about, let request):
            "\(validator.name) is convicted: two contradicting messages (\(about))"
                + (request.map { " on \($0.hex.prefix(16))" } ?? "")
        case .changed(let number, let entry):
            "change \(number) stands at entry \(entry.rawValue)"
        case .jobSubmitted(let job, let entry):
            "job \(Self.short(job)): accepted at entry \(entry.rawValue)"
        case .jobAssigned(let job, let validators, let deadline):
            "job \(Self.short(job)): " + validators.map(\.name).joined(separator: ", ")
                + " run it until " + TimeText.of(deadline)
        case .jobReported(let job, let validator, let status, let output, let fuel):
            "job \(Self.short(job)): \(validator.name) reports \(status.text)"
                + (status.kind == .success ? ", output \(output.hex.prefix(16))" : "")
                + ", fuel \(fuel)"
        case .jobDecided(let job, .agreed, let status, let output):
            "job \(Self.short(job)): agreed on \(status.text)"
                + (status.kind == .success ? ", output \(output.hex)" : "")
        case .jobDecided(let job, .disagreed, _, _):
            "job \(Self.short(job)): disagreed, no two results are equal"
        case .jobDecided(let job, .timedOut, _, _):
            "job \(Self.short(job)): timed out before two results were equal"
        case .jobRefused(let job, let reason, let detail):
            "job \(Self.short(job)): refused (\(reason)): \(detail)"
        case .waiting(let until, let rounds, let jobs, let settlements, let reason):
            "waiting until \(TimeText.of(until)) with \(rounds) open rounds, \(jobs) jobs and"
                + " \(settlements) settlements: \(reason)"
        case .projectionsStopped(let text):
            "the projections follow no more, and the ledger goes on without them: \(text)"
        case .warning(let text): "warning: \(text)"
        }
    }

    private static func place(_ line: Int?) -> String { line.map { "line \($0): " } ?? "" }

    private static func short(_ job: JobID) -> Substring { job.hex.prefix(16) }

    /// One line of JSON for machines: `event` names the kind, the other fields are its own.
    package var json: String {
        do { return try NodeJSON.encode(NodeEventJSON(bounded)) } catch { return "{}" }
    }
}

/// An event with the fields that its kind has.
private struct NodeEventJSON: Encodable {
    var event = ""
    var line: Int?
    var request_id: String?
    var job_id: String?
    var entry: UInt64?
    var reason: String?
    var detail: String?
    var validator: UInt16?
    var name: String?
    var validators: [NodeEvent.Party]?
    var deadline: UInt64?
    var status: String?
    var output: String?
    var fuel: UInt64?
    var decision: String?
    var vote: VerificationVote?
    var result: ConsensusResult?
    var settlement: String?
    var reference: String?
    var until: UInt64?
    var open_rounds: Int?
    var open_jobs: Int?
    var settlements: Int?
    var number: UInt64?

    init(_ source: NodeEvent) {
        switch source {
        case .recovered(let text): (event, detail) = ("recovered", text)
        case .accepted(let line, let request, let entry):
            (event, self.line, request_id) = ("accepted", line, request.hex)
            self.entry = entry.rawValue
        case .refused(let line, let request, let reason, let detail):
            (event, self.line, request_id) = ("refused", line, request?.hex)
            (self.reason, self.detail) = (reason, detail)
        case .answered(let line, let request, let result):
            (event, self.line, request_id) = ("answered", line, request.hex)
            self.result = result
        case .voted(let vote, let validator):
            (event, self.vote) = ("voted", vote)
            set(validator)
        case .decided(let line, let result):
            (event, self.line, self.result) = ("decided", line, result)
        case .settled(let request, let result, let reference):
            (event, request_id) = ("settled", request.hex)
            (settlement, self.reference) = (result.jsonName, reference)
        case .equivocation(let validator, let about, let request):
            (event, request_id, detail) = ("equivocation", request?.hex, about)
            set(validator)
        case .changed(let number, let entry):
            (event, self.number, self.entry) = ("changed", number, entry.rawValue)
        case .jobSubmitted, .jobAssigned, .jobReported, .jobDecided, .jobRefused: fill(job: source)
        case .waiting(let until, let rounds, let jobs, let settlements, let reason):
            (event, self.until, open_rounds) = ("waiting", until.rawValue, rounds)
            (open_jobs, self.settlements, self.reason) = (jobs, settlements, reason)
        case .projectionsStopped(let text): (event, detail) = ("projections_stopped", text)
        case .warning(let text): (event, detail) = ("warning", text)
        }
    }

    private mutating func set(_ party: NodeEvent.Party) {
        (validator, name) = (party.validator, party.name)
    }

    private mutating func fill(job source: NodeEvent) {
        switch source {
        case .jobSubmitted(let job, let entry):
            (event, job_id, self.entry) = ("job_submitted", job.hex, entry.rawValue)
        case .jobAssigned(let job, let validators, let deadline):
            (event, job_id, self.validators) = ("job_assigned", job.hex, validators)
            self.deadline = deadline.rawValue
        case .jobReported(let job, let validator, let status, let output, let fuel):
            (event, job_id) = ("job_reported", job.hex)
            set(validator)
            set(status, output)
            self.fuel = fuel
        case .jobDecided(let job, let decision, let status, let output):
            (event, job_id, self.decision) = ("job_decided", job.hex, decision.jsonName)
            if decision == .agreed { set(status, output) }
        case .jobRefused(let job, let reason, let detail):
            (event, job_id) = ("job_refused", job.hex)
            (self.reason, self.detail) = (reason, detail)
        default: break
        }
    }

    private mutating func set(_ status: JobStatus, _ output: Digest) {
        (self.status, reason) = (status.kind.jsonName, status.reasonName)
        if status.kind == .success { self.output = output.hex }
    }
}

extension JobStatus {
    /// Kind and reason, for a person.
    var text: String { kind.jsonName + (reasonName.map { " (\($0))" } ?? "") }
}
