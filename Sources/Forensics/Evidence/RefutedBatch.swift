// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Ledger
package import Replication

/// T precommits under a batch that the rules refute: one file that names all who gave them.
///
/// The state before the batch is in the file, and is the one that the seal before the batch names;
/// that seal is in the log whose root was signed. So whoever signed that root held this state, and
/// the rules are run again on it: no ledger is needed.
package struct RefutedBatch: Equatable, Sendable, BorshCodable {
    /// Chunks of records of a component: as many as fit a file.
    private static let chunksMax = EvidenceFile.bytesMax / RecordStore.chunkBytesMax

    /// The Borsh of the state before the batch but for its records; see `StateSnapshot`.
    package let fixed: [UInt8]
    /// The records of each component that grows, in the order of `StateSnapshot.grown`.
    package let records: [Records]
    /// The end of the log before the batch.
    package let before: SealedEnd
    /// The entries of the batch, and T precommits of the root after it.
    package let batch: DecidedBatch

    /// The records of one component.
    package struct Records: Equatable, Sendable, BorshCodable {
        /// How many there are.
        package let count: UInt64
        /// The chunks that hold them; see `RecordStore`.
        package let chunks: [[UInt8]]

        init(_ store: RecordStore) {
            count = store.count
            chunks = store.chunks
        }

        package func encode(to writer: inout BorshWriter) {
            writer.write(count)
            writer.write(UInt32(chunks.count))
            for chunk in chunks { writer.write(chunk) }
        }

        package init(from reader: inout BorshReader) throws(DecodingError) {
            count = try reader.integer()
            var chunks: [[UInt8]] = []
            for _ in 0..<(try reader.count(of: "Records.chunks", bound: chunksMax)) {
                chunks.append(
                    try reader.blob(of: "Records.chunk", bound: RecordStore.chunkBytesMax))
            }
            self.chunks = chunks
        }
    }

    /// Takes the state between two batches, the log's end then, and the batch after it.
    package init(on state: StateSnapshot, _ before: SealedEnd, batch: DecidedBatch) {
        fixed = state.fixed
        records = state.records.map { Records($0) }
        self.before = before
        self.batch = batch
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(fixed)
        for store in records { writer.write(store) }
        writer.write(before)
        writer.write(batch)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        fixed = try reader.blob(of: "RefutedBatch.fixed", bound: EvidenceFile.bytesMax)
        var records: [Records] = []
        for _ in StateSnapshot.grown { records.append(try Records(from: &reader)) }
        self.records = records
        before = try SealedEnd(from: &reader)
        batch = try DecidedBatch(from: &reader)
    }
}

extension RefutedBatch: Convicting {
    /// Checks, in order: the end of the log, the state, the entries, the precommits, and what the
    /// rules say of the batch.
    func check(in ledger: LedgerID) throws(EvidenceFlaw) -> [PublicKey] {
        let (sealed, frontier) = try before.end("before")
        let state = try state(sealed, in: ledger)
        let threshold = Int(state.sealedLast.parameters.threshold)
        do throws(DecidedBatchFault) {
            _ = try batch.replayed(on: state, frontier, threshold: threshold)
        } catch {
            switch error {
            case .wrongHeight: throw .unrelated(field: "batch")
            case .otherRoot: throw .unrelated(field: "batch, whose root is another than signed")
            case .wrongPrecommits: throw .notSigned(field: "one of the precommits")
            // Whoever makes the file can put another history before a batch that is right.
            case .diverged(.history): throw .unrelated(field: "batch, which rests on another log")
            case .undecodable, .diverged: return signers(state)
            }
        }
        throw .innocent("the rules give this batch")
    }

    private func signers(_ state: LedgerState) -> [PublicKey] {
        batch.precommits.signatures.compactMap { state.validator($0.validator)?.key }
    }

    private func state(
        _ sealed: BatchSealed, in ledger: LedgerID
    ) throws(EvidenceFlaw) -> LedgerState {
        do throws(SnapshotError) {
            var stores: [RecordStore] = []
            for (kept, component) in zip(records, StateSnapshot.grown) {
                stores.append(
                    try RecordStore(count: kept.count, chunks: kept.chunks, of: component.label))
            }
            var state = try LedgerState(unverified: StateSnapshot(fixed: fixed, records: stores))
            try state.verify(trees: stores.map { $0.frontier() }, components: sealed.components)
            guard state.ledger == ledger, state.height == sealed.height,
                state.size == sealed.size + 1
            else { throw SnapshotError.malformed(part: "state") }
            return state
        } catch {
            throw .unrelated(field: "state (\(error))")
        }
    }

    func sentence(_ names: [String]) -> String {
        "\(names.listed) precommitted batch \(batch.precommits.height.rawValue), which the rules"
            + " refute."
    }

    /// What the rules say, where the file holds: why the batch is refuted.
    package func reason(in ledger: LedgerID) -> String? {
        do {
            let (sealed, frontier) = try before.end("before")
            let state = try state(sealed, in: ledger)
            _ = try batch.replayed(
                on: state, frontier, threshold: Int(state.sealedLast.parameters.threshold))
            return nil
        } catch DecidedBatchFault.diverged(let divergence) {
            return "\(divergence)"
        } catch DecidedBatchFault.undecodable(let entry) {
            return "entry \(entry) of the batch is no event"
        } catch {
            return nil
        }
    }
}
