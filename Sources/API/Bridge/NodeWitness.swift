// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
internal import EventLog
internal import Ledger
internal import Node

/// Reads on in a log at one node, and believes what T validators signed.
///
/// The node chooses only how far it lets the bridge see: entries are taken under a root that T of
/// those in office precommitted, and every entry before is bound by it.
struct NodeWitness {
    /// A batch whose entries were read.
    private struct Batch {
        var opened: UInt64 = 0
        var height: Height?
        var changes: [UInt64] = []
    }

    /// Entries between two attempts to have a root believed.
    private static let entriesAtOnce: UInt64 = 8_192

    let node: RemoteNode
    let vault: Vault
    let ledger: LedgerID

    /// Reads on from `known` as far as the node goes. `keep` is called with what is believed.
    ///
    /// Returns what is known, with its root, once all that the node has is believed; nil where its
    /// newest batch is not proved yet.
    func read(
        from known: ReadLog, keep: (ReadLog) throws(BridgeProblem) -> Void
    ) throws(BridgeProblem) -> (log: ReadLog, root: ProvedRoot)? {
        let size = try ask { node throws(ClientError) in try node.status().size }
        var log = known
        var batch = Batch()
        // The last batch whose precommits stand in the log, with what was known then.
        var candidate: (log: ReadLog, precommits: Precommits)?
        var entries = node.entries(from: known.frontier.count, to: size)
        var nextTry = known.frontier.count + Self.entriesAtOnce
        while let entry = try ask({ (_) throws(ClientError) in try entries.entry() }) {
            if case .batchOpened(let opened) = entry.event {
                guard opened.previousRoot == log.frontier.root else {
                    throw lie("batch \(opened.height.rawValue) does not follow what was read")
                }
                let precommits = Precommits(carriedBy: opened)
                try follow(batch, under: precommits, size: entry.index)
                if opened.height.rawValue > 1 { candidate = (log, precommits) }
                batch = Batch(opened: entry.index, height: opened.height)
            }
            if case .governanceApproved = entry.event { batch.changes.append(entry.index) }
            if entry.index == 0, Digest(hashing: entry.bytes) != ledger.digest {
                throw lie("its first entry is that of another ledger")
            }
            log.fold(entry.entry)
            guard log.orders.count <= ReadLog.ordersMax else { throw lie("too much is ordered") }
            if entry.index >= nextTry, let found = candidate {
                nextTry = entry.index + Self.entriesAtOnce
                if try believe(found.precommits, size: found.log.frontier.count) != nil {
                    try keep(found.log)
                }
                candidate = nil
            }
        }
        let newest = try newest()
        if let newest, newest.height == batch.height, newest.root != log.frontier.root {
            throw lie(
                "its precommits of batch \(newest.height.rawValue) are of other entries than it"
                    + " gives"
            )
        }
        guard let precommits = newest, precommits.root == log.frontier.root else {
            // Its last batch is newer than what was read, or not proved yet.
            if let found = candidate,
                try believe(found.precommits, size: found.log.frontier.count) != nil
            {
                try keep(found.log)
            }
            return nil
        }
        try follow(batch, under: precommits, size: log.frontier.count)
        guard let root = try believe(precommits, size: log.frontier.count) else { return nil }
        try keep(log)
        return (log, root)
    }

    /// The orders with their proofs under a root.
    func proved(
        _ orders: ArraySlice<ReadLog.Order>, _ log: ReadLog, _ root: ProvedRoot
    ) throws(BridgeProblem) -> [SettlementOrder] {
        var result: [SettlementOrder] = []
        let size = root.sealed.index + 1
        for order in orders {
            let submitted = try proved(order.request.rawValue, size)
            let event: Event
            do throws(Ledger.DecodingError) { event = try Event(decoding: submitted.bytes) } catch {
                throw lie("entry \(order.request.rawValue) is no event")
            }
            guard let message = log.message(of: event) else {
                throw lie("entry \(order.request.rawValue) is no request of a known submitter")
            }
            result.append(
                SettlementOrder(
                    request: message, submitted: submitted,
                    ordered: try proved(order.ordered.rawValue, size), root: root))
        }
        return result
    }

    func lie(_ what: String) -> BridgeProblem { .lie(node.url, what) }

    // MARK: Roots and changes

    /// The precommits of the node's newest batch; nil where it has none at this moment.
    private func newest() throws(BridgeProblem) -> Precommits? {
        let bytes: [UInt8]
        do throws(ClientError) {
            bytes = try node.bytes(["precommits"], bytesMax: 64 << 10)
        } catch {
            if case .refused(_, let no) = error, [404, 503].contains(no.status) { return nil }
            throw .client(error)
        }
        do throws(Ledger.DecodingError) { return try Precommits(decoding: bytes) } catch {
            throw lie("its precommits cannot be read: \(error)")
        }
    }

    /// The root of so many entries; nil where too many of those who signed it have left since.
    private func believe(
        _ precommits: Precommits, size: UInt64
    ) throws(BridgeProblem) -> ProvedRoot? {
        let root = try root(precommits, size)
        let problem: OrderProblem?
        do throws(NodeError) { problem = try vault.problem(of: root) } catch { throw .own(error) }
        switch problem {
        case nil: return root
        case .signersLeft: return nil
        case let problem?: throw lie("the root of \(size) entries: \(problem)")
        }
    }

    private func root(
        _ precommits: Precommits, _ size: UInt64
    ) throws(BridgeProblem) -> ProvedRoot {
        guard size > 0 else { throw lie("it has no entries") }
        return ProvedRoot(precommits: precommits, sealed: try proved(size - 1, size))
    }

    /// Takes in the changes of a batch, under the root after it.
    private func follow(
        _ batch: Batch, under precommits: Precommits, size: UInt64
    ) throws(BridgeProblem) {
        guard !batch.changes.isEmpty else { return }
        let root = try root(precommits, size)
        for index in batch.changes {
            let change = ProvedChange(
                approved: try proved(index, size), opened: try proved(batch.opened, size),
                closed: root.sealed, root: root)
            let problem: OrderProblem?
            do throws(NodeError) { problem = try vault.follow(change) } catch { throw .own(error) }
            switch problem {
            // It was followed before.
            case .wrongNumber(let number, let next) where number < next: continue
            case nil: continue
            case let problem?: throw lie("change at entry \(index): \(problem)")
            }
        }
    }

    // MARK: Entries

    private struct Inclusion: Decodable {
        var proof: [String]
    }

    private func proved(_ index: UInt64, _ size: UInt64) throws(BridgeProblem) -> ProvedEntry {
        let bytes = try ask { node throws(ClientError) in
            try node.bytes(["entries", "\(index)"], bytesMax: LogLimits.entryBytesMax)
        }
        let found = try ask { node throws(ClientError) in
            try node.value(
                Inclusion.self, ["proof", "inclusion"],
                [("entry", "\(index)"), ("size", "\(size)")])
        }
        let hashes = found.proof.compactMap { Bytes32(hex: $0).map(Digest.init) }
        guard hashes.count == found.proof.count, hashes.count <= 64 else {
            throw lie("its proof of entry \(index) is no list of hashes")
        }
        return ProvedEntry(bytes: bytes, index: index, proof: hashes)
    }

    private func ask<Value>(
        _ question: (RemoteNode) throws(ClientError) -> Value
    ) throws(BridgeProblem) -> Value {
        do throws(ClientError) { return try question(node) } catch { throw .client(error) }
    }
}
