// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// A checkpoint that was handed in, and could be read.
struct NamedCheckpoint {
    let name: String
    let signed: SignedCheckpoint

    var head: TreeHead { signed.head }
}

/// What is known of the checkpoints that were handed in, each found out once: with ten thousand of
/// them nothing may be asked anew for each pair.
struct CheckpointFacts {
    /// A signature under a checkpoint that holds, with its key.
    typealias Line = (key: PublicKey, head: SignedHead)
    /// What a key has signed, and of which size.
    typealias Signed = (signed: SignedHead, size: UInt64)

    private let ledger: LedgerID
    private let origin: String
    private let signers: CertificateSigners
    /// How the ledger of a place bears out each checkpoint.
    private(set) var comparisons: [[Witness.Comparison]] = []
    /// The places of the checkpoints, the largest first.
    private let order: [Int]
    /// By place of a ledger, what a key has signed of it: its newest precommit, and the largest
    /// checkpoint that the ledger bears out.
    private var precommits: [[PublicKey: Signed?]] = []
    private var largest: [[PublicKey: Signed?]] = []
    private var lines: [Int: [Line]] = [:]

    /// Compares the checkpoints with each ledger: O(log n) reads for each pair.
    init(_ checkpoints: [NamedCheckpoint], _ witnesses: [Witness], _ ledger: LedgerID) {
        self.ledger = ledger
        origin = Checkpoint.origin(ofLedger: ledger.digest)
        let keys = Set(witnesses.flatMap { $0.state.validators.map(\.key) }).sorted()
        signers = CertificateSigners(origin: origin, validators: keys)
        order = checkpoints.indices.sorted {
            checkpoints[$0].head.size > checkpoints[$1].head.size
        }
        for witness in witnesses {
            comparisons.append(checkpoints.map { witness.root(at: $0.head) })
            precommits.append([:])
            largest.append([:])
        }
    }

    /// The signatures under a checkpoint that hold.
    mutating func lines(of place: Int, in checkpoints: [NamedCheckpoint]) -> [Line] {
        if let known = lines[place] { return known }
        let found = read(checkpoints[place].signed)
        lines[place] = found
        return found
    }

    private func read(_ signed: SignedCheckpoint) -> [Line] {
        signed.note.signatures.compactMap { line in
            guard let key = signers.signer(of: line, text: signed.note.text) else { return nil }
            let isLog = line.name.description == origin
            let bytes = isLog ? line.bytes : Array(line.bytes.dropFirst(8))
            guard let signature = Signature(bytes) else { return nil }
            return (
                key,
                .checkpoint(
                    signed.head, seconds: isLog ? nil : line.cosignatureSeconds, signature)
            )
        }
    }

    /// What a key has signed of the ledger of a place: a precommit and a checkpoint, where it has.
    mutating func signed(
        by key: PublicKey, of place: Int, _ witness: Witness, _ checkpoints: [NamedCheckpoint]
    ) throws(LogError) -> [Signed] {
        if precommits[place][key] == nil {
            var newest: Signed?
            if let index = witness.state.validatorIndex(of: key) {
                newest = try witness.head(of: index)
            }
            // Of a log that was rewritten nobody has signed the precommits that stand in it.
            if let found = newest, !isSigned(found.signed, by: key) { newest = nil }
            precommits[place][key] = .some(newest)
        }
        if largest[place][key] == nil {
            largest[place][key] = .some(largestBorneOut(by: key, place, checkpoints))
        }
        return [precommits[place][key] ?? nil, largest[place][key] ?? nil].compactMap(\.self)
    }

    private func isSigned(_ head: SignedHead, by key: PublicKey) -> Bool {
        do throws(EvidenceFlaw) {
            _ = try head.head(by: key, in: ledger, "precommit")
            return true
        } catch {
            return false
        }
    }

    private mutating func largestBorneOut(
        by key: PublicKey, _ place: Int, _ checkpoints: [NamedCheckpoint]
    ) -> Signed? {
        for number in order where comparisons[place][number] == .same {
            if let line = lines(of: number, in: checkpoints).first(where: { $0.key == key }) {
                return (line.head, checkpoints[number].head.size)
            }
        }
        return nil
    }
}

extension Witness {
    /// How a ledger bears out a size and root.
    enum Comparison: Equatable {
        /// It has this root at this size.
        case same
        /// It has another root at this size.
        case other
        /// It is shorter, or cannot be read there.
        case beyond
    }

    /// Compares a size and root with the log.
    func root(at head: TreeHead) -> Comparison {
        guard head.size <= log.size else { return .beyond }
        do throws(LogError) {
            return try log.root(at: head.size) == head.root ? .same : .other
        } catch {
            return .beyond  // What cannot be read is told by the pass over the whole log.
        }
    }
}

