// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import BN254
import Cryptography
import EventLog
import Groth16
import Hosting
import Ledger
import Node

/// Makes a ledger of any size from a seed.
///
/// Keys, decisions, order and roots are real, and signatures where they are asked for; otherwise
/// random bytes stand for them. The proofs are not real: each request carries the same well-formed
/// points, which prove nothing, and ten validators judge it all the same. So an audit of such a
/// ledger leaves the proofs out, or finds every approval false. Of a hundred votes 96 approve, two
/// reject, one abstains and one is not cast; they come in any order, a few at each millisecond.
struct LedgerGenerator {
    private let validators: [SigningKey]
    private let submitter: SigningKey
    private let bridge: SigningKey
    private let circuit: Circuit
    private let root: Bytes32
    private let proof: [UInt8]
    private let isSigning: Bool
    private var random: SeededRandom
    private(set) var state = LedgerState()
    private(set) var entries: UInt64 = 0
    private var time: UInt64 = 1_767_225_600_000
    private var request: UInt64 = 0
    /// The verdicts of the last batch, by validator.
    private(set) var verdicts: [[(RequestID, Verdict)]] = []

    /// Requests of one batch: a batch holds at most 1,000 commands, twelve for each request.
    static let requestsPerBatch: UInt64 = 83

    init(signing: Bool = true, seed: UInt64 = 1) throws {
        func key(_ number: UInt8) -> SigningKey {
            SigningKey(seed: Bytes32([UInt8](repeating: number, count: 32)) ?? .zero)
        }
        isSigning = signing
        random = SeededRandom(seed: seed)
        validators = (1...10).map { key(UInt8($0)) }
        submitter = key(200)
        bridge = submitter
        root = .zero
        let point = G1Affine.generator
        let twist = G2Affine.generator
        let verifyingKey = try VerifyingKey(
            alpha: point.multipliedVariableTime(by: Fr(2)),
            beta: twist.multipliedVariableTime(by: Fr(3)), gamma: twist,
            delta: twist.multipliedVariableTime(by: Fr(5)),
            ic: (7...11).map { point.multipliedVariableTime(by: Fr(UInt64($0))) })
        circuit = Circuit(
            name: "generated", verifyingKey: verifyingKey.bytes,
            inputs: [.root, .nullifier, .recipient, .amount])
        proof = Proof(a: point, b: twist, c: point).compressed
    }

    /// Goes on with the ledger of a local network after its first batch, in the names of its
    /// parties, for its first circuit: one of a root, a nullifier, a recipient and an amount.
    init(
        _ network: LocalNetwork, _ opened: LedgerOpened, _ state: LedgerState, seed: UInt64 = 1
    ) throws {
        guard let circuit = opened.circuits.first, let root = circuit.roots.first,
            circuit.circuit.inputs == [.root, .nullifier, .recipient, .amount],
            let submitter = network.submitters.first, let bridge = network.bridge
        else { throw ValidationError("the network's first circuit is not of the sample's form") }
        isSigning = true
        random = SeededRandom(seed: seed)
        validators = network.nodes.map(\.key)
        self.submitter = submitter.key
        self.bridge = bridge.key
        self.circuit = circuit.circuit
        self.root = root
        proof =
            Proof(a: G1Affine.generator, b: G2Affine.generator, c: G1Affine.generator).compressed
        self.state = state
        entries = state.size
        time = opened.time.rawValue
    }

    /// The events of batch 0.
    func genesis() throws -> [Event] {
        try BatchRun(opening: opened).entries.map(\.event)
    }

    private var opened: LedgerOpened {
        LedgerOpened(
            name: "generated", parameters: .standard,
            validators: validators.enumerated().map { place, key in
                GenesisValidator(
                    key: key.publicKey, name: "validator-\(place + 1)", stake: Stake(1000))
            },
            submitters: [
                GenesisSubmitter(key: submitter.publicKey, name: "submitter", quota: 100_000)
            ],
            bridge: submitter.publicKey,
            circuits: [GenesisCircuit(circuit: circuit, roots: [.zero])], time: Time(time))
    }

    /// Opens the ledger in `log`.
    mutating func open(_ log: EventLog) throws {
        try record(.openLedger(opened), log)
        try seal(log)
    }

