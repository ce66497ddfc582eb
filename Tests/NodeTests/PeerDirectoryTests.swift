// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Node
import Testing

/// Who speaks for whom.
@Suite("Peers and parties")
struct PeerDirectoryTests {
    private let ledger = LedgerID(Digest(hashing: [7]))
    private let party = SigningKey()
    private let first = SigningKey().publicKey
    private let second = SigningKey().publicKey

    private func hello(_ number: UInt64, _ peer: PublicKey) -> Hello {
        Hello(ledger: ledger, key: party, number: number, transport: peer)
    }

    @Test("the peer of the highest number speaks for a party, also after it has gone")
    func numbers() {
        var directory = PeerDirectory(ledger)
        let key = party.publicKey
        #expect(directory.note(hello(5, first), from: first) == .party(key, instead: nil))
        #expect(directory.note(hello(5, second), from: second) == .outdated)
        #expect(directory.note(hello(6, second), from: second) == .party(key, instead: first))
        #expect(directory.peer(of: key) == second)
        #expect(directory.party(of: first) == nil && directory.all == [second])
        directory.forget(second)
        #expect(directory.note(hello(5, first), from: first) == .outdated)
        // The same peer may come again, whatever its clock says.
        #expect(directory.note(hello(1, second), from: second) == .party(key, instead: nil))
    }

    @Test("of a peer so many hellos are looked at until it comes again")
    func floods() {
        var directory = PeerDirectory(ledger)
        for number in 1...PeerDirectory.hellosMax {
            #expect(
                directory.note(hello(UInt64(number), first), from: first)
                    == .party(party.publicKey, instead: nil))
        }
        #expect(directory.note(hello(99, first), from: first) == .tooMany)
        #expect(directory.note(Hello(ledger: ledger, party: nil), from: first) == .tooMany)
        directory.disconnect(first)
        #expect(directory.note(hello(1, first), from: first) != .tooMany)
    }

    @Test("a number is remembered while its peer is there, however many parties come")
    func crowds() {
        var directory = PeerDirectory(ledger)
        let key = party.publicKey
        #expect(directory.note(hello(6, second), from: second) == .party(key, instead: nil))
        for _ in 0..<4_200 {
            let stranger = SigningKey().publicKey
            _ = directory.note(
                Hello(ledger: ledger, key: SigningKey(), number: 1, transport: stranger),
                from: stranger)
            directory.disconnect(stranger)
        }
        #expect(directory.note(hello(5, first), from: first) == .outdated)
        #expect(directory.peer(of: key) == second)
    }

    @Test("a hello names its ledger and its peer, and is signed by its party")
    func signatures() {
        var directory = PeerDirectory(ledger)
        let other = LedgerID(Digest(hashing: [8]))
        let foreign = Hello(ledger: other, key: party, number: 1, transport: first)
        #expect(directory.note(foreign, from: first) == .otherLedger(other))
        #expect(directory.note(hello(1, first), from: second) == .unsigned)
        var changed = hello(1, first)
        changed.party?.number = 2
        #expect(directory.note(changed, from: first) == .unsigned)
        #expect(directory.note(Hello(ledger: ledger, party: nil), from: first) == .observer)
        #expect(directory.all.isEmpty)
    }

    @Test("an observer asks parties, and other observers only where there are none")
    func sources() {
        var directory = PeerDirectory(ledger)
        let observer = Hello(ledger: ledger, party: nil)
        #expect(directory.note(observer, from: first) == .observer)
        #expect(directory.sources == [first] && directory.all.isEmpty)
        _ = directory.note(hello(1, second), from: second)
        #expect(directory.sources == [second])
        // A peer that turns out to speak for nobody speaks for its party no more.
        _ = directory.note(observer, from: second)
        #expect(Set(directory.sources) == [first, second] && directory.all.isEmpty)
        directory.forget(first)
        directory.forget(second)
        #expect(directory.sources.isEmpty)
    }

    @Test("what a party says is passed on to those who do not say that they reach it")
    func reaches() throws {
        var directory = PeerDirectory(ledger)
        let (key, third) = (party.publicKey, SigningKey().publicKey)
        _ = directory.note(hello(1, first), from: first)
        _ = directory.note(Hello(ledger: ledger, party: nil), from: second)
        _ = directory.note(
            Hello(ledger: ledger, key: SigningKey(), number: 1, transport: third), from: third)
        #expect(Set(directory.lacking(key)) == [second, third])
        let reach = Reach(isReached: true, party: key)
        #expect(try Reach(decoding: reach.encoded) == reach)
        #expect(reach.encoded.count <= Reach.bytesMax)
        #expect(throws: DecodingError.self) {
            _ = try Reach(decoding: [2] + reach.encoded.dropFirst())
        }
        directory.note(reach, from: second)
        #expect(directory.lacking(key) == [third])
        directory.note(Reach(isReached: false, party: key), from: second)
        #expect(Set(directory.lacking(key)) == [second, third])
        // Said before the hello, and gone with the connection.
        directory.note(reach, from: third)
        _ = directory.note(Hello(ledger: ledger, party: nil), from: third)
        #expect(directory.lacking(key) == [second])
        directory.disconnect(third)
        _ = directory.note(Hello(ledger: ledger, party: nil), from: third)
        #expect(Set(directory.lacking(key)) == [second, third])
        // What it says is bounded; beyond that it hears more than it needs.
        for _ in 0..<2_000 {
            directory.note(Reach(isReached: true, party: SigningKey().publicKey), from: third)
        }
        directory.note(reach, from: third)
        #expect(Set(directory.lacking(key)) == [second, third])
    }

    @Test("a hello is read as it was written, and nothing else is")
    func bytes() throws {
        for hello in [hello(9, first), Hello(ledger: ledger, party: nil)] {
            #expect(try Hello(decoding: hello.encoded) == hello)
            #expect(hello.encoded.count <= Hello.bytesMax)
            for count in 0..<hello.encoded.count {
                #expect(throws: DecodingError.self) {
                    _ = try Hello(decoding: Array(hello.encoded.prefix(count)))
                }
            }
            #expect(throws: DecodingError.self) { _ = try Hello(decoding: hello.encoded + [0]) }
        }
    }
}
