// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// Why a request was decided as it was, and what followed.
struct RequestReason {
    let history: RequestHistory
    var explanation: Explanation

    static func explain(_ name: String, _ source: WhySource) throws(WhyError) -> Explanation {
        guard let selector = RequestSelector(name, size: source.log.size) else { throw .notFound }
        if let history = source.placed(name) {
            let found = explanation(history, source)
            if found.holds { return found }
        }
        return explanation(try WhyFold.request(selector, in: source.log), source)
    }

    static func explanation(_ history: RequestHistory, _ source: WhySource) -> Explanation {
        var reason = RequestReason(history, kind: .request)
        reason.build()
        reason.explanation.proof = proof(history, source.path)
        return reason.explanation
    }

    /// The command that writes what a stranger can check.
    static func proof(_ history: RequestHistory, _ path: String) -> String {
        "recount prove request \(path) \(history.round.id.hex.prefix(16))"
    }

    init(_ history: RequestHistory, kind: CausalChain.Kind, thing: String? = nil) {
        self.history = history
        explanation = Explanation(thing ?? "request \(history.round.id.hex)", kind)
        explanation.names = history.names
    }

    /// Adds the chain, the stated value and the sentences.
    mutating func build() {
        addChain()
        explanation.stated = stated
        tellRequest()
        tellRound()
        tellVotes()
        tellDecision()
        tellProof()
        tellConsequences()
        tellReputations()
        tellVersions()
    }

    /// What the log says: the decision, or that it is open with the votes so far.
    private var stated: String {
        let amount = history.message.amount.rawValue
        if let decided = history.decision?.event {
            return "\(decided.outcome.jsonName) (\(decided.reason.jsonName)) for \(amount):"
                + " \(decided.approvals) approve, \(decided.rejections) reject,"
                + " \(decided.abstentions) abstain, margin \(decided.margin)"
        }
        let counts = Vote.allCases.map { vote in
            history.votes.count { $0.message.vote == vote }
        }
        return "open for \(amount): \(counts[0]) approve, \(counts[1]) reject,"
            + " \(counts[2]) abstain, margin \(counts[0] - history.round.threshold)"
    }

    private func name(_ validator: ValidatorIndex) -> String { history.names.name(of: validator) }

    /// The votes that were counted at the decision, or are there so far.
    private var counted: [RequestHistory.CountedVote] {
        guard let (entry, _) = history.decision else { return history.votes }
        return history.votes.filter { $0.entry < entry }
    }

    /// Adds the request, the round, the votes that were counted, and what else decided.
    private mutating func addChain() {
        let request = explanation.chain.add(
            history.entry, "request for \(history.message.amount.rawValue)",
            .request(amount: history.message.amount))
        let round = explanation.chain.add(
            history.entry + 1,
            "round of \(history.round.pinned.members.count), \(history.round.threshold) to approve",
            .opened(
                members: history.round.pinned.members.count, threshold: history.round.threshold),
            causes: [request])
        for vote in counted {
            explanation.chain.add(
                vote.entry, "\(name(vote.validator)): \(vote.message.vote.jsonName)",
                .vote(vote.message.vote), causes: [round])
        }
        guard let (_, decided) = history.decision else { return }
        switch decided.reason {
        case .deadlineWithQuorum, .deadlineWithoutQuorum:
            explanation.chain.add(
                decided.deciding.rawValue, "the deadline passes", .deadline, causes: [round])
        case .nullifierSpent:
            explanation.chain.add(
                decided.deciding.rawValue, "another request spends its nullifier", .conflict,
                causes: [round])
        case .quorumApproved, .approvalOutOfReach: break
        }
    }

    private mutating func tellRequest() {
        let message = history.message
        let holds = message.isSigned(in: ledger) ? "holds" : "does NOT hold"
        let submitter = Words.submitter(history.round.request.submitter, history.names)
        explanation.say(
            "\(submitter) asked to pay \(message.amount.rawValue) to \(message.recipient.hex)"
                + " under circuit \(history.circuitName), in batch \(history.height.rawValue); the"
                + " signature \(holds).",
            rule: "a listed submitter, within its quota", amount: "\(message.amount.rawValue)",
            entry: history.entry)
    }

    private var ledger: LedgerID { history.ledger }

