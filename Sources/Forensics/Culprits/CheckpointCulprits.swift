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
        var roots: [UInt64: Set<Digest>] = [:]
        for checkpoint in checkpoints {
            roots[checkpoint.signed.head.size, default: []].insert(checkpoint.signed.head.root)
        }
        for checkpoint in checkpoints {
            let verdict = compare(checkpoint)
            let isDoubled = (roots[checkpoint.signed.head.size]?.count ?? 0) > 1
            guard verdict != .same || isDoubled else { continue }
            let lines = self.lines(of: checkpoint)
            for (key, line) in lines {
                guard case .checkpoint(let head, let seconds, let signature) = line else {
                    continue
                }
                try book.take(
                    .checkpoint(root: head.root, seconds: seconds, signature),
                    on: .consensus(.checkpoint(size: head.size)), by: key)
            }
            if verdict != .same { judge(checkpoint, verdict, lines) }
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
    }

    private func compare(_ checkpoint: NamedCheckpoint) -> Comparison {
        let head = checkpoint.signed.head
        var comparison = Comparison.beyond
        for (place, witness) in witnesses.enumerated() where head.size <= witness.log.size {
            do throws(LogError) {
                if try witness.log.root(at: head.size) != head.root { return .other(place) }
                comparison = .same
            } catch {
                continue
            }
        }
        return comparison
    }

    /// The signatures under a checkpoint that hold, each with the key.
    private func lines(of checkpoint: NamedCheckpoint) -> [(key: PublicKey, head: SignedHead)] {
        let signed = checkpoint.signed
        let origin = Checkpoint.origin(ofLedger: ledger.digest)
        let keys = Set(witnesses.flatMap { $0.state.validators.map(\.key) }).sorted()
        let signers = CertificateSigners(origin: origin, validators: keys)
        return signed.note.signatures.compactMap { line in
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

    private mutating func judge(
        _ checkpoint: NamedCheckpoint, _ comparison: Comparison,
        _ lines: [(key: PublicKey, head: SignedHead)]
    ) {
        let head = checkpoint.signed.head
        let who = lines.map { names.name(of: $0.key) }.listed
        var proved = false
        for (key, line) in lines {
            for witness in witnesses where convict(key, line, head, by: witness) { proved = true }
        }
        guard !proved else { return }
        switch comparison {
        case .same: return
        case .other(let place):
            report.unprovable.append(
                CulpritReport.Unprovable(
                    found: "\(checkpoint.name), a checkpoint of \(head.size) entries signed by"
                        + " \(who), has another root than \(witnesses[place].name)",
                    reason: "none of them has signed anything of that ledger so far on: another"
                        + " copy, or a later checkpoint, would convict"))
        case .beyond:
            let longest = witnesses.map(\.log.size).max() ?? 0
            report.unprovable.append(
                CulpritReport.Unprovable(
                    found: "\(checkpoint.name), signed by \(who), is of \(head.size) entries, and"
                        + " no ledger has more than \(longest)",
                    reason: "a copy that is cut or behind convicts nobody: name the ledger that"
                        + " goes on"))
        }
    }

    /// Convicts the signer of a checkpoint by what it signed of a ledger that has another root;
    /// returns whether it does.
    private mutating func convict(
        _ key: PublicKey, _ line: SignedHead, _ head: TreeHead, by witness: Witness
    ) -> Bool {
        do throws(LogError) {
            // One conviction of this kind says all: the ledger takes one for ever.
            let kind = "twoHistories"
            if report.proved.contains(where: { $0.key == key.hex && $0.kind == kind }) {
                return true
            }
            guard let index = witness.state.validatorIndex(of: key) else { return false }
            let later = try laterCheckpoint(by: key, than: head, in: witness)
            let precommit = try witness.head(of: index)
            for case let (signed, size)? in [precommit, later] {
                let charge: TwoHistories
                if head.size <= size {
                    charge = TwoHistories(
                        validator: key, older: line, newer: signed,
                        root: try witness.log.root(at: head.size),
                        proof: try witness.log.consistencyProof(from: head.size, to: size))
                } else if let copy = try copy(holding: head) {
                    charge = TwoHistories(
                        validator: key, older: signed, newer: line,
                        root: try copy.log.root(at: size),
                        proof: try copy.log.consistencyProof(from: size, to: head.size))
                } else {
                    continue
                }
                if self.charge(.twoHistories(charge)) { return true }
            }
            return false
        } catch {
            return false
        }
    }

    /// A ledger that has the root of a checkpoint.
    private func copy(holding head: TreeHead) throws(LogError) -> Witness? {
        for witness in witnesses where head.size <= witness.log.size {
            if try witness.log.root(at: head.size) == head.root { return witness }
        }
        return nil
    }

    /// The largest checkpoint by a key that a ledger bears out and that is larger than another.
    private func laterCheckpoint(
        by key: PublicKey, than head: TreeHead, in witness: Witness
    ) throws(LogError) -> (signed: SignedHead, size: UInt64)? {
        let later = checkpoints.filter {
            $0.signed.head.size > head.size && $0.signed.head.size <= witness.log.size
        }.sorted { $0.signed.head.size > $1.signed.head.size }
        for checkpoint in later {
            let found = checkpoint.signed.head
            guard try witness.log.root(at: found.size) == found.root,
                let line = lines(of: checkpoint).first(where: { $0.key == key })
            else { continue }
            return (line.head, found.size)
        }
        return nil
    }
}
