// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

extension FuzzTarget {
    /// One encoding an event: what decodes, encodes to the same bytes.
    static let events = FuzzTarget(
        name: "events", about: "entries of the log; encode(decode(b)) == b", bytesMax: 4096,
        seeds: {
            var generator = EventGenerator(seed: 1)
            var seeds: [Seed] = []
            for tag in EventGenerator.tags {
                for number in 0..<2 {
                    let name = "\(EventType(rawValue: tag)?.jsonName ?? "event")-\(number)"
                    seeds.append(Seed(name: name, bytes: generator.event(tag).encoded))
                }
            }
            return seeds
        },
        run: { bytes in
            guard let event = decoded({ () throws(DecodingError) in try Event(decoding: bytes) })
            else { return }
            law(event.encoded == bytes, "an event has one encoding")
            law(event.type.rawValue == event.tag, "an event has a kind")
        })

    /// Messages in the encoding that they are signed, journaled and refused in.
    static let messages = FuzzTarget(
        name: "messages", about: "signed messages of each kind; encode(decode(b)) == b",
        bytesMax: 4096,
        seeds: {
            var generator = EventGenerator(seed: 2)
            let messages = (0..<7 as Range<UInt8>).flatMap { tag in
                (0..<2).map { number in
                    Seed(
                        name: "kind-\(tag)-\(number)",
                        bytes: [0] + generator.message(tag).encoded)
                }
            }
            return messages
                + ledgerSeeds.signedMessages.enumerated().map { number, message in
                    Seed(name: "signed-\(number)", bytes: [0] + message.encoded)
                }
        },
        run: { bytes in
            guard let kind = bytes.first else { return }
            let body = Array(bytes.dropFirst())
            switch kind {
            case 0:
                guard let message = checkedOnce(Message.self, body) else { return }
                let ledger = ledgerSeeds.scenario.ledger
                law(
                    message.isSigned(in: ledger) == (Checked(message, in: ledger) != nil),
                    "a message is checked if and only if it is signed")
                _ = message.sender
            case 1: _ = checkedOnce(RequestMessage.self, body)
            case 2: _ = checkedOnce(VoteMessage.self, body)
            case 3: _ = checkedOnce(JobMessage.self, body)
            case 4: _ = checkedOnce(ResultMessage.self, body)
            case 5: _ = checkedOnce(SettlementMessage.self, body)
            case 6: _ = checkedOnce(GovernanceMessage.self, body)
            case 7: _ = checkedOnce(EvidenceMessage.self, body)
            case 8: _ = checkedOnce(LedgerOpened.self, body)
            case 9: _ = checkedOnce(Circuit.self, body)
            case 10: _ = checkedOnce(Parameters.self, body)
            default: return
            }
        })

    private static func checkedOnce<T: BorshCodable>(_ type: T.Type, _ bytes: [UInt8]) -> T? {
        let value = decoded { () throws(DecodingError) in try T(decoding: bytes) }
        if let value { law(value.encoded == bytes, "\(type) has one encoding") }
        return value
    }

    /// Entries that follow a genuine log.
    static let folds = FuzzTarget(
        name: "folds",
        about: "entries folded after a genuine log; what is kept of a state gives it again",
        bytesMax: 8192,
        seeds: {
            ledgerSeeds.tails.enumerated().map { number, events in
                Seed(
                    name: "tail-\(number)",
                    bytes: events.flatMap { Parts.list($0.encoded) })
            }
        },
        run: { bytes in
            var state = ledgerSeeds.scenario.state
            var parts = Parts(bytes)
            while !parts.isAtEnd {
                let entry = parts.list()
                guard
                    let event = decoded({ () throws(DecodingError) in try Event(decoding: entry) })
                else { return }
                do throws(FoldError) {
                    try state.apply(Entry(event))
                } catch { return }
                if !state.isBatchOpen { keep(state) }
            }
            _ = state.componentRoots()
            _ = state.nextDue
        })

    /// A sealed state can be kept and read again. One that no rules led to may be refused.
    private static func keep(_ state: LedgerState, isGenuine: Bool = false) {
        let snapshot = state.snapshot()
        do throws(SnapshotError) {
            var again = try LedgerState(unverified: snapshot)
            try again.verify(
                trees: snapshot.records.map { $0.frontier() }, components: state.componentRoots())
            law(again.snapshot().fixed == snapshot.fixed, "a state that was kept is kept alike")
        } catch {
            law(!isGenuine, "a state that the rules led to cannot be read again: \(error)")
        }
    }

    /// Messages decided on by the rules; their signatures are taken for right.
    static let commands = FuzzTarget(
        name: "commands", about: "messages decided on; what the rules derive folds",
        bytesMax: 8192,
        seeds: {
            let bodies = ledgerSeeds.signedMessages.map { Parts.list($0.encoded) }
            let all = bodies.flatMap { body -> [UInt8] in [0] + body }
            let refused = bodies.flatMap { body -> [UInt8] in [1] + body }
            return [
                Seed(name: "all", bytes: all + [2]), Seed(name: "refused", bytes: refused),
                Seed(name: "time", bytes: [3, 0, 0, 1, 0, 3, 255, 255, 255, 0, 2]),
            ]
        },
        run: { bytes in
            var scenario = ledgerSeeds.unsigned
            var parts = Parts(bytes)
            while !parts.isAtEnd {
                // A scenario traps where what the rules derive does not fold.
                do throws(Refusal) { try step(&parts, &scenario) } catch { continue }
            }
            do throws(Refusal) { try scenario.seal() } catch {
                fatalError("an open batch cannot be sealed: \(error)")
            }
            keep(scenario.state, isGenuine: true)
        })

    private static func step(
        _ parts: inout Parts, _ scenario: inout LedgerScenario
    ) throws(Refusal) {
        let kind = parts.byte()
        switch kind % 4 {
        case 2: try scenario.next()
        case 3: try scenario.next(after: UInt64(parts.integer(UInt32.self)) + 1)
        default:
            let bytes = parts.list()
            guard
                let message = decoded({ () throws(DecodingError) in try Message(decoding: bytes) })
            else { return }
            if kind % 4 == 0 { try scenario.send(message) } else { try scenario.record(message) }
        }
    }
}

/// What `decode` returns; nil where it throws.
func decoded<T, E: Error>(_ decode: () throws(E) -> T) -> T? {
    do throws(E) { return try decode() } catch { return nil }
}
