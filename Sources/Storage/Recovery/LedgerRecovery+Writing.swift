// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// The hashes that lead to the trusted root: of complete tiles, and of the leaves after them.
struct TrustedTree {
    let tiles: [Digest]
    let tail: [Digest]
}

extension LedgerRecovery {
    static var tileLeaves: UInt64 { UInt64(LogLimits.tileLeaves) }

    /// Checks that the copy is of the ledger, long enough, and that its tiles lead to the root.
    func checkSource() throws(RecoveryError) -> TrustedTree {
        guard source.size > 0 else {
            throw .sourceUnreadable(place: source.place, problem: "it holds no entries")
        }
        try checkSourceIdentity()
        guard source.size >= trust.size else {
            throw .sourceTooShort(place: source.place, size: source.size, needed: trust.size)
        }
        let complete = trust.size / Self.tileLeaves
        let rest = complete * Self.tileLeaves..<trust.size
        let (tiles, tail) = try fromSource { () throws(SourceError) in
            (try source.tileRoots(complete), rest.isEmpty ? [] : try source.leafHashes(rest))
        }
        guard UInt64(tiles.count) == complete, tail.count == rest.count else {
            throw .sourceUnreadable(
                place: source.place, problem: "it does not give as many hashes as it should")
        }
        let computed = Self.root(tiles, tail)
        guard computed == trust.root else {
            throw .notVouchedFor(
                place: source.place, expected: trust.root, computed: computed)
        }
        return TrustedTree(tiles: tiles, tail: tail)
    }

    /// Checks that the copy's first entry is the one that the ledger is named for.
    ///
    /// Where it is damaged the roots decide, since they cover it.
    private func checkSourceIdentity() throws(RecoveryError) {
        let first: [UInt8]?
        do { first = try source.entries(0..<1).first } catch {
            if case .disk(let error) = error { throw .disk(error) }
            return
        }
        guard let first else {
            throw .sourceUnreadable(place: source.place, problem: "it does not give entry 0")
        }
        let found = LedgerID(Digest(hashing: first))
        guard found == trust.ledger else {
            throw .otherLedger(place: source.place, expected: trust.ledger, found: found)
        }
    }

    /// Asks the copy for what no other could stand in for.
    func fromSource<R>(_ body: () throws(SourceError) -> R) throws(RecoveryError) -> R {
        do { return try body() } catch {
            switch error {
            case .damaged(let file, let problem):
                throw .sourceUnreadable(place: source.place, problem: "\(file): \(problem)")
            case .disk(let error): throw .disk(error)
            }
        }
    }

    /// The RFC 6962 root of a tree by its complete tiles and the leaves after them.
    private static func root(_ tiles: [Digest], _ tail: [Digest]) -> Digest {
        let above = tree(tiles)
        let below = tree(tail)
        let count = above.count * tileLeaves + below.count
        guard let whole = MerkleFrontier(count: count, subtrees: above.subtrees + below.subtrees)
        else { fatalError("a tree of \(count) leaves has other subtrees") }
        return whole.root
    }

    private static func tree(_ leaves: [Digest]) -> MerkleFrontier {
        var tree = MerkleFrontier()
        for leaf in leaves { tree.append(leafHash: leaf) }
        return tree
    }

    /// Writes the whole new directory under its unfinished name.
    mutating func write(_ tree: TrustedTree, _ salvage: LogSalvage) throws(RecoveryError) {
        let log: EventLog
        do throws(LogError) {
            log = try EventLog.create(
                directory: swap.unfinished, disk: disk,
                options: LogOptions(segmentBytesMax: options.segmentBytesMax))
        } catch {
            throw .log(error)
        }
        var writer = RecoveredWriter(log)
        for number in 0..<UInt64(tree.tiles.count) {
            let range = number * Self.tileLeaves..<(number + 1) * Self.tileLeaves
            let root = tree.tiles[Int(number)]
            let isRight = { (entries: [[UInt8]]) in
                Self.tree(entries.map { MerkleFrontier.leafHash($0.span) }).root == root
            }
            for entry in try entries(range, salvage, isRight) { try writer.append(entry) }
            if number % 64 == 63 {
                tell(
                    RecoveryProgress(
                        step: .writing, entries: range.upperBound, total: trust.size))
            }
        }
        let rest = UInt64(tree.tiles.count) * Self.tileLeaves..<trust.size
        if !rest.isEmpty {
            let isRight = { (entries: [[UInt8]]) in
                entries.map { MerkleFrontier.leafHash($0.span) } == tree.tail
            }
            for entry in try entries(rest, salvage, isRight) { try writer.append(entry) }
        }
        tell(RecoveryProgress(step: .writing, entries: trust.size, total: trust.size))
        guard !writer.state.isBatchOpen else { throw .withinBatch(size: trust.size) }
        try writeBeyond(&writer, salvage)
        do throws(LogError) {
            try writer.commit()
            try log.close()
        } catch {
            throw .log(error)
        }
        try complete(writer.state, writer.blobs, salvage)
    }

