// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Replication
import TestSupport

/// Some machines and up to f liars on a network that loses, repeats and reorders at will until it
/// heals, all from one seed. The first thing that goes wrong is noted, with the seed.
struct ConsensusNetwork {
    /// What a run does besides delivering messages and firing waits.
    struct Plan {
        var size = 4
        var threshold = 3
        /// How many of the members lie; which ones, the seed says.
        var liars = 1
        /// Steps before the network heals.
        var stepsBeforeHealing = 600
        /// Of 100 messages, how many are lost before the network heals.
        var lossPercent: UInt64 = 30
        /// Of 100 steps, how many stop a node and start it from its journal.
        var crashPercent: UInt64 = 0
        /// Whether the liars work at a fork: one honest node hears all and is not heard, and is
        /// told of precommits that the others are not.
        var forks = false
        var keepsLocks = true
    }

    /// A slot that an honest node speaks in once.
    private struct Spoken: Hashable {
        var node: Int
        var kind: UInt8
        var round: UInt32
    }

    /// An honest node.
    private struct Node {
        var machine: Consensus
        var waits: [Consensus.Timeout] = []
        var journal: [Consensus.Input] = []
        var held: [Digest] = []
    }

    let plan: Plan
    /// By member; nil for a liar.
    private var nodes: [Node?] = []
    private var queue: [(to: Int, Consensus.Input)] = []
    /// Every message that an honest node sent or got, once, in order: what gossip spreads.
    private var gossip: [Consensus.Input] = []
    private var known: Set<Consensus.Input> = []
    private var random: SplitMix64
    private var values: [Digest] = []
    private var invalidValues: Set<Digest> = []
    private var said: [Spoken: Digest?] = [:]
    private var isHealed = false
    /// Whom nobody hears before the network heals.
    private var muted: Int?

    /// What went wrong first, if anything did.
    private(set) var failure: String?
    /// Decisions by member.
    private(set) var decisions: [Int: Digest] = [:]
    /// The latest round that an honest node was in.
    private(set) var roundMax: UInt32 = 0
    /// How many decided before the network healed.
    private(set) var decidedBeforeHealing = 0

    init(_ plan: Plan, seed: UInt64) {
        self.plan = plan
        random = SplitMix64(seed: seed)
        let liars = Set((0..<plan.size).shuffled(using: &random).prefix(plan.liars))
        for index in 0..<plan.size {
            nodes.append(liars.contains(index) ? nil : Node(machine: fresh(index)))
        }
        if plan.forks { muted = nodes.firstIndex { $0 != nil } }
    }

    private func fresh(_ index: Int) -> Consensus {
        ConsensusCase.fresh(plan.size, plan.threshold, own: index, keepsLocks: plan.keepsLocks)
    }

    private mutating func below(_ bound: Int) -> Int {
        Int(random.next() % UInt64(max(bound, 1)))
    }

    private mutating func happens(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

    private mutating func fail(_ what: String) {
        if failure == nil { failure = what }
    }
}

// MARK: - The run

extension ConsensusNetwork {
    /// Goes through the time before the network heals and the time after it.
    mutating func run() {
        for index in nodes.indices { feed(.start, to: index) }
        for _ in 0..<plan.stepsBeforeHealing where failure == nil { stepBeforeHealing() }
        heal()
    }

    private mutating func stepBeforeHealing() {
        switch below(100) {
        case 0..<60 where !queue.isEmpty:
            let place = below(queue.count)
            let (receiver, message) = queue[place]
            if !happens(10) {
                queue.swapAt(place, queue.count - 1)
                queue.removeLast()
            }
            if !happens(plan.lossPercent) { feed(message, to: receiver) }
        case 60..<85 where plan.forks:
            workAtFork()
        case 60..<85 where plan.liars > 0:
            let message = lie()
            for receiver in nodes.indices where happens(40) { feed(message, to: receiver) }
        default:
            let index = below(nodes.count)
            if happens(plan.crashPercent) {
                restart(index)
            } else if let waits = nodes[index]?.waits, !waits.isEmpty, !plan.forks || happens(30) {
                nodes[index]?.waits = Array(waits.dropFirst())
                feed(.timeout(waits[0]), to: index)
            }
        }
    }

