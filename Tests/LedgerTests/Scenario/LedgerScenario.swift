// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Testing

/// What a scenario starts with; everything else has one fixed value.
struct Setup {
    var validators = 4
    var threshold: UInt32 = 3
    var stakes: [UInt64] = []
    var quota: UInt32 = 1000
    var circuits = [GenesisCircuit(circuit: Fixture.circuit, roots: [Fixture.root])]
    /// 2026-03-01 00:00:00 UTC and one minute.
    var start = Time(20_513 * 86_400_000 + 60_000)
    var parameters = Parameters.standard
    /// False skips signing and checking, where a test enumerates thousands of votes.
    var signs = true
    /// True where a test asks for the state after each entry.
    var keepsStates = false

    static func of(_ validators: Int, _ threshold: UInt32, signs: Bool = true) -> Setup {
        Setup(validators: validators, threshold: threshold, signs: signs)
    }
}

/// A ledger in memory: the state, the log, its root, and the keys of everybody in it.
struct LedgerScenario {
    private(set) var state = LedgerState()
    private(set) var frontier = MerkleFrontier()
    private(set) var log: [Event] = []
    /// The component roots of every seal, as the live state gave them.
    private(set) var seals: [BatchSealed] = []
    /// The commands that gave the entries, with the index of the first of each.
    private(set) var inputs: [Int] = []
    /// The state after each entry, where they are kept.
    private(set) var states: [LedgerState] = []
    /// The keys of the first validators.
    let keys: [SigningKey]
    let submitter = Fixture.key(200)
    let bridge = Fixture.key(201)
    /// When the ledger was made.
    let start: Time
    let signs: Bool
    private let keepsStates: Bool
    private var nextNullifier: UInt64 = 1_000

    var ledger: LedgerID { state.ledger }

    /// The log, as bytes.
    var entries: [[UInt8]] { log.map(\.encoded) }

    init(_ setup: Setup = Setup()) throws {
        keys = (0..<setup.validators).map { Fixture.key(UInt16($0)) }
        start = setup.start
        signs = setup.signs
        keepsStates = setup.keepsStates
        try take(.openLedger(Fixture.opened(setup)))
        try take(.seal(size: state.size, root: frontier.root))
    }

    // MARK: Commands

    /// Decides a command and folds what it gives.
    @discardableResult
    mutating func take(_ command: Command) throws(Refusal) -> [Event] {
        let entries = try fold(command)
        inputs.append(log.count)
        for entry in entries {
            frontier.append(leafHash: entry.leafHash)
            log.append(entry.event)
            guard case .batchSealed(let sealed) = entry.event else { continue }
            seals.append(sealed)
            checkSoundness()
        }
        return entries.map(\.event)
    }

    private mutating func fold(_ command: Command) throws(Refusal) -> [Entry] {
        guard keepsStates else { return try state.run(command) }
        let entries = try state.decide(command).map { Entry($0) }
        for entry in entries {
            do throws(FoldError) { try state.apply(entry) } catch {
                fatalError("the rules derived an event that cannot follow: \(error)")
            }
            states.append(state)
        }
        return entries
    }

    /// What holds after every seal of any ledger.
    private func checkSoundness() {
        do throws(Unsoundness) {
            try state.checkSoundness()
            try state.checkRecords()
        } catch { Issue.record("height \(state.height.rawValue): \(error)") }
    }

    /// Those of the last batch, by the first T who ordered it; nobody orders the genesis.
    var precommits: Precommits? {
        guard state.height.rawValue > 0 else { return nil }
        guard signs else {
            return Precommits(
                height: state.height, round: 0, root: frontier.root,
                signatures: state.orderers.map {
                    IndexedSignature(validator: $0, signature: .zero)
                })
        }
        return state.precommits(root: frontier.root, key: Fixture.key)
    }

