// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import GRDB
internal import Ledger

/// The fold of a log into the tables of one connection, from the events alone.
///
/// It is not the fold of Storage, which takes entries into a `LedgerState`: what the tables say
/// rests on no other part of the program than the log, so that the two can be compared.
///
/// Keeps in memory who the validators are, and the rows that are not written yet; `flush` writes
/// them. Whoever runs it opens and ends the transactions. After an error it is of no more use.
final class Projector {
    /// A validator as the events so far have it.
    struct Validator {
        let key: PublicKey
        let name: String
        var stake: UInt64
        var reputation: UInt64
        var isMember: Bool
    }

    let database: Database
    let tables: TableStatements

    /// The ledger; of no meaning before the first entry.
    var ledger = LedgerID(.zero)
    var parameters = Parameters.standard
    var validators: [Validator] = []
    var validatorNumbers: [PublicKey: Int] = [:]
    var submitters: [PublicKey] = []
    var submitterNumbers: [PublicKey: Int] = [:]
    var circuits: [CircuitID] = []

    /// Entries taken in.
    var entries: UInt64 = 0
    /// Entries taken in when the last batch was sealed: none after them is ever committed.
    var sealedEntries: UInt64 = 0
    /// The last batch that was opened, and whether it is open still.
    var opened: (entry: UInt64, event: BatchOpened)?
    var isOpen = false
    /// The time of batch 0.
    var openedTime: UInt64 = 0
    /// The last seal.
    var sealed: BatchSealed?

    /// Sums over all entries so far, by validator, and those that are written.
    var tallies: [ValidatorTally] = []
    var writtenTallies: [ValidatorTally] = []
    /// Those whose votes the close at hand proves wrong.
    var wrong: [Int] = []
    /// What the proposers of the next batch are ranked by, but for their reputations.
    var ranked = SealedStakes(parameters: .standard)

    // Rows that are not written yet, in the order of their entries, and where they are.
    var requests: [RequestRow] = []
    var requestPlaces: [UInt64: Int] = [:]
    var jobs: [JobRow] = []
    var jobPlaces: [UInt64: Int] = [:]
    var settlements: [SettlementRow] = []
    var settlementPlaces: [UInt64: Int] = [:]
    var nullifiers: [NullifierRow] = []
    var nullifierPlaces: [NullifierKey: Int] = [:]
    var reputations: [ReputationRow] = []
    var changedValidators: Set<Int> = []

    struct NullifierKey: Hashable {
        let request: UInt64
        let nullifier: Bytes32
    }

    /// Starts with empty tables.
    init(_ database: Database) throws {
        self.database = database
        tables = try TableStatements(database)
    }

    /// The height of the batch that an entry belongs to.
    var height: UInt64 { opened?.event.height.rawValue ?? 0 }

    func fail(_ problem: String) -> FoldProblem { FoldProblem(entry: entries, problem: problem) }

    /// Folds the next entry, which lies in a part of `bytes`.
    func fold(_ bytes: [UInt8], in range: Range<Int>) throws {
        let event: Event
        do throws(DecodingError) { event = try Event(decoding: bytes, in: range) } catch {
            throw fail("\(error)")
        }
        if entries == 0 {
            guard case .ledgerOpened = event else { throw fail("it does not open a ledger") }
            ledger = LedgerID(Digest(hashing: Array(bytes[range])))
        }
        try apply(event)
        entries += 1
        if case .batchSealed = event { sealedEntries = entries }
    }

    private func apply(_ event: Event) throws {
        switch event {
        case .voteCast(let event): try apply(event)
        case .votesCast(let list): for cast in list.casts { try apply(cast) }
        case .reputationChanged(let event): try apply(event)
        case .requestSubmitted(let event): try apply(event)
        case .roundOpened(let event): try apply(event)
        case .outcomeDecided(let event): try apply(event)
        case .nullifierSpent(let event): try apply(event, isSpent: true)
        case .nullifierReleased(let event): try apply(event, isSpent: false)
        case .settlementOrdered(let event): try apply(event)
        case .settlementReported(let event): try apply(event)
        case .roundClosed(let event): try apply(event)
        case .disagreementRecorded(let event): try apply(event)
        case .jobSubmitted(let event): try apply(event)
        case .jobAssigned(let event): try apply(event)
        case .resultReported(let event): try apply(event)
        case .jobDecided(let event): try apply(event)
        case .batchOpened(let event): try apply(event)
        case .batchSealed(let event): try apply(event)
        case .ledgerOpened(let event): try apply(event)
        case .governanceApproved(let event): try apply(event)
        case .evidenceSubmitted(let event): try apply(event)
        case .equivocationFound: break
        case .reputationDecayed: try applyDecay()
        case .messageRefused(let event): try apply(event)
        case .validatorAnnounced(let event): try apply(event)
        }
    }

    /// Writes every row that is held.
    func flush() throws {
        for row in requests { try row.write(tables) }
        for row in nullifiers { try row.write(tables) }
        for row in settlements { try row.write(tables) }
        for row in jobs { try row.write(tables) }
        // In the order of the table, which is that of validators first.
        reputations.sort { ($0.validator, $0.entry) < ($1.validator, $1.entry) }
        for row in reputations { try row.write(tables) }
        for number in changedValidators.sorted() {
            let validator = validators[number]
            tables.validator.bind(number)
            tables.validator.bind(validator.key.value)
            tables.validator.bind(validator.name)
            tables.validator.bind(validator.stake)
            tables.validator.bind(validator.reputation)
            tables.validator.bind(validator.isMember ? 1 : 0)
            try tables.validator.run()
        }
        try writeTallies()
        requests.removeAll(keepingCapacity: true)
        requestPlaces.removeAll(keepingCapacity: true)
        nullifiers.removeAll(keepingCapacity: true)
        nullifierPlaces.removeAll(keepingCapacity: true)
        settlements.removeAll(keepingCapacity: true)
        settlementPlaces.removeAll(keepingCapacity: true)
        jobs.removeAll(keepingCapacity: true)
        jobPlaces.removeAll(keepingCapacity: true)
        reputations.removeAll(keepingCapacity: true)
        changedValidators.removeAll(keepingCapacity: true)
    }
}
