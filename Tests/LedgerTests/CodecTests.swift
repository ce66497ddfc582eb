// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport
import Testing

@Suite("encoding")
struct CodecTests {
    @Test("every kind of event and message is read back as it was written", arguments: 1...6)
    func roundTrip(seed: UInt64) throws {
        var generator = EventGenerator(seed: seed)
        for tag in EventGenerator.tags {
            for _ in 0..<40 {
                let event = generator.event(tag)
                let bytes = event.encoded
                #expect(bytes[0] == tag && event.tag == tag)
                let again = try Event(decoding: bytes)
                #expect(again == event && again.encoded == bytes, "seed \(seed), tag \(tag)")
            }
        }
        for tag in 0..<7 as Range<UInt8> {
            for _ in 0..<40 {
                let message = generator.message(tag)
                #expect(message.encoded[0] == tag)
                #expect(try Message(decoding: message.encoded) == message, "seed \(seed)")
            }
        }
    }

    /// Whether the bytes are refused, or are exactly what their value is written as.
    private func isCanonical(_ bytes: [UInt8]) -> Bool {
        do throws(DecodingError) {
            return try Event(decoding: bytes).encoded == bytes
        } catch { return true }
    }

    @Test("changed, cut and lengthened bytes are refused or mean only themselves", arguments: 1...4)
    func mutations(seed: UInt64) {
        var generator = EventGenerator(seed: seed)
        for tag in EventGenerator.tags {
            for _ in 0..<4 {
                let bytes = generator.event(tag).encoded
                for _ in 0..<60 {
                    var changed = bytes
                    for _ in 0...generator.below(3) {
                        let place = Int(generator.below(UInt64(min(bytes.count, 400))))
                        changed[place] = UInt8(generator.below(256))
                    }
                    #expect(isCanonical(changed), "seed \(seed), tag \(tag)")
                }
                for length in stride(from: 0, to: bytes.count, by: 1 + bytes.count / 70) {
                    #expect(throws: DecodingError.self) {
                        try Event(decoding: Array(bytes[..<length]))
                    }
                }
                #expect(throws: DecodingError.trailing(offset: bytes.count, bytes: 1)) {
                    try Event(decoding: bytes + [0])
                }
            }
        }
    }

    @Test("garbage never traps", arguments: 1...4)
    func garbage(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for round in 0..<4000 {
            var bytes = random.bytes(round % 300)
            if let tag = EventGenerator.tags.randomElement(using: &random), !bytes.isEmpty {
                bytes[0] = tag
            }
            #expect(isCanonical(bytes), "seed \(seed)")
            do { #expect(try Message(decoding: bytes).encoded == bytes) } catch { continue }
        }
    }

    @Test("counts are held to their bounds before anything is read for them")
    func bounds() throws {
        var generator = EventGenerator(seed: 9)
        guard case .settlement(var settlement) = generator.message(4) else { return }
        settlement.reference = [UInt8](repeating: 1, count: 128)
        #expect(
            try Message(decoding: Message.settlement(settlement).encoded) == .settlement(settlement)
        )
        settlement.reference.append(1)
        #expect(
            throws: DecodingError.overBound(
                type: "SettlementMessage.reference", count: 129, bound: 128, offset: 65)
        ) { try Message(decoding: Message.settlement(settlement).encoded) }
        // Four thousand million precommits that are not there.
        guard case .batchOpened(var opened) = generator.event(1) else { return }
        opened.precommits = []
        var bytes = Event.batchOpened(opened).encoded
        let count = bytes.count - 64 - 4
        bytes.replaceSubrange(count..<count + 4, with: [255, 255, 255, 255])
        #expect(throws: DecodingError.self) { try Event(decoding: bytes) }
    }

    @Test("text that is not UTF-8 is refused, and spelling is kept byte for byte")
    func text() throws {
        var generator = EventGenerator(seed: 10)
        guard case .job(var job) = generator.message(2) else { return }
        var encodings: Set<[UInt8]> = []
        for name in ["é", "e\u{301}"] {
            job.engine = name
            encodings.insert(Message.job(job).encoded)
            let again = try Message(decoding: Message.job(job).encoded)
            #expect(again.encoded == Message.job(job).encoded)
        }
        #expect(encodings.count == 2)
        job.engine = "ab"
        var bytes = Message.job(job).encoded
        let place = 1 + 64 + 40 + 4
        #expect(bytes[place] == 0x61)
        bytes[place] = 0xFF
        #expect(
            throws: DecodingError.notCanonical(type: "Job.engine", offset: place - 4)
        ) { try Message(decoding: bytes) }
    }

    @Test("tags are never renumbered")
    func tags() {
        let expected: [(UInt8, String)] = [
            (0, "ledgerOpened"), (1, "batchOpened"), (2, "requestSubmitted"), (3, "voteCast"),
            (4, "jobSubmitted"), (5, "resultReported"), (6, "settlementReported"),
            (7, "governanceApproved"), (8, "evidenceSubmitted"), (9, "messageRefused"),
            (10, "validatorAnnounced"), (11, "votesCast"),
            (64, "roundOpened"), (65, "outcomeDecided"), (66, "nullifierSpent"),
            (67, "nullifierReleased"), (68, "settlementOrdered"), (69, "reputationChanged"),
            (70, "reputationDecayed"), (71, "equivocationFound"), (72, "disagreementRecorded"),
            (73, "roundClosed"), (74, "jobAssigned"), (75, "jobDecided"), (76, "batchSealed"),
        ]
        #expect(EventType.allCases.count == expected.count)
        var generator = EventGenerator(seed: 11)
        for (tag, kind) in expected {
            let event = generator.event(tag)
            #expect(event.kind == kind && event.tag == tag && event.isDerived == (tag >= 64))
        }
        #expect([Vote.approve, .reject, .abstain].map(\.rawValue) == [0, 1, 2])
        #expect([Outcome.approved, .rejected, .timedOut].map(\.rawValue) == [0, 1, 2])
        #expect(
            [ReputationCause.correct, .bonus, .incorrect, .missed, .equivocation].map(\.rawValue)
                == [0, 1, 2, 3, 4])
        #expect(
            [ReputationCause.correct, .bonus, .incorrect, .missed, .equivocation].map(\.points)
                == [10, 5, -50, -30, -50])
        #expect(
            StateComponent.allCases.map(\.label) == [
                "parameters", "validators", "submitters", "circuits", "roots", "rounds",
                "outcomes", "nullifiers", "leaders", "jobs", "evidence", "outbox", "time",
            ])
    }

    @Test("refusals keep their numbers, and each says something of its own")
    func refusals() {
        let expected: [Refusal] = [
            .alreadyRecorded, .unknownSubmitter, .quotaExceeded, .tooManyUnclosed,
            .unknownCircuit, .malformedProof, .malformedInput, .contradictsRequest,
            .nullifierTwice, .unknownRoot, .nullifierSpent, .tooFewValidators, .unknownRequest,
            .notPinned, .voteContradicts, .voteChanged, .roundClosed, .timestampOutOfRange,
            .malformedJob, .unknownJob, .notAssigned, .resultChanged, .notTheBridge, .notOrdered,
            .settlementChanged, .wrongNumber, .tooFewSignatures, .signaturesUnordered,
            .signerNotMember, .invalidKey, .alreadyMember, .notMember, .tooManyMembers,
            .unsafeThreshold, .stakeOutOfRange, .timeoutOutOfRange, .reputationBoundsOutOfRange,
            .weightsOutOfRange, .boundsOutOfRange, .circuitKnown, .circuitUnbound,
            .malformedCircuit, .tooManyCircuits, .rootKnown, .tooManySubmitters,
            .unknownValidator, .noContradiction, .alreadyConvicted, .noSender, .notRefused,
            .refusalsExhausted, .noBatch, .batchOpen, .batchFull, .wrongHeight, .timeNotLater,
            .tooManyDays, .wrongProposer, .wrongPreviousRoot, .wrongPrecommits, .deadlinesDue,
            .wrongSize, .ledgerOpened, .ledgerNotOpened, .malformedGenesis, .oversized,
            .gammaIsDelta, .gammaIsBeta, .deltaIsBeta, .deltaIsGenerator, .keySecretKnown,
            .constantIsInfinity, .constantIsAlpha, .inputIsInfinity, .inputIsConstant,
            .inputsShareAPoint,
            .malformedName, .nameTaken, .nameChanged, .jobBoundsOutOfRange, .thresholdTooLarge,
            .jobOverBounds, .jobDeadlineTooShort, .batchClosing, .numberNotHigher,
            .malformedAnnouncement, .announcedOften, .malformedList,
        ]
        #expect(expected.map(\.rawValue) == Array(0..<88))
        #expect(Refusal.allCases == expected)
        #expect(Set(expected.map(\.description)).count == expected.count)
    }

    @Test("integers are little-endian, counts are u32, an option is one byte")
    func borsh() throws {
        var writer = BorshWriter(domain: "ab")
        writer.write(UInt16(0x0102))
        writer.write(Int32(-2))
        writer.write([1, 2, 3] as [UInt8])
        writer.write(optional: Height(5))
        writer.write(optional: Height?.none)
        #expect(
            writer.bytes == [2, 0, 0, 0, 0x61, 0x62, 2, 1, 254, 255, 255, 255, 3, 0, 0, 0, 1, 2, 3]
                + [1, 5, 0, 0, 0, 0, 0, 0, 0, 0])
        func option(_ bytes: [UInt8]) throws -> Vote? {
            var reader = BorshReader(bytes)
            return try reader.optional()
        }
        let read = [try option([0]), try option([1, 2])]
        #expect(read == [nil, .abstain])
        #expect(throws: DecodingError.unknownTag(type: "Vote?", tag: 2, offset: 0)) {
            _ = try option([2, 2])
        }
    }
}
