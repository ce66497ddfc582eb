// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport

/// A long scenario from a seed: sixty batches in which everything happens, also what is refused.
struct GoldenRun {
    private(set) var scenario: LedgerScenario
    private var random: SplitMix64
    private var requests: [RequestID] = []
    private var jobs: [JobID] = []

    /// Whether validators also vote in lists.
    private let hasLists: Bool

    /// Plays the whole run; `signs: false` where a test wants only its events.
    static func play(
        seed: UInt64, batches: Int = 60, signs: Bool = true, hasLists: Bool = true,
        parameters: Parameters = .standard
    ) throws -> LedgerScenario {
        var run = try GoldenRun(seed: seed, parameters, signs: signs, hasLists: hasLists)
        for _ in 0..<batches { try run.batch() }
        return run.scenario
    }

    private init(
        seed: UInt64, _ parameters: Parameters, signs: Bool, hasLists: Bool
    ) throws {
        self.hasLists = hasLists
        var setup = Setup.of(6, 5, signs: signs)
        setup.parameters = parameters
        setup.stakes = [100, 200, 300, 400, 500, 600]
        setup.parameters.refusalsPerMinute = 3
        scenario = try LedgerScenario(setup)
        random = SplitMix64(seed: seed)
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func batch() throws {
        let pause: UInt64 =
            switch below(12) {
            case 0: 86_400_000 * UInt64(1 + below(3))
            case 1...4: 31_000
            default: UInt64(1 + below(9_000))
            }
        try scenario.open(after: pause)
        for _ in 0..<(4 + below(22)) {
            if let message = message() { try send(message) }
            if hasLists, below(4) == 0, let list = list() { try send(.votes(list)) }
        }
        switch scenario.state.height.rawValue {
        case 40: for message in contradictions() { try send(message) }
        case 50: try settle()
        default: break
        }
        try scenario.seal()
    }

    /// Evidence of everything but votes, of which there is enough.
    private func contradictions() -> [Message] {
        guard let author = scenario.state.members.first.map({ Int($0.rawValue) }) else { return [] }
        let height = Height(scenario.state.height.rawValue - 1)
        let (one, other) = (Digest(hashing: [1]), Digest(hashing: [2]))
        var messages = [
            Slot.proposal(height, round: 1), .prevote(height, round: 1),
            .precommit(height, round: 1), .amnesia(height, precommit: 1, prevote: 2),
        ].map { scenario.evidence(author, $0, (one, -1), (other, -1)) }
        messages.append(
            scenario.evidence(author, size: scenario.state.size, (one, nil), (other, 1)))
        for job in jobs {
            guard let entry = scenario.state.entry(of: job),
                let drawn = scenario.state.job(at: entry)?.assigned?.validators.first
            else { continue }
            messages.append(
                scenario.evidence(
                    scenario.result(drawn, job, output: 1), scenario.result(drawn, job, output: 2)))
        }
        for request in requests where scenario.decision(request)?.outcome == .approved {
            messages.append(
                scenario.evidence(
                    scenario.settlement(request, .settled), scenario.settlement(request, .failed)))
        }
        return messages
    }

    /// Where no settlement has failed until now, has all approve a request, and one fail.
    private mutating func settle() throws {
        guard !hasReleased else { return }
        let request = scenario.request()
        let id = request.id(in: scenario.ledger)
        requests.append(id)
        try send(.request(request))
        for member in scenario.state.members {
            try send(.vote(scenario.vote(Int(member.rawValue), .approve, on: id)))
        }
        try send(.settlement(scenario.settlement(id, .failed)))
    }

    private mutating func send(_ message: Message) throws {
        do throws(Refusal) {
            try scenario.send(message)
        } catch {
            guard !error.isAnswer, let sender = message.sender, scenario.state.isParty(sender)
            else { return }
            do throws(Refusal) { try scenario.record(message) } catch {
                guard error == .refusalsExhausted else { throw error }
            }
        }
    }

    /// Whether a settlement has failed, so that each run has one.
    private var hasReleased: Bool { scenario.log.contains { $0.tag == 67 } }

    private mutating func message() -> Message? {
        switch below(28) {
        case 0...2:
            let request = scenario.request(nullifier: UInt64(below(40)))
            requests.append(request.id(in: scenario.ledger))
            return .request(request)
        case 3...18: return vote()
        case 19:
            let job = scenario.job(UInt64(below(1000)))
            jobs.append(job.id(in: scenario.ledger))
            return .job(job)
        case 20...22: return result()
        case 23, 24:
            let pending = scenario.state.pendingSettlements.randomElement(using: &random)
            guard
                let request = pending.flatMap({ scenario.state.requestID(at: $0) })
                    ?? requests.randomElement(using: &random)
            else { return nil }
            return .settlement(
                scenario.settlement(request, below(2) == 0 || !hasReleased ? .failed : .settled))
        case 25: return .governance(scenario.change(change()))
        case 26: return .announcement(scenario.announcement(below(7), UInt64(below(40))))
        default:
            guard let request = requests.randomElement(using: &random) else { return nil }
            let who = below(6)
            let first = scenario.vote(who, below(4) == 0 ? .abstain : .approve, on: request)
            return scenario.evidence(who, first, scenario.vote(who, .reject, on: request))
        }
    }

    /// Mostly of one mind about a request, and about one of the last few.
    private mutating func vote() -> Message? {
        guard !requests.isEmpty else { return nil }
        let place = max(0, requests.count - 1 - below(3))
        let usual: Vote = requests[place].digest.bytes[0] % 4 == 0 ? .reject : .approve
        let vote: Vote =
            switch below(14) {
            case 0: .reject
            case 1: .abstain
            default: usual
            }
        return .vote(scenario.vote(below(20) == 0 ? 6 : below(6), vote, on: requests[place]))
    }

    /// Votes of one validator on some of the last requests; mostly it shows only what is taken.
    private mutating func list() -> VoteListMessage? {
        let who = below(6)
        let about = requests.suffix(2 + below(6))
        guard Set(about).count == about.count, !about.isEmpty else { return nil }
        let votes = about.map { request in
            let usual: Vote = request.digest.bytes[0] % 4 == 0 ? .reject : .approve
            return (request, below(12) == 0 ? .abstain : usual)
        }
        let list = scenario.list(who, votes)
        if below(5) == 0 { return list }
        let state = scenario.state
        let shown = list.hiding { place in
            state.refusal(of: votes[place].1, on: votes[place].0, by: list.validator) != nil
        }
        return shown.isWellFormed ? shown : nil
    }

    private mutating func result() -> Message? {
        guard let id = jobs.suffix(2).randomElement(using: &random),
            let entry = scenario.state.entry(of: id),
            let drawn = scenario.state.job(at: entry)?.assigned?.validators,
            let validator = drawn.randomElement(using: &random)
        else { return nil }
        let statuses = [
            JobStatus(.success), JobStatus(.success), JobStatus(.trap, code: 1),
            JobStatus(.abstained, code: 2),
        ]
        return .result(scenario.result(validator, id, statuses[below(4)]))
    }

    private mutating func change() -> Change {
        let number = UInt16(below(7))
        let key = Fixture.key(number).publicKey
        let name = Fixture.name(number)
        switch below(7) {
        case 0:
            return .validatorJoined(
                key: key, name: name, stake: Stake(UInt64(1 + below(999))))
        case 1: return .validatorLeft(key: key)
        case 2: return .stakeChanged(key: key, stake: Stake(UInt64(1 + below(999))))
        case 3:
            var parameters = scenario.state.parameters
            parameters.settlementMilliseconds = UInt64(1 + below(60_000))
            parameters.normalisation = below(2) == 0 ? .raw : .share
            return .parametersChanged(parameters)
        case 4:
            return .circuitRegistered(
                Fixture.circuit("run-\(below(9))", [.root, .nullifier, .externalDataHash]))
        case 5:
            return .rootPublished(
                circuit: CircuitIndex(UInt16(below(2))), root: Fixture.element(UInt64(below(9))))
        default: return .submitterListed(key: key, name: name, quota: UInt32(below(9)))
        }
    }
}

extension [Event] {
    /// The events of each batch that is sealed, in order.
    var batches: [[Event]] {
        var batches: [[Event]] = [[]]
        for event in self {
            batches[batches.count - 1].append(event)
            if case .batchSealed = event { batches.append([]) }
        }
        return [[Event]](batches.dropLast())
    }
}
