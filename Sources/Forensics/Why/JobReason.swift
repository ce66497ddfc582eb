// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a job was decided as it was.
struct JobReason {
    private let job: JobHistory
    private var drawn: (entry: UInt64, event: JobAssigned)?
    private var results: [(entry: UInt64, event: ResultReported)] = []
    private var decided: (entry: UInt64, event: JobDecided)?
    private var reputations: [(entry: UInt64, event: ReputationChanged)] = []

    static func explain(_ name: String, _ source: WhySource) throws(WhyError) -> Explanation {
        do throws(JobHistoryError) {
            return JobReason(try JobHistory.find(name, in: source.log)).explanation(source.path)
        } catch {
            switch error {
            case .replay(let error): throw .replay(error)
            case .notFound: throw .notFound
            case .ambiguous(let found): throw .ambiguous(found.map(\.hex))
            }
        }
    }

    private init(_ job: JobHistory) {
        self.job = job
        for logged in job.events {
            switch logged.event {
            case .jobAssigned(let event): drawn = (logged.index, event)
            case .resultReported(let event): results.append((logged.index, event))
            case .jobDecided(let event): decided = (logged.index, event)
            case .reputationChanged(let event): reputations.append((logged.index, event))
            default: continue
            }
        }
    }

    private func explanation(_ path: String) -> Explanation {
        let (entry, event, names) = (job.entry, job.submitted, job.names)
        var result = Explanation("job \(job.id.hex)", .job)
        result.names = names
        addChain(&result, names)
        result.stated = stated(event)
        result.say(
            "\(Words.submitter(event.submitter, names)) asked to run module \(event.module.hex) on"
                + " input \(event.input.hex), with fuel \(event.fuel) and \(event.memoryBytes)"
                + " bytes.",
            rule: "a listed submitter, within its quota", amount: "fuel \(event.fuel)",
            entry: entry)
        if let (entry, event) = drawn {
            result.say(
                "\(Words.list(event.validators.map { names.name(of: $0) })) were drawn to run it"
                    + " until \(UTC.text(event.deadline)).",
                rule: "the first three in rank, by the root of the batch before",
                amount: "\(event.validators.count)", entry: entry)
        }
        for (entry, event) in results {
            result.say(
                "\(names.name(of: event.validator)) reported \(event.status.kind) with output"
                    + " \(event.output.hex), fuel \(event.fuel).",
                rule: "status and output are compared, fuel is not", amount: "fuel \(event.fuel)",
                entry: entry)
        }
        tellEnd(&result, names)
        result.proof = "recount prove entry \(path) \(decided?.entry ?? entry)"
        return result
    }

    private func tellEnd(_ result: inout Explanation, _ names: LedgerNames) {
        guard let (entry, event) = decided else {
            return result.say("It is not decided yet.")
        }
        result.say(
            "It was decided by entry \(event.deciding.rawValue): \(event.decision).",
            rule: "two equal results decide; none that could be equal: disagreed",
            amount: "\(Limits.jobAgreement) of \(drawn?.event.validators.count ?? 0)", entry: entry)
        for (entry, event) in reputations {
            result.say(
                "\(Words.points(event.cause.points)) points for"
                    + " \(names.name(of: event.validator)).",
                rule: "\(event.cause)", amount: Words.points(event.cause.points), entry: entry)
        }
    }

    /// The results that were counted at the decision, or are there so far.
    private var counted: [(entry: UInt64, event: ResultReported)] {
        guard let decided else { return results }
        return results.filter { $0.entry < decided.entry }
    }

    private func addChain(_ result: inout Explanation, _ names: LedgerNames) {
        let event = job.submitted
        let job = result.chain.add(
            job.entry, "job of module \(event.module.hex.prefix(8))…", .job(module: event.module))
        guard let (assigned, who) = drawn else { return }
        let draw = result.chain.add(
            assigned, "\(who.validators.count) are drawn", .drawn(who.validators.count),
            causes: [job])
        for (entry, event) in counted {
            result.chain.add(
                entry,
                "\(names.name(of: event.validator)): \(event.status.kind)"
                    + " \(event.output.hex.prefix(8))…",
                .result(event.status, output: event.output), causes: [draw])
        }
        guard let (_, event) = decided, event.decision == .timedOut else { return }
        result.chain.add(
            event.deciding.rawValue, "the deadline passes", .deadline, causes: [draw])
    }

    private func stated(_ job: JobSubmitted) -> String {
        guard let drawn else { return "module \(job.module.hex) not drawn" }
        let decision =
            switch decided?.event.decision {
            case .agreed:
                "agreed on \(decided?.event.status.kind ?? .abstained), output"
                    + " \(decided?.event.output.hex ?? "")"
            case .disagreed: "disagreed"
            case .timedOut: "timed out"
            case nil: "open"
            }
        return "module \(job.module.hex) \(decision): \(counted.count) of"
            + " \(drawn.event.validators.count) reported"
    }
}