    /// Adds one batch: payments of the last, requests, and their votes.
    mutating func addBatch(_ log: EventLog) throws {
        time += 1000
        let height = Height(state.height.rawValue + 1)
        let proposer = state.proposerRanking(height: height)[0]
        let key = validators[Int(proposer.rawValue)]
        let opening = BatchOpening.signedBytes(
            height: height, time: Time(time), round: 0, previousRoot: log.root,
            proposer: key.publicKey, in: state.ledger)
        let opened = BatchOpened(
            height: height, time: Time(time), proposer: proposer, round: 0, previousRoot: log.root,
            precommitRound: 0, precommits: precommits(of: log.root, before: height),
            signature: signature(key, opening))
        guard let opening = state.opening(of: opened) else { fatalError("an unknown validator") }
        try record(.openBatch(Checked(unchecked: opening), root: log.root), log)
        for entry in state.pendingSettlements { try settle(entry, log) }
        var votes: [(RequestID, Int)] = []
        for _ in 0..<Self.requestsPerBatch {
            let id = try addRequest(log)
            votes += validators.indices.map { (id, $0) }
        }
        verdicts = Array(repeating: [], count: validators.count)
        for place in votes.indices.reversed() {
            votes.swapAt(place, Int(random.next(below: UInt64(place + 1))))
        }
        for (place, vote) in votes.enumerated() {
            try addVote(vote.0, vote.1, time: time + UInt64(place) / 2, log)
        }
        try record(.closeDue, log)
        try seal(log)
    }

    /// T of the batch before.
    mutating func precommits(
        of root: Digest, before height: Height
    ) -> [IndexedSignature] {
        guard height.rawValue >= 2 else { return [] }
        let slot = Slot.precommit(Height(height.rawValue - 1), round: 0)
        return state.sealedBefore.members.prefix(7).map { member in
            let bytes = ConsensusStatement.signedBytes(
                slot, value: root, validRound: -1, key: member.key, ledger: state.ledger)
            return IndexedSignature(
                validator: member.index,
                signature: signature(validators[Int(member.index.rawValue)], bytes ?? []))
        }
    }

    private mutating func addRequest(_ log: EventLog) throws -> RequestID {
        request += 1
        let nullifier = Self.bytes32(request)
        var message = RequestMessage(
            circuit: circuit.id, nullifiers: [nullifier], amount: Amount(request),
            recipient: .zero, proof: proof,
            publicInputs: [root, nullifier, .zero, Self.bytes32(request)], timestamp: Time(time),
            submitter: submitter.publicKey, signature: .zero)
        message.signature = signature(submitter, message.signedBytes(in: state.ledger))
        try record(.message(Checked(unchecked: .request(message))), log)
        return message.id(in: state.ledger)
    }

    private mutating func addVote(
        _ request: RequestID, _ place: Int, time: UInt64, _ log: EventLog
    ) throws {
        let validator = validators[place]
        let (vote, reason): (Vote, VoteReason)
        switch random.next(below: 100) {
        case 0: return
        case 1: (vote, reason) = (.abstain, .localError)
        case 2, 3: (vote, reason) = (.reject, .proofFails)
        default: (vote, reason) = (.approve, .proofHolds)
        }
        verdicts[place].append((request, Verdict(vote, reason)))
        var message = VoteMessage(
            request: request, validator: validator.publicKey, vote: vote, reason: reason,
            timestamp: Time(time), signature: .zero)
        message.signature = signature(validator, message.signedBytes(in: state.ledger))
        try record(.message(Checked(unchecked: .vote(message))), log)
    }

    private mutating func settle(_ entry: EntryIndex, _ log: EventLog) throws {
        guard let id = state.requestID(at: entry) else { return }
        var report = SettlementMessage(
            request: id, bridge: bridge.publicKey, reference: [], result: .settled,
            signature: .zero)
        report.signature = signature(bridge, report.signedBytes(in: state.ledger))
        try record(.message(Checked(unchecked: .settlement(report))), log)
    }

    private mutating func signature(_ key: SigningKey, _ bytes: [UInt8]) -> Signature {
        isSigning ? key.sign(bytes) : Signature(random.bytes(64)) ?? .zero
    }

    private static func bytes32(_ number: UInt64) -> Bytes32 {
        Bytes32(Fr(number).littleEndianBytes) ?? .zero
    }

    private mutating func seal(_ log: EventLog) throws {
        try record(.seal(size: log.stagedSize, root: log.stagedRoot), log)
        try log.commit()
    }

    private mutating func record(_ command: Command, _ log: EventLog) throws {
        let derived = try state.run(command)
        _ = try log.stage(derived.map(\.bytes)[...], leafHashes: derived.map(\.leafHash))
        entries += UInt64(derived.count)
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers from the same seed.
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func next(below bound: UInt64) -> UInt64 { next() % bound }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            let word = next()
            for shift in stride(from: 0, to: 64, by: 8) where result.count < count {
                result.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
            }
        }
        return result
    }
}