    /// The entries of a tile: the damaged ledger's own if they are right, or else the copy's.
    private mutating func entries(
        _ range: Range<UInt64>, _ salvage: LogSalvage, _ isRight: ([[UInt8]]) -> Bool
    ) throws(RecoveryError) -> [[UInt8]] {
        do throws(LogError) {
            if let own = try salvage.entries(range), isRight(own) {
                report.tilesKept += 1
                return own
            }
        } catch {
            throw .log(error)
        }
        let tile = range.lowerBound / Self.tileLeaves
        let file = source.file(holding: range.lowerBound)
        let fetched: [[UInt8]]
        do { fetched = try source.entries(range) } catch {
            switch error {
            case .disk(let error): throw .disk(error)
            case .damaged(let file, let problem):
                throw .sourceDamaged(
                    place: source.place, tile: tile, file: file, problem: problem)
            }
        }
        guard fetched.count == range.count,
            fetched.allSatisfy({ (1...LogLimits.entryBytesMax).contains($0.count) }),
            isRight(fetched)
        else {
            throw .sourceDamaged(
                place: source.place, tile: tile, file: file,
                problem: "its entries do not have the hashes that lead to the trusted root")
        }
        report.tilesFetched += 1
        report.fetched(range)
        report.bytesFetched += fetched.reduce(0) { $0 + UInt64($1.count) }
        return fetched
    }

    /// Writes the whole batches of the damaged ledger that follow on what the checkpoint covers, as
    /// far as each is derived again, every signature in it holds, and a quorum ordered it: T
    /// precommits stand in the batch after it, or for the last in their file.
    private mutating func writeBeyond(
        _ writer: inout RecoveredWriter, _ salvage: LogSalvage
    ) throws(RecoveryError) {
        var tail: TailCheck
        do throws(LogError) { tail = try writer.tail() } catch { throw .log(error) }
        var next = trust.size
        var waiting: (batch: [Entry], tail: TailCheck)?
        var fault: String?
        while let batch = try nextBatch(from: next, salvage) {
            do throws(TailFault) { try tail.check(batch) } catch {
                fault = "entry \(error.entry): \(error.problem)"
                break
            }
            // Its opening carries the precommits of the batch before.
            if let waiting { try keep(waiting.batch, waiting.tail, in: &writer) }
            waiting = (batch, tail)
            next += UInt64(batch.count)
            tell(RecoveryProgress(step: .beyond, entries: next, total: salvage.endIndex))
        }
        if let waiting {
            if try isOrdered(waiting.tail) {
                try keep(waiting.batch, waiting.tail, in: &writer)
            } else {
                next -= UInt64(waiting.batch.count)
                fault =
                    "no quorum is shown for batch \(waiting.tail.state.height.rawValue), the last"
                    + " before that"
            }
        }
        if salvage.endIndex > next {
            report.notices.append(
                "the damaged ledger holds frames of entries \(next) to \(salvage.endIndex - 1)"
                    + " that no checkpoint covers and that do not follow on in whole batches that a"
                    + " quorum ordered: they are left there"
                    + (fault.map { " (\($0))" } ?? ""))
        }
    }

    private mutating func keep(
        _ batch: [Entry], _ tail: TailCheck, in writer: inout RecoveredWriter
    ) throws(RecoveryError) {
        try writer.append(batch, of: tail)
        report.batchesBeyond += 1
        report.entriesBeyond += UInt64(batch.count)
    }

    /// Whether the damaged ledger has the precommits of the last batch of a tail.
    private func isOrdered(_ tail: TailCheck) throws(RecoveryError) -> Bool {
        let store = PrecommitStore(ledgerDirectory: directory, disk: disk)
        do throws(PrecommitStoreError) {
            return tail.state.isLastBatchOrdered(
                by: try store.load(tail.state.height), root: tail.frontier.root)
        } catch {
            if case .disk(let error) = error, case .powerCut = error { throw .disk(error) }
            return false
        }
    }

    /// The entries from an index up to the next `BatchSealed`; nil where they are not all there.
    private func nextBatch(
        from start: UInt64, _ salvage: LogSalvage
    ) throws(RecoveryError) -> [Entry]? {
        var batch: [Entry] = []
        var bytes = 0
        do {
            while bytes <= LogLimits.frameRawBytesMax,
                let entry = try salvage.entry(at: start + UInt64(batch.count), isCertain: true)
            {
                let taken = try Entry(decoding: entry)
                batch.append(taken)
                bytes += entry.count + 2
                if case .batchSealed = taken.event { return batch }
            }
        } catch let error as LogError {
            throw .log(error)
        } catch {
            // No event: whatever it is, it does not follow on.
        }
        return nil
    }
}
