// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Forensics
import Foundation
import Ledger
import Replication
import TestSupport
import Testing

/// Evidence against T validators by a part of the state, of which nobody is to be convicted by what
/// its maker leaves out or makes up.
struct RefutedBatchTests {
    @Test(arguments: [Refusal.nullifierSpent, .unknownRoot])
    func `who took what records refute is convicted where all of them are shown`(
        _ refusal: Refusal
    ) throws {
        let signed = try SignedBatch.takingWhatIsRefused(refusal)
        let file = try EvidenceFile(signed.file().bytes)
        #expect(file.verdict().effect == .convicts, "\(file.verdict().sentence)")
        #expect(file.verdict().keys.count == CulpritLedgers.threshold)
        let component = refusal == .nullifierSpent ? StateComponent.nullifiers : .roots
        guard case .refutedBatch(let charge) = file.charge else { return }
        #expect(charge.excerpt.isWhole(component))
        #expect(!charge.excerpt.isWhole(.outcomes), "more is shown than is needed")
        // With a part of that component it is somebody's word.
        let part = signed.file(signed.state.excerpt(for: signed.batch.events))
        #expect(part.verdict().effect == .unjudged, "\(part.verdict().sentence)")
    }

    @Test(arguments: [Refusal.nullifierSpent, .unknownRoot, .unknownCircuit])
    func `who refused for a reason that does not hold is convicted`(_ refusal: Refusal) throws {
        let signed = try SignedBatch.refusingWhatIsTaken(refusal)
        #expect(signed.file().verdict().effect == .convicts)
        // What a node keeps of the state does not show that the nullifier is not spent.
        let kept = signed.file(signed.state.excerpt(for: signed.batch.events))
        #expect(kept.verdict().effect == .unjudged, "\(kept.verdict().sentence)")
    }

    @Test func `a fault that rests on no records needs none`() throws {
        let signed = try SignedBatch.wrongWithoutRecords()
        let kept = signed.file(signed.state.excerpt(for: signed.batch.events))
        #expect(kept.verdict().effect == .convicts)
        #expect(kept == signed.file())
    }

    /// Every record left out, every record of every component twice, and records made up.
    @Test func `no excerpt of an honest batch's state convicts`() throws {
        let signed = try SignedBatch.honest()
        #expect(signed.file().verdict().effect == .nothing)
        for forged in Self.forgeries(of: signed) {
            let verdict = try EvidenceFile(signed.file(forged).bytes).verdict()
            #expect(verdict.effect != .convicts, "\(verdict.sentence)")
        }
        let effects = Self.forgeries(of: signed).map { signed.file($0).verdict().effect }
        #expect(effects.contains(.unjudged) && effects.contains(.nothing))
    }

    private static func forgeries(of signed: SignedBatch) -> [StateExcerpt] {
        let honest = signed.state.excerpt(for: signed.batch.events)
        var forged: [StateExcerpt] = []
        for (place, component) in StateSnapshot.grown.enumerated() {
            for number in honest.records[place].indices {
                forged.append(signed.excerpt(component) { $0.remove(at: number) })
                forged.append(signed.excerpt(component) { $0.append($0[number]) })
            }
            forged.append(signed.excerpt(component) { $0.removeAll() })
            for invented in inventions(signed) {
                forged.append(signed.excerpt(component) { $0.append(invented) })
            }
        }
        return forged
    }

    /// Records that would have the rules refuse what is in the batch, or take what it refuses.
    private static func inventions(_ signed: SignedBatch) -> [[UInt8]] {
        var invented: [[UInt8]] = []
        for event in signed.batch.events {
            guard case .requestSubmitted(let request) = event else { continue }
            for nullifier in request.nullifiers {
                let changed = NullifierChanged(request: EntryIndex(1), nullifier: nullifier)
                invented.append(Event.nullifierSpent(changed).encoded)
                invented.append(Event.nullifierReleased(changed).encoded)
            }
        }
        // The identity of an open request under the number of another that is decided.
        let open = signed.state.openRounds.compactMap { signed.state.openRound(at: $0) }
        let decided = signed.state.excerpt(for: signed.batch.events).records[1]
        for round in open {
            for record in decided where record.first == 65 {
                var copy = record
                guard
                    let place = copy.indices.first(where: { start in
                        start + 32 <= copy.count
                            && signed.state.requestID(at: Self.about(record))?.digest.bytes
                                == Array(copy[start..<start + 32])
                    })
                else { continue }
                copy.replaceSubrange(place..<place + 32, with: round.id.digest.bytes)
                copy[1] = 1
                invented.append(copy)
            }
        }
        return invented
    }

    private static func about(_ record: [UInt8]) -> EntryIndex {
        EntryIndex(record[1..<9].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    @Test func `a file stays small however many nullifiers there are`() throws {
        let count: UInt64 = 20_000
        let small = try SignedBatch.unopened(nullifiers: 0).file()
        let large = try SignedBatch.unopened(nullifiers: count).file()
        #expect(small.verdict().effect == .convicts)
        #expect(large.verdict().effect == .convicts)
        #expect(large.bytes.count < small.bytes.count + 2_000)
    }

    /// What the second reader says of one file.
    private struct Judgement: Decodable {
        let effect: String
        let keys: [String]
    }

    @Test(.enabled(if: Reader.isThere, "no Python with what the reader needs"))
    func `the second reader agrees on each`() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("refuted-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let honest = try SignedBatch.honest()
        var files = Self.forgeries(of: honest).map { honest.file($0) }
        for refusal in [Refusal.nullifierSpent, .unknownRoot] {
            let wrong = [
                try SignedBatch.takingWhatIsRefused(refusal),
                try SignedBatch.refusingWhatIsTaken(refusal),
            ]
            for signed in wrong {
                files.append(signed.file())
                files.append(signed.file(signed.state.excerpt(for: signed.batch.events)))
            }
        }
        files.append(try SignedBatch.wrongWithoutRecords().file())
        let paths = try files.enumerated().map { number, file in
            let path = folder.appendingPathComponent("\(number).rcev").path
            try Data(file.bytes).write(to: URL(fileURLWithPath: path))
            return path
        }
        let lines = try Reader.judge(paths).lines
        #expect(lines.count == files.count)
        var effects: Set<String> = []
        for (file, line) in zip(files, lines) {
            let told = try JSONDecoder().decode(Judgement.self, from: Data(line.utf8))
            let verdict = file.verdict()
            #expect(told.effect == verdict.effect.rawValue, "\(verdict.sentence): \(line)")
            #expect(told.keys == verdict.keys)
            effects.insert(told.effect)
        }
        #expect(effects == ["convicts", "unjudged", "nothing"])
    }
}