    /// The signed opening of the next batch, before anything is done with it.
    func opening(
        at time: Time, round: UInt32 = 0, change: (inout BatchOpened) -> Void = { _ in }
    ) -> BatchOpening {
        state.nextOpening(
            at: time, round: round, root: frontier.root, precommits: precommits?.signatures ?? [],
            key: Fixture.key, change: change)
    }

    func checked<T: Signed>(_ content: T) -> Checked<T> {
        guard signs else { return Checked(unchecked: content) }
        guard let checked = Checked(content, in: ledger) else {
            fatalError("a signature of the scenario does not hold")
        }
        return checked
    }

    @discardableResult
    mutating func open(after milliseconds: UInt64 = 1000) throws(Refusal) -> [Event] {
        try open(at: state.time.adding(milliseconds: milliseconds))
    }

    @discardableResult
    mutating func open(at time: Time, round: UInt32 = 0) throws(Refusal) -> [Event] {
        try take(.openBatch(checked(opening(at: time, round: round)), root: frontier.root))
    }

    /// Closes what is due and seals; returns the events of both.
    @discardableResult
    mutating func seal() throws(Refusal) -> [Event] {
        let closed = try take(.closeDue)
        return closed + (try take(.seal(size: state.size, root: frontier.root)))
    }

    /// Seals the open batch and opens another.
    @discardableResult
    mutating func next(after milliseconds: UInt64 = 1000) throws(Refusal) -> [Event] {
        let sealed = try seal()
        return sealed + (try open(after: milliseconds))
    }

    /// A whole batch, so many seconds after the ledger was made.
    ///
    /// - Parameter round: How many in rank are passed over.
    mutating func batch(
        seconds: UInt64, round: UInt32 = 0, _ body: (inout LedgerScenario) throws -> Void = { _ in }
    ) throws {
        try open(at: start.adding(milliseconds: seconds * 1000), round: round)
        try body(&self)
        try seal()
    }

    @discardableResult
    mutating func send(_ message: Message) throws(Refusal) -> [Event] {
        try take(.message(checked(message)))
    }

    @discardableResult
    mutating func record(_ message: Message) throws(Refusal) -> [Event] {
        try take(.recordRefusal(checked(message)))
    }

    // MARK: Messages

    /// A well-formed request of the scenario's circuit, signed by the submitter.
    mutating func request(
        nullifier: UInt64? = nil, amount: UInt64 = 5,
        change: (inout RequestMessage) -> Void = { _ in }
    ) -> RequestMessage {
        nextNullifier += 1
        let nullifier = Fixture.element(nullifier ?? nextNullifier)
        let recipient = Fixture.element(77)
        var message = RequestMessage(
            circuit: Fixture.circuit.id, nullifiers: [nullifier], amount: Amount(amount),
            recipient: recipient, proof: Fixture.proof,
            publicInputs: [Fixture.root, nullifier, Fixture.element(amount), recipient],
            timestamp: Time(nextNullifier), submitter: submitter.publicKey, signature: .zero)
        change(&message)
        return signs ? message.signed(by: submitter, in: ledger) : message
    }

    /// Submits a request; returns its identity.
    mutating func submit(nullifier: UInt64? = nil) throws(Refusal) -> RequestID {
        try submit(request(nullifier: nullifier))
    }

    /// Has a request signed, and submits it; returns its identity.
    mutating func submit(_ request: RequestMessage) throws(Refusal) -> RequestID {
        let message = signs ? request.signed(by: submitter, in: ledger) : request
        try send(.request(message))
        return message.id(in: ledger)
    }

    func vote(
        _ validator: Int, _ vote: Vote, on request: RequestID,
        reason: VoteReason = .unspecified, at time: Time? = nil
    ) -> VoteMessage {
        let key = Fixture.key(UInt16(validator))
        let message = VoteMessage(
            request: request, validator: key.publicKey, vote: vote, reason: reason,
            timestamp: time ?? state.time, signature: .zero)
        return signs ? message.signed(by: key, in: ledger) : message
    }

