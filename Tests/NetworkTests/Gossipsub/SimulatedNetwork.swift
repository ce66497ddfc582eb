// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport

/// Routers on a virtual clock and seeded links, some of whose peers a test plays.
///
/// RPCs travel as bytes. What a slow peer's queue may drop is lost by chance: messages, IHAVE and
/// IWANT; subscriptions, GRAFT and PRUNE always come.
struct SimulatedNetwork {
    /// What a test plays at a place of the network: answers to an RPC, and what it does each
    /// hundred milliseconds.
    struct Player {
        var answer: (_ rpc: RPC, _ from: Int) -> [(rpc: RPC, to: Int)] = { _, _ in [] }
        var act: (_ now: UInt64) -> [(rpc: RPC, to: Int)] = { _ in [] }
    }

    private enum Event {
        case arrival([UInt8], from: Int, to: Int)
        case judged(Gossipsub.Token, Gossipsub.Acceptance, at: Int)
        case heartbeat(at: Int)
        case action(of: Int)
    }

    static let topic = Topic("t")

    private(set) var routers: [Gossipsub?]
    private var players: [Int: Player]
    private var generator: SplitMix64
    private var events: [(time: UInt64, number: UInt64, event: Event)] = []
    private var eventCount: UInt64 = 0
    private(set) var now: UInt64 = 1000
    private let index: [PeerID: Int]
    private let lossPercent: UInt64
    /// Who has accepted which message, and when.
    private(set) var accepted: [[String: UInt64]]
    /// RPCs that each has sent.
    private(set) var sentCounts: [Int]
    private(set) var sentMessages = 0
    /// What a message is.
    var verdict: (String) -> Gossipsub.Acceptance = { _ in .accept }
    /// Who asked whom to connect to whom.
    private(set) var introductions: [PeerRecord] = []

    static func peer(_ number: Int) -> PeerID { Bench.peer(number + 1) }

    init(
        count: Int, seed: UInt64, lossPercent: UInt64 = 0, players: [Int: Player] = [:],
        _ change: (inout GossipsubSettings) -> Void = { _ in }
    ) {
        var settings = GossipsubSettings()
        var topic = TopicSettings()
        topic.score = TopicScoreSettings()
        settings.topics[Self.topic] = topic
        change(&settings)
        self.players = players
        self.lossPercent = lossPercent
        generator = SplitMix64(seed: seed)
        routers = (0..<count).map { number in
            if players[number] != nil { return nil }
            return Gossipsub(settings, identity: Self.peer(number))
        }
        index = Dictionary(uniqueKeysWithValues: (0..<count).map { (Self.peer($0), $0) })
        accepted = Array(repeating: [:], count: count)
        sentCounts = Array(repeating: 0, count: count)
        for number in 0..<count {
            if routers[number] != nil { step(.subscribe(Self.topic), at: number) }
            let start = now + generator.next() % 1000
            let isPlayer = players[number] != nil
            schedule(isPlayer ? .action(of: number) : .heartbeat(at: number), at: start)
        }
    }

    /// Connects two places, the first of which dials.
    mutating func connect(_ dialler: Int, _ listener: Int, address: Multiaddr.Part? = nil) {
        for (at, other) in [(dialler, listener), (listener, dialler)] {
            let part = Multiaddr.Part.ip4(0x0A00_0000 + UInt32(other))
            step(
                .connected(
                    Self.peer(other), version: .meshsub11, isOutbound: at == dialler,
                    address: players[other] == nil ? part : address ?? part), at: at)
        }
        for (at, other) in [(dialler, listener), (listener, dialler)] where players[at] != nil {
            send(Bench.joining(Self.topic), from: at, to: other)
        }
    }

