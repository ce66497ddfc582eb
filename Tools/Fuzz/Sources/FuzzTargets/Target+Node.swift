// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Groth16
import Hosting
import Ledger
import Node

extension FuzzTarget {
    /// The configuration, and the reader of TOML below it.
    static let configuration = FuzzTarget(
        name: "configuration", about: "recount.toml; what is read and written out reads the same",
        bytesMax: 4096,
        seeds: {
            [
                Seed(name: "standard", bytes: Array(Configuration.standard.toml.utf8)),
                Seed(name: "sections", bytes: Array(sections.utf8)),
                Seed(name: "lists", bytes: Array(lists.utf8)),
            ]
        },
        run: { bytes in
            guard let text = String(validating: bytes, as: UTF8.self),
                let read = decoded({ () throws(ConfigurationError) in
                    try Configuration(toml: text, folder: "/folder")
                })
            else { return }
            do throws(ConfigurationError) {
                let again = try Configuration(toml: read.toml, folder: "/folder")
                law(again == read, "a configuration that was written out reads the same")
            } catch {
                fatalError("a configuration that was written out cannot be read: \(error)")
            }
        })

    private static let sections = """
        # a comment
        [ledger]
        name = 'a "name"'
        [consensus]
        threshold = 3
        total_validators = 4
        verification_timeout = 0.25 # seconds
        reputation_bounds = [100, 10_000]
        [leader_selection]
        stake_weight = 1
        reputation_weight = 0.000001
        normalisation = "raw"
        [network]
        max_connections = 50
        [vault]
        balance = 9223372036854775807

        """

    private static let lists = """
        [[circuits]]
        name = "\\u00e9\\t"
        verifying_key = "key.json"
        public_inputs = ["root", "nullifier",
          "constant:12", # one
          "free", ]
        roots = ["0", "1"]
        [[submitters]]
        name = "s"
        quota = 1
        [[validators]]
        name = "v-1"
        stake = 1
        [consensus]
        total_validators = 1
        threshold = 1

        """

    /// Lines of requests and votes.
    static let requests = FuzzTarget(
        name: "requests", about: "JSON lines of requests and votes; what is read can be written",
        bytesMax: 8192,
        seeds: {
            let request = ledgerSeeds.signedMessages.compactMap { message in
                if case .request(let request) = message { request } else { nil }
            }
            let votes = ledgerSeeds.signedMessages.compactMap { message in
                if case .vote(let vote) = message { vote } else { nil }
            }
            var seeds: [Seed] = []
            for (number, message) in request.enumerated() {
                for (form, name) in [(0, "snarkjs"), (1, "bytes")] {
                    let value = VerificationRequest(message, form: form, ledgerSeeds.scenario)
                    seeds.append(
                        Seed(
                            name: "\(name)-\(number)",
                            bytes: [0] + Array(try NodeJSON.encode(value).utf8)))
                }
            }
            for (number, vote) in votes.prefix(1).enumerated() {
                let text = try NodeJSON.encode(VerificationVote(SignedVote(vote)))
                seeds.append(Seed(name: "vote-\(number)", bytes: [1] + Array(text.utf8)))
            }
            return seeds
        },
        run: { bytes in
            guard let kind = bytes.first else { return }
            let line = Array(bytes.dropFirst())
            if kind == 0 { return readRequest(line) }
            guard
                let vote = decoded({ () throws(LineProblem) in
                    try NodeJSON.decode(VerificationVote.self, line: line)
                }),
                let message = decoded({ () throws(LineProblem) in try vote.message() })
            else { return }
            do {
                let again = try VerificationVote(SignedVote(message)).message()
                law(again == message, "a vote and back")
            } catch {
                fatalError("a vote that was read cannot be written: \(error)")
            }
        })

    private static let reader = RequestReader(
        ledger: ledgerSeeds.scenario.ledger, circuits: [Fixture.circuit],
        signers: [NamedKey(name: "submitter", key: Fixture.key(200))])

    private static func readRequest(_ line: [UInt8]) {
        if let request = decoded({ () throws(LineProblem) in
            try NodeJSON.decode(VerificationRequest.self, line: line)
        }) {
            do {
                let text = try NodeJSON.encode(request)
                let again = try NodeJSON.decode(VerificationRequest.self, line: Array(text.utf8))
                law(again == request, "a request that was written reads the same")
            } catch {
                fatalError("a request that was read cannot be written: \(error)")
            }
        }
        guard let read = decoded({ () throws(RequestProblem) in try reader.read(line: line) })
        else {
            return
        }
        law(read.message.id(in: ledgerSeeds.scenario.ledger) == read.id, "an id is the message's")
        law(
            Checked(Message.request(read.message), in: ledgerSeeds.scenario.ledger) != nil,
            "a request that is read is signed")
        let message = Message.request(read.message)
        do throws(Ledger.DecodingError) {
            law(try Message(decoding: message.encoded) == message, "a request can be recorded")
        } catch {
            fatalError("a request that was read cannot be recorded: \(error)")
        }
    }
}

