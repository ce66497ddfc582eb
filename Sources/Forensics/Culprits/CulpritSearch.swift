// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import Compute
internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication

/// Looks for everyone who is proved to have contradicted itself or the mathematics.
///
/// Nothing is believed that is not signed, and nobody is *proved* by what a file of evidence does
/// not show by itself: each is checked as a stranger would check it before it is told.
package struct CulpritSearch {
    var inputs: CulpritInputs
    var report = CulpritReport()
    var book: StatementBook
    var witnesses: [Witness] = []
    var checkpoints: [NamedCheckpoint] = []
    /// The contradictions of the book that are charged already.
    var toldMatters: Set<StatementBook.Matter> = []
    var cases: [NamedCase] = []
    /// Who ordered the heights of which the cases speak.
    var caseOrderings: [Height: [Witness.Ordering]] = [:]
    var names = PartyNames()
    /// Whether T validators are shown to have signed each of two batches of one height.
    var isForkShown = false
    let ledger: LedgerID
    private let progress: (AuditProgress) -> Void

    /// Looks in all inputs. `progress` hears how far each audit is.
    package static func run(
        _ inputs: CulpritInputs, progress: @escaping (AuditProgress) -> Void = { _ in }
    ) throws(CulpritError) -> CulpritReport {
        var search = try CulpritSearch(inputs, progress)
        try search.readJournals()
        try search.readCertificates()
        search.readCheckpoints()
        try search.readCases()
        for place in search.witnesses.indices {
            try search.witnesses[place].read(into: &search.book)
            search.names.add(namesOf: search.witnesses[place].state)
            if let stop = search.witnesses[place].stop { search.report.unread.append(stop) }
        }
        for known in search.cases { search.names.add(namesOf: known.state) }
        search.findContradictions()
        search.findForks()
        search.findUsurpations()
        try search.compareCheckpoints()
        if inputs.recounts { for place in search.witnesses.indices { search.recount(place) } }
        search.judgeCases()
        search.tellParting()
        search.tellLacking()
        return search.report
    }

    private init(
        _ inputs: CulpritInputs, _ progress: @escaping (AuditProgress) -> Void
    ) throws(CulpritError) {
        self.inputs = inputs
        self.progress = progress
        var opened: [(name: String, log: EventLog, ledger: LedgerID)] = []
        for place in inputs.ledgers {
            do throws(LogError) {
                let log = try LedgerDirectory.open(place.path, disk: inputs.disk)
                guard log.size > 0 else {
                    report.unread.append("\(place.name): the log has no entry")
                    continue
                }
                let id = LedgerID(Digest(hashing: try log.entry(at: 0)))
                opened.append((place.name, log, id))
            } catch {
                report.unread.append("\(place.name): \(error)")
            }
        }
        guard let first = opened.first else { throw .noLedger(report.unread) }
        if let other = opened.first(where: { $0.ledger != first.ledger }) {
            throw .otherLedger(first.name, other.name)
        }
        ledger = first.ledger
        report.ledger = ledger.hex
        book = StatementBook(ledger: ledger, heights: inputs.heights)
        let names = Set(opened.map(\.name))
        let parting = Self.parting(
            of: inputs.ledgers.filter { names.contains($0.name) }, inputs.disk,
            into: &report.unread)
        witnesses = opened.map { name, log, _ in
            Witness(name: name, log: log, disk: inputs.disk, parting: parting)
        }
    }

    /// The first entry in which any two of the ledgers contradict each other.
    private static func parting(
        of ledgers: [CulpritInputs.Place], _ disk: any Disk, into unread: inout [String]
    ) -> UInt64? {
        var copies: [HistoryCopy] = []
        var first: UInt64?
        for place in ledgers {
            do throws(CopyError) {
                let copy = try HistoryCopy.open(place.path, name: place.name, disk: disk)
                for other in copies {
                    guard let entry = try Parting(other, copy).first else { continue }
                    first = min(first ?? entry, entry)
                }
                copies.append(copy)
            } catch {
                unread.append("\(place.name): \(error)")
            }
        }
        return first
    }

    /// Takes a charge where it holds as a stranger would judge it; returns whether it does.
    @discardableResult
    mutating func charge(_ charge: Charge) -> Bool { judge(charge) == nil }

    /// Takes a charge where it holds as a stranger would judge it; returns why it does not.
    mutating func judge(_ charge: Charge) -> EvidenceFlaw? {
        let file = EvidenceFile(ledger: ledger, charge: charge)
        do throws(EvidenceFlaw) {
            let keys = try file.check { job, milliseconds in
                guard let engine = inputs.engine else { return JobOutcome(JobStatus(.noEngine)) }
                let runner = JobRunner { .success(engine) }
                defer { runner.stop() }
                return runner.run(job, within: milliseconds)
            }
            report.add(file, against: keys, names)
            return nil
        } catch {
            return error
        }
    }

    /// Ledgers that part, and no fork is shown that would explain it.
    private mutating func tellParting() {
        guard let parting = witnesses.first?.parting, !isForkShown else { return }
        report.unprovable.append(
            CulpritReport.Unprovable(
                found: "the ledgers part at entry \(parting)",
                reason: "no two batches of one height are each signed by T there: whoever wrote"
                    + " one of the copies may have changed it; recount diff says how they differ"))
    }

    /// The audit of a ledger, with what this search was asked for.
    func audit(_ witness: Witness) throws(LogError) -> AuditReport {
        try Auditor.run(
            directory: witness.log.directory, disk: inputs.disk,
            options: AuditOptions(recompute: inputs.engine), progress: progress)
    }
}

