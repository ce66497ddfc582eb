// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

/// A ledger of four validators in memory that approves what it is asked to.
private struct MiniLedger {
    let keys = (0..<4).map {
        SigningKey(seed: Bytes32([UInt8](repeating: UInt8($0 + 1), count: 32)) ?? .zero)
    }
    let submitter = SigningKey()
    let bridge = SigningKey()
    let log: EventLog
    var state = LedgerState()
    let opened: LedgerOpened
    private(set) var opening: BatchOpened?
    private var messages: [EntryIndex: RequestMessage] = [:]
    private(set) var ordered: [EntryIndex: EntryIndex] = [:]
    private var nonce: UInt64 = 0

    init(_ configuration: Node.Configuration) throws {
        log = try EventLog.create(directory: "/ledger", disk: SimulatedDisk())
        let folder = try TemporaryFolder()
        // The circuits as a node would register them.
        let home = try Home.initialise(
            configuration: configuration, at: folder.file("node"),
            protection: .keyFile(path: nil), startTime: Time(1000))
        guard case .ledgerOpened(var opened) = try entries(home)[0] else { fatalError() }
        opened.validators = keys.map { GenesisValidator(key: $0.publicKey, stake: Stake(1)) }
        opened.submitters = [GenesisSubmitter(key: submitter.publicKey, quota: 100)]
        opened.bridge = bridge.publicKey
        opened.parameters.threshold = 3
        self.opened = opened
        try run(.openLedger(opened))
        try run(.seal(size: log.stagedSize, root: log.stagedRoot))
        try log.commit()
    }

    @discardableResult
    private mutating func run(_ command: Command) throws -> [Event] {
        let events = try state.decide(command)
        for event in events {
            if case .settlementOrdered(let order) = event {
                ordered[order.request] = EntryIndex(log.stagedSize)
            }
            _ = try log.stage(event.encoded)
            try state.apply(Entry(event))
        }
        return events
    }

    mutating func batch(_ body: (inout MiniLedger) throws -> Void = { _ in }) throws {
        let height = Height(state.height.rawValue + 1)
        let proposer = state.proposerRanking(height: height)[0]
        let key = keys[Int(proposer.rawValue)]
        let time = Time(state.time.rawValue + 10)
        let root = log.stagedRoot
        let bytes = BatchOpening.signedBytes(
            height: height, time: time, round: 0, previousRoot: root, proposer: key.publicKey,
            in: state.ledger)
        let event = BatchOpened(
            height: height, time: time, proposer: proposer, round: 0, previousRoot: root,
            precommitRound: 0, precommits: [], signature: key.sign(bytes))
        opening = event
        let checked = Checked(
            unchecked: BatchOpening(event: event, proposer: key.publicKey, precommitKeys: []))
        try run(.openBatch(checked, root: root))
        try body(&self)
        try run(.closeDue)
        try run(.seal(size: log.stagedSize, root: log.stagedRoot))
        try log.commit()
    }

    /// Approves a request and makes the batch whose opening proves it; gives its entry.
    mutating func approve(
        _ circuit: Int = 0, _ name: String = "native"
    ) throws -> (EntryIndex, RequestID) {
        nonce += 1
        let reader = RequestReader(
            ledger: state.ledger, circuits: opened.circuits.map(\.circuit),
            signers: [NamedKey(name: "s", key: submitter)])
        let read = try reader.read(line: Array(try Paraloom.line(name, timestamp: nonce).utf8))
        var entry = EntryIndex(0)
        try batch { ledger in
            let events = try ledger.run(.message(read.checked))
            guard case .roundOpened(let opened)? = events.last else { fatalError() }
            entry = opened.request
            for key in ledger.keys.prefix(3) {
                let vote = VoteMessage(
                    request: read.id, validator: key.publicKey, vote: .approve,
                    reason: .proofHolds, timestamp: ledger.state.time, signature: .zero
                ).signed(by: key, in: ledger.state.ledger)
                try ledger.run(.message(Checked(unchecked: .vote(vote))))
            }
        }
        messages[entry] = read.message
        try batch()
        return (entry, read.id)
    }

    mutating func report(_ message: SettlementMessage) throws {
        try batch { try $0.run(.message(Checked(unchecked: .settlement(message)))) }
    }

    private func leaf(_ index: UInt64, _ size: UInt64) throws -> SettlementOrder.Leaf {
        SettlementOrder.Leaf(
            entry: try log.entry(at: index), index: index,
            proof: try log.inclusionProof(index: index, size: size))
    }

