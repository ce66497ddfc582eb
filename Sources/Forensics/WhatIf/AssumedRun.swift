// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// The inputs of a ledger, run again under other rules.
///
/// What depends on who wrote the ledger is taken for granted: whose turn it was proposes, T sign
/// each batch, and T agree to each change of membership or parameters that was agreed on.
struct AssumedRun {
    /// A message of the log that the other rules refuse.
    struct Refused: Hashable {
        /// The kind of the entry.
        let entry: String
        /// Why.
        let reason: String
    }

    /// The state after what followed from the inputs so far.
    private(set) var state = LedgerState()
    /// What a comparison asks for.
    var watch = RunWatch()
    /// How many messages of the log were refused, in the order of their first.
    private(set) var refused: [(what: Refused, count: UInt64)] = []
    /// Requests of the log that open no round here, since they were last taken away.
    var refusedRequests: [(id: RequestID, decision: RunDecision)] = []
    /// Who is taken to have proposed the last batch.
    private(set) var proposer: ValidatorIndex?
    /// Why the ledger would have ended, once it has.
    private(set) var end: String?

    private let hypothesis: Hypothesis
    private var absent: [PublicKey] = []
    /// The requests of the log, and how it decided them, where it has.
    private var recorded: [RequestID: Outcome?] = [:]
    /// Payments ordered here, of which the log may not say whether they were made.
    private var unpaid: [RequestID] = []
    private var places: [Refused: Int] = [:]

    init(_ hypothesis: Hypothesis) { self.hypothesis = hypothesis }

    /// Takes in an input of the log, an entry of this kind, as the other rules have it.
    mutating func take(_ input: Input, kind: String) {
        guard end == nil else { return }
        switch input {
        case .ledger(let opened):
            absent = opened.validators.filter { hypothesis.absent.contains($0.name) }.map(\.key)
            _ = decide(.openLedger(opened))
        case .batch(let opening): open(opening.event)
        case .message(let message, let isRefused):
            if !isRefused, case .request(let request) = message {
                recorded[request.id(in: state.ledger)] = .some(nil)
            }
            guard let message = assumed(message) else { return }
            take(message, kind, isRefused: isRefused)
        }
    }

    /// Closes what is due and seals the batch; the first time, the other rules begin.
    ///
    /// - Parameter decided: What the log has decided in the batch.
    mutating func finish(decided: [(id: RequestID, outcome: Outcome)]) {
        guard end == nil else { return }
        for (id, outcome) in decided { recorded[id] = outcome }
        watch.decided = []
        if state.height.rawValue > 0 {
            pay()
            _ = decide(.closeDue)
        }
        let isFirst = state.height.rawValue == 0
        let seal = Event.batchSealed(
            BatchSealed(
                height: state.height, size: state.size, root: .zero, stateRoot: .zero,
                components: []))
        apply(Entry(unchecked: seal, bytes: []))
        guard isFirst else { return }
        state.assume(
            hypothesis.parameters(state.parameters), hypothesis.scale,
            without: absent.compactMap(state.validatorIndex(of:)))
    }

    /// Opens a batch at the time of the log's, by whose turn it is.
    private mutating func open(_ recorded: BatchOpened) {
        let ranking = state.proposerRanking(height: recorded.height)
        let threshold = Int(state.sealedBefore.parameters.threshold)
        let signers = state.sealedBefore.members.prefix(threshold)
        guard !ranking.isEmpty, signers.count == threshold else {
            end =
                "It would have ended before batch \(recorded.height.rawValue): \(threshold)"
                + " validators must sign it, and there are \(signers.count)."
            return
        }
        var event = recorded
        event.proposer = ranking[Int(recorded.round) % ranking.count]
        proposer = event.proposer
        event.precommits =
            recorded.height.rawValue < 2
            ? [] : signers.map { IndexedSignature(validator: $0.index, signature: .zero) }
        guard let opening = state.opening(of: event) else { return }
        if let refusal = decide(
            .openBatch(Checked(unchecked: opening), root: recorded.previousRoot))
        {
            end = "It would have ended before batch \(recorded.height.rawValue): \(refusal)."
        }
    }

    /// The message as it would have been; nil where nobody would have sent it.
    private func assumed(_ message: Message) -> Message? {
        if let author = Self.author(of: message), absent.contains(author) { return nil }
        guard case .governance(var message) = message else { return message }
        switch message.change {
        case .validatorJoined(let key, let name, _) where isAbsent(key, name): return nil
        case .validatorLeft(let key) where absent.contains(key): return nil
        case .stakeChanged(let key, _) where absent.contains(key): return nil
        case .parametersChanged(let parameters):
            message.change = .parametersChanged(hypothesis.parameters(parameters))
        default: break
        }
        message.number = state.nextChange
        message.endorsements = state.members.prefix(Int(state.parameters.threshold)).compactMap {
            state.validator($0).map { Endorsement(validator: $0.key, signature: .zero) }
        }
        return .governance(message)
    }

    private func isAbsent(_ key: PublicKey, _ name: String) -> Bool {
        absent.contains(key) || hypothesis.absent.contains(name)
    }

    /// Whose message it is, or whom it convicts, where that may be a validator.
    private static func author(of message: Message) -> PublicKey? {
        if case .evidence(let evidence) = message { return evidence.validator }
        return message.sender
    }

    private mutating func take(_ message: Message, _ kind: String, isRefused: Bool) {
        let checked = Checked(unchecked: message, isProofWellFormed: isRefused ? nil : true)
        guard let refusal = decide(.message(checked)) else { return }
        guard !isRefused else {
            _ = decide(.recordRefusal(Checked(unchecked: message)))
            return
        }
        count(Refused(entry: kind, reason: refusal.jsonName))
        if case .request(let request) = message, !refusal.isAnswer {
            refusedRequests.append(
                (request.id(in: state.ledger), RunDecision(refused: refusal.jsonName)))
        }
    }

    private mutating func count(_ what: Refused) {
        if let place = places[what] {
            refused[place].count += 1
        } else {
            places[what] = refused.count
            refused.append((what, 1))
        }
    }

    /// Takes payments that only this run orders for made: the log tells of no other end.
    private mutating func pay() {
        unpaid += watch.ordered
        watch.ordered = []
        var waiting: [RequestID] = []
        for id in unpaid {
            if let outcome = recorded[id] {
                guard let outcome else {
                    waiting.append(id)
                    continue
                }
                // The report of the log will come, or has come.
                if outcome == .approved { continue }
            }
            let report = SettlementMessage(
                request: id, bridge: state.bridge, reference: [], result: .settled,
                signature: .zero)
            if decide(.message(Checked(unchecked: .settlement(report)))) != nil {
                waiting.append(id)
            }
        }
        unpaid = waiting
    }

    /// Decides on a command and takes in what follows; returns why it is refused.
    private mutating func decide(_ command: Command) -> Refusal? {
        let events: [Event]
        do throws(Refusal) { events = try state.decide(command) } catch { return error }
        var seeing = RunWatch()
        swap(&seeing, &watch)
        defer { swap(&seeing, &watch) }
        do throws(FoldError) {
            try state.apply(events) { _, event, state in
                seeing.see(event, state)
                return Entry(unchecked: event, bytes: event.encoded)
            }
        } catch { fatalError("the rules derived an event that cannot follow: \(error)") }
        return nil
    }

    private mutating func apply(_ entry: Entry) {
        do throws(FoldError) { try state.apply(entry) } catch {
            fatalError("a seal cannot follow: \(error)")
        }
    }
}
