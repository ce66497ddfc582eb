// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import Replication

/// Signed statements from everywhere, to be held against each other.
struct StatementBook {
    /// What a party may say only once.
    struct Matter: Hashable {
        let key: PublicKey
        let slot: EvidenceSlot
    }

    let ledger: LedgerID
    let heights: ClosedRange<UInt64>
    /// Of votes, results and reports, one that was said on each matter.
    private var said: [Matter: Statement] = [:]
    /// Two that contradict each other, once for each matter.
    private(set) var contradictions: [Matter: EvidenceMessage] = [:]
    /// Proposals, prevotes and precommits, by height; each once.
    private(set) var ordering: [Height: Set<TracedStatement>] = [:]
    private var count = 0

    init(ledger: LedgerID, heights: ClosedRange<UInt64>) {
        self.ledger = ledger
        self.heights = heights
    }

    /// The heights of which anything was said, ascending.
    var spoken: [Height] { ordering.keys.sorted() }

    /// Whether anything was said on a matter.
    func knows(_ matter: Matter) -> Bool { said[matter] != nil }

    /// Adds a statement on the order of batches; its signature is looked at later.
    mutating func add(_ statement: TracedStatement) throws(CulpritError) {
        guard heights.contains(statement.height.rawValue) else { return }
        if ordering[statement.height, default: []].insert(statement).inserted { try grow() }
    }

    /// Adds a vote, result or report.
    ///
    /// Signatures are looked at where two contradict each other: one that is forged gives way, so
    /// that it hides nothing.
    mutating func add(
        _ statement: Statement, on slot: EvidenceSlot, by key: PublicKey
    ) throws(CulpritError) {
        let matter = Matter(key: key, slot: slot)
        guard let earlier = said[matter] else {
            said[matter] = statement
            return try grow()
        }
        guard earlier != statement, contradictions[matter] == nil else { return }
        guard isSigned(earlier, matter), !earlier.isAbstention else {
            said[matter] = statement
            return
        }
        guard slot.ruled.isContradicted(by: earlier, statement), isSigned(statement, matter) else {
            return
        }
        contradictions[matter] = EvidenceMessage(
            validator: key, slot: slot, first: earlier, second: statement)
    }

    /// Adds what a ledger has convicted somebody of, where it is signed.
    mutating func add(_ evidence: EvidenceMessage) {
        let matter = Matter(key: evidence.validator, slot: evidence.slot)
        guard contradictions[matter] == nil, evidence.isSigned(in: ledger) else { return }
        contradictions[matter] = evidence
    }

    private func isSigned(_ statement: Statement, _ matter: Matter) -> Bool {
        EvidenceMessage(
            validator: matter.key, slot: matter.slot, first: statement, second: statement
        ).isSigned(in: ledger)
    }

    private mutating func grow() throws(CulpritError) {
        count += 1
        guard count <= CulpritInputs.statementsMax else {
            throw .tooManyStatements(max: CulpritInputs.statementsMax)
        }
    }
}

extension StatementBook {
    /// Adds a message in which a party says something only once; others say nothing here.
    mutating func add(_ message: Message) throws(CulpritError) {
        for (matter, statement) in message.said {
            try add(statement, on: matter.slot, by: matter.key)
        }
    }

    /// Adds a vote on a request.
    mutating func add(_ signed: SignedVote) throws(CulpritError) {
        try add(signed.statement, on: .vote(signed.vote.request), by: signed.vote.validator)
    }
}

extension Message {
    /// What is said by whom on what, of votes, a result or a report.
    var said: [(matter: StatementBook.Matter, statement: Statement)] {
        switch self {
        case .vote, .votes:
            signedVotes.map { signed in
                let vote = signed.vote
                return (
                    StatementBook.Matter(key: vote.validator, slot: .vote(vote.request)),
                    signed.statement
                )
            }
        case .result(let result):
            [
                (
                    StatementBook.Matter(key: result.validator, slot: .result(result.job)),
                    .result(
                        result.status, output: result.output, fuel: result.fuel, result.signature)
                )
            ]
        case .settlement(let report):
            [
                (
                    StatementBook.Matter(key: report.bridge, slot: .settlement(report.request)),
                    .settlement(report.result, reference: report.reference, report.signature)
                )
            ]
        default: []
        }
    }
}

extension Statement {
    /// Whether it contradicts nothing, so that another may take its place.
    fileprivate var isAbstention: Bool {
        switch self {
        case .vote, .listedVote: vote == .abstain
        case .result(let status, _, _, _): status.kind == .abstained
        default: false
        }
    }
}
