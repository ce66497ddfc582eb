// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

@Suite(
    "Gossip with peers of other implementations", .serialized, .timeLimit(.minutes(30)),
    .enabled(if: ForeignPeer.areThere, ForeignPeer.missing))
struct ForeignPubsubTests {
    static let topic = "t"

    /// A node of ours and a foreign one in each other's mesh, whoever dialled.
    private func together(
        _ kind: ForeignPeer.Kind, _ options: [String] = [], weDial: Bool = true,
        policy: SignaturePolicy = .signed,
        body: (TestPubsub, ForeignPeer) async throws -> Void
    ) async throws {
        try await ForeignPeer.with(kind, options) { foreign in
            try await TestHost.with(1) { hosts in
                let ours = TestPubsub(hosts[0], policy: policy)
                try await ours.start()
                try await foreign.tell("subscribe", ["topic": Self.topic])
                if weDial {
                    try await hosts[0].dial(try foreign.address())
                } else {
                    try await foreign.tell("dial", ["address": try await hosts[0].address().text])
                }
                try await inMesh(ours, foreign)
                try await body(ours, foreign)
                try await ours.stop()
            }
        }
    }

    private func inMesh(_ ours: TestPubsub, _ foreign: ForeignPeer) async throws {
        let peer = try foreign.peer()
        try await wait(for: "our mesh") { try await ours.mesh().contains(peer) }
        try await wait(for: "the peer's mesh") {
            let answer = try await foreign.ask("peers", ["topic": Self.topic])
            return answer.mesh?.contains(ours.host.peer.text) == true
        }
    }

    @Test(
        "Messages go both ways, whoever dials", arguments: ForeignPeer.Kind.allCases, [true, false])
    func bothWays(_ kind: ForeignPeer.Kind, _ weDial: Bool) async throws {
        try await together(kind, weDial: weDial) { ours, foreign in
            for number in UInt8(0)..<10 {
                try await ours.publish([1, number])
                try await foreign.tell("publish", ["topic": Self.topic, "data": [2, number].hex])
            }
            try await wait(for: "the peer's messages") { ours.messages.count == 10 }
            #expect(Set(ours.messages) == Set((0..<10).map { [2, $0] }))
            try await wait(for: "our messages") { self.heard(by: foreign, ours.host.peer) == 10 }
            let line = try #require(
                foreign.line { $0.event == "message" && $0.digest == Digest(hashing: [1, 0]).hex })
            #expect(line.source == ours.host.peer.bytes.hex)
            #expect(line.sequence?.count == 16)
            #expect(try await ours.score(of: try foreign.peer()) >= 0)
        }
    }

    /// How many messages of an author a peer has heard.
    private func heard(by foreign: ForeignPeer, _ author: PeerID) -> Int {
        foreign.messages(Self.topic).filter { $0.source == author.bytes.hex }.count
    }

    @Test("Messages of 600 kB go both ways", arguments: ForeignPeer.Kind.allCases)
    func large(_ kind: ForeignPeer.Kind) async throws {
        try await together(kind) { ours, foreign in
            var random = SplitMix64(seed: 6)
            let text = random.bytes(600_000)
            try await ours.publish(text)
            try await wait(for: "our message") {
                foreign.line { $0.event == "message" && $0.digest == Digest(hashing: text).hex }
                    != nil
            }
            // A kilobyte six hundred times, since a command is a line.
            let part = random.bytes(1000)
            try await foreign.tell(
                "publish", ["topic": Self.topic, "data": part.hex, "times": "600"])
            try await wait(for: "the peer's message") { ours.messages.count == 1 }
            #expect(ours.messages[0] == (0..<600).flatMap { _ in part })
        }
    }

    @Test("A peer that we prune leaves us, and comes back after the backoff")
    func graftAndPrune() async throws {
        try await together(.python) { ours, foreign in
            try await ours.host.run { _ in ours.pubsub.unsubscribe(Bench.topic) }
            try await wait(for: "the prune") {
                try await foreign.ask("peers", ["topic": Self.topic]).mesh == []
            }
            try await ours.host.run { _ in ours.pubsub.subscribe(Bench.topic) }
            // Ten seconds of backoff and a heartbeat; a minute more, where one of both grafted
            // while the other still counted.
            try await wait(for: "the graft") {
                let answer = try await foreign.ask("peers", ["topic": Self.topic])
                return answer.mesh?.contains(ours.host.peer.text) == true
            }
            let peer = try foreign.peer()
            try await wait(for: "our mesh") { try await ours.mesh().contains(peer) }
            #expect(try await ours.score(of: peer) >= 0)
        }
    }

    @Test("Messages without signature are dropped where they are wanted, at their bringer's cost")
    func unsignedToUs() async throws {
        try await together(.python, ["--unsigned"]) { ours, foreign in
            try await foreign.tell("publish", ["topic": Self.topic, "data": "07"])
            let peer = try foreign.peer()
            try await wait(for: "the penalty") { try await ours.score(of: peer) < 0 }
            #expect(ours.messages.isEmpty)
        }
    }

    @Test(
        "Peers that want signatures drop messages without", arguments: ForeignPeer.Kind.allCases)
    func unsignedFromUs(_ kind: ForeignPeer.Kind) async throws {
        try await together(kind, policy: .unsigned) { ours, foreign in
            try await ours.publish([1])
            try await Task.sleep(for: .seconds(2))
            #expect(foreign.messages(Self.topic).isEmpty)
        }
    }

    @Test("Messages of py-libp2p reach go-libp2p through us, and the other way")
    func between() async throws {
        try await together(.python) { ours, python in
            try await ForeignPeer.with(.go) { go in
                try await go.tell("subscribe", ["topic": Self.topic])
                try await ours.host.dial(try go.address())
                try await self.inMesh(ours, go)
                try await python.tell("publish", ["topic": Self.topic, "data": "0102"])
                try await go.tell("publish", ["topic": Self.topic, "data": "0304"])
                let (one, two) = (Digest(hashing: [1, 2]).hex, Digest(hashing: [3, 4]).hex)
                try await wait(for: "both messages") {
                    go.line { $0.event == "message" && $0.digest == one } != nil
                        && python.line { $0.event == "message" && $0.digest == two } != nil
                }
                #expect(Set(ours.messages) == [[1, 2], [3, 4]])
            }
        }
    }
}