    /// Several votes of a validator under one signature.
    func list(
        _ validator: Int, _ votes: [(RequestID, Vote)], at time: Time? = nil
    ) -> VoteListMessage {
        let key = Fixture.key(UInt16(validator))
        let message = VoteListMessage(
            validator: key.publicKey, timestamp: time ?? state.time,
            votes: votes.map { .shown(request: $0.0, vote: $0.1, reason: .unspecified) },
            signature: .zero)
        return signs ? message.signed(by: key, in: ledger) : message
    }

    @discardableResult
    mutating func cast(
        _ validator: Int, _ vote: Vote, on request: RequestID
    ) throws(Refusal) -> [Event] {
        try send(.vote(self.vote(validator, vote, on: request)))
    }

    /// The validators `range` approve.
    @discardableResult
    mutating func approve(_ range: Range<Int>, _ request: RequestID) throws(Refusal) -> [Event] {
        var events: [Event] = []
        for validator in range { events += try cast(validator, .approve, on: request) }
        return events
    }

    /// The validators `range` reject.
    @discardableResult
    mutating func reject(_ range: Range<Int>, _ request: RequestID) throws(Refusal) -> [Event] {
        var events: [Event] = []
        for validator in range { events += try cast(validator, .reject, on: request) }
        return events
    }

    func job(
        _ number: UInt64 = 0, change: (inout JobMessage) -> Void = { _ in }
    ) -> JobMessage {
        var message = JobMessage(
            module: Digest(hashing: [1]), input: Digest(hashing: [2]), moduleBytes: 1000,
            inputBytes: 10, fuel: 1000, memoryBytes: 1 << 20, milliseconds: 0, engine: "wasmtime",
            engineVersion: "50",
            timestamp: Time(number), submitter: submitter.publicKey, signature: .zero)
        change(&message)
        return signs ? message.signed(by: submitter, in: ledger) : message
    }

    func result(
        _ validator: ValidatorIndex, _ job: JobID, _ status: JobStatus = JobStatus(.success),
        output: UInt8 = 9, change: (inout ResultMessage) -> Void = { _ in }
    ) -> ResultMessage {
        let key = Fixture.key(validator)
        var message = ResultMessage(
            job: job, validator: key.publicKey, status: status,
            output: status.kind == .success ? Digest(hashing: [output]) : .zero, fuel: 5,
            signature: .zero)
        change(&message)
        return signs ? message.signed(by: key, in: ledger) : message
    }

    /// What a validator says that it runs.
    func announcement(
        _ validator: Int, _ number: UInt64, change: (inout Announcement) -> Void = { _ in }
    ) -> AnnouncementMessage {
        let key = Fixture.key(UInt16(validator))
        var said = Announcement(
            number: number, program: "1.0", engine: "wasmtime", engineVersion: "50",
            isJournalNew: false)
        change(&said)
        let message = AnnouncementMessage(
            validator: key.publicKey, announcement: said, signature: .zero)
        return signs ? message.signed(by: key, in: ledger) : message
    }

    func settlement(
        _ request: RequestID, _ result: SettlementResult, reference: [UInt8] = [1]
    ) -> SettlementMessage {
        let message = SettlementMessage(
            request: request, bridge: bridge.publicKey, reference: reference, result: result,
            signature: .zero)
        return signs ? message.signed(by: bridge, in: ledger) : message
    }

    /// A change that `signers` agree on; the first T by default.
    func change(
        _ change: Change, signers: [Int]? = nil, number: UInt64? = nil
    ) -> GovernanceMessage {
        let first = state.members.prefix(Int(state.parameters.threshold))
        var message = GovernanceMessage(
            number: number ?? state.nextChange, change: change, endorsements: [])
        let signed = message.signedBytes(in: ledger)
        message.endorsements = (signers ?? first.map { Int($0.rawValue) }).map {
            let key = Fixture.key(UInt16($0))
            return Endorsement(
                validator: key.publicKey, signature: signs ? key.sign(signed) : .zero)
        }
        return message
    }