    func order(
        _ request: EntryIndex, opening: BatchOpened? = nil, message: RequestMessage? = nil,
        ordered other: EntryIndex? = nil
    ) throws -> SettlementOrder {
        let size = state.batchEntry.rawValue
        let place = try #require(other ?? ordered[request])
        return SettlementOrder(
            request: try #require(message ?? messages[request]),
            submitted: try leaf(request.rawValue, size), ordered: try leaf(place.rawValue, size),
            sealed: try leaf(size - 1, size), opened: try #require(opening ?? self.opening))
    }

    func vault(_ path: String, balance: UInt64? = nil) throws -> Vault {
        try Vault.create(
            path: path, opened: opened, ledger: state.ledger, balance: balance, key: bridge)
    }

    func reopen(_ path: String, balance: UInt64? = nil) throws -> Vault {
        try Vault.open(path: path, ledger: state.ledger, balance: balance, key: bridge)
    }
}

@Suite(.enabled(if: Paraloom.exists, "no settlement proofs"))
struct VaultTests {
    private func mini() throws -> MiniLedger { try MiniLedger(try Paraloom.configuration()) }

    @Test func toldTwiceItPaysOnceAndReportsTheSame() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let (entry, id) = try ledger.approve()
        let vault = try ledger.vault(folder.file("v"))
        let order = try ledger.order(entry)
        let first = try vault.settle([order, order]).map { try $0.get() }
        #expect(first[0] == first[1])
        #expect(first[0].result == .settled)
        #expect(first[0].request == id)
        #expect(first[0].isSigned(in: ledger.state.ledger))
        #expect(try vault.paidTotal() == 500)
        #expect(try vault.settle([order])[0].get() == first[0])
        #expect(try vault.counts() == (1, 0))
        try ledger.report(first[0])
        #expect(ledger.state.pendingSettlements.isEmpty)
    }