    private mutating func tellRound() {
        let round = history.round
        explanation.say(
            "\(Words.count(round.pinned.members.count, "validator")) could vote until"
                + " \(UTC.text(round.opened.deadline)), and \(round.threshold) approvals approve.",
            rule: "those in office when the round opens are pinned",
            amount: "T = \(round.threshold)", entry: history.entry + 1)
        guard let leader = round.pinned.position(of: round.opened.leader) else { return }
        let member = round.pinned.members[leader]
        explanation.say(
            "\(name(member.index)) led: of all pinned, its hash times its weight (stake"
                + " \(member.stake.rawValue), reputation \(UTC.points(member.reputation))) is the"
                + " largest.",
            rule: "argmax of H(seed || key) * weight", amount: "stake \(member.stake.rawValue)",
            entry: history.entry + 1)
    }

    private mutating func tellVotes() {
        for vote in Vote.allCases {
            let those = history.votes.filter { $0.message.vote == vote }
            guard !those.isEmpty else { continue }
            let said = those.map { "\(name($0.validator)) (\($0.message.reason.jsonName))" }
            let bad = those.filter { !$0.message.isSigned(in: ledger) }
            let signed =
                bad.isEmpty
                ? "every signature holds"
                : "the signatures of \(Words.list(bad.map { name($0.validator) })) do NOT hold"
            explanation.say(
                "\(Words.count(those.count, "validator")) voted \(vote.jsonName):"
                    + " \(Words.list(said)); \(signed).",
                rule: "the first vote of each stands", amount: "\(those.count)",
                entry: those.count == 1 ? those[0].entry : nil)
        }
        let silent = history.round.pinned.members.filter { member in
            !history.votes.contains { $0.validator == member.index }
        }
        if !silent.isEmpty {
            explanation.say(
                "\(Words.list(silent.map { name($0.index) })) did not vote.",
                amount: "\(silent.count)")
        }
    }

    private mutating func tellDecision() {
        guard let (entry, decided) = history.decision else {
            return explanation.say("It is not decided yet.")
        }
        let spare = Int(decided.approvals) - history.round.threshold
        let margin =
            switch decided.reason {
            case .quorumApproved: "\(decided.approvals) of \(history.round.threshold) were there"
            case .approvalOutOfReach:
                "\(history.round.threshold) could no more be reached, with"
                    + " \(-spare) lacking"
            case .deadlineWithQuorum, .deadlineWithoutQuorum: "\(-spare) approvals were lacking"
            case .nullifierSpent: "its own votes no longer mattered"
            }
        explanation.say(
            "It was \(decided.outcome.jsonName) by \(decider(decided)): \(margin), margin"
                + " \(decided.margin).",
            rule: decided.reason.jsonName, amount: "margin \(decided.margin)", entry: entry)
    }

    private func decider(_ decided: OutcomeDecided) -> String {
        let entry = decided.deciding.rawValue
        if let vote = history.votes.first(where: { $0.entry == entry }) {
            return "the vote of \(name(vote.validator)) at entry \(entry)"
        }
        return decided.reason == .nullifierSpent
            ? "the vote at entry \(entry), which approved another request with its nullifier"
            : "the batch of entry \(entry), after the deadline"
    }

    private mutating func tellProof() {
        let wrong: Vote
        let said: String
        switch history.verifyProof() {
        case .holds: (wrong, said) = (.reject, "holds")
        case .fails: (wrong, said) = (.approve, "does not hold")
        case .unjudged(let reason):
            return explanation.say("The proof cannot be verified: \(reason).")
        }
        let liars = history.votes.filter { $0.message.vote == wrong }
        let contradicted =
            liars.isEmpty
            ? "no vote contradicts that"
            : "the votes of \(Words.list(liars.map { name($0.validator) })) contradict that"
        explanation.say(
            "Verified now, the proof \(said); \(contradicted).",
            rule: "Groth16 under the circuit's key", amount: "\(liars.count)")
    }

    private mutating func tellConsequences() {
        for logged in history.events {
            switch logged.event {
            case .nullifierSpent(let spent):
                explanation.say(
                    "Nullifier \(spent.nullifier.hex) was spent.", rule: "with approval",
                    entry: logged.index)
            case .nullifierReleased(let released):
                explanation.say(
                    "Nullifier \(released.nullifier.hex) was released.",
                    rule: "with a payment that failed for good", entry: logged.index)
            case .settlementOrdered(let ordered):
                explanation.say(
                    "The bridge was ordered to pay, and \(name(ordered.leader)) to submit it.",
                    rule: "with approval", amount: "\(ordered.amount.rawValue)",
                    entry: logged.index)
            case .settlementReported(let reported):
                explanation.say(
                    "The bridge reported it as \(reported.result.jsonName).",
                    rule: "the first report stands", entry: logged.index)
            default: continue
            }
        }
    }

