// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication

/// A liar's strategies between its host and the world.
extension SimulatedNode {
    /// Draws so many strategies of those given.
    func drawStrategies(
        from catalogue: [any Strategy.Type], fellows: [Liar], accomplices: [SigningKey],
        ledger: LedgerID, seed: UInt64
    ) {
        var random = SimulationRandom(seed: seed, "strategies", number)
        let count = min(catalogue.count, 1 + random.below(3))
        for type in random.shuffled(catalogue).prefix(count) {
            strategies.append(type.init(random: &random))
            names.append(type.name)
        }
        context = ByzantineContext(
            own: Liar(index: ValidatorIndex(UInt16(number)), key: key), fellows: fellows,
            ledger: ledger, members: [], threshold: 0, random: random,
            now: Instant(time: Time(0), uptime: 0), state: LedgerState(),
            frontier: MerkleFrontier(), precommits: nil, overheard: [], said: [],
            accomplices: accomplices)
    }

    /// Tells the strategies what the host has reached.
    func refreshContext() {
        guard let host else { return }
        context?.state = host.state
        context?.members = host.state.members
        context?.threshold = Int(host.state.parameters.threshold)
        do throws(LogError) {
            let subtrees = try host.log.subtrees(at: host.log.size)
            if let frontier = MerkleFrontier(count: host.log.size, subtrees: subtrees) {
                context?.frontier = frontier
            }
        } catch {
            // The disk is off: the node is about to be found down.
        }
    }

    /// Asks every strategy in order for its part.
    private func ask(
        at moment: Moment, _ body: (inout any Strategy, inout ByzantineContext) -> Void
    ) {
        guard var context else { return }
        context.now = clock.instant(at: moment)
        for place in strategies.indices { body(&strategies[place], &context) }
        self.context = context
    }

    func askForOffset(_ moment: Moment) -> Int64 {
        var offset: Int64 = 0
        ask(at: moment) { offset += $0.clockOffset(context: &$1) }
        return offset
    }

    /// What leaves in the place of the outputs.
    func lie(_ outputs: [HostOutput], _ moment: Moment) -> [HostOutput] {
        for output in outputs {
            switch output {
            case .send(let bytes, _), .broadcast(let bytes):
                if let message = Self.read(bytes) { context?.say(message) }
            case .committed(_, _, let events): context?.note(events)
            case .verify, .notice: break
            }
        }
        var result = outputs
        ask(at: moment) { result = $0.outgoing(result, context: &$1) }
        return result
    }

    /// What leaves because of a message.
    func hear(_ arrived: ArrivedMessage, from peer: ValidatorIndex?, _ moment: Moment)
        -> [HostOutput]
    {
        context?.overhear(Overheard(sender: peer, bytes: arrived.bytes, message: arrived.message))
        var result: [HostOutput] = []
        ask(at: moment) { result += $0.incoming(arrived.bytes, from: peer, context: &$1) }
        return result
    }

    func beIdle(_ moment: Moment) -> [HostOutput] {
        var result: [HostOutput] = []
        ask(at: moment) { result += $0.idle(context: &$1) }
        return result
    }

    func lie(about vote: Vote, _ moment: Moment) -> Vote {
        var result = vote
        ask(at: moment) { result = $0.verdict(result, context: &$1) }
        return result
    }

    private static func read(_ bytes: [UInt8]) -> PeerMessage? {
        do throws(Ledger.DecodingError) { return try PeerMessage(decoding: bytes) } catch {
            return nil
        }
    }
}

extension ByzantineContext {
    mutating func say(_ message: PeerMessage) {
        if said.count >= Byzantine.overheardMax { said.removeFirst(Byzantine.overheardMax / 4) }
        said.append(message)
        learn(message)
    }

    /// Remembers what was spent in a batch.
    mutating func note(_ events: [Event]) {
        for case .nullifierSpent(let change) in events {
            if spentNullifiers.count >= Byzantine.spentMax { spentNullifiers.removeFirst() }
            spentNullifiers.append(change.nullifier)
        }
    }

    mutating func overhear(_ item: Overheard) {
        if overheard.count >= Byzantine.overheardMax {
            overheard.removeFirst(Byzantine.overheardMax / 4)
        }
        overheard.append(item)
        if let message = item.message { learn(message) }
    }

    /// Takes precommits on the last batch from a message that has them all.
    private mutating func learn(_ message: PeerMessage) {
        switch message {
        case .proposal(let proposal) where proposal.height == nextHeight:
            let opening = proposal.batch.opening
            guard !opening.precommits.isEmpty else { return }
            precommits = Precommits(
                height: state.height, round: opening.precommitRound, root: opening.previousRoot,
                signatures: opening.precommits)
        case .batch(let batch) where batch.precommits.height >= state.height:
            precommits = batch.precommits
        default: return
        }
    }
}