    @Test func processThatDiesBetweenPaymentAndReportPaysNothingTwice() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let (entry, _) = try ledger.approve()
        let order = try ledger.order(entry)
        let path = folder.file("v")
        // The report is lost with the process.
        let lost = try ledger.vault(path).settle([order])[0].get()
        // Meanwhile the ledger goes on, so the next process proves the order by another root.
        try ledger.batch()
        let again = try ledger.reopen(path).settle([try ledger.order(entry)])[0].get()
        #expect(again == lost)
        #expect(try ledger.reopen(path).paidTotal() == 500)
    }

    @Test func voidedIdIsNeverPaidAndItsNullifiersMayBePaidForAnother() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let (entry, _) = try ledger.approve()
        let path = folder.file("v")
        let poor = try ledger.vault(path, balance: 499)
        let order = try ledger.order(entry)
        let failed = try poor.settle([order])[0].get()
        #expect(failed.result == .failed)
        try poor.close()
        // There is money now, but the id is void for good.
        let rich = try ledger.reopen(path, balance: 5000)
        #expect(try rich.settle([order])[0].get() == failed)
        #expect(try rich.counts() == (0, 1))
        try ledger.report(failed)
        let (second, _) = try ledger.approve()
        #expect(try rich.settle([try ledger.order(second)])[0].get().result == .settled)
        #expect(try rich.paidTotal() == 500)
    }

    @Test func nullifierIsPaidOnce() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let (first, id) = try ledger.approve()
        let vault = try ledger.vault(folder.file("v"))
        #expect(try vault.settle([try ledger.order(first)])[0].get().result == .settled)
        // A ledger that is told a lie by its bridge releases the nullifiers and orders again.
        try ledger.report(
            SettlementMessage(
                request: id, bridge: ledger.bridge.publicKey, reference: [], result: .failed,
                signature: .zero
            ).signed(by: ledger.bridge, in: ledger.state.ledger))
        let (second, _) = try ledger.approve()
        #expect(try vault.settle([try ledger.order(second)])[0].get().result == .failed)
        #expect(try vault.paidTotal() == 500)
    }

    @Test func nothingIsPaidWithoutProof() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let (entry, _) = try ledger.approve()
        let (other, _) = try ledger.approve(1, "spl")
        let vault = try ledger.vault(folder.file("v"))
        func problem(_ order: SettlementOrder) throws -> OrderProblem? {
            if case .failure(let problem) = try vault.settle([order])[0] { problem } else { nil }
        }
        let good = try ledger.order(entry)
        func changed(
            _ opening: BatchOpened? = nil, submitted: SettlementOrder.Leaf? = nil,
            ordered: SettlementOrder.Leaf? = nil, sealed: SettlementOrder.Leaf? = nil,
            request: RequestMessage? = nil
        ) -> SettlementOrder {
            SettlementOrder(
                request: request ?? good.request, submitted: submitted ?? good.submitted,
                ordered: ordered ?? good.ordered, sealed: sealed ?? good.sealed,
                opened: opening ?? good.opened)
        }
        var opening = good.opened
        opening.signature = .zero
        #expect(try problem(changed(opening)) == .rootUnsigned)
        opening = good.opened
        opening.previousRoot = .zero
        #expect(try problem(changed(opening)) == .rootUnsigned)
        opening = good.opened
        opening.proposer = ValidatorIndex(9)
        #expect(try problem(changed(opening)) == .unknownProposer(ValidatorIndex(9)))
        opening = good.opened
        opening.height = Height(opening.height.rawValue + 1)
        #expect(
            try problem(changed(opening))
                == .contradiction("the seal is not that of the batch before"))
        #expect(
            try problem(try ledger.order(entry, ordered: ledger.ordered[other]))
                == .contradiction("the order is of another request"))
        var request = good.request
        request.signature = .zero
        #expect(
            try problem(changed(request: request))
                == .contradiction("the message is another request"))
        request = good.request
        request.circuit = CircuitID(.zero)
        #expect(try problem(changed(request: request)) == .requestUnsigned)
        #expect(try problem(changed(ordered: good.sealed)) == .wrongEntry("the order"))
        // An order that nobody recorded: the entry is forged, the proof is another's.
        guard case .settlementOrdered(var forged) = try Event(decoding: good.ordered.entry),
            case .requestSubmitted(var asked) = try Event(decoding: good.submitted.entry)
        else { return }
        forged.amount = Amount(1_000_000)
        asked.amount = Amount(1_000_000)
        request = good.request
        request.amount = Amount(1_000_000)
        request = request.signed(by: ledger.submitter, in: ledger.state.ledger)
        asked.signature = request.signature
        let lie = changed(
            submitted: SettlementOrder.Leaf(
                entry: Event.requestSubmitted(asked).encoded, index: good.submitted.index,
                proof: good.submitted.proof),
            ordered: SettlementOrder.Leaf(
                entry: Event.settlementOrdered(forged).encoded, index: good.ordered.index,
                proof: good.ordered.proof), request: request)
        #expect(try problem(lie) == .notIncluded("the request"))
        #expect(try vault.paidTotal() == 0)
        #expect(try problem(good) == nil)
    }

    @Test func membershipIsFollowedOnlyWithEnoughSignatures() throws {
        let folder = try TemporaryFolder()
        let ledger = try mini()
        let vault = try ledger.vault(folder.file("v"))
        let newcomer = SigningKey()
        func change(_ number: UInt64, signers: Int) -> GovernanceMessage {
            var message = GovernanceMessage(
                number: number,
                change: .validatorJoined(key: newcomer.publicKey, stake: Stake(1)),
                endorsements: [])
            let bytes = message.signedBytes(in: ledger.state.ledger)
            message.endorsements = ledger.keys.prefix(signers).map {
                Endorsement(validator: $0.publicKey, signature: $0.sign(bytes))
            }
            return message
        }
        #expect(try vault.nextChange() == 0)
        try vault.follow(change(0, signers: 2))
        #expect(try vault.nextChange() == 0)
        try vault.follow(change(1, signers: 3))
        #expect(try vault.nextChange() == 0)
        try vault.follow(change(0, signers: 3))
        #expect(try vault.nextChange() == 1)
    }

    @Test func foreignNewerOrBrokenDatabaseIsRefused() throws {
        let folder = try TemporaryFolder()
        let ledger = try mini()
        let path = folder.file("v")
        try ledger.vault(path).close()
        func problem(_ body: () throws -> Void) -> String {
            do {
                try body()
                return "none"
            } catch {
                return "\(error)"
            }
        }
        #expect(
            problem {
                _ = try Vault.open(
                    path: path, ledger: ledger.state.ledger, balance: nil, key: SigningKey())
            }.contains("another ledger"))
        #expect(
            problem {
                _ = try Vault.open(
                    path: path, ledger: LedgerID(.zero), balance: nil, key: ledger.bridge)
            }.contains("another ledger"))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // `user_version` stands at offset 60, big-endian (sqlite.org/fileformat2.html).
        bytes[63] = 2
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(problem { _ = try ledger.reopen(path) }.contains("newer"))
        try Data("not a database at all, but long enough to be one".utf8)
            .write(to: URL(fileURLWithPath: path))
        #expect(problem { _ = try ledger.reopen(path) }.contains("vault"))
    }
}
