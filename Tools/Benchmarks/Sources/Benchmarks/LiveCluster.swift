// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Figures
import Foundation
import Hosting
import Ledger
import Replication
import Simulation
import Synchronization

/// Whole nodes on real files and the real clock, on one thread or several; messages arrive at
/// once.
///
/// Every node checks every signature and every proof itself, and syncs its own log and journal.
final class LiveCluster {
    let directory: URL
    let ledger: LedgerID
    private(set) var bytes: UInt64 = 0
    private(set) var messages: UInt64 = 0
    /// Seconds that the proofs took, of all nodes together.
    private(set) var provingSeconds = 0.0
    private let proofs: ProofMaker
    private let submitter: SigningKey
    private var hosts: [ReplicaHost] = []
    /// Requests whose proofs each node is to verify: together, as a node does.
    private var unverified: [[RequestMessage]]
    private let threads: Int
    /// What waits for each node, which checks the signatures of all of it together.
    private var deliveries: [[(bytes: [UInt8], peer: ValidatorIndex?)]]
    /// The nodes that take part.
    private let live: Range<Int>
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var random: SimulationRandom
    private var submitted: [RequestID: ContinuousClock.Instant] = [:]
    /// Milliseconds from submission until the first node had the decision on its disk.
    private(set) var latencies: [Double] = []
    private var nextNumber: UInt64 = 0

    /// - Parameter threads: How many nodes work at a time.
    init(nodes: Int, silent: Int = 0, threads: Int = 1) throws {
        self.threads = threads
        live = 0..<(nodes - silent)
        deliveries = Array(repeating: [], count: nodes)
        start = clock.now
        directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "recount-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        var random = SimulationRandom(seed: 7, "requests")
        proofs = ProofMaker(seed: 7)
        unverified = Array(repeating: [], count: nodes)
        submitter = SigningKey(seed: random.bytes32())
        let bridge = SigningKey(seed: random.bytes32())
        var parameters = Parameters.standard
        parameters.threshold = UInt32(2 * nodes / 3 + 1)
        let keys = (0..<nodes).map { _ in SigningKey(seed: random.bytes32()) }
        let opened = LedgerOpened(
            name: "benchmark", parameters: parameters,
            validators: keys.enumerated().map { place, key in
                GenesisValidator(
                    key: key.publicKey, name: "validator-\(place + 1)", stake: Stake(100))
            },
            submitters: [
                GenesisSubmitter(key: submitter.publicKey, name: "submitter", quota: 10_000)
            ],
            bridge: bridge.publicKey,
            circuits: [GenesisCircuit(circuit: proofs.circuit, roots: proofs.roots)],
            time: Time(UInt64(Date().timeIntervalSince1970 * 1000)))
        ledger = LedgerID(Digest(hashing: Event.ledgerOpened(opened).encoded))
        self.random = random
        // Tables of keys are made once for the process; each node still checks everything itself.
        let checker = SignatureChecker()
        for (place, key) in keys.enumerated() {
            let path = directory.appendingPathComponent("\(place)").path
            try ReplicaHost.create(directory: path, disk: POSIXDisk(), opened: opened)
            let host = try ReplicaHost(
                directory: path, disk: POSIXDisk(), key: key,
                memory: SignatureMemory(checker: checker), at: now)
            hosts.append(host)
        }
        for place in live { try perform(hosts[place].start(at: now), of: place) }
    }

    private var now: Instant {
        let uptime = (clock.now - start) / .milliseconds(1)
        return Instant(
            time: Time(UInt64(Date().timeIntervalSince1970 * 1000)), uptime: UInt64(uptime))
    }

    /// Keeps `window` requests under way until `count` are decided; returns the seconds.
    func decide(_ count: Int, window: Int) throws -> Double {
        // Proofs are made before the clock runs.
        let requests = (0..<count).map { _ in makeRequest() }
        latencies = []
        (bytes, messages, provingSeconds) = (0, 0, 0)
        let begin = clock.now
        var sent = 0
        while latencies.count < count {
            while sent < count, sent - latencies.count < window {
                submit(requests[sent])
                sent += 1
            }
            try turn()
        }
        return (clock.now - begin) / .seconds(1)
    }

