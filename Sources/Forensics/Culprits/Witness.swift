// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication
internal import Storage

/// One ledger in which culprits are looked for, and what one pass over its log has shown.
struct Witness {
    /// Who orders a height.
    struct Ordering: Hashable {
        let keys: [ValidatorIndex: PublicKey]
        let threshold: Int

        init(_ sealed: SealedMembers) {
            keys = Dictionary(uniqueKeysWithValues: sealed.members.map { ($0.index, $0.key) })
            threshold = Int(sealed.parameters.threshold)
        }
    }

    /// A precommit of a batch in the log.
    struct Precommit {
        let round: UInt32
        let signature: Signature
        /// The entry that opens the batch, and the size of the log after it.
        let opening: UInt64
        let size: UInt64
    }

    /// A proposal of a batch in the log by one who did not lead.
    struct Usurpation {
        let proposer: ValidatorIndex
        /// Nil where it is the opening in the log.
        let proposed: ProposedValue?
        /// The size of the log before the batch.
        let start: UInt64
    }

    /// Heights behind a parting whose precommits are kept to be compared.
    static let partedHeightsMax = 4_096
    /// Proposals by others than the leader that are kept.
    private static let usurpationsMax = 100

    /// What it is called.
    let name: String
    let log: EventLog
    let disk: any Disk
    /// From this entry on another ledger may say something else; nil where none does.
    let parting: UInt64?
    /// The state after the last entry that could be taken in.
    private(set) var state = LedgerState()
    /// Who ordered each height of which anything is to be compared.
    private(set) var orderings: [Height: Ordering] = [:]
    /// The newest precommit in the log of each validator.
    private(set) var precommits: [ValidatorIndex: Precommit] = [:]
    private(set) var usurpations: [Usurpation] = []
    /// Why the log could not be folded to its end; nil where it could.
    private(set) var stop: String?

    private var ranking: [ValidatorIndex] = []
    /// Heights of which a certificate lies beside the log.
    private var stored: [Height] = []
    private var opened: (height: Height, entry: UInt64, by: SealedMembers)?
    private var openedBefore: (height: Height, by: SealedMembers)?
    private var partedHeights = 0
    private var failure: CulpritError?

    init(name: String, log: EventLog, disk: any Disk, parting: UInt64?) {
        self.name = name
        self.log = log
        self.disk = disk
        self.parting = parting
    }

    /// Reads the whole log, and adds what is signed in it to the book.
    ///
    /// Votes and results are added where another input says something on them too, or may.
    mutating func read(into book: inout StatementBook) throws(CulpritError) {
        try readRefused(into: &book)
        do throws(DiskError) { stored = try store.heights() } catch { stored = [] }
        var other = self
        var kept = book
        do throws(FoldFailure) {
            try LedgerFold.run(
                log, into: &other.state,
                didApply: { entry, state in
                    // The state lives in `other`, which the fold holds: the rest is kept in `self`.
                    do throws(CulpritError) {
                        try read(entry.event, &state, &kept)
                        return true
                    } catch {
                        failure = error
                        return false
                    }
                })
        } catch {
            stop = "\(name): entry \(other.state.size) ends what can be read: \(error.problem)"
        }
        state = other.state
        book = kept
        if let failure { throw failure }
        try readStore(into: &book)
    }

    /// Messages that the rules have refused contradict what the log holds, often.
    private func readRefused(into book: inout StatementBook) throws(CulpritError) {
        var kept = book
        do {
            try log.forEach(from: 0, to: log.size) { _, bytes in
                guard bytes[0] == 9 else { return }
                var copy: [UInt8] = []
                for place in bytes.indices { copy.append(bytes[place]) }
                guard case .messageRefused(let refused) = try Event(decoding: copy) else { return }
                try kept.add(refused.message)
            }
        } catch let error as CulpritError {
            throw error
        } catch {
            // The pass over the whole log says what cannot be read.
        }
        book = kept
    }

    private mutating func read(
        _ event: Event, _ state: inout LedgerState, _ book: inout StatementBook
    ) throws(CulpritError) {
        let entry = state.size - 1
        let isParted = parting.map { entry >= $0 } ?? false
        switch event {
        case .batchOpened(let batch): try read(batch, at: entry, isParted, state, &book)
        case .batchSealed:
            find(proposalsOf: state.height, state, book)
            ranking = state.proposerRanking(height: Height(state.height.rawValue + 1))
        case .voteCast, .votesCast, .resultReported, .settlementReported:
            for (matter, statement) in state.message(of: event)?.said ?? []
            where isParted || book.knows(matter) {
                try book.add(statement, on: matter.slot, by: matter.key)
            }
        case .evidenceSubmitted:
            guard case .evidence(let evidence)? = state.message(of: event) else { return }
            book.add(evidence)
        default: return
        }
    }

