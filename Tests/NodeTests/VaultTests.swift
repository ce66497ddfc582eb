// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Replication
import TestSupport
import Testing

/// A ledger of five validators that approves what it is asked to, and its log.
private struct MiniLedger {
    private(set) var scenario: LedgerScenario
    let opened: LedgerOpened
    let log: EventLog
    let newcomer = Fixture.key(5)
    /// Those of the last batch, by all who ordered it.
    private var precommits: Precommits?
    private var messages: [EntryIndex: RequestMessage] = [:]
    private var nonce: UInt64 = 0

    init(_ configuration: Node.Configuration, on place: TemporaryFolder?) throws {
        if let place {
            log = try EventLog.create(directory: place.file("ledger"), disk: POSIXDisk())
        } else {
            log = try EventLog.create(directory: "/ledger", disk: SimulatedDisk())
        }
        let folder = try TemporaryFolder()
        // The circuits as a node would register them.
        let network = try LocalNetwork.initialise(
            configuration: configuration, at: folder.file("network"),
            protection: .keyFile(path: nil), startTime: Time(1000))
        let made = try EventLog.open(
            directory: network.nodes[0].ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
        guard case .ledgerOpened(let first) = try Event(decoding: try made.entry(at: 0)) else {
            fatalError()
        }
        var setup = Setup.of(5, 4)
        setup.circuits = first.circuits
        setup.parameters = first.parameters
        opened = Fixture.opened(setup)
        scenario = try LedgerScenario(setup)
        try write()
    }

    var state: LedgerState { scenario.state }
    var keys: [SigningKey] { scenario.keys }
    var submitter: SigningKey { scenario.submitter }
    var bridge: SigningKey { scenario.bridge }

    /// Adds to the log what it lacks.
    private func write() throws {
        for event in scenario.log[Int(log.size)...] { _ = try log.stage(event.encoded) }
        try log.commit()
    }

    /// Makes a batch, and has all who may order it precommit its root.
    mutating func batch(_ body: (inout LedgerScenario) throws -> Void = { _ in }) throws {
        try scenario.open(after: 10)
        try body(&scenario)
        try scenario.seal()
        try write()
        // Those whom the batch before the last sealed ordered this one.
        precommits = precommit(
            state.height, log.root, by: state.sealedBefore.members.map(\.index))
    }

    /// The word of these validators on a root.
    func precommit(
        _ height: Height, _ root: Digest, by indices: [ValidatorIndex]
    ) -> Precommits {
        Precommits(to: root, of: height, by: indices, in: scenario.ledger, key: Fixture.key)
    }

    /// Makes a batch with a change that the first four members agree on.
    mutating func govern(_ change: Change) throws {
        try batch { try $0.send(.governance($0.change(change))) }
    }

    /// Approves a request; gives its entry.
    mutating func approve(_ name: String = "native") throws -> (EntryIndex, RequestID) {
        nonce += 1
        let reader = RequestReader(
            ledger: scenario.ledger, circuits: opened.circuits.map(\.circuit),
            signers: [NamedKey(name: "s", key: submitter)])
        let read = try reader.read(line: Array(try Paraloom.line(name, timestamp: nonce).utf8))
        try batch { scenario in
            try scenario.take(.message(read.checked))
            try scenario.approve(0..<4, read.id)
        }
        let entry = try #require(state.entry(of: read.id))
        messages[entry] = read.message
        return (entry, read.id)
    }

    mutating func report(_ message: SettlementMessage) throws {
        try batch { try $0.send(.settlement(message)) }
    }

    /// An entry under the root after the last batch.
    private func proved(_ index: Int) throws -> ProvedEntry {
        let index = UInt64(index)
        return ProvedEntry(
            bytes: try log.entry(at: index), index: index,
            proof: try log.inclusionProof(index: index, size: log.size))
    }

    /// The root after the last batch, with the precommits of all.
    func root() throws -> ProvedRoot {
        ProvedRoot(
            precommits: try #require(precommits), sealed: try proved(scenario.log.count - 1))
    }

    /// Where the settlement of a request was ordered.
    func ordered(_ request: EntryIndex) -> Int? {
        scenario.log.firstIndex { event in
            guard case .settlementOrdered(let order) = event else { return false }
            return order.request == request
        }
    }

    /// - Parameter other: Where another request's settlement was ordered, in place of this one's.
    func order(_ request: EntryIndex, ordered other: Int? = nil) throws -> SettlementOrder {
        SettlementOrder(
            request: try #require(messages[request]),
            submitted: try proved(Int(request.rawValue)),
            ordered: try proved(try #require(other ?? ordered(request))), root: try root())
    }

    /// The change with the number, proved under the root after the last batch.
    func change(_ number: Int) throws -> ProvedChange {
        let events = scenario.log
        let approved = events.indices.filter { events[$0].kind == "governanceApproved" }[number]
        let opened = events[..<approved].lastIndex { $0.kind == "batchOpened" }
        let closed = events[approved...].firstIndex { $0.kind == "batchSealed" }
        return ProvedChange(
            approved: try proved(approved), opened: try proved(try #require(opened)),
            closed: try proved(try #require(closed)), root: try root())
    }

    func vault(_ path: String, balance: UInt64? = nil) throws -> Vault {
        try Vault.create(
            path: path, opened: opened, ledger: scenario.ledger, balance: balance, key: bridge)
    }

    func reopen(_ path: String, balance: UInt64? = nil) throws -> Vault {
        try Vault.open(path: path, ledger: scenario.ledger, balance: balance, key: bridge)
    }
}

@Suite(.enabled(if: Paraloom.exists, "no settlement proofs"))
struct VaultTests {
    private func mini(on place: TemporaryFolder? = nil) throws -> MiniLedger {
        try MiniLedger(try Paraloom.configuration(), on: place)
    }

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
        #expect(first[0].isSigned(in: ledger.scenario.ledger))
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
        try ledger.report(ledger.scenario.settlement(id, .failed, reference: []))
        let (second, _) = try ledger.approve()
        #expect(try vault.settle([try ledger.order(second)])[0].get().result == .failed)
        #expect(try vault.paidTotal() == 500)
    }

    @Test func nothingIsPaidWithoutProof() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let (entry, _) = try ledger.approve()
        let (other, _) = try ledger.approve("spl")
        let vault = try ledger.vault(folder.file("v"))
        func problem(_ order: SettlementOrder) throws -> OrderProblem? {
            if case .failure(let problem) = try vault.settle([order])[0] { problem } else { nil }
        }
        let good = try ledger.order(entry)
        func changed(
            _ root: ProvedRoot? = nil, submitted: ProvedEntry? = nil,
            ordered: ProvedEntry? = nil, request: RequestMessage? = nil
        ) -> SettlementOrder {
            SettlementOrder(
                request: request ?? good.request, submitted: submitted ?? good.submitted,
                ordered: ordered ?? good.ordered, root: root ?? good.root)
        }
        func under(_ change: (inout Precommits) -> Void) -> SettlementOrder {
            var precommits = good.root.precommits
            change(&precommits)
            return changed(ProvedRoot(precommits: precommits, sealed: good.root.sealed))
        }
        let all = good.root.precommits.signatures
        #expect(all.count == 5)
        #expect(
            try problem(under { $0.signatures = Array(all.prefix(2)) })
                == .tooFewPrecommits(counted: 2, needed: 4))
        // One validator's word, as often as is wanted, is one validator's word.
        #expect(
            try problem(under { $0.signatures = [all[0], all[0], all[0], all[0]] })
                == .precommitsUnordered)
        #expect(
            try problem(under { $0.signatures = [all[1], all[0], all[2], all[3]] })
                == .precommitsUnordered)
        #expect(
            try problem(under { $0.signatures[1].signature = all[0].signature })
                == .precommitUnsigned(ValidatorIndex(1)))
        #expect(
            try problem(under { $0.round += 1 }) == .precommitUnsigned(ValidatorIndex(0)))
        #expect(
            try problem(under { $0.signatures[3].validator = ValidatorIndex(9) })
                == .notInOffice(ValidatorIndex(9)))
        #expect(
            try problem(under { $0.height = Height($0.height.rawValue + 1) })
                == .contradiction("the seal is not that of the batch of the root"))
        #expect(
            try problem(try ledger.order(entry, ordered: ledger.ordered(other)))
                == .contradiction("the order is of another request"))
        var request = good.request
        request.signature = .zero
        #expect(
            try problem(changed(request: request))
                == .contradiction("the message is another request"))
        request = good.request
        request.circuit = CircuitID(.zero)
        #expect(try problem(changed(request: request)) == .requestUnsigned)
        #expect(try problem(changed(ordered: good.root.sealed)) == .wrongEntry("the order"))
        // An order that nobody recorded: the entry is forged, the proof is another's.
        guard case .settlementOrdered(var forged) = try Event(decoding: good.ordered.bytes),
            case .requestSubmitted(var asked) = try Event(decoding: good.submitted.bytes)
        else { return }
        forged.amount = Amount(1_000_000)
        asked.amount = Amount(1_000_000)
        request = good.request
        request.amount = Amount(1_000_000)
        request = request.signed(by: ledger.submitter, in: ledger.scenario.ledger)
        asked.signature = request.signature
        let lie = changed(
            submitted: ProvedEntry(
                bytes: Event.requestSubmitted(asked).encoded, index: good.submitted.index,
                proof: good.submitted.proof),
            ordered: ProvedEntry(
                bytes: Event.settlementOrdered(forged).encoded, index: good.ordered.index,
                proof: good.ordered.proof), request: request)
        #expect(try problem(lie) == .notIncluded("the request"))
        #expect(try vault.paidTotal() == 0)
        #expect(try problem(good) == nil)
    }

    @Test func changesAreFollowedInTheirOrderAndOnlyAsTheLedgerTookThem() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let vault = try ledger.vault(folder.file("v"))
        #expect(try vault.nextChange() == 0)
        try ledger.govern(.rootPublished(circuit: CircuitIndex(0), root: .zero))
        try ledger.govern(.validatorLeft(key: ledger.keys[4].publicKey))
        let first = try ledger.change(0)
        let second = try ledger.change(1)
        #expect(try vault.follow(second) == .wrongNumber(1, next: 0))
        func altered(
            approved: ProvedEntry? = nil, opened: ProvedEntry? = nil, closed: ProvedEntry? = nil
        ) -> ProvedChange {
            ProvedChange(
                approved: approved ?? first.approved, opened: opened ?? first.opened,
                closed: closed ?? first.closed, root: first.root)
        }
        // The place decides from when on a change holds.
        let elsewhere = OrderProblem.contradiction("the change is not in that batch")
        #expect(try vault.follow(altered(opened: second.opened)) == elsewhere)
        #expect(try vault.follow(altered(closed: second.closed)) == elsewhere)
        #expect(
            try vault.follow(altered(opened: second.opened, closed: second.closed)) == elsewhere)
        // A change of which the ledger knows nothing.
        guard case .governanceApproved(var event) = try Event(decoding: first.approved.bytes)
        else { return }
        event.change = .validatorLeft(key: ledger.keys[0].publicKey)
        let lie = ProvedEntry(
            bytes: Event.governanceApproved(event).encoded, index: first.approved.index,
            proof: first.approved.proof)
        #expect(try vault.follow(altered(approved: lie)) == .notIncluded("the change"))
        #expect(try vault.nextChange() == 0)
        #expect(try vault.follow(first) == nil)
        #expect(try vault.follow(first) == .wrongNumber(0, next: 1))
        #expect(try vault.follow(second) == nil)
        #expect(try vault.nextChange() == 2)
    }

    /// Members of the past have nothing to lose, and may sign any past that they like.
    @Test func rootSignedByMembersWhoHaveLeftIsRefused() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let path = folder.file("v")
        let vault = try ledger.vault(path)
        let (entry, _) = try ledger.approve()
        let before = try ledger.order(entry)
        try ledger.govern(.validatorLeft(key: ledger.keys[4].publicKey))
        #expect(try vault.follow(try ledger.change(0)) == nil)
        try ledger.govern(
            .validatorJoined(
                key: ledger.newcomer.publicKey, name: "newcomer", stake: Stake(1)))
        #expect(try vault.follow(try ledger.change(1)) == nil)
        let old = before.root.precommits
        func problem(_ order: SettlementOrder) throws -> OrderProblem? {
            if case .failure(let problem) = try vault.settle([order])[0] { problem } else { nil }
        }
        // With the word of one who has left it is one too few; without it there is none.
        var withTheOneWhoLeft = old
        withTheOneWhoLeft.signatures.remove(at: 1)
        let stale = SettlementOrder(
            request: before.request, submitted: before.submitted, ordered: before.ordered,
            root: ProvedRoot(precommits: withTheOneWhoLeft, sealed: before.root.sealed))
        #expect(try problem(stale) == .signersLeft(counted: 3, needed: 4))
        // Of a later batch they have no word at all, and the newcomer has, two batches after.
        try ledger.batch()
        try ledger.batch()
        let later = try ledger.order(entry)
        let members = later.root.precommits.signatures.map(\.validator.rawValue)
        #expect(members == [0, 1, 2, 3, 5])
        let forged = ledger.precommit(
            later.root.precommits.height, later.root.precommits.root,
            by: [0, 1, 2, 4].map { ValidatorIndex($0) })
        #expect(
            try problem(
                SettlementOrder(
                    request: later.request, submitted: later.submitted, ordered: later.ordered,
                    root: ProvedRoot(precommits: forged, sealed: later.root.sealed)))
                == .notInOffice(ValidatorIndex(4)))
        #expect(try vault.paidTotal() == 0)
        #expect(try problem(later) == nil)
        #expect(try vault.paidTotal() == 500)
        // And after a restart it knows the same.
        try vault.close()
        let again = try ledger.reopen(path)
        #expect(try again.nextChange() == 2)
        #expect(try again.settle([later])[0].get().result == .settled)
    }

    @Test func lostVaultIsMadeAnewAndPaysWhatIsUncertainOnlyOnAWord() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini(on: folder)
        let path = folder.file("v")
        let lost = try ledger.vault(path)
        let (first, firstID) = try ledger.approve()
        try ledger.report(try lost.settle([try ledger.order(first)])[0].get())
        let (second, secondID) = try ledger.approve("spl")
        try ledger.govern(.validatorLeft(key: ledger.keys[4].publicKey))
        // It paid, and its report was lost with it.
        _ = try lost.settle([try ledger.order(second)])
        try lost.close()
        try Data("rubbish".utf8).write(to: URL(fileURLWithPath: path))
        let rebuilt = try Vault.rebuild(
            path: path, ledgerDirectory: ledger.log.directory, balance: nil, key: ledger.bridge)
        #expect(rebuilt.paid == 1 && rebuilt.voided == 0 && rebuilt.uncertain == [secondID])
        #expect(rebuilt.setAside == "\(path).lost-1")
        let vault = try ledger.reopen(path)
        #expect(try vault.nextChange() == 1)
        #expect(try vault.payments().map(\.request) == [firstID, secondID])
        let order = try ledger.order(second)
        guard case .failure(.uncertain(secondID)) = try vault.settle([order])[0] else {
            Issue.record("it paid what it is not sure of")
            return
        }
        #expect(try vault.settle([try ledger.order(first)])[0].get().result == .settled)
        let total = try vault.paidTotal()
        #expect(try !vault.confirm(firstID, isPaid: false))
        #expect(try vault.confirm(secondID, isPaid: true))
        #expect(try !vault.confirm(secondID, isPaid: false))
        #expect(try vault.settle([order])[0].get().result == .settled)
        #expect(try vault.paidTotal() == total)
        try vault.close()
        // Had it not been paid, it would be now, and once.
        _ = try Vault.rebuild(
            path: path, ledgerDirectory: ledger.log.directory, balance: nil, key: ledger.bridge)
        let other = try ledger.reopen(path)
        #expect(try other.confirm(secondID, isPaid: false))
        #expect(try other.paidTotal() < total)
        #expect(try other.settle([order, order]).allSatisfy { try $0.get().result == .settled })
        #expect(try other.paidTotal() == total)
        #expect(throws: NodeError.self) {
            _ = try Vault.rebuild(
                path: path, ledgerDirectory: ledger.log.directory, balance: nil,
                key: SigningKey())
        }
    }

    @Test func vaultThatIsOpenIsNotOpenedAgain() throws {
        let folder = try TemporaryFolder()
        var ledger = try mini()
        let path = folder.file("v")
        let vault = try ledger.vault(path)
        let refused = #expect(throws: NodeError.self) { _ = try ledger.reopen(path) }
        #expect("\(try #require(refused))".contains("has it open"))
        // Nor is it made anew under whoever has it.
        #expect(throws: NodeError.self) {
            _ = try Vault.rebuild(
                path: path, ledgerDirectory: ledger.log.directory, balance: nil,
                key: ledger.bridge)
        }
        // It goes on, and once it is closed another may have it.
        let (entry, _) = try ledger.approve()
        #expect(try vault.settle([try ledger.order(entry)])[0].get().result == .settled)
        try vault.close()
        let again = try ledger.reopen(path)
        #expect(try again.paidTotal() == 500)
        try again.close()
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
                    path: path, ledger: ledger.scenario.ledger, balance: nil, key: SigningKey())
            }.contains("another ledger"))
        #expect(
            problem {
                _ = try Vault.open(
                    path: path, ledger: LedgerID(.zero), balance: nil, key: ledger.bridge)
            }.contains("another ledger"))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        // `user_version` stands at offset 60, big-endian (sqlite.org/fileformat2.html).
        bytes[63] = 3
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(problem { _ = try ledger.reopen(path) }.contains("newer"))
        try Data("not a database at all, but long enough to be one".utf8)
            .write(to: URL(fileURLWithPath: path))
        #expect(problem { _ = try ledger.reopen(path) }.contains("vault"))
    }
}
