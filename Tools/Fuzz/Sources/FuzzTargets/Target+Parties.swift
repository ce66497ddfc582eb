// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import Network
import Node

extension FuzzTarget {
    private static let transport = Fixture.key(90).publicKey

    /// What peers say first.
    static let hellos = FuzzTarget(
        name: "hellos",
        about: "what peers say first, one encoding each; nobody speaks for another",
        bytesMax: Hello.bytesMax,
        seeds: {
            let ledger = ledgerSeeds.scenario.ledger
            let said = [
                ("observer", Hello(ledger: ledger, party: nil)),
                ("first", Hello(ledger: ledger, key: voter, number: 1, transport: transport)),
                ("later", Hello(ledger: ledger, key: voter, number: 7, transport: transport)),
            ]
            let reach = Reach(isReached: true, party: voter.publicKey)
            return said.map { Seed(name: $0, bytes: $1.encoded) }
                + [Seed(name: "reach", bytes: reach.encoded)]
        },
        run: { bytes in
            if let reach = decoded({ () throws(DecodingError) in try Reach(decoding: bytes) }) {
                law(reach.encoded == bytes, "what is said of a party's reach has one encoding")
                law(bytes.count <= Reach.bytesMax, "it is as short as is said")
            }
            guard let hello = decoded({ () throws(DecodingError) in try Hello(decoding: bytes) })
            else { return }
            law(hello.encoded == bytes, "a hello has one encoding")
            law(bytes.count <= Hello.bytesMax, "a hello is as short as is said")
            var directory = PeerDirectory(ledgerSeeds.scenario.ledger)
            switch directory.note(hello, from: transport) {
            case .party(let key, let instead):
                law(hello.isSigned(for: transport), "a party that is spoken for has signed it")
                law(key == voter.publicKey && instead == nil, "a forged hello is taken")
            case .observer: law(hello.party == nil, "a party is taken for an observer")
            case .otherLedger(let other): law(other == hello.ledger, "another ledger is named")
            case .unsigned: law(!hello.isSigned(for: transport), "a signed hello is refused")
            case .outdated: fatalError("the first hello of a party is outdated")
            case .tooMany: fatalError("the first hello of a peer is one too many")
            }
        })

    /// What parties hand to whoever makes the first entry.
    static let publicFiles = FuzzTarget(
        name: "public-files",
        about: "files of parties, one encoding each; those that can be taken are signed",
        bytesMax: 1024,
        seeds: { parties.map { Seed(name: $0.name, bytes: $0.encoded) } },
        run: { bytes in
            guard
                let party = decoded({ () throws(DecodingError) in
                    try PublicParty(decoding: bytes)
                })
            else { return }
            law(party.encoded == bytes, "a public file has one encoding")
            for text in party.peers {
                law(
                    decoded({ () throws(MultiaddrError) in try Multiaddr(text: text) }) != nil,
                    "what others dial can be read")
            }
            guard party.fault == nil else { return }
            law(parties.contains { $0.key == party.key }, "a forged public file is taken")
        })

    /// The first entry and what each needs; the sum at the end is added, since nobody hits it.
    static let genesis = FuzzTarget(
        name: "genesis",
        about: "genesis files without their sum, one encoding each; checked against themselves",
        bytesMax: 16_384,
        seeds: { [Seed(name: "parties", bytes: genesisFile.encoded.dropLast(32))] },
        run: { bytes in
            let whole = bytes + Digest(hashing: bytes).bytes
            guard
                let file = decoded({ () throws(DecodingError) in
                    try GenesisFile(decoding: whole)
                })
            else { return }
            law(file.encoded == whole, "a genesis file has one encoding")
            guard
                let read = decoded({ () throws(NodeError) in
                    try GenesisFile.read(whole, path: "genesis")
                })
            else { return }
            law(read == file, "what is checked is what was read")
            law(read.parties.allSatisfy { $0.fault == nil }, "every public file in it is signed")
        })

    private static let voter = Fixture.key(0)

    private static let parties: [PublicParty] = {
        let address = Multiaddr.tcp(.ip4(0x7F00_0001), 4001)
        return [
            PublicParty(
                role: .validator, name: "v-1", key: Fixture.key(0), transport: transport,
                listen: [address], addresses: [address]),
            PublicParty(
                role: .submitter, name: "s", key: Fixture.key(200), transport: nil, listen: [],
                addresses: []),
            PublicParty(
                role: .bridge, name: PublicParty.bridgeName, key: Fixture.key(201),
                transport: Fixture.key(91).publicKey, listen: [address],
                addresses: [address, Multiaddr.tcp(.dns4("bridge.example"), 4001)]),
        ]
    }()

    private static let genesisFile: GenesisFile = {
        let text = """
            [[validators]]
            name = "v-1"
            stake = 1
            [[submitters]]
            name = "s"
            quota = 1
            [consensus]
            total_validators = 1
            threshold = 1

            """
        do {
            let configuration = try Configuration(toml: text, folder: "/")
            let file = GenesisFile(
                opened: LedgerOpened(
                    name: configuration.name, parameters: configuration.parameters,
                    validators: [
                        GenesisValidator(key: parties[0].key, name: "v-1", stake: Stake(1))
                    ],
                    submitters: [GenesisSubmitter(key: parties[1].key, name: "s", quota: 1)],
                    bridge: parties[2].key, circuits: [], time: Time(1_700_000_000_000)),
                configuration: configuration.toml, circuits: [], parties: parties)
            return try GenesisFile.read(file.encoded, path: "the seed")
        } catch {
            fatalError("the seed of a genesis file cannot be used: \(error)")
        }
    }()
}