    /// Connects everybody with so many others by chance, and never leaves anybody apart.
    mutating func connectAtRandom(degree: Int) {
        var pairs: Set<[Int]> = []
        for number in 1..<routers.count {
            pairs.insert([Int.random(in: 0..<number, using: &generator), number])
        }
        while pairs.count * 2 < routers.count * degree {
            let left = Int.random(in: 0..<routers.count, using: &generator)
            let right = Int.random(in: 0..<routers.count, using: &generator)
            if left != right { pairs.insert([min(left, right), max(left, right)]) }
        }
        for pair in pairs.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) {
            let swaps = Bool.random(using: &generator)
            connect(pair[swaps ? 1 : 0], pair[swaps ? 0 : 1])
        }
    }

    mutating func publish(_ text: String, at number: Int) {
        accepted[number][text] = now
        step(.publish(Self.topic, Array(text.utf8)), at: number)
    }

    /// Runs for so many milliseconds.
    mutating func run(_ milliseconds: UInt64) {
        let end = now + milliseconds
        while let next = events.first, next.time <= end {
            popFirst()
            now = next.time
            handle(next.event)
        }
        now = end
        for router in routers { router?.checkSoundness() }
    }

    func score(of peer: Int, at number: Int) -> FixedPoint {
        routers[number]?.scores.score(of: Self.peer(peer)) ?? 0
    }

    /// The routers that are no players.
    var honest: [Int] { routers.indices.filter { routers[$0] != nil } }

    /// How many of the honest have accepted a message.
    func reach(_ text: String) -> Int { honest.count { accepted[$0][text] != nil } }

    private mutating func handle(_ event: Event) {
        switch event {
        case .arrival(let bytes, let from, let to):
            if let player = players[to] {
                guard let rpc = try? RPC(bytes: bytes[...]) else { return }
                for (rpc, receiver) in player.answer(rpc, from) {
                    send(rpc, from: to, to: receiver)
                }
            } else if let rpc = try? RPC(bytes: bytes[...]) {
                step(.received(rpc, from: Self.peer(from)), at: to)
            } else {
                step(.receivedJunk(from: Self.peer(from)), at: to)
            }
        case .judged(let token, let verdict, let number):
            step(.verdict(token, verdict), at: number)
        case .heartbeat(let number):
            step(.heartbeat, at: number)
            schedule(.heartbeat(at: number), at: now + 1000)
        case .action(let number):
            let actions = players[number]?.act(now) ?? []
            for (rpc, to) in actions { send(rpc, from: number, to: to) }
            schedule(.action(of: number), at: now + 100)
        }
    }

    private mutating func step(_ input: Gossipsub.Input, at number: Int) {
        guard let effects = routers[number]?.step(input, at: now, using: &generator)
        else { return }
        for effect in effects {
            switch effect {
            case .send(let rpc, let peer):
                if let to = index[peer] { send(rpc, from: number, to: to) }
            case .deliver(let token, let message, _):
                let text = String(decoding: message.data, as: UTF8.self)
                let verdict = verdict(text)
                if verdict == .accept { accepted[number][text] = now }
                let duration = generator.next() % 5
                schedule(.judged(token, verdict, at: number), at: now + duration)
            case .connect(let record): introductions.append(record)
            case .published, .unpublished: break
            }
        }
    }

    mutating func send(_ rpc: RPC, from: Int, to: Int) {
        sentCounts[from] += 1
        sentMessages += rpc.messages.count
        var rpc = rpc
        if players[from] == nil, generator.next() % 100 < lossPercent {
            rpc.messages = []
            rpc.haves = []
            rpc.wants = []
            if rpc.isEmpty { return }
        }
        send(bytes: rpc.bytes, from: from, to: to)
    }

    /// Sends bytes that may be no RPC.
    mutating func send(bytes: [UInt8], from: Int, to: Int) {
        let latency = 5 + generator.next() % 30
        schedule(.arrival(bytes, from: from, to: to), at: now + latency)
    }

    // MARK: - A heap by time, and by number among equals

    private mutating func schedule(_ event: Event, at time: UInt64) {
        eventCount += 1
        events.append((time, eventCount, event))
        var child = events.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { break }
            events.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popFirst() {
        events.swapAt(0, events.count - 1)
        events.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < events.count {
                if isBefore(child, least) { least = child }
            }
            if least == parent { return }
            events.swapAt(parent, least)
            parent = least
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (events[left].time, events[left].number) < (events[right].time, events[right].number)
    }
}
