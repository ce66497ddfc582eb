// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Hosting
package import Ledger
package import Replication

/// What strategies build their lies of.
extension ByzantineContext {
    /// Puts a context together from what a node knows of itself and the world.
    ///
    /// Nothing was heard and nothing said so far.
    package static func make(
        own: Liar, fellows: [Liar], random: SimulationRandom, now: Instant, state: LedgerState,
        frontier: MerkleFrontier, precommits: Precommits?
    ) -> ByzantineContext {
        ByzantineContext(
            own: own, fellows: fellows, ledger: state.ledger, members: state.members,
            threshold: Int(state.parameters.threshold), random: random, now: now, state: state,
            frontier: frontier, precommits: precommits, overheard: [], said: [])
    }

    /// Notes a message as heard, so that a test may hand it to a strategy.
    package mutating func hear(_ message: PeerMessage, from sender: ValidatorIndex?) {
        overheard.append(Overheard(sender: sender, bytes: message.encoded, message: message))
        if overheard.count > Byzantine.overheardMax { overheard.removeFirst() }
    }

    /// Lets time go by on the clocks of its machine.
    package mutating func pass(milliseconds: UInt64) {
        now = Instant(
            time: now.time.adding(milliseconds: milliseconds), uptime: now.uptime + milliseconds)
    }

    /// All liars, this node first.
    package var liars: [Liar] { [own] + fellows }

    /// Whether a liar has this number.
    func isLiar(_ index: ValidatorIndex) -> Bool { key(of: index) != nil }

    /// The other members in two parts of equal size, drawn at random; fellows are in both.
    mutating func halves() -> ([ValidatorIndex], [ValidatorIndex]) {
        let honest = random.shuffled(self.honest)
        let middle = honest.count / 2
        let fellows = fellows.map(\.index).filter { members.contains($0) }
        return (Array(honest[..<middle]) + fellows, Array(honest[middle...]) + fellows)
    }

    // MARK: Words of accomplices

    /// Returns a request of a listed submitter that lies too: the rules take it, though its proof
    /// is another's, unless `change` has them refuse it. Nil where there is nobody, or no circuit.
    mutating func accompliceRequest(
        nullifier: Bytes32? = nil, _ change: (inout RequestMessage) -> Void = { _ in }
    ) -> RequestMessage? {
        guard let key = accomplices.first, let model = modelRequest else { return nil }
        let nullifier = nullifier ?? ProofMaker.element(&random)
        let recipient = ProofMaker.element(&random)
        let amount = Amount(1 + random.below(1_000_000 as UInt64))
        var message = model
        message.nullifiers = [nullifier]
        message.amount = amount
        message.recipient = recipient
        message.publicInputs = [
            model.publicInputs.first ?? .zero, nullifier, recipient, ProofMaker.element(amount),
        ]
        message.timestamp = now.time
        message.submitter = key.publicKey
        change(&message)
        return message.signed(by: key, in: ledger)
    }

    /// The last request that the node heard of: its circuit, its root and the form of its proof.
    private var modelRequest: RequestMessage? {
        for item in overheard.reversed() {
            if case .command(.request(let request))? = item.message { return request }
        }
        return nil
    }

    // MARK: Words on the order of batches

    /// Returns a vote that a liar signs.
    func vote(
        _ kind: ConsensusKind, _ height: Height, _ round: UInt32, _ value: Digest?,
        ground: Int64 = -1, by liar: Liar
    ) -> ConsensusVote {
        ConsensusVote(
            kind: kind, height: height, round: round, value: value, ground: ground,
            validator: liar.index, signature: .zero
        ).signed(by: liar.key, in: ledger)
    }

    /// Returns the prevotes and precommits of all liars on a value.
    func support(_ height: Height, _ round: UInt32, _ value: Digest?) -> [PeerMessage] {
        liars.flatMap { liar in
            [ConsensusKind.prevote, .precommit].map {
                PeerMessage.vote(vote($0, height, round, value, by: liar))
            }
        }
    }

    /// Returns a value that no batch gives.
    mutating func anyValue() -> Digest { Digest(random.bytes32()) }

