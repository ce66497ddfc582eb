// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger

/// Which peer speaks for which party, as hellos have it; peers are named by their transport keys.
///
/// Invariants: `peers[k] == p` has `parties[p] == k`; a peer speaks for at most one party, and a
/// party is spoken for by one peer, that of its highest number. Only peers that are connected are
/// kept.
package struct PeerDirectory: Sendable {
    /// What became of a hello.
    package enum Answer: Equatable, Sendable {
        /// The peer speaks for the party; the peer that did so before, if another, does no more.
        case party(PublicKey, instead: PublicKey?)
        /// The peer is an observer.
        case observer
        /// It is of another ledger.
        case otherLedger(LedgerID)
        /// Its party has not signed it.
        case unsigned
        /// The party has spoken through another peer since.
        case outdated
        /// The peer has said more hellos than anybody has reason to.
        case tooMany
    }

    private let ledger: LedgerID
    private var peers: [PublicKey: PublicKey] = [:]
    private var parties: [PublicKey: PublicKey] = [:]
    /// The peers that speak for nobody.
    private var observers: Set<PublicKey> = []
    /// The parties that each peer says to reach.
    private var reaches: [PublicKey: Set<PublicKey>] = [:]
    /// The highest number of each party, and the peer that named it, also of those that are gone.
    private var numbers: [PublicKey: (number: UInt64, peer: PublicKey)] = [:]
    /// The keys of `numbers`, in the order in which they came.
    private var order: [PublicKey] = []
    /// The hellos of each peer since it came.
    private var hellos: [PublicKey: Int] = [:]

    /// Parties whose numbers are remembered; those that are there are not forgotten.
    private static let numbersMax = 4_096
    /// Hellos of a peer that are looked at while it is connected: a node says one, and each costs
    /// a signature and a message to all others.
    package static let hellosMax = 8
    /// Parties that a peer may say to reach; of more, nobody takes note.
    private static let reachMax = 1_024

    /// Of a ledger, and without peers.
    package init(_ ledger: LedgerID) { self.ledger = ledger }

    /// Notes what a peer said.
    ///
    /// - Parameter peer: Its transport key, which it has shown to have.
    package mutating func note(_ hello: Hello, from peer: PublicKey) -> Answer {
        hellos[peer, default: 0] += 1
        guard hellos[peer, default: 0] <= Self.hellosMax else { return .tooMany }
        guard hello.ledger == ledger else { return .otherLedger(hello.ledger) }
        guard let party = hello.party else {
            forget(peer)
            observers.insert(peer)
            return .observer
        }
        if let last = numbers[party.key], last.peer != peer, last.number >= party.number {
            return .outdated
        }
        guard hello.isSigned(for: peer) else { return .unsigned }
        if numbers.updateValue((party.number, peer), forKey: party.key) == nil {
            order.append(party.key)
            // Whoever makes keys up must not have a number forgotten that counts.
            if order.count > Self.numbersMax,
                let place = order.firstIndex(where: { peers[$0] == nil })
            {
                numbers[order.remove(at: place)] = nil
            }
        }
        let before = peers[party.key]
        forget(peer)
        if let before { parties[before] = nil }
        peers[party.key] = peer
        parties[peer] = party.key
        return .party(party.key, instead: before == peer ? nil : before)
    }

    /// Notes that a peer is there no more.
    package mutating func forget(_ peer: PublicKey) {
        observers.remove(peer)
        guard let party = parties.removeValue(forKey: peer) else { return }
        peers[party] = nil
    }

    /// Notes that a peer is connected no more.
    package mutating func disconnect(_ peer: PublicKey) {
        forget(peer)
        reaches[peer] = nil
        hellos[peer] = nil
    }

    /// Notes what a peer says of whom it reaches.
    package mutating func note(_ reach: Reach, from peer: PublicKey) {
        guard reach.isReached else {
            reaches[peer]?.remove(reach.party)
            return
        }
        guard reaches[peer]?.count ?? 0 < Self.reachMax else { return }
        reaches[peer, default: []].insert(reach.party)
    }

    /// The peers that do not hear a party themselves, as far as they say: neither its own, nor
    /// those that reach it.
    package func lacking(_ party: PublicKey) -> [PublicKey] {
        func lacks(_ peer: PublicKey) -> Bool {
            parties[peer] != party && reaches[peer]?.contains(party) != true
        }
        return parties.keys.filter(lacks) + observers.filter(lacks)
    }

    /// The party that a peer speaks for; nil for an observer.
    package func party(of peer: PublicKey) -> PublicKey? { parties[peer] }

    /// The peer that speaks for a party, while it is there.
    package func peer(of party: PublicKey) -> PublicKey? { peers[party] }

    /// The peers that speak for parties, by the bytes of their keys.
    package var all: [PublicKey] { parties.keys.sorted() }

    /// The peers that an observer may ask: those of parties, or, where there are none, observers.
    package var sources: [PublicKey] { parties.isEmpty ? observers.sorted() : all }
}
