// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Hosting
package import Ledger
package import Replication

/// One way of lying.
///
/// A Byzantine node runs the code of an honest one, and strategies stand between it and the world:
/// they drop, change and add to what it would send. A node has several, which are asked in order,
/// each of them given what those before it made of the outputs. They may send, to whom they please,
/// whatever bytes they please; signatures of honest nodes they cannot make.
///
/// `.verify` and `.committed` among the outputs are for the simulator, and a strategy passes them
/// on as they are. What it adds is `.send` or `.broadcast`. Everything random comes from the
/// context, and nothing may rest on the order of a dictionary: the same seed tells the same lies.
package protocol Strategy: Sendable {
    /// What an account of the run calls it.
    static var name: String { get }

    /// Makes one, whose choices come from the generator.
    init(random: inout SimulationRandom)

    /// Returns what leaves in the place of what the host would do.
    mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput]

    /// Returns what else leaves because of a message that arrived; nil stands for a client.
    ///
    /// The host takes the message too, afterwards.
    mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput]

    /// Returns what leaves without a cause; asked every `Byzantine.idleMilliseconds`.
    mutating func idle(context: inout ByzantineContext) -> [HostOutput]

    /// Returns the vote that the host is told instead of the honest one.
    mutating func verdict(_ honest: Vote, context: inout ByzantineContext) -> Vote

    /// By how many milliseconds the node's wall clock is wrong now.
    mutating func clockOffset(context: inout ByzantineContext) -> Int64
}

extension Strategy {
    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] { outputs }

    package mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, context: inout ByzantineContext
    ) -> [HostOutput] { [] }

    package mutating func idle(context: inout ByzantineContext) -> [HostOutput] { [] }

    package mutating func verdict(_ honest: Vote, context: inout ByzantineContext) -> Vote {
        honest
    }

    package mutating func clockOffset(context: inout ByzantineContext) -> Int64 { 0 }
}

/// Bounds of what Byzantine nodes do.
package enum Byzantine {
    /// Time between two calls of `Strategy.idle`, in milliseconds.
    package static let idleMilliseconds: UInt64 = 250
    /// Messages of others that a Byzantine node remembers.
    package static let overheardMax = 256
    /// Spent nullifiers that a Byzantine node remembers.
    package static let spentMax = 32
    /// Messages that one Byzantine node sends in a virtual second; the network drops the rest.
    package static let messagesPerSecondMax = 2_000
}

/// A validator that lies, with the key that its fellows know too.
package struct Liar: Sendable {
    /// Its number.
    package let index: ValidatorIndex
    /// Its key.
    package let key: SigningKey

    /// The liar of this number, from 0, which signs with this key.
    package init(index: ValidatorIndex, key: SigningKey) {
        self.index = index
        self.key = key
    }
}

/// A message that a Byzantine node has heard.
package struct Overheard: Sendable {
    /// Who sent it; nil for a client.
    package let sender: ValidatorIndex?
    /// As it came.
    package let bytes: [UInt8]
    /// What it says; nil where that cannot be read.
    package let message: PeerMessage?
}

/// What a Byzantine node knows. All liars are one party: each signs with the keys of all.
package struct ByzantineContext: Sendable {
    /// The node itself.
    package let own: Liar
    /// The liars other than it, by index.
    package let fellows: [Liar]
    /// The ledger: SHA-256 of its first entry.
    package let ledger: LedgerID
    /// The validators now, by index, the liars among them.
    package internal(set) var members: [ValidatorIndex]
    /// T now.
    package internal(set) var threshold: Int
    /// The source of everything random.
    package var random: SimulationRandom
    /// What the clocks of its machine say, before `Strategy.clockOffset`.
    package internal(set) var now: Instant
    /// The state after its last batch.
    package internal(set) var state: LedgerState
    /// The log after its last batch, for the root that a batch of its own would give.
    package internal(set) var frontier: MerkleFrontier
    /// The T precommits on its last batch, once it has seen them in a message.
    package internal(set) var precommits: Precommits?
    /// The last messages that it heard, the oldest first; at most `Byzantine.overheardMax`.
    package internal(set) var overheard: [Overheard]
    /// The last messages that its host sent, the oldest first; as many.
    package internal(set) var said: [PeerMessage]
    /// The keys of listed submitters that lie with the validators.
    package var accomplices: [SigningKey] = []
    /// Nullifiers that were spent of late, in order; at most `Byzantine.spentMax`.
    package internal(set) var spentNullifiers: [Bytes32] = []
    /// Commands that it keeps secret among the liars: a strategy's own store, bounded by it.
    package var secrets: [PeerMessage] = []

    /// The height after its last batch.
    package var nextHeight: Height { Height(state.height.rawValue + 1) }

    /// The validators that are no liars, by index.
    package var honest: [ValidatorIndex] {
        members.filter { member in
            member != own.index && !fellows.contains { $0.index == member }
        }
    }

    /// The members other than itself, by index.
    package var others: [ValidatorIndex] { members.filter { $0 != own.index } }

    /// Returns the key of a liar; nil for an honest validator.
    package func key(of index: ValidatorIndex) -> SigningKey? {
        index == own.index ? own.key : fellows.first { $0.index == index }?.key
    }
}