/// Whoever signed a checkpoint that no ledger bears out, or that another of its own contradicts.
extension CulpritSearch {
    /// Two checkpoints of one size are found by the book; the others are compared with the ledgers.
    mutating func readCheckpoints() {
        let origin = Checkpoint.origin(ofLedger: ledger.digest)
        var known: [NamedCheckpoint] = []
        for file in inputs.checkpoints {
            do throws(NoteError) {
                let signed = try SignedCheckpoint(file.bytes)
                guard signed.checkpoint.originUTF8 == Array(origin.utf8) else {
                    throw .otherOrigin(expected: origin, found: signed.checkpoint.origin)
                }
                known.append(NamedCheckpoint(name: file.name, signed: signed))
            } catch {
                report.unread.append("\(file.name): \(error)")
            }
        }
        checkpoints = known
    }

    mutating func compareCheckpoints() throws(CulpritError) {
        guard !checkpoints.isEmpty else { return }
        var facts = CheckpointFacts(checkpoints, witnesses, ledger)
        var roots: [UInt64: Set<Digest>] = [:]
        for checkpoint in checkpoints {
            roots[checkpoint.head.size, default: []].insert(checkpoint.head.root)
        }
        for (number, checkpoint) in checkpoints.enumerated() {
            let verdict = Comparison(of: number, facts)
            let isDoubled = (roots[checkpoint.head.size]?.count ?? 0) > 1
            guard verdict != .same || isDoubled else { continue }
            let lines = facts.lines(of: number, in: checkpoints)
            for (key, line) in lines {
                guard case .checkpoint(let head, let seconds, let signature) = line else {
                    continue
                }
                try book.add(
                    .checkpoint(root: head.root, seconds: seconds, signature),
                    on: .consensus(.checkpoint(size: head.size)), by: key)
            }
            if verdict != .same { judge(number, verdict, lines, &facts) }
        }
        findContradictions()
    }

    /// How the ledgers bear a checkpoint out.
    private enum Comparison: Equatable {
        /// Some ledger has this root at this size, and none has another.
        case same
        /// This ledger, by its place, has another root at this size.
        case other(Int)
        /// All are shorter.
        case beyond

        init(of number: Int, _ facts: CheckpointFacts) {
            let found = facts.comparisons.map { $0[number] }
            if let place = found.firstIndex(of: .other) {
                self = .other(place)
            } else {
                self = found.contains(.same) ? .same : .beyond
            }
        }
    }

    private mutating func judge(
        _ number: Int, _ comparison: Comparison, _ lines: [CheckpointFacts.Line],
        _ facts: inout CheckpointFacts
    ) {
        var proved = false
        for (key, line) in lines {
            for place in witnesses.indices where convict(key, line, number, by: place, &facts) {
                proved = true
            }
        }
        guard !proved else { return }
        tell(checkpoints[number], comparison, lines.map { names.name(of: $0.key) }.listed)
    }

    private mutating func tell(
        _ checkpoint: NamedCheckpoint, _ comparison: Comparison, _ who: String
    ) {
        let size = checkpoint.head.size
        switch comparison {
        case .same: return
        case .other(let place):
            report.unprovable.append(
                CulpritReport.Unprovable(
                    found: "\(checkpoint.name), a checkpoint of \(size) entries signed by"
                        + " \(who), has another root than \(witnesses[place].name)",
                    reason: "none of them has signed anything of that ledger so far on: another"
                        + " copy, or a later checkpoint, would convict"))
        case .beyond:
            let longest = witnesses.map(\.log.size).max() ?? 0
            report.unprovable.append(
                CulpritReport.Unprovable(
                    found: "\(checkpoint.name), signed by \(who), is of \(size) entries, and"
                        + " no ledger has more than \(longest)",
                    reason: "a copy that is cut or behind convicts nobody: name the ledger that"
                        + " goes on"))
        }
    }

    /// Convicts the signer of a checkpoint by what it signed of a ledger that has another root;
    /// returns whether it does.
    private mutating func convict(
        _ key: PublicKey, _ line: SignedHead, _ number: Int, by place: Int,
        _ facts: inout CheckpointFacts
    ) -> Bool {
        let head = checkpoints[number].head
        // One conviction of this kind says all: the ledger takes one for ever.
        if report.isProved(key, of: "twoHistories") { return true }
        do throws(LogError) {
            let witness = witnesses[place]
            for (signed, size) in try facts.signed(by: key, of: place, witness, checkpoints) {
                let charge: TwoHistories
                if head.size <= size {
                    let root = try witness.log.root(at: head.size)
                    guard root != head.root else { continue }
                    charge = TwoHistories(
                        validator: key, older: line, newer: signed, root: root,
                        proof: try witness.log.consistencyProof(from: head.size, to: size))
                } else if let copy = facts.comparisons.firstIndex(where: { $0[number] == .same }) {
                    let log = witnesses[copy].log
                    charge = TwoHistories(
                        validator: key, older: signed, newer: line,
                        root: try log.root(at: size),
                        proof: try log.consistencyProof(from: size, to: head.size))
                } else {
                    continue
                }
                if self.charge(.twoHistories(charge)) { return true }
            }
        } catch {
            return false  // What cannot be read is told by the pass over the whole log.
        }
        return false
    }
}