// MARK: - Reading

extension CulpritSearch {
    private mutating func readJournals() throws(CulpritError) {
        for place in inputs.journals {
            let owned = OwnWords(ledger: ledger)
            let directory = JournalPlace.locate(place.path, disk: inputs.disk)
            do throws(JournalError) {
                let reading = try VoteJournal.forEachWord(
                    in: directory, disk: inputs.disk, owned.add)
                if reading.unreadable > 0 {
                    report.unread.append(
                        "\(place.name): \(reading.unreadable) of \(reading.entries) entries are"
                            + " nothing that a journal holds")
                }
                if owned.isBegunAnew {
                    report.unread.append(
                        "\(place.name): the journal was lost and begun anew; what its owner signed"
                            + " before is not in it")
                }
            } catch {
                report.unread.append("\(place.name): \(error.words)")
                continue
            }
            for vote in owned.votes { try book.add(vote) }
            for message in owned.messages { try book.add(message) }
            for statement in owned.statements { try book.add(statement) }
        }
    }

    private mutating func readCertificates() throws(CulpritError) {
        for file in inputs.certificates {
            do {
                if file.bytes.starts(with: Certificate.magic) {
                    try add(try Certificate(file.bytes), file.name)
                } else {
                    let found = try PrecommitFile.read(file)
                    for statement in TracedStatement.precommits(found) {
                        try book.add(statement)
                    }
                }
            } catch let error as CulpritError {
                throw error
            } catch {
                report.unread.append("\(file.name): \(error)")
            }
        }
    }

    /// A certificate of a decision shows votes, and the checkpoint that it rests on.
    private mutating func add(_ certificate: Certificate, _ name: String) throws(CulpritError) {
        inputs.checkpoints.append((certificate.note, name))
        for (slot, key, statement) in certificate.votes(in: ledger) {
            try book.add(statement, on: slot, by: key)
        }
    }
}

/// What one journal says, in order.
private final class OwnWords {
    private let ledger: LedgerID
    private var owner: ValidatorIndex?
    private var early: [ProposedValue] = []
    private(set) var messages: [Message] = []
    private(set) var votes: [SignedVote] = []
    private(set) var statements: [TracedStatement] = []
    private(set) var isBegunAnew = false

    init(ledger: LedgerID) { self.ledger = ledger }

    /// A proposal is the owner's, whose number its own votes tell; signatures are looked at later.
    func add(_ word: JournalWord) {
        switch word {
        case .proposed(let value):
            guard let owner else {
                early.append(value)
                return
            }
            statements.append(.proposal(value, proposer: owner))
        case .cast(let vote):
            statements.append(.vote(vote))
            guard owner == nil else { return }
            owner = vote.validator
            statements += early.map { .proposal($0, proposer: vote.validator) }
            early = []
        case .received(let vote): statements.append(.vote(vote))
        case .voted(let vote): votes.append(vote)
        case .reported(let result): messages.append(.result(result))
        case .begunAnew: isBegunAnew = true
        }
    }
}
