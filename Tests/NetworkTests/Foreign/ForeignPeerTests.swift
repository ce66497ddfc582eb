// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import NIOCore
import Network
import Synchronization
import TestSupport
import Testing

@Suite(
    "Peers of other implementations", .serialized, .timeLimit(.minutes(30)),
    .enabled(if: ForeignPeer.areThere, ForeignPeer.missing))
struct ForeignPeerTests {
    @Test("We dial, and both sides identify and ping", arguments: ForeignPeer.Kind.allCases)
    func dial(_ kind: ForeignPeer.Kind) async throws {
        try await ForeignPeer.with(kind) { foreign in
            try await TestHost.with(1) { hosts in
                let peer = try foreign.peer()
                #expect(try await hosts[0].dial(try foreign.address()) == peer)
                try await check(hosts[0], foreign, kind)
            }
        }
    }

    @Test("We are dialled, and both sides identify and ping", arguments: ForeignPeer.Kind.allCases)
    func beDialled(_ kind: ForeignPeer.Kind) async throws {
        try await ForeignPeer.with(kind) { foreign in
            try await TestHost.with(1) { hosts in
                try await foreign.tell("dial", ["address": try await hosts[0].address().text])
                let peer = try foreign.peer()
                try await wait(for: "the connection") {
                    try await hosts[0].isConnected(to: peer)
                }
                #expect(try await hosts[0].run { $0.connection(to: peer)?.role } == .listener)
                try await check(hosts[0], foreign, kind)
            }
        }
    }

    private func check(
        _ ours: TestHost, _ foreign: ForeignPeer, _ kind: ForeignPeer.Kind
    ) async throws {
        let peer = try foreign.peer()
        #expect(try await ours.ping(peer) > .zero)
        #expect(try await ours.ping(peer) > .zero)
        try await foreign.tell("ping", ["peer": ours.peer.text])
        let answer = try await foreign.tell("identify", ["peer": ours.peer.text])
        #expect(answer.agent == "recount")
        #expect(answer.protocols?.contains("/ipfs/ping/1.0.0") == true)
        let place = try #require(try await ours.address().withoutPeer)
        #expect(answer.addresses == [place.text])
        let record = try PeerRecord.open(try hex(try #require(answer.record))[...])
        #expect(record.peer == ours.peer)
        try await wait(for: "the peer's identity") { try await ours.identity(of: peer) != nil }
        let identity = try #require(try await ours.identity(of: peer))
        #expect(identity.agent?.hasPrefix(kind == .python ? "py-libp2p" : "p2pd") == true)
        #expect(identity.protocols?.contains("/meshsub/1.1.0") == true)
        let theirs = try PeerRecord.open(try #require(identity.signedRecord)[...])
        #expect(theirs.peer == peer)
        #expect(theirs.addresses.map(\.withoutPeer).contains(try foreign.address().withoutPeer))
    }

    @Test("An unknown protocol is refused either way", arguments: ForeignPeer.Kind.allCases)
    func unknownProtocol(_ kind: ForeignPeer.Kind) async throws {
        try await ForeignPeer.with(kind) { foreign in
            try await TestHost.with(1) { hosts in
                let peer = try foreign.peer()
                try await hosts[0].dial(try foreign.address())
                await #expect(throws: HostError.negotiation(.refused)) {
                    _ = try await hosts[0].open(["/none"], to: peer, handler: Collector())
                }
                let answer = try await foreign.ask(
                    "open", ["peer": hosts[0].peer.text, "protocol": "/none"])
                #expect(answer.error != nil)
                #expect(try await hosts[0].ping(peer) > .zero)
            }
        }
    }

    @Test(
        "A million bytes go there and back, beyond every window",
        arguments: ForeignPeer.Kind.allCases)
    func manyBytes(_ kind: ForeignPeer.Kind) async throws {
        try await ForeignPeer.with(kind) { foreign in
            try await TestHost.with(1) { hosts in
                try await hosts[0].run { host in
                    host.register("/echo", inboundMax: 4) { _ in Echo() }
                }
                let peer = try foreign.peer()
                try await hosts[0].dial(try foreign.address())
                var random = SplitMix64(seed: 5)
                let part = random.bytes(1000)
                let text = Array(repeatElement(part, count: 1000).joined())
                let answer = try await foreign.tell(
                    "open",
                    [
                        "peer": hosts[0].peer.text, "protocol": "/echo", "data": part.hex,
                        "times": "1000",
                    ])
                #expect(answer.size == 1_000_000)
                #expect(answer.digest == Digest(hashing: text).hex)
                guard kind == .python else { return }
                let pump = Pump(text)
                let stream = try await hosts[0].open(["/echo"], to: peer, handler: pump)
                try await hosts[0].run { _ in pump.push(stream) }
                try await wait(for: "the echo") {
                    pump.state.withLock { $0.isFinished }
                }
                let isSameHere = pump.state.withLock { $0.read == text }
                #expect(isSameHere)
            }
        }
    }

    @Test("A peer that has not signed its handshake is refused, both ways")
    func badSignature() async throws {
        try await ForeignPeer.with(.python, ["--lie"]) { foreign in
            try await TestHost.with(1) { hosts in
                await #expect(throws: HostError.closed(.upgrade(.noise(.signature)))) {
                    try await hosts[0].dial(try foreign.address())
                }
                let answer = try await foreign.ask(
                    "dial", ["address": try await hosts[0].address().text])
                #expect(answer.error != nil)
                #expect(try await hosts[0].run { $0.connectedPeers.isEmpty })
            }
        }
    }

    @Test(
        "Another peer than the one dialled is refused by both", arguments: ForeignPeer.Kind.allCases
    )
    func wrongPeer(_ kind: ForeignPeer.Kind) async throws {
        try await ForeignPeer.with(kind) { foreign in
            try await TestHost.with(1) { hosts in
                let wrong = PeerID(testKey(9).publicKey)
                let peer = try foreign.peer()
                await #expect(throws: HostError.closed(.upgrade(.noise(.otherPeer(peer))))) {
                    try await hosts[0].dial(try foreign.address().with(wrong))
                }
                let answer = try await foreign.ask(
                    "dial", ["address": try await hosts[0].address().with(wrong).text])
                #expect(answer.error != nil)
            }
        }
    }
}
