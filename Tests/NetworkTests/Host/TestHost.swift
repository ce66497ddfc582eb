// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore
import NIOPosix
import Network
import Synchronization
import TestSupport
import Testing

/// A wait that was in vain.
struct WaitedInVain: Error, CustomStringConvertible {
    let what: String
    var description: String { "waited in vain for \(what)" }
}

/// Looks every few milliseconds until `holds` does.
func wait(
    for what: String, until holds: @Sendable () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + .seconds(testPatienceSeconds)
    while try await !holds() {
        guard ContinuousClock.now < end else { throw WaitedInVain(what: what) }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// A key of tests, another for each number.
func testKey(_ number: UInt8) -> SigningKey {
    SigningKey(seed: Digest(hashing: [number]).value)
}

/// A host on loopback, and what it has told.
final class TestHost: Sendable {
    let host: PeerHost
    let events = Mutex<[HostEvent]>([])

    var peer: PeerID { host.peer }

    init(_ number: UInt8, configure: (inout HostSettings) -> Void = { _ in }) throws {
        var settings = HostSettings(
            identity: testKey(number), listen: [try Multiaddr(text: "/ip4/127.0.0.1/tcp/0")])
        configure(&settings)
        host = PeerHost(
            settings: settings, loop: MultiThreadedEventLoopGroup.singleton.next())
    }

    /// Runs `body` with a started host, and stops it.
    static func with<T>(
        _ numbers: UInt8..., configure: (inout HostSettings) -> Void = { _ in },
        body: ([TestHost]) async throws -> T
    ) async throws -> T {
        var hosts: [TestHost] = []
        for number in numbers { hosts.append(try TestHost(number, configure: configure)) }
        for host in hosts { try await host.start() }
        do {
            let result = try await body(hosts)
            for host in hosts { try await host.host.stop().get() }
            return result
        } catch {
            for host in hosts { try await host.host.stop().get() }
            throw error
        }
    }

    func start() async throws {
        try await host.start().get()
        try await run { host in
            host.observe { event in self.events.withLock { $0.append(event) } }
        }
    }

    /// Runs `body` on the host's loop.
    func run<T: Sendable>(_ body: @escaping @Sendable (PeerHost) throws -> T) async throws -> T {
        let host = host
        return try await host.loop.submit { try body(host) }.get()
    }

    /// Where the host can be dialled, with its name.
    func address() async throws -> Multiaddr {
        let peer = peer
        let first = try await run { $0.listenAddresses.first }
        return try #require(first).with(peer)
    }

    @discardableResult
    func dial(_ address: Multiaddr) async throws -> PeerID {
        try await ask { host, promise in
            host.dial(address) { promise.completeWith($0.mapError { $0 as any Error }) }
        }
    }

    func ping(_ peer: PeerID) async throws -> TimeAmount {
        try await ask { host, promise in
            host.ping(peer) { promise.completeWith($0.mapError { $0 as any Error }) }
        }
    }

    /// Opens a stream with a handler of its own.
    func open(
        _ protocols: [String], to peer: PeerID, handler: any StreamHandler & Sendable
    ) async throws -> PeerStream {
        try await ask { host, promise in
            host.open(protocols, to: peer) { result in
                if case .success(let stream) = result { stream.handler = handler }
                promise.completeWith(result.mapError { $0 as any Error })
            }
        }
    }

    func ask<T: Sendable>(
        _ body: @escaping @Sendable (PeerHost, EventLoopPromise<T>) -> Void
    ) async throws -> T {
        let host = host
        let promise = host.loop.makePromise(of: T.self)
        host.loop.execute { body(host, promise) }
        return try await promise.futureResult.get()
    }

    func isConnected(to peer: PeerID) async throws -> Bool {
        try await run { $0.connection(to: peer) != nil }
    }

    func identity(of peer: PeerID) async throws -> IdentifyMessage? {
        try await run { $0.identity(of: peer) }
    }

    /// Why connections to a peer ended, in order.
    func reasons(_ peer: PeerID) -> [CloseReason] {
        events.withLock { events in
            events.compactMap { event in
                if case .disconnected(peer, let reason) = event { reason } else { nil }
            }
        }
    }
}

/// Keeps what comes on a stream.
final class Collector: StreamHandler, Sendable {
    struct State {
        var bytes: [UInt8] = []
        var isFinished = false
        var isClosed = false
        var wasReset = false
    }
    let state = Mutex(State())

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var isClosed: Bool { state.withLock { $0.isClosed } }
    var wasReset: Bool { state.withLock { $0.wasReset } }

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        state.withLock { $0.bytes += bytes }
    }

    func remoteFinished(_ stream: PeerStream) {
        state.withLock { $0.isFinished = true }
        stream.finish()
    }

    func closed(_ stream: PeerStream, wasReset: Bool) {
        state.withLock {
            $0.isClosed = true
            $0.wasReset = wasReset
        }
    }
}

/// Sends back what comes, and takes no more while it cannot.
final class Echo: StreamHandler {
    private var held: [UInt8] = []
    private var remoteHasFinished = false

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        guard stream.write(bytes) else {
            held += bytes
            stream.pause()
            return
        }
    }

    func remoteFinished(_ stream: PeerStream) {
        remoteHasFinished = true
        if held.isEmpty { stream.finish() }
    }

    func becameWritable(_ stream: PeerStream) {
        guard stream.write(held) else { return }
        held = []
        stream.resume()
        if remoteHasFinished && !stream.isPaused { stream.finish() }
    }
}

/// Writes a text of any length as fast as the stream takes it, and collects what comes back.
final class Pump: StreamHandler, Sendable {
    struct State {
        var rest: ArraySlice<UInt8>
        var read: [UInt8] = []
        var pendingMax = 0
        var isFinished = false
    }
    let state: Mutex<State>

    init(_ text: [UInt8]) { state = Mutex(State(rest: text[...])) }

    func push(_ stream: PeerStream) {
        while true {
            let part = state.withLock { Array($0.rest.prefix(100_000)) }
            guard !part.isEmpty else { return stream.finish() }
            guard stream.write(part) else { return }
            let pending = stream.pendingBytes
            state.withLock {
                $0.rest = $0.rest.dropFirst(part.count)
                $0.pendingMax = max($0.pendingMax, pending)
            }
        }
    }

    func becameWritable(_ stream: PeerStream) { push(stream) }

    func received(_ bytes: [UInt8], on stream: PeerStream) {
        state.withLock { $0.read += bytes }
    }

    func remoteFinished(_ stream: PeerStream) { state.withLock { $0.isFinished = true } }
}