    private mutating func tellReputations() {
        for cause in [ReputationCause.correct, .bonus, .incorrect, .missed, .equivocation] {
            var names: [String] = []
            var entry: UInt64?
            for logged in history.events {
                guard case .reputationChanged(let changed) = logged.event, changed.cause == cause
                else { continue }
                names.append(name(changed.validator))
                entry = logged.index
            }
            guard !names.isEmpty else { continue }
            explanation.say(
                "\(Words.points(cause.points)) points each for \(Words.list(names)).",
                rule: "\(cause)", amount: Words.points(cause.points),
                entry: names.count == 1 ? entry : nil)
        }
    }

    private mutating func tellVersions() {
        guard !history.votes.isEmpty else { return }
        var versions: [(program: String, names: [String])] = []
        for vote in history.votes {
            let program = vote.program.map { "recount \($0)" } ?? "a version never announced"
            if let place = versions.firstIndex(where: { $0.program == program }) {
                versions[place].names.append(name(vote.validator))
            } else {
                versions.append((program, [name(vote.validator)]))
            }
        }
        let said = versions.map { "\(Words.list($0.names)) ran \($0.program)" }
        explanation.say(said.joined(separator: "; ") + ".")
    }
}

/// Why a nullifier is spent, released or free.
enum NullifierReason {
    static func explain(_ digits: String, _ source: WhySource) throws(WhyError) -> Explanation {
        if let found = placed(digits, source), found.holds { return found }
        var found: [Bytes32: UInt64] = [:]
        try WhyFold.run(source.log) { entry, _ in
            guard case .nullifierSpent(let spent) = entry.event,
                spent.nullifier.hex.hasPrefix(digits)
            else { return }
            found[spent.nullifier] = spent.request.rawValue
        }
        guard let (nullifier, request) = found.min(by: { $0.key.hex < $1.key.hex }) else {
            throw .notFound
        }
        guard found.count == 1 else {
            throw .ambiguous(found.keys.map(\.hex).sorted().prefix(5).map { $0 })
        }
        let history = try WhyFold.request(.entry(request), in: source.log)
        return explanation(of: nullifier, history, source)
    }

    /// The same, read where the index says that it stands; nil where it does not say so.
    static func placed(_ digits: String, _ source: WhySource) -> Explanation? {
        guard let (nullifier, request) = source.index?.spender(ofNullifier: digits),
            nullifier.hex.hasPrefix(digits), let history = source.placed("\(request)"),
            history.entry == request
        else { return nil }
        let spends = history.events.contains { logged in
            if case .nullifierSpent(let spent) = logged.event {
                return spent.nullifier == nullifier
            }
            return false
        }
        return spends ? explanation(of: nullifier, history, source) : nil
    }

    private static func explanation(
        of nullifier: Bytes32, _ history: RequestHistory, _ source: WhySource
    ) -> Explanation {
        var reason = RequestReason(
            history, kind: .nullifier, thing: "nullifier \(nullifier.hex)")
        reason.build()
        addCondition(of: nullifier, to: &reason)
        reason.explanation.proof = RequestReason.proof(history, source.path)
        return reason.explanation
    }

    /// The spending and the release, after the chain of the request's outcome.
    private static func addCondition(of nullifier: Bytes32, to reason: inout RequestReason) {
        var last = reason.explanation.chain.links.indices.filter { $0 >= 2 }
        var state = "unspent"
        for logged in reason.history.events {
            let fact: LinkFact
            let label: String
            switch logged.event {
            case .nullifierSpent(let spent) where spent.nullifier == nullifier:
                (fact, label, state) = (.spent, "the nullifier is spent", "spent")
            case .settlementReported(let report) where report.result == .failed:
                (fact, label) = (.failed, "the bridge reports the payment as failed")
                state = "spent, its payment failed"
            case .nullifierReleased(let released) where released.nullifier == nullifier:
                (fact, label) = (.released, "the nullifier is released")
                state = "released after it was spent"
            default: continue
            }
            last = [reason.explanation.chain.add(logged.index, label, fact, causes: last)]
        }
        reason.explanation.stated = reason.explanation.stated.map { "\(state): \($0)" }
    }
}
