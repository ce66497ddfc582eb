// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import EventLog
import Forensics
import Foundation
import Ledger
import Replication
import Storage
import TestSupport
import Testing

/// Files of evidence, judged by themselves: true, forged, cut and absurd ones.
struct EvidenceFileTests {
    @Test func `each kind holds, and is read as it was written`() throws {
        let files = try EvidenceSamples.all()
        for file in files { #expect(try EvidenceFile(file.bytes) == file) }
        let effects = files.map { $0.verdict() }
        #expect(effects.prefix(5).allSatisfy { $0.effect == .convicts }, "\(effects)")
        #expect(effects[5].effect == .accuses && effects[6].effect == .clears)
        #expect(effects.allSatisfy { !$0.keys.isEmpty && !$0.sentence.isEmpty })
    }

    @Test func `no file that is cut is read`() throws {
        for file in try EvidenceSamples.all() {
            let bytes = file.bytes
            let step = max(1, bytes.count / 300)
            for length in stride(from: 0, to: bytes.count, by: step) {
                #expect(throws: EvidenceFormatError.self, "\(file.charge.name), \(length) bytes") {
                    try EvidenceFile(Array(bytes.prefix(length)))
                }
            }
            #expect(throws: EvidenceFormatError.self) { try EvidenceFile(bytes + [0]) }
            // One that is damaged on its way is told from one that is forged.
            var damaged = bytes
            damaged[bytes.count / 2] ^= 1
            #expect(throws: EvidenceFormatError.file(.hash)) { try EvidenceFile(damaged) }
        }
    }