extension VerificationRequest {
    /// The JSON form of a message, its proof in either form.
    fileprivate init(_ message: RequestMessage, form: Int, _ scenario: LedgerScenario) {
        var proof = ProofForm.bytes(message.proof)
        if form == 0,
            let points = decoded({ () throws(Groth16Error) in try Proof(compressed: message.proof) }
            )
        {
            proof = .snarkjs(SnarkjsProof(points))
        }
        let fields = """
            {"proof":"\(String(repeating: "00", count: 128))","public_inputs":[],"amount":0,\
            "recipient":"\(message.recipient.hex)","timestamp":0}
            """
        guard var request = decodedJSON(VerificationRequest.self, Array(fields.utf8)) else {
            fatalError("the seed of a request cannot be read")
        }
        request.proof = proof
        request.circuit = "withdraw"
        request.publicInputs = message.publicInputs.map { FieldText.decimal($0) }
        request.amount = message.amount.rawValue
        request.timestamp = message.timestamp.rawValue
        request.nullifiers = form == 0 ? nil : message.nullifiers.map { FieldText.decimal($0) }
        if form == 1 {
            request.submitter = message.submitter.hex
            request.signature = message.signature
            request.requestID = message.id(in: scenario.ledger)
        }
        self = request
    }
}

extension FuzzTarget {
    private static let journal = "/journal"
    private static let voter = Fixture.key(0)

    /// Entries of a validator's own journal.
    static let journals = FuzzTarget(
        name: "journals",
        about: "entries of a journal of votes; one that opens says the same again",
        bytesMax: 4096,
        seeds: {
            let requests = [1, 2].map { RequestID(Digest(hashing: [$0])) }
            let scenario = ledgerSeeds.scenario
            let votes = [
                scenario.vote(0, .approve, on: requests[0]),
                scenario.vote(0, .reject, on: requests[1]),
                scenario.vote(0, .approve, on: requests[0], at: Time(9)),
            ]
            return [1, 3].map { count in
                Seed(
                    name: "votes-\(count)",
                    bytes: votes.prefix(count).flatMap { Parts.list($0.encoded) })
            }
        },
        run: { bytes in
            let disk = SimulatedDisk()
            var parts = Parts(bytes)
            do throws(LogError) {
                let log = try EventLog.create(directory: journal, disk: disk)
                while !parts.isAtEnd {
                    let entry = parts.list()
                    if !entry.isEmpty { _ = try log.stage(entry) }
                }
                try log.commit()
                try log.close()
            } catch {
                fatalError("entries cannot be written: \(error)")
            }
            guard
                var opened = decoded({ () throws(JournalError) in
                    try VoteJournal(
                        directory: journal, disk: disk, key: voter,
                        ledger: ledgerSeeds.scenario.ledger)
                })
            else { return }
            sayAgain(&opened)
        })

    /// Whatever is asked of it later, a journal repeats the verdicts that it holds.
    private static func sayAgain(_ opened: inout VoteJournal) {
        let held = opened.requests.map { ($0, opened.verdict(on: $0)) }
        do throws(JournalError) {
            let said = try opened.votes(
                for: held.map { ($0.0, Verdict(.abstain, .unspecified)) }, at: Time(1 << 40))
            let votes = said.flatMap(\.signedVotes).map(\.vote)
            law(votes.count == held.count, "each verdict is said again")
            for vote in votes {
                let verdict = held.first { $0.0 == vote.request }?.1
                law(vote.vote == verdict?.vote, "a verdict is said again")
            }
            try opened.close()
        } catch {
            fatalError("a journal that opened cannot be used: \(error)")
        }
    }

    private static let keyFile = KeyProtection.keyFile(SecretBytes(copying: Bytes32.zero.bytes))
    private static let passphrase = KeyProtection.passphrase(SecretBytes(copying: [112, 119]))

    /// Key files.
    static let sealedKeys = FuzzTarget(
        name: "sealed-keys", about: "key files; one that opens was sealed by us", bytesMax: 256,
        seeds: {
            [
                Seed(name: "key-file", bytes: try SealedKey.seal(voter, with: keyFile)),
                Seed(name: "passphrase", bytes: try SealedKey.seal(voter, with: passphrase)),
            ]
        },
        run: { bytes in
            var bytes = bytes
            // What a passphrase costs is the file's to say, within bounds; here it is small.
            if bytes.count > 25, bytes[8] == 1, bytes[9..<17].contains(where: { $0 != 0 }) {
                bytes.replaceSubrange(
                    9..<25, with: Parts.little(1 as UInt64) + Parts.little(8192 as UInt64))
            }
            for protection in [keyFile, passphrase] {
                let key = decoded { () throws(SealedKeyError) in
                    try SealedKey.open(bytes, with: protection)
                }
                law(key == nil || key?.publicKey == voter.publicKey, "a forged key file opens")
            }
            _ = [UInt8](hex: String(decoding: bytes, as: UTF8.self))
            _ = Bytes32(hex: String(decoding: bytes, as: UTF8.self))
        })
}