    /// Closes and removes everything.
    func remove() throws {
        for host in hosts { try host.close() }
        try FileManager.default.removeItem(at: directory)
    }

    private func makeRequest() -> RequestMessage {
        nextNumber += 1
        let nullifier = ProofMaker.element(&random)
        let recipient = ProofMaker.element(&random)
        let amount = Amount(nextNumber)
        let inputs = [proofs.roots[0], nullifier, recipient, ProofMaker.element(amount)]
        return RequestMessage(
            circuit: proofs.circuit.id, nullifiers: [nullifier], amount: amount,
            recipient: recipient, proof: proofs.proof(inputs, holds: true, random: &random),
            publicInputs: inputs, timestamp: Time(nextNumber), submitter: submitter.publicKey,
            signature: .zero
        ).signed(by: submitter, in: ledger)
    }

    private func submit(_ request: RequestMessage) {
        submitted[request.id(in: ledger)] = clock.now
        let bytes = PeerMessage.command(.request(request)).encoded
        let count = hosts.count
        let told = Passing.order(of: .request(request), in: ledger, count: count)
            .filter(live.contains).prefix(count - (2 * count / 3 + 1) + 1)
        for place in told { deliveries[place].append((bytes, nil)) }
    }

    /// Hands out what was sent until now, and wakes who wants it.
    private func turn() throws {
        let arrived = deliveries
        deliveries = Array(repeating: [], count: hosts.count)
        try work { place, host in
            let list = arrived[place]
            if list.isEmpty { return [] }
            return try host.receive(host.intake.check(list, at: self.now.uptime), at: self.now)
        }
        let asked = unverified
        unverified = Array(repeating: [], count: hosts.count)
        let spent = Mutex(0.0)
        try work { place, host in
            if asked[place].isEmpty { return [] }
            let (seconds, verdicts) = timed { self.proofs.verdicts(on: asked[place]) }
            spent.withLock { $0 += seconds }
            let given = zip(asked[place], verdicts).map { request, verdict in
                (
                    request.id(in: self.ledger), verdict == true ? Vote.approve : .reject,
                    verdict == true ? VoteReason.proofHolds : .proofFails
                )
            }
            return try host.verified(given, at: self.now)
        }
        provingSeconds += spent.withLock { $0 }
        let moment = now
        try work { _, host in
            host.nextWake <= moment.uptime ? try host.wake(at: self.now) : []
        }
        if deliveries.allSatisfy(\.isEmpty), unverified.allSatisfy(\.isEmpty) { usleep(200) }
    }

    /// Has each node do something, and carries out what it wants.
    private func work(_ body: @escaping (Int, ReplicaHost) throws -> [HostOutput]) throws {
        guard threads > 1 else {
            for place in live { try perform(body(place, hosts[place]), of: place) }
            return
        }
        let results = Mutex([Int: Result<[HostOutput], any Error>]())
        // SAFETY: each node is touched by one thread, and the cluster by none, until all are done.
        nonisolated(unsafe) let work = (hosts: hosts, body: body)
        DispatchQueue.concurrentPerform(iterations: live.count) { place in
            let result = Result { try unsafe work.body(place, work.hosts[place]) }
            results.withLock { $0[place] = result }
        }
        for place in live {
            if let outputs = try results.withLock({ $0[place] })?.get() {
                try perform(outputs, of: place)
            }
        }
    }

    private func perform(_ outputs: [HostOutput], of place: Int) throws {
        for output in outputs {
            switch output {
            case .send(let bytes, let peer): send(bytes, from: place, to: Int(peer.rawValue))
            case .broadcast(let bytes):
                for peer in live where peer != place { send(bytes, from: place, to: peer) }
            case .verify(let request): unverified[place].append(request)
            case .committed(_, _, let events):
                for case .outcomeDecided(let decided) in events {
                    guard let id = hosts[place].state.requestID(at: decided.request),
                        let begin = submitted.removeValue(forKey: id)
                    else { continue }
                    latencies.append((clock.now - begin) / .milliseconds(1))
                }
            case .notice: break
            }
        }
    }

    private func send(_ bytes: [UInt8], from: Int, to: Int) {
        self.bytes += UInt64(bytes.count)
        messages += 1
        if live.contains(to) { deliveries[to].append((bytes, ValidatorIndex(UInt16(from)))) }
    }
}
