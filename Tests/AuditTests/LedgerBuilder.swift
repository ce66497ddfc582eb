// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import BN254
import Cryptography
import EventLog
import Foundation
import Groth16
import Ledger
import TestSupport

/// Writes a ledger in memory by the rules, entry by entry.
struct LedgerBuilder {
    static let start = Time(1_767_225_600_000)

    let validators: [SigningKey]
    let submitter = SigningKey(seed: LedgerBuilder.seed(200))
    let bridge = SigningKey(seed: LedgerBuilder.seed(201))
    private(set) var state = LedgerState()
    private(set) var entries: [[UInt8]] = []
    private var frontier = MerkleFrontier()
    /// What sees each entry with the state after it.
    var observe: (LedgerState) -> Void = { _ in }

    static func seed(_ number: UInt8) -> Bytes32 {
        Bytes32([UInt8](repeating: number, count: 32)) ?? .zero
    }

    init(
        validatorCount: UInt8 = 10, threshold: UInt32 = 7, circuits: [GenesisCircuit] = [],
        observe: @escaping (LedgerState) -> Void = { _ in }
    ) throws {
        self.observe = observe
        validators = (0..<validatorCount).map { SigningKey(seed: Self.seed($0 + 1)) }
        var parameters = Parameters.standard
        parameters.threshold = threshold
        let opened = LedgerOpened(
            name: "recount.example/audit", parameters: parameters,
            validators: validators.enumerated().map { index, key in
                GenesisValidator(
                    key: key.publicKey, name: "validator-\(index + 1)",
                    stake: Stake(1000 + UInt64(index)))
            },
            submitters: [
                GenesisSubmitter(key: submitter.publicKey, name: "submitter", quota: 100)
            ],
            bridge: bridge.publicKey, circuits: circuits, time: Self.start)
        try run(.openLedger(opened))
        try seal()
    }

    var events: [Event] {
        get throws { try entries.map { try Event(decoding: $0) } }
    }

    mutating func run(_ command: Command) throws {
        // Entry by entry, so that what observes sees the state after each.
        for event in try state.decide(command) {
            let entry = Entry(event)
            frontier.append(leafHash: entry.leafHash)
            entries.append(entry.bytes)
            try state.apply(entry)
            observe(state)
        }
    }

    private mutating func seal() throws {
        try run(.seal(size: frontier.count, root: frontier.root))
    }

    /// Writes a batch, the given time after the start of the ledger.
    ///
    /// - Parameter round: How many in rank are passed over.
    mutating func batch(
        seconds: UInt64, round: UInt32 = 0, _ body: (inout LedgerBuilder) throws -> Void = { _ in }
    ) throws {
        let height = Height(state.height.rawValue + 1)
        let time = Self.start.adding(milliseconds: seconds * 1000)
        let opening = state.nextOpening(
            at: time, round: round, root: frontier.root, precommits: precommits(of: height),
            key: key)
        try run(.openBatch(Checked(unchecked: opening), root: frontier.root))
        try body(&self)
        try run(.closeDue)
        try seal()
    }

    /// Those of the batch before the one of this height, by the first T who ordered it.
    private func precommits(of height: Height) -> [IndexedSignature] {
        guard height.rawValue >= 2 else { return [] }
        return state.precommits(root: frontier.root, key: key)
    }

    private func key(_ index: ValidatorIndex) -> SigningKey { validators[Int(index.rawValue)] }

    /// Those of the last batch, which lie beside the log; nil of the first.
    var lastPrecommits: Precommits? {
        guard state.height.rawValue > 0 else { return nil }
        return Precommits(
            height: state.height, round: 0, root: frontier.root,
            signatures: precommits(of: Height(state.height.rawValue + 1)))
    }

    mutating func take(_ message: Message) throws {
        try run(.message(Checked(unchecked: message)))
    }

    /// Submits a request and returns its identity.
    mutating func submit(_ request: RequestMessage) throws -> RequestID {
        let signed = request.signed(by: submitter, in: state.ledger)
        try take(.request(signed))
        return signed.id(in: state.ledger)
    }

