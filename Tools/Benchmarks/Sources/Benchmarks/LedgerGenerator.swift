// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Cryptography
import EventLog
import Groth16
import Ledger

/// Makes a ledger of any size from a seed.
///
/// Keys, signatures, decisions, order and roots are real. The proofs are not: each request carries
/// the same well-formed points, which prove nothing, and ten validators approve it all the same. So
/// an audit of such a ledger leaves the proofs out, or finds every approval false.
struct LedgerGenerator {
    private let validators: [SigningKey]
    private let submitter: SigningKey
    private let circuit: Circuit
    private let proof: [UInt8]
    private(set) var state = LedgerState()
    private(set) var entries: UInt64 = 0
    private var time: UInt64 = 1_767_225_600_000
    private var request: UInt64 = 0

    /// Requests of one batch: a batch holds at most 1,000 commands, twelve for each request.
    static let requestsPerBatch: UInt64 = 83

    init() throws {
        func key(_ number: UInt8) -> SigningKey {
            SigningKey(seed: Bytes32([UInt8](repeating: number, count: 32)) ?? .zero)
        }
        validators = (1...10).map { key(UInt8($0)) }
        submitter = key(200)
        let point = G1Affine.generator
        let twist = G2Affine.generator
        let verifyingKey = try VerifyingKey(
            alpha: point, beta: twist, gamma: twist, delta: twist,
            ic: Array(repeating: point, count: 5))
        circuit = Circuit(
            name: "generated", verifyingKey: verifyingKey.bytes,
            inputs: [.root, .nullifier, .recipient, .amount])
        proof = Proof(a: point, b: twist, c: point).compressed
    }

    /// The events of batch 0.
    func genesis() throws -> [Event] {
        var state = LedgerState()
        var events = try state.decide(.openLedger(opened))
        for event in events { try state.apply(event, encodedBytes: event.encoded.count) }
        var frontier = MerkleFrontier()
        for event in events { frontier.append(leaf: event.encoded) }
        events += try state.decide(.seal(size: state.size, root: frontier.root))
        return events
    }

    private var opened: LedgerOpened {
        LedgerOpened(
            name: "generated", ordering: .single, parameters: .standard,
            validators: validators.map { GenesisValidator(key: $0.publicKey, stake: Stake(1000)) },
            submitters: [GenesisSubmitter(key: submitter.publicKey, quota: 100_000)],
            bridge: submitter.publicKey,
            circuits: [GenesisCircuit(circuit: circuit, roots: [.zero])], time: Time(time))
    }

    /// Opens the ledger in `log`.
    mutating func open(_ log: EventLog) throws {
        try record(.openLedger(opened), log)
        try seal(log)
    }

    /// Adds one batch of requests with all their votes, decisions and closes.
    mutating func addBatch(_ log: EventLog) throws {
        time += 1000
        let height = Height(state.height.rawValue + 1)
        let proposer = state.proposerRanking(height: height)[0]
        let key = validators[Int(proposer.rawValue)]
        let signature = key.sign(
            BatchOpening.signedBytes(
                height: height, time: Time(time), round: 0, previousRoot: log.root,
                proposer: key.publicKey, in: state.ledger))
        let opened = BatchOpened(
            height: height, time: Time(time), proposer: proposer, round: 0, previousRoot: log.root,
            precommitRound: 0, precommits: [], signature: signature)
        let opening = BatchOpening(event: opened, proposer: key.publicKey, precommitKeys: [])
        try record(.openBatch(Checked(unchecked: opening), root: log.root), log)
        for _ in 0..<Self.requestsPerBatch { try addRequest(log) }
        try record(.closeDue, log)
        try seal(log)
    }

    private mutating func addRequest(_ log: EventLog) throws {
        request += 1
        let nullifier = Self.bytes32(request)
        let message = RequestMessage(
            circuit: circuit.id, nullifiers: [nullifier], amount: Amount(request),
            recipient: .zero, proof: proof,
            publicInputs: [.zero, nullifier, .zero, Self.bytes32(request)], timestamp: Time(time),
            submitter: submitter.publicKey, signature: .zero
        ).signed(by: submitter, in: state.ledger)
        let id = message.id(in: state.ledger)
        try record(.message(Checked(unchecked: .request(message))), log)
        for validator in validators {
            let vote = VoteMessage(
                request: id, validator: validator.publicKey, vote: .approve, reason: .proofHolds,
                timestamp: Time(time), signature: .zero
            ).signed(by: validator, in: state.ledger)
            try record(.message(Checked(unchecked: .vote(vote))), log)
        }
        let report = SettlementMessage(
            request: id, bridge: submitter.publicKey, reference: [], result: .settled,
            signature: .zero
        ).signed(by: submitter, in: state.ledger)
        try record(.message(Checked(unchecked: .settlement(report))), log)
    }

    private static func bytes32(_ number: UInt64) -> Bytes32 {
        Bytes32(Fr(number).littleEndianBytes) ?? .zero
    }

    private mutating func seal(_ log: EventLog) throws {
        try record(.seal(size: log.stagedSize, root: log.stagedRoot), log)
        try log.commit()
    }

    private mutating func record(_ command: Command, _ log: EventLog) throws {
        for event in try state.decide(command) {
            let bytes = event.encoded
            _ = try log.stage(bytes)
            try state.apply(event, encodedBytes: bytes.count)
            entries += 1
        }
    }
}