    /// Everything arrives everywhere before a wait is over; every honest node must decide.
    private mutating func heal() {
        isHealed = true
        decidedBeforeHealing = decisions.count
        let honest = nodes.indices.filter { nodes[$0] != nil }
        for _ in 0..<(10 * plan.size) where failure == nil {
            spread()
            if honest.allSatisfy({ decisions[$0] != nil }) { return }
            for index in honest {
                let waits = nodes[index]?.waits ?? []
                nodes[index]?.waits = []
                for wait in waits { feed(.timeout(wait), to: index) }
            }
            if plan.liars > 0 {
                let message = lie()
                for receiver in nodes.indices where happens(50) { feed(message, to: receiver) }
            }
        }
        let open = honest.filter { decisions[$0] == nil }
        if !open.isEmpty { fail("nodes \(open) did not decide after the network healed") }
    }

    /// Gives everyone everything until that changes nothing.
    private mutating func spread() {
        queue = []
        var before: [Consensus?] = []
        repeat {
            before = nodes.map { $0?.machine }
            for index in nodes.indices {
                for place in gossip.indices where decisions[index] == nil {
                    feed(gossip[place], to: index)
                }
            }
        } while before != nodes.map { $0?.machine } && failure == nil
    }

    /// Stops a node and starts it from its journal; what it had sent it sends again.
    private mutating func restart(_ index: Int) {
        guard let node = nodes[index], decisions[index] == nil else { return }
        var machine = fresh(index)
        machine.restore(node.journal, held: node.held)
        nodes[index]?.machine = machine
        nodes[index]?.waits = []
        let own = ValidatorIndex(UInt16(index))
        for message in node.journal {
            switch message {
            case .vote(_, _, _, _, let sender) where sender != own: break
            default: send(message, from: index)
            }
        }
        feed(.start, to: index)
    }
}

// MARK: - One node

extension ConsensusNetwork {
    private mutating func feed(_ input: Consensus.Input, to index: Int) {
        guard let node = nodes[index], failure == nil else { return }
        var input = input
        switch input {
        case .proposal(let round, let value, let validRound, let validity):
            note(input)
            // The honest judge a value alike, but for its time.
            let isInvalid = invalidValues.contains(value)
            let isUntimely = validity == .untimely || !isHealed && happens(10)
            input = .proposal(
                round: round, value: value, validRound: validRound,
                isInvalid ? .invalid : isUntimely ? .untimely : .valid)
            if !isInvalid && !node.held.contains(value) { nodes[index]?.held.append(value) }
        case .vote(.prevote, _, _, _, _):
            note(input)
            if plan.crashPercent > 0 { nodes[index]?.journal.append(input) }
        case .vote:
            note(input)
        case .start, .timeout:
            break
        }
        let effects = nodes[index]?.machine.step(input) ?? []
        roundMax = max(roundMax, nodes[index]?.machine.round ?? 0)
        for effect in effects {
            // A node may stop between any two of its words; what is left of the effects is lost.
            if !isHealed && happens(plan.crashPercent) && decisions[index] == nil {
                restart(index)
                return
            }
            perform(effect, at: index)
        }
    }

    private mutating func perform(_ effect: Consensus.Effect, at index: Int) {
        switch effect {
        case .propose(let round, let value, let validRound):
            let value = value ?? makeValue()
            say(value, Spoken(node: index, kind: 2, round: round))
            speak(
                .proposal(round: round, value: value, validRound: validRound, .valid), at: index)
        case .vote(let kind, let round, let value, let ground):
            say(value, Spoken(node: index, kind: kind.rawValue, round: round))
            speak(
                .vote(
                    kind, round: round, value: value, ground: ground,
                    from: ValidatorIndex(UInt16(index))), at: index)
        case .schedule(let wait):
            nodes[index]?.waits.append(wait)
        case .decide(let value, _):
            if decisions[index] != nil { fail("node \(index) decided twice") }
            if invalidValues.contains(value) { fail("node \(index) decided an invalid value") }
            for other in nodes.indices where decisions[other].map({ $0 != value }) == true {
                fail("nodes \(other) and \(index) decided differently")
            }
            decisions[index] = value
        }
    }