    /// What a changed file does: nothing, or what it did before.
    @Test func `no changed byte convicts anybody else`() throws {
        var random = SplitMix64(seed: 5)
        for file in try EvidenceSamples.all() {
            let bytes = file.bytes
            let verdict = file.verdict()
            let step = max(1, bytes.count / 200)
            var silenced = 0
            for place in stride(from: 0, to: bytes.count, by: step) {
                var changed = bytes
                changed[place] ^= 1 << UInt8(random.next() % 8)
                guard let other = try? EvidenceFile(changed.framedAgain).verdict() else {
                    silenced += 1
                    continue
                }
                if other.effect == .nothing {
                    silenced += 1
                } else {
                    #expect(
                        other.effect == verdict.effect && other.keys == verdict.keys,
                        "\(file.charge.name), byte \(place): \(other)")
                }
            }
            #expect(silenced > 100, "\(file.charge.name): \(silenced)")
        }
    }

    @Test func `a thousand files, of which every third is forged`() throws {
        var random = SplitMix64(seed: 6)
        let slot = Slot.prevote(ForkHistory.height, round: 3)
        var wrong = 0
        for number in 0..<1_000 {
            let validator = number % ForkHistory.count
            let isForged = number % 3 == 0
            func said(_ value: UInt8, by signer: Int) -> Statement {
                let vote = ForkHistory.vote(.prevote, 3, Digest(hashing: [value]), by: signer)
                return vote.statement
            }
            // Forged by another key, by one statement twice, or for another ledger.
            let forgery = isForged ? random.next() % 3 : 3
            let second = said(
                forgery == 1 ? 1 : 2,
                by: forgery == 0 ? (validator + 1) % ForkHistory.count : validator)
            let evidence = EvidenceMessage(
                validator: ForkHistory.signers[validator].publicKey, slot: .consensus(slot),
                first: said(1, by: validator), second: second)
            let ledger = forgery == 2 ? LedgerID(Digest(hashing: [2])) : ForkParties.ledger
            let file = EvidenceFile(ledger: ledger, charge: .contradiction(evidence))
            let verdict = try EvidenceFile(file.bytes).verdict()
            let expected: EvidenceVerdict.Effect = isForged ? .nothing : .convicts
            if verdict.effect != expected { wrong += 1 }
        }
        #expect(wrong == 0)
    }

    @Test func `absurd bytes are answered in words`() throws {
        var random = SplitMix64(seed: 7)
        for kind in 0..<9 as Range<UInt8> {
            for _ in 0..<200 {
                var bytes = Array("RCEV".utf8) + [1, 0] + [UInt8](repeating: 0, count: 10)
                bytes += [UInt8](repeating: 3, count: 32) + [kind]
                for _ in 0..<random.next() % 600 {
                    bytes.append(random.next() % 3 == 0 ? 0xFF : UInt8(random.next() % 4))
                }
                bytes += [UInt8](repeating: 0, count: 32)
                if let file = try? EvidenceFile(bytes.framedAgain) {
                    #expect(file.verdict().effect == .nothing)
                }
            }
        }
        let rest = [UInt8](repeating: 0, count: 60)
        #expect(throws: EvidenceFormatError.file(.length(bytes: 3, expected: 48))) {
            try EvidenceFile([1, 2, 3])
        }
        #expect(throws: EvidenceFormatError.file(.magic)) { try EvidenceFile([1, 2, 3] + rest) }
        #expect(throws: EvidenceFormatError.file(.version(2))) {
            try EvidenceFile(Array("RCEV".utf8) + [2, 0] + rest)
        }
    }

    /// A state that nobody vouches for, of which sums would overflow.
    @Test func `a state beyond the rules' bounds is refused`() throws {
        let file = try EvidenceSamples.refutedBatch()
        guard case .refutedBatch(let charge) = file.charge else { return }
        for place in stride(from: 0, to: charge.excerpt.fixed.count, by: 3) {
            var bytes = file.bytes
            // The fixed part begins behind header, ledger, kind and its own length.
            let start = 16 + 32 + 1 + 4 + place
            for offset in 0..<min(8, charge.excerpt.fixed.count - place) {
                bytes[start + offset] = 0xFF
            }
            let verdict = try? EvidenceFile(bytes.framedAgain).verdict()
            #expect(verdict?.effect != .convicts, "byte \(place)")
        }
    }

    @Test(.enabled(if: Engine.isHere, "no engine"))
    func `a result that running the job refutes convicts, and a true one does not`() throws {
        func run(_ job: ComputeJob, _ milliseconds: UInt64) -> JobOutcome {
            Engine.outcome(of: job)
        }
        let file = try EvidenceSamples.result(isFalse: true)
        #expect(try EvidenceFile(file.bytes).verdict(run: run).effect == .convicts)
        #expect(try EvidenceSamples.result(isFalse: false).verdict(run: run).effect == .nothing)
        // Without an engine nobody can say.
        #expect(file.verdict().effect == .unjudged)
    }

    /// True parts of true files, put together so that they would convict whoever is honest.
    @Test func `what does not belong together convicts nobody`() throws {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        let proof = TrueProof.of(nullifier: 5, amount: 5)
        let request = scenario.request(nullifier: 5) { $0.proof = proof }
        let other = scenario.request(nullifier: 6) { $0.proof = proof }
        let id = request.id(in: scenario.ledger)
        var circuit = Fixture.circuit
        circuit.name = "another"
        let vote = scenario.vote(3, .approve, on: id)
        func effect(_ charge: Charge) -> EvidenceVerdict.Effect {
            EvidenceFile(ledger: scenario.ledger, charge: charge).verdict().effect
        }
        // The vote is right on its own request; of another, whose proof fails, it would be false.
        #expect(
            effect(
                .falseVote(
                    FalseVote(request: other, circuit: Fixture.circuit, vote: SignedVote(vote))))
                == .nothing)
        let swapped = FalseVote(
            request: request, circuit: circuit,
            vote: SignedVote(scenario.vote(3, .reject, on: id)))
        #expect(effect(.falseVote(swapped)) == .nothing)
        try scenario.seal()
        #expect(try misplacedState(scenario) == .nothing)
        #expect(try misplacedParties(scenario) == .nothing)
        #expect(try oneHistory(scenario) == .nothing)
    }

    /// A batch that the rules give on its own state, with another state in its place.
    private func misplacedState(_ scenario: LedgerScenario) throws -> EvidenceVerdict.Effect {
        let ledgers = CulpritLedgers()
        var later = scenario
        try later.open()
        let request = try later.submit()
        try later.seal()
        let start = UInt64(later.log.count)
        let state = later.state
        try later.open()
        try later.cast(0, .approve, on: request)
        try later.seal()
        try ledgers.write(certified: later.log, to: "/a", ledger: later.ledger)
        let log = try EventLog.open(directory: "/a", disk: ledgers.shelf.disk, access: .readOnly)
        let precommits = try PrecommitStore(ledgerDirectory: "/a", disk: ledgers.shelf.disk)
            .load(later.state.height)
        let entries = later.log.suffix(from: Int(start)).map { EntryBytes($0.encoded) }
        let batch = DecidedBatch(precommits: precommits, entries: entries)
        let before = try SealedEnd(of: log, at: start)
        let right = RefutedBatch(on: state.excerpt(for: batch.events), before, batch: batch)
        #expect(
            EvidenceFile(ledger: later.ledger, charge: .refutedBatch(right)).verdict().effect
                == .nothing)
        // On a state of the same size without the request the rules would refuse the vote.
        var twin = scenario
        try twin.open()
        _ = try twin.submit(nullifier: 999)
        try twin.seal()
        let wrong = RefutedBatch(
            on: twin.state.excerpt(for: batch.events), before, batch: batch)
        return EvidenceFile(ledger: later.ledger, charge: .refutedBatch(wrong)).verdict().effect
    }

    /// The leader's own opening, with the parties of a ledger in which another would lead.
    private func misplacedParties(_ scenario: LedgerScenario) throws -> EvidenceVerdict.Effect {
        let ledgers = CulpritLedgers()
        try ledgers.shelf.write(scenario.log, to: "/a")
        let log = try EventLog.open(directory: "/a", disk: ledgers.shelf.disk, access: .readOnly)
        let before = try SealedEnd(of: log, at: log.size)
        let opening = scenario.opening(at: scenario.state.time.adding(milliseconds: 5))
        let entries = [EntryBytes(Event.batchOpened(opening.event).encoded)]
        var effects: Set<EvidenceVerdict.Effect> = []
        for stakes in [[1, 1, 1, 1, 1, 9_000], [9_000], [1, 9_000], [1, 1, 9_000]] as [[UInt64]] {
            var setup = Setup.of(CulpritLedgers.validators, UInt32(CulpritLedgers.threshold))
            setup.stakes = stakes
            var elsewhere = try LedgerScenario(setup)
            try elsewhere.open()
            try elsewhere.seal()
            var fixed = elsewhere.state.snapshot().fixed
            fixed.replaceSubrange(0..<32, with: scenario.ledger.digest.bytes)
            let charge = ForeignProposal(
                proposer: opening.proposer, fixed: fixed, before: before, entries: entries,
                proposed: nil)
            let file = EvidenceFile(ledger: scenario.ledger, charge: .foreignProposal(charge))
            effects.insert(file.verdict().effect)
        }
        return effects.contains(.convicts) ? .convicts : .nothing
    }

    /// Two checkpoints of one history.
    private func oneHistory(_ scenario: LedgerScenario) throws -> EvidenceVerdict.Effect {
        let shelf = Shelf()
        try shelf.write(scenario.log, to: "/a")
        let log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        let key = Fixture.key(1)
        func signed(_ size: UInt64) throws -> SignedHead {
            let head = TreeHead(size: size, root: try log.root(at: size))
            let bytes = CheckpointStatement.signedBytes(
                size: size, root: head.root, seconds: nil, ledger: scenario.ledger)
            return .checkpoint(head, seconds: nil, key.sign(bytes))
        }
        let charge = TwoHistories(
            validator: key.publicKey, older: try signed(2), newer: try signed(log.size),
            root: try log.root(at: 2), proof: try log.consistencyProof(from: 2, to: log.size))
        let file = EvidenceFile(ledger: scenario.ledger, charge: .twoHistories(charge))
        return file.verdict().effect
    }

    /// A ledger of the forger's own, whose seal names a state of which products overflow.
    @Test(arguments: [UInt64.max, 1 << 62, 200_000_000])
    func `a sealed state beyond the rules' bounds is refused`(_ reputation: UInt64) throws {
        var scenario = try CulpritLedgers.scenario()
        try scenario.open()
        try scenario.seal()
        let honest = scenario.state.snapshot()
        let usual = BorshCount.bytes(scenario.state.validators[0].reputation.rawValue)
        let key = scenario.state.validators[0].key.bytes
        let start = try #require(honest.fixed.place(of: key))
        let place = try #require(Array(honest.fixed[start...]).place(of: usual)) + start
        var fixed = honest.fixed
        fixed.replaceSubrange(place..<place + 8, with: BorshCount.bytes(reputation))
        // As it is, no such state is restored; whoever forges it computes the root by himself.
        #expect(throws: SnapshotError.self) {
            try LedgerState(unverified: StateSnapshot(fixed: fixed, records: honest.records))
        }
        let end = try #require(fixed.place(of: scenario.submitter.publicKey.bytes)) - 4
        var component = BorshWriter(domain: "recount/component/v1")
        component.write(StateComponent.validators.label)
        component.writeFixed(Array(fixed[(start - 4)..<end]))
        let seal = try #require(scenario.seals.last)
        var roots = seal.components
        roots[Int(StateComponent.validators.rawValue)] = Digest(hashing: component.bytes)
        var forged = seal
        forged.components = roots
        let bytes = Event.batchSealed(forged).encoded
        let size = seal.size
        var frontier = MerkleFrontier()
        for event in scenario.log.prefix(Int(size)) { frontier.append(leaf: event.encoded) }
        let before = SealedEnd(subtrees: frontier.subtrees, seal: bytes)
        frontier.append(leaf: bytes)
        let opening = scenario.opening(at: scenario.state.time.adding(milliseconds: 5)) {
            $0.previousRoot = frontier.root
        }
        let entry = Event.batchOpened(opening.event).encoded
        let charge = ForeignProposal(
            proposer: opening.proposer, fixed: fixed, before: before,
            entries: [EntryBytes(entry)], proposed: nil)
        let file = EvidenceFile(ledger: scenario.ledger, charge: .foreignProposal(charge))
        let verdict = file.verdict()
        #expect(verdict.effect == .nothing)
        #expect(verdict.sentence.contains("parties"), "\(verdict.sentence)")
    }

    /// What the second reader says of one file.
    private struct Judgement: Decodable {
        let effect: String
        let keys: [String]
    }

    @Test(.enabled(if: Reader.isThere, "no Python with what the reader needs"))
    func `the second reader agrees, also on changed and forged files`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("evidence-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var random = SplitMix64(seed: 8)
        var files: [(path: String, bytes: [UInt8])] = []
        for sample in try EvidenceSamples.all() {
            for change in 0..<24 {
                var bytes = sample.bytes
                if change > 0 {
                    bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(change % 8)
                }
                if change < 20 { bytes = bytes.framedAgain }
                if change == 23 { bytes.removeLast() }
                let path = folder.appendingPathComponent("\(files.count).rcev").path
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                files.append((path, bytes))
            }
        }
        let (status, lines) = try Reader.judge(files.map(\.path))
        #expect(status == 2)
        #expect(lines.count == files.count)
        for (file, line) in zip(files, lines) {
            let told = try JSONDecoder().decode(Judgement.self, from: Data(line.utf8))
            let verdict = try? EvidenceFile(file.bytes).verdict()
            #expect(told.effect == (verdict?.effect ?? .nothing).rawValue, "\(file.path): \(line)")
            #expect(told.keys == (verdict?.keys ?? []), "\(file.path): \(line)")
        }
    }
}

extension [UInt8] {
    /// The same file with the length and the hash that whoever forges it gives it.
    fileprivate var framedAgain: [UInt8] {
        var framed = self
        framed.replaceSubrange(8..<16, with: BorshCount.bytes(UInt64(count)))
        framed.removeLast(32)
        return framed + Digest(hashing: framed).bytes
    }
}

/// Eight bytes of an integer, as Borsh writes it.
private enum BorshCount {
    static func bytes(_ value: UInt64) -> [UInt8] {
        var writer = BorshWriter()
        writer.write(value)
        return writer.bytes
    }
}

extension [UInt8] {
    /// Where these bytes stand first.
    fileprivate func place(of other: [UInt8]) -> Int? {
        indices.first { self[$0...].starts(with: other) }
    }
}