    func evidence(_ validator: Int, _ first: VoteMessage, _ second: VoteMessage) -> Message {
        func statement(_ vote: VoteMessage) -> Statement {
            .vote(vote.vote, vote.reason, vote.timestamp, vote.signature)
        }
        return .evidence(
            EvidenceMessage(
                validator: Fixture.key(UInt16(validator)).publicKey, slot: .vote(first.request),
                first: statement(first), second: statement(second)))
    }

    /// Evidence of two statements on a matter of consensus.
    func evidence(
        _ validator: Int, _ slot: Slot, _ first: (Digest?, Int64), _ second: (Digest?, Int64)
    ) -> Message {
        let key = Fixture.key(UInt16(validator))
        var slots = (slot, slot)
        if case .amnesia(let height, let precommit, let prevote) = slot {
            slots = (.precommit(height, round: precommit), .prevote(height, round: prevote))
        }
        func statement(_ slot: Slot, _ said: (Digest?, Int64)) -> Statement {
            let bytes = ConsensusStatement.signedBytes(
                slot, value: said.0, validRound: said.1, key: key.publicKey, ledger: ledger)
            return .consensus(
                value: said.0, validRound: said.1, signs ? key.sign(bytes ?? []) : .zero)
        }
        return .evidence(
            EvidenceMessage(
                validator: key.publicKey, slot: .consensus(slot), first: statement(slots.0, first),
                second: statement(slots.1, second)))
    }

    /// Evidence of two checkpoints of one size; a time is that of a cosignature.
    func evidence(
        _ validator: Int, size: UInt64, _ first: (Digest, UInt64?), _ second: (Digest, UInt64?)
    ) -> Message {
        let key = Fixture.key(UInt16(validator))
        func statement(_ root: Digest, _ seconds: UInt64?) -> Statement {
            let bytes = CheckpointStatement.signedBytes(
                size: size, root: root, seconds: seconds, ledger: ledger)
            return .checkpoint(root: root, seconds: seconds, key.sign(bytes))
        }
        return .evidence(
            EvidenceMessage(
                validator: key.publicKey, slot: .consensus(.checkpoint(size: size)),
                first: statement(first.0, first.1), second: statement(second.0, second.1)))
    }

    /// Evidence of two results of one job.
    func evidence(_ first: ResultMessage, _ second: ResultMessage) -> Message {
        func statement(_ result: ResultMessage) -> Statement {
            .result(result.status, output: result.output, fuel: result.fuel, result.signature)
        }
        return .evidence(
            EvidenceMessage(
                validator: first.validator, slot: .result(first.job), first: statement(first),
                second: statement(second)))
    }

    /// Evidence of two reports of one settlement.
    func evidence(_ first: SettlementMessage, _ second: SettlementMessage) -> Message {
        func statement(_ report: SettlementMessage) -> Statement {
            .settlement(report.result, reference: report.reference, report.signature)
        }
        return .evidence(
            EvidenceMessage(
                validator: first.bridge, slot: .settlement(first.request),
                first: statement(first), second: statement(second)))
    }

    // MARK: Questions

    /// Reputation in thousandths of a point.
    func reputation(_ validator: Int) -> UInt64 {
        state.validators[validator].reputation.rawValue
    }

    func decision(_ request: RequestID) -> OutcomeDecided? {
        state.entry(of: request).flatMap { state.decided(at: $0)?.decision }
    }

    /// What a command is refused with; nil where it is not. The state stays as it is.
    func refusal(_ command: Command) -> Refusal? {
        do throws(Refusal) {
            _ = try state.decide(command)
            return nil
        } catch { return error }
    }

    /// What a message is refused with, signatures unchecked.
    func refusal(_ message: Message) -> Refusal? {
        refusal(.message(Checked(unchecked: message)))
    }

    /// Folds a change to the state that the scenario does not keep in its log.
    mutating func scratch(_ body: (inout LedgerState) -> Void) { body(&state) }
}
