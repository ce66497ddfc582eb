// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// One validator: its machine, its disk, and what it is.
final class SimulatedNode {
    /// Where its files are, on its own disk.
    static let directory = "/node"

    /// Its number in the run.
    let number: Int
    let key: SigningKey
    /// Whether strategies speak for it.
    let isLiar: Bool
    /// Why it counts among those that may fail, where it does.
    var frailty: Frailty?
    var disk = SimulatedDisk()
    var clock: MachineClock
    /// Nil while the node is down.
    var host: ReplicaHost?
    /// Grows with each start, so that what was meant for the life before is known.
    var life = 0
    /// The number of the wake-up that counts.
    var wake = 0
    /// When its verifier has done what it was given.
    var verifierFree = Moment(microseconds: 0)
    /// What waits until then, with what is going to be said of it.
    var unverified: [(RequestID, Vote, VoteReason)] = []
    /// Whether its disk fails at some operation to come.
    var isCutArmed = false
    /// The file of which a byte was changed behind its back; nil for none.
    var damagedFile: String?
    /// Whether its memory has failed and it has not stopped since.
    var isFlipped = false
    /// How long it stays down after a power cut.
    var downMilliseconds: UInt64 = 1_000
    /// Until when what went wrong around it may show.
    var disturbedUntil = Moment(microseconds: 0)
    /// How often it was asked to wake up at one moment.
    var spins = (uptime: UInt64(0), count: 0)
    var strategies: [any Strategy] = []
    var names: [String] = []
    var context: ByzantineContext?
    /// What it has sent in this second, where it lies.
    var sent = (second: UInt64(0), count: 0)

    init(number: Int, key: SigningKey, isLiar: Bool, clock: MachineClock) {
        self.number = number
        self.key = key
        self.isLiar = isLiar
        self.clock = clock
    }

    /// Whether the checkers hold it to what honest nodes owe.
    var isHonest: Bool { !isLiar }

    var isUp: Bool { host != nil }

    /// Whether progress may rest on it.
    var isReliable: Bool { !isLiar && frailty == nil }
}