    func vote(_ request: RequestID, _ validator: Int, _ vote: Vote) -> VoteMessage {
        VoteMessage(
            request: request, validator: validators[validator].publicKey, vote: vote,
            reason: .unspecified, timestamp: state.time, signature: .zero
        ).signed(by: validators[validator], in: state.ledger)
    }

    mutating func vote(
        _ request: RequestID, approve: some Sequence<Int> = [], reject: some Sequence<Int> = []
    ) throws {
        for validator in approve { try take(.vote(vote(request, validator, .approve))) }
        for validator in reject { try take(.vote(vote(request, validator, .reject))) }
    }

    mutating func settle(_ request: RequestID, _ result: SettlementResult) throws {
        var message = SettlementMessage(
            request: request, bridge: bridge.publicKey, reference: Array("payment".utf8),
            result: result, signature: .zero)
        message.signature = bridge.sign(message.signedBytes(in: state.ledger))
        try take(.settlement(message))
    }
}

/// A new directory that goes with the last reference.
final class Folder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-audit-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        do { try FileManager.default.removeItem(atPath: path) } catch { print("\(error)") }
    }

    /// Writes a log of these entries, a commit at every seal, and closes it.
    func write(_ entries: [[UInt8]], name: String = "ledger") throws -> String {
        let directory = path + "/" + name
        if FileManager.default.fileExists(atPath: directory) {
            try FileManager.default.removeItem(atPath: directory)
        }
        let log = try EventLog.create(directory: directory, disk: POSIXDisk())
        for entry in entries {
            _ = try log.stage(entry)
            if entry.first == 76 { try log.commit() }
        }
        try log.commit()
        try log.close()
        return directory
    }

    func audit(_ entries: [[UInt8]], _ options: AuditOptions = AuditOptions()) throws -> AuditReport
    {
        try Auditor.run(directory: try write(entries), options: options)
    }
}

extension AuditOptions {
    static let derivationOnly = AuditOptions(checkSignatures: false, verifyProofs: false)
}

/// The third-party proofs, as requests to circuits of ours.
enum Paraloom {
    static let folder = "groth16/paraloom/"
    static let isThere = Vectors.has(folder + "verification_key.json")

    static func inputs(_ name: String) throws -> [Bytes32] {
        let texts: [String] = try Vectors.json(folder + "transact_\(name).public.json")
        return try PublicInputs.parse(decimal: texts).map {
            Bytes32($0.littleEndianBytes) ?? .zero
        }
    }

    static func circuit(_ name: String) throws -> GenesisCircuit {
        let form: SnarkjsVerifyingKey = try Vectors.json(folder + "verification_key.json")
        let inputs = try inputs(name)
        let circuit = Circuit(
            name: "paraloom-\(name)", verifyingKey: try VerifyingKey(snarkjs: form).bytes,
            inputs: [
                .root, .negatedAmount, .externalDataHash, .constant(inputs[3]), .nullifier,
                .nullifier, .free, .free,
            ])
        return GenesisCircuit(circuit: circuit, roots: [inputs[0]])
    }

    static func request(
        _ name: String, proofOf other: String? = nil, timestamp: UInt64 = 0,
        by builder: LedgerBuilder
    ) throws -> RequestMessage {
        let form: SnarkjsProof = try Vectors.json(
            folder + "transact_\(other ?? name).proof.json")
        let inputs = try inputs(name)
        let recipient = LedgerBuilder.seed(name == "native" ? 0x03 : 0x22)
        return RequestMessage(
            circuit: try circuit(name).circuit.id, nullifiers: [inputs[4], inputs[5]],
            amount: Amount(500), recipient: recipient, proof: try Proof(snarkjs: form).compressed,
            publicInputs: inputs, timestamp: Time(timestamp),
            submitter: builder.submitter.publicKey, signature: .zero)
    }
}
