// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Replication
internal import Storage

/// Serving snapshots to nodes that start from far behind.
extension ReplicaHost {
    /// Answers a peer that asks for a part of a snapshot; one that asks too often gets nothing.
    func serve(_ want: SnapshotWant, to peer: ValidatorIndex, at uptime: UInt64) throws(HostError) {
        guard peer != replica.index, state.validator(peer) != nil,
            partBudget.takes(from: peer, at: uptime)
        else { return }
        let part = try part(want) ?? SnapshotPart.none(for: want)
        outputs.append(.send(PeerMessage.snapshotPart(part).encoded, to: peer))
    }

    /// The part asked for; nil where there is no such snapshot, or none of use.
    func part(_ want: SnapshotWant) throws(HostError) -> SnapshotPart? {
        // Without its older entries a node cannot prove what is under the checkpoint.
        guard ahead == nil, want.checkpointSize <= log.size,
            let header = try snapshot(for: want)
        else { return nil }
        invariant(
            header.size > 0 && header.size <= want.checkpointSize,
            "a snapshot of \(header.size) entries for a checkpoint of \(want.checkpointSize)")
        let store = SnapshotStore(ledgerDirectory: "\(directory)/ledger", disk: disk)
        let (bytes, fileBytes) = try onHostDisk { () throws(DiskError) in
            let file = try disk.open(store.path(header.height), .read)
            let size = try file.size()
            guard want.offset < size else { return ([UInt8](), size) }
            let count = min(UInt64(ReplicationLimits.snapshotPartBytes), size - want.offset)
            return (try file.read(at: want.offset, count: Int(count)), size)
        }
        guard !bytes.isEmpty else { return nil }
        invariant(
            bytes.count <= ReplicationLimits.snapshotPartBytes
                && UInt64(bytes.count) <= fileBytes - want.offset,
            "a part of \(bytes.count) bytes at \(want.offset) of \(fileBytes)")
        var part = SnapshotPart(
            checkpointSize: want.checkpointSize, snapshotSize: header.size, fileBytes: fileBytes,
            offset: want.offset, bytes: bytes)
        guard want.offset == 0 else { return part }
        do throws(LogError) {
            part.seal = EntryBytes(try log.entry(at: header.size - 1))
            part.inclusion = try log.inclusionProof(index: header.size - 1, size: header.size)
            part.consistency = try log.consistencyProof(
                from: header.size, to: want.checkpointSize)
        } catch { throw .log(error) }
        invariant(
            max(part.inclusion.count, part.consistency.count) <= ReplicationLimits.proofNodesMax,
            "proofs of \(part.inclusion.count) and \(part.consistency.count) hashes are sent")
        return part
    }

    /// The snapshot of the size asked for, or the newest one under the checkpoint.
    private func snapshot(for want: SnapshotWant) throws(HostError) -> SnapshotHeader? {
        let store = SnapshotStore(ledgerDirectory: "\(directory)/ledger", disk: disk)
        let heights = try onHostDisk { () throws(DiskError) in try store.heights() }
        for height in heights.reversed() {
            do throws(SnapshotFlaw) {
                let header = try store.header(of: height)
                guard header.size > 0, header.size <= want.checkpointSize else { continue }
                if want.snapshotSize == 0 || want.snapshotSize == header.size { return header }
            } catch {
                // One that is damaged serves nobody.
                if case .disk(let error) = error { throw .disk(error) }
            }
        }
        return nil
    }
}
