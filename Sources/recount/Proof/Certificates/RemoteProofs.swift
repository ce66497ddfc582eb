// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Cryptography
import EventLog
import Ledger

/// Proofs about the log of a node, each checked before it is given on: hashes that do not lead to
/// the root that stands beside them are no proof of anything.
struct RemoteProofs {
    private struct Inclusion: Decodable {
        var size: UInt64
        var root: String
        var proof: [String]
    }

    private struct Consistency: Decodable {
        var fromRoot: String
        var toRoot: String
        var proof: [String]
    }

    let node: AskedNode

    /// That an entry is in the log of a size: of the newest checkpoint that covers it, unless told.
    func inclusion(_ entry: UInt64, size: UInt64?) throws(Failure) -> TreeProof {
        let covering = try checkpointSize().flatMap { $0 > entry ? $0 : nil }
        let found = try node.value(
            Inclusion.self, ["proof", "inclusion"],
            [("entry", "\(entry)"), ("size", (size ?? covering).map { "\($0)" })])
        let bytes = try bytes(of: entry)
        let hash = MerkleFrontier.leafHash(bytes.span)
        guard
            MerkleProof.verifyInclusion(
                leafHash: hash, index: entry, size: found.size, proof: try digests(found.proof),
                root: try digest(found.root))
        else { throw notHolding() }
        if size == nil, covering == nil {
            Output.error(
                "no checkpoint covers entry \(entry) yet, so nobody has signed this root;"
                    + " \(node.name) makes one as it runs")
        }
        return TreeProof(
            proof: .inclusion, ledger: Digest(hashing: try self.bytes(of: 0)).hex,
            size: found.size, root: found.root, index: entry, entry: bytes.hex,
            leafHash: hash.hex, hashes: found.proof)
    }

    /// That the log of a size is the beginning of that of another.
    func consistency(_ oldSize: UInt64, _ newSize: UInt64) throws(Failure) -> TreeProof {
        let found = try node.value(
            Consistency.self, ["proof", "consistency"],
            [("from", "\(oldSize)"), ("to", "\(newSize)")])
        guard
            MerkleProof.verifyConsistency(
                oldSize: oldSize, oldRoot: try digest(found.fromRoot), newSize: newSize,
                newRoot: try digest(found.toRoot), proof: try digests(found.proof))
        else { throw notHolding() }
        return TreeProof(
            proof: .consistency, ledger: Digest(hashing: try bytes(of: 0)).hex, size: newSize,
            root: found.toRoot, oldSize: oldSize, oldRoot: found.fromRoot, hashes: found.proof)
    }

    private func bytes(of entry: UInt64) throws(Failure) -> [UInt8] {
        try node.ask { node throws(ClientError) in
            try node.bytes(["entries", "\(entry)"], bytesMax: LogLimits.entryBytesMax)
        }
    }

    private func checkpointSize() throws(Failure) -> UInt64? {
        do throws(ClientError) {
            let bytes = try node.node.bytes(["checkpoint"], bytesMax: SignedNote.bytesMax)
            do throws(NoteError) { return try SignedCheckpoint(bytes).head.size } catch {
                throw .nonsense(node.node.url, path: "/checkpoint", problem: "\(error)")
            }
        } catch {
            if case .refused(_, let no) = error, no.status == 404 { return nil }
            throw Failure("\(error)")
        }
    }

    private func digests(_ texts: [String]) throws(Failure) -> [Digest] {
        var digests: [Digest] = []
        for text in texts { digests.append(try digest(text)) }
        return digests
    }

    private func digest(_ text: String) throws(Failure) -> Digest {
        guard let value = Bytes32(hex: text) else { throw notHolding() }
        return Digest(value)
    }

    private func notHolding() -> Failure {
        Failure("\(node.name) gives a proof that does not hold")
    }
}
