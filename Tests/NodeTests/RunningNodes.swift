// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Dispatch
import EventLog
import Foundation
import Ledger
import Node
import Replication
import Synchronization
import TestSupport

/// Four validators of whom three decide, joined by a hub; a test plays those that are not started.
final class RunningNodes: Sendable {
    /// What one thread waits for and another gives.
    private final class Answer<T: Sendable>: Sendable {
        let value = Mutex<T?>(nil)
        let isThere = DispatchSemaphore(value: 0)
    }

    let network: LocalNetwork
    let hub: LocalHub
    let clock: ShiftedClock
    private let share: NodeShare
    private let nodes = Mutex<[Int: ValidatorNode]>([:])
    private let warnings = Mutex<[String]>([])
    private let options: NodeOptions

    static func network(_ folder: TemporaryFolder) throws -> LocalNetwork {
        var configuration = try Samples.configuration()
        configuration.validators = Array(configuration.validators.prefix(4))
        configuration.parameters.threshold = 3
        return try Networks.make(folder, configuration)
    }

    /// Starts the validators of these places; the first is 0.
    init(
        _ network: LocalNetwork, _ places: [Int] = [0, 1, 2], options: NodeOptions = NodeOptions(),
        share: NodeShare = NodeShare(), clock: ShiftedClock = ShiftedClock(Samples.start),
        hub: LocalHub = LocalHub()
    ) throws {
        self.network = network
        self.hub = hub
        self.share = share
        self.options = options
        self.clock = clock
        for place in places { try start(place) }
    }

    func start(_ place: Int) throws {
        let home = network.nodes[place]
        var own = options
        own.followsProjections = false
        let node = try ValidatorNode(
            home: home, transport: hub.join(home.key.publicKey, as: .validator), share: share,
            options: own, clock: clock
        ) { [weak self] told in
            if case .event(.warning(let text)) = told {
                self?.warnings.withLock { $0.append(text) }
            }
        }
        nodes.withLock { $0[place] = node }
    }

    /// Ends some in order, or all and what they share; returns the errors of those that failed.
    @discardableResult
    func stop(_ places: [Int]? = nil) -> [NodeError] {
        let ended = nodes.withLock { nodes in
            (places ?? nodes.keys.sorted()).compactMap { nodes.removeValue(forKey: $0) }
        }
        for node in ended { node.stop() }
        let errors = ended.compactMap { $0.wait() }
        if places == nil { share.stop() }
        return errors
    }

    func node(_ place: Int) -> ValidatorNode? { nodes.withLock { $0[place] } }

    /// What people were told.
    var told: [String] { warnings.withLock { $0 } }

    /// Reads the state of a node on its thread; nil where it does not answer in time.
    func state<T: Sendable>(
        _ place: Int = 0, _ body: @escaping @Sendable (LedgerState) -> T
    ) -> T? {
        let answer = Answer<T>()
        node(place)?.readState(body) { value in
            answer.value.withLock { $0 = value }
            answer.isThere.signal()
        }
        guard answer.isThere.wait(timeout: .now() + 10) == .success else { return nil }
        return answer.value.withLock { $0 }
    }

    /// Waits until something holds; false where it did not in time.
    func wait(until holds: () throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(testPatienceSeconds)
        while ContinuousClock.now < end {
            if try holds() { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return try holds()
    }

    /// Waits until these nodes hold for all that the state does; false where one did not in time.
    func wait(
        _ places: [Int] = [0, 1, 2],
        _ holds: @escaping @Sendable (LedgerState) -> Bool
    ) async throws -> Bool {
        try await wait { places.allSatisfy { state($0, holds) == true } }
    }

    /// Signed requests of the samples that are to be approved.
    func requests(_ count: Int) throws -> [RequestMessage] {
        let circuits = state { $0.circuits.map(\.circuit) } ?? []
        let reader = RequestReader(
            ledger: network.ledger, circuits: circuits,
            signers: network.submitters.map { NamedKey(name: $0.name, key: $0.key) })
        return try Samples.lines()
            .filter { try Samples.expectation($0).outcome == "approved" }.prefix(count)
            .map { try reader.read(line: Array($0.utf8)).message }
    }

    /// How many of these requests a node knows to be approved.
    func approved(_ requests: [RequestMessage], by place: Int) -> Int {
        let ids = requests.map { $0.id(in: network.ledger) }
        return state(place) { state in
            ids.count { id in
                state.entry(of: id).flatMap { state.decided(at: $0) }?.decision.outcome == .approved
            }
        } ?? 0
    }

    func blobs(_ place: Int) -> BlobStore {
        BlobStore(logDirectory: network.nodes[place].ledgerDirectory, disk: POSIXDisk())
    }

    /// A job with these payloads, signed by the first submitter; sizes as they are unless told.
    func job(
        _ module: [UInt8], _ input: [UInt8], engineVersion: String, inputBytes: UInt64? = nil,
        milliseconds: UInt64 = 0
    ) -> JobMessage {
        let key = network.submitters[0].key
        return JobMessage(
            module: Digest(hashing: module), input: Digest(hashing: input),
            moduleBytes: UInt64(module.count), inputBytes: inputBytes ?? UInt64(input.count),
            fuel: 1_000_000, memoryBytes: 1 << 20, milliseconds: milliseconds,
            engine: "wasmtime", engineVersion: engineVersion, timestamp: clock.now(),
            submitter: key.publicKey, signature: .zero
        ).signed(by: key, in: network.ledger)
    }
}