    /// Journals a message, sends it and takes it in.
    private mutating func speak(_ message: Consensus.Input, at index: Int) {
        nodes[index]?.journal.append(message)
        if !isHealed && happens(plan.crashPercent) && decisions[index] == nil {
            restart(index)
            return
        }
        send(message, from: index)
        feed(message, to: index)
    }

    private mutating func send(_ message: Consensus.Input, from index: Int) {
        note(message)
        guard !isHealed, index != muted else { return }
        for receiver in nodes.indices where receiver != index && nodes[receiver] != nil {
            queue.append((receiver, message))
        }
    }

    private mutating func note(_ message: Consensus.Input) {
        if known.insert(message).inserted { gossip.append(message) }
    }

    private mutating func say(_ value: Digest?, _ slot: Spoken) {
        if let before = said.updateValue(value, forKey: slot) {
            fail("node \(slot.node) spoke twice in round \(slot.round): \(before as Any)")
        }
    }

    private mutating func makeValue() -> Digest {
        let value = Digest(hashing: [UInt8(values.count & 255), UInt8(values.count >> 8)])
        values.append(value)
        return value
    }
}

// MARK: - The liars

extension ConsensusNetwork {
    /// A message of some liar, of a round that somebody honest is near.
    private mutating func lie() -> Consensus.Input {
        let liars = nodes.indices.filter { nodes[$0] == nil }
        let honest = nodes.indices.compactMap { nodes[$0]?.machine.round }
        let liar = liars[below(liars.count)]
        let base = Int(honest[below(honest.count)])
        let rounds = max(0, base - 2)...(base + 3)
        let round = UInt32(rounds.lowerBound + below(rounds.count))
        if below(100) < 40 {
            // A proposal, in a round that the liar leads.
            let ahead = (liar - base % plan.size + plan.size) % plan.size
            let led = UInt32(base + (happens(80) ? ahead : ahead + plan.size))
            let isFresh = values.isEmpty || happens(50)
            let value = isFresh ? makeValue() : values[below(values.count)]
            if isFresh && happens(20) { invalidValues.insert(value) }
            let validRound = happens(60) ? -1 : Int64(below(Int(led) + 1)) - 1
            return .proposal(round: led, value: value, validRound: validRound, .valid)
        }
        let kind = happens(50) ? ConsensusKind.prevote : .precommit
        var value: Digest?
        let proposed = proposedValues(round)
        if !proposed.isEmpty && happens(70) {
            value = proposed[below(proposed.count)]
        } else if !values.isEmpty && happens(50) {
            value = values[below(values.count)]
        }
        // On no ground, or on that of some round: mostly a false one.
        let hasGround = kind == .prevote && value != nil && happens(50)
        let ground = hasGround ? Int64(below(Int(round) + 1)) - 1 : -1
        return .vote(
            kind, round: round, value: value, ground: ground, from: ValidatorIndex(UInt16(liar)))
    }

    /// Has all liars further the value of a round, and hide that it is decided from all but one.
    ///
    /// In a round that a liar leads it proposes what nobody is locked on: nodes that keep their
    /// locks do not follow.
    private mutating func workAtFork() {
        let honest = nodes.indices.filter { nodes[$0] != nil }
        guard let round = nodes[honest[below(honest.count)]]?.machine.round else { return }
        let liars = nodes.indices.filter { nodes[$0] == nil }
        if proposedValues(round).isEmpty && liars.contains(Int(round) % plan.size) {
            let value = makeValue()
            for index in honest {
                feed(.proposal(round: round, value: value, validRound: -1, .valid), to: index)
            }
        }
        guard let value = proposedValues(round).first else { return }
        let decision = muted.flatMap { decisions[$0] }
        for liar in liars {
            let liar = ValidatorIndex(UInt16(liar))
            for index in honest {
                feed(.vote(.prevote, round: round, value: value, from: liar), to: index)
                let isShown = index == muted || decision.map { $0 != value } == true
                let said = isShown ? value : nil
                feed(.vote(.precommit, round: round, value: said, from: liar), to: index)
            }
        }
    }

    private func proposedValues(_ round: UInt32) -> [Digest] {
        gossip.compactMap {
            if case .proposal(round, let value, _, _) = $0 { value } else { nil }
        }
    }
}