    private mutating func read(
        _ batch: BatchOpened, at entry: UInt64, _ isParted: Bool, _ state: LedgerState,
        _ book: inout StatementBook
    ) throws(CulpritError) {
        if let opened, !batch.precommits.isEmpty {
            try read(
                Precommits(
                    height: opened.height, round: batch.precommitRound, root: batch.previousRoot,
                    signatures: batch.precommits), before: entry, isParted, &book)
        }
        openedBefore = opened.map { ($0.height, $0.by) }
        opened = (batch.height, entry, state.sealedBefore)
        if isParted { partedHeights += 1 }
        if isParted || book.ordering[batch.height] != nil || stored.contains(batch.height) {
            orderings[batch.height] = Ordering(state.sealedBefore)
        }
        guard !ranking.isEmpty, ranking[Int(batch.round) % ranking.count] != batch.proposer else {
            return
        }
        add(Usurpation(proposer: batch.proposer, proposed: nil, start: entry))
    }

    private mutating func add(_ usurpation: Usurpation) {
        if usurpations.count < Self.usurpationsMax { usurpations.append(usurpation) }
    }

    /// Reads the certificate of a batch that the log holds.
    private mutating func read(
        _ certificate: Precommits, before end: UInt64, _ isParted: Bool,
        _ book: inout StatementBook
    ) throws(CulpritError) {
        if let opened {
            for signed in certificate.signatures {
                precommits[signed.validator] = Precommit(
                    round: certificate.round, signature: signed.signature, opening: opened.entry,
                    size: end)
            }
        }
        let isCompared = isParted && partedHeights <= Self.partedHeightsMax
        guard isCompared || book.ordering[certificate.height] != nil else { return }
        // The batch may have been opened before its entries part.
        if let opened, orderings[certificate.height] == nil {
            orderings[certificate.height] = Ordering(opened.by)
        }
        for statement in TracedStatement.precommits(certificate) { try book.add(statement) }
    }

    /// Proposals of the batch just sealed by those who did not lead its rounds.
    private mutating func find(
        proposalsOf height: Height, _ state: LedgerState, _ book: StatementBook
    ) {
        guard let start = opened?.entry, !ranking.isEmpty else { return }
        let proposals = (book.ordering[height] ?? []).compactMap { statement in
            if case .proposal(let value, let proposer) = statement {
                (value, proposer)
            } else {
                nil
            }
        }.filter { value, proposer in
            ranking[Int(value.round) % ranking.count] != proposer
        }
        guard !proposals.isEmpty else { return }
        do throws(LogError) {
            let root = try log.root(at: state.size)
            for (value, proposer) in proposals where value.value == root {
                add(Usurpation(proposer: proposer, proposed: value, start: start))
            }
        } catch {
            return  // What cannot be read is told by the pass over the log.
        }
    }

    private var store: PrecommitStore {
        PrecommitStore(ledgerDirectory: log.directory, disk: disk)
    }

    /// The precommits of the last batches stand beside the log.
    private mutating func readStore(into book: inout StatementBook) throws(CulpritError) {
        let next = Height(state.height.rawValue + 1)
        if book.ordering[next] != nil || parting != nil {
            orderings[next] = Ordering(state.sealedLast)
        }
        for height in stored {
            let found: Precommits
            do throws(PrecommitStoreError) { found = try store.load(height) } catch { continue }
            if height == state.height, height.rawValue > 0 {
                if orderings[height] == nil { orderings[height] = Ordering(state.sealedBefore) }
                try read(found, before: state.size, true, &book)
            } else {
                if let openedBefore, height == openedBefore.height, orderings[height] == nil {
                    orderings[height] = Ordering(openedBefore.by)
                }
                for statement in TracedStatement.precommits(found) { try book.add(statement) }
            }
        }
    }
}

extension Witness {
    /// What a validator has signed of this log by its newest precommit; nil where it has not.
    func head(of validator: ValidatorIndex) throws(LogError) -> (signed: SignedHead, size: UInt64)?
    {
        guard let precommit = precommits[validator] else { return nil }
        return (
            .precommit(
                round: precommit.round, precommit.signature,
                end: try SealedEnd(of: log, at: precommit.size),
                opening: try log.entry(at: precommit.opening), place: precommit.opening,
                proof: try log.inclusionProof(index: precommit.opening, size: precommit.size)),
            precommit.opening
        )
    }
}