    /// Returns a first proposal of other commands or at another time, which this node signs.
    ///
    /// Its value is what the batch gives, where the rules take the batch at all: commands that they
    /// refuse are proposed all the same, and signatures are not looked at.
    mutating func proposal(
        like model: Proposal, commands: [ProposedCommand], time: Time
    ) -> Proposal {
        var opening = model.batch.opening
        opening.time = time
        opening.proposer = own.index
        opening.round = model.round
        opening.signature = own.key.sign(
            BatchOpening.signedBytes(
                height: opening.height, time: time, round: model.round,
                previousRoot: opening.previousRoot, proposer: own.key.publicKey, in: ledger))
        let batch = ProposedBatch(opening: opening, commands: commands)
        return proposal(
            of: batch, value: run(batch)?.frontier.root ?? anyValue(), round: model.round)
    }

    /// Returns a first proposal that this node signs, whatever the batch and the value.
    func proposal(of batch: ProposedBatch, value: Digest, round: UInt32) -> Proposal {
        Proposal(
            height: batch.opening.height, round: round, value: value, validRound: -1,
            proposer: own.index, signature: .zero, batch: batch
        ).signed(by: own.key, in: ledger)
    }

    /// Derives what follows from a batch, without a look at signatures, leaving out what the rules
    /// refuse; nil where they refuse the opening.
    func run(_ batch: ProposedBatch) -> BatchRun? {
        guard batch.opening.height == nextHeight, let opening = state.opening(of: batch.opening)
        else { return nil }
        var run = BatchRun(state: state, frontier: frontier)
        do throws(Refusal) {
            try run.take(.openBatch(Checked(unchecked: opening), root: frontier.root))
        } catch { return nil }
        for command in batch.commands {
            let message = Checked(unchecked: command.message)
            do throws(Refusal) {
                try run.take(command.isRefused ? .recordRefusal(message) : .message(message))
            } catch { continue }
        }
        do throws(Refusal) { try run.seal() } catch { return nil }
        return run
    }
}

extension Liar {
    /// Joins number and key.
    package init(_ index: ValidatorIndex, _ key: SigningKey) {
        self.init(index: index, key: key)
    }
}

extension PeerMessage {
    /// Reads a message; nil where the bytes are none.
    package init?(reading bytes: [UInt8]) {
        do throws(Ledger.DecodingError) { try self.init(decoding: bytes) } catch { return nil }
    }

    /// The message, to each of some peers.
    func send(to peers: [ValidatorIndex]) -> [HostOutput] {
        let bytes = encoded
        return peers.map { .send(bytes, to: $0) }
    }

    /// The message, to all other members.
    var broadcast: HostOutput { .broadcast(encoded) }

    /// The message, to one peer or to all.
    func leaving(to peer: ValidatorIndex?) -> HostOutput {
        peer.map { .send(encoded, to: $0) } ?? broadcast
    }
}

extension [PeerMessage] {
    /// The messages, each to each of some peers.
    func send(to peers: [ValidatorIndex]) -> [HostOutput] { flatMap { $0.send(to: peers) } }
}

extension HostOutput {
    /// The message that leaves, and to whom: nil for all. Nil where none leaves.
    package var message: (PeerMessage, to: ValidatorIndex?)? {
        switch self {
        case .send(let bytes, let peer): PeerMessage(reading: bytes).map { ($0, peer) }
        case .broadcast(let bytes): PeerMessage(reading: bytes).map { ($0, nil) }
        case .verify, .committed, .notice: nil
        }
    }

    /// Whether anything leaves.
    var leaves: Bool {
        switch self {
        case .send, .broadcast: true
        case .verify, .committed, .notice: false
        }
    }
}

extension [HostOutput] {
    /// Replaces messages; where `body` returns nil one stays as it is.
    func rewritten(
        _ body: (PeerMessage, ValidatorIndex?) -> [HostOutput]?
    ) -> [HostOutput] {
        flatMap { output in
            guard let (message, peer) = output.message else { return [output] }
            return body(message, peer) ?? [output]
        }
    }
}
