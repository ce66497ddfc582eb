// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

/// The state before a range: where it comes from, and whether the log seals it.
struct RangeBase {
    /// The state between two batches, with which the range starts.
    private(set) var state = LedgerState()
    /// The file of the snapshot that it was loaded from.
    private(set) var snapshot: String?
    /// Entries that were only folded.
    private(set) var folded: UInt64 = 0
    /// Snapshots that could not be used.
    private(set) var notes: [String] = []
    /// Whether the seal before the range names the state.
    private(set) var isSealed = true

    var kind: AuditRange.Base {
        state.size == 0 ? .genesis : snapshot == nil ? .fold : .snapshot
    }

    /// Finds the state at the last end of a batch that is not behind an entry.
    ///
    /// Loads the newest snapshot before it that the log bears out, or what `base` says, and folds
    /// from there.
    init(
        _ log: any SweptLog, before entry: UInt64, _ base: AuditBase, _ disk: any Disk
    ) throws(RangeError) {
        switch base {
        case .search, .piece: if entry > 0 { try load(log, before: entry, disk) }
        case .file(let path): try load(log, before: entry, path, disk)
        case .state(let given):
            invariant(given.size <= entry && !given.isBatchOpen, "a state behind the range")
            state = given
        }
        let loaded = state.size
        if state.size < entry { try fold(log, before: entry) }
        folded = state.size - loaded
        isSealed = try isSealed(in: log)
        guard isSealed || base.allowsUnsealed else { throw .otherSeal(entry: state.size - 1) }
    }

    private mutating func fold(_ log: any SweptLog, before entry: UInt64) throws(RangeError) {
        var fold: BatchFold
        do throws(LogError) { fold = try BatchFold(log, from: state, to: entry) } catch {
            throw .log(error)
        }
        defer { fold.end() }
        do throws(FoldFailure) { while try fold.advance() {} } catch { throw RangeError(error) }
        state = fold.state
    }

    private mutating func load(
        _ log: any SweptLog, before entry: UInt64, _ disk: any Disk
    ) throws(RangeError) {
        let store = SnapshotStore(ledgerDirectory: log.directory, disk: disk)
        let heights: [Height]
        do throws(DiskError) { heights = try store.heights() } catch { throw .log(.disk(error)) }
        for height in heights.reversed() {
            do throws(SnapshotFlaw) {
                let header = try store.header(of: height)
                guard header.size <= entry else { continue }
                guard try Self.root(log, at: header.size) == header.root else {
                    throw .otherSeal(entry: header.size - 1)
                }
                state = try store.load(header)
                snapshot = store.path(height)
                return
            } catch {
                notes.append("The snapshot \(store.path(height)) was not used: \(error)")
            }
        }
    }

    /// Loads a snapshot that was named.
    private mutating func load(
        _ log: any SweptLog, before entry: UInt64, _ path: String, _ disk: any Disk
    ) throws(RangeError) {
        let header: SnapshotHeader
        let root: Digest?
        do throws(SnapshotFlaw) {
            (header, state) = try SnapshotStore.load(at: path, disk: disk)
            root = header.size <= entry ? try Self.root(log, at: header.size) : nil
        } catch { throw .snapshot(file: path, problem: "\(error)") }
        guard header.size <= entry else {
            throw .snapshot(
                file: path,
                problem: "it is of the first \(header.size) entries, and the range starts with"
                    + " entry \(entry)")
        }
        guard root == header.root else {
            throw .snapshot(
                file: path, problem: "the log has another root at its size, \(header.size)")
        }
        snapshot = path
    }

    private static func root(
        _ log: any SweptLog, at size: UInt64
    ) throws(SnapshotFlaw) -> Digest? {
        guard size <= log.size else { return nil }
        do throws(LogError) { return try log.root(at: size) } catch {
            if case .disk(let error) = error { throw .disk(error) }
            return nil
        }
    }

    /// Computes the roots of the state, and compares them with the seal before it.
    private func isSealed(in log: any SweptLog) throws(RangeError) -> Bool {
        guard state.size > 0 else { return true }
        let seal: BatchSealed?
        do throws(LogError) { seal = try log.seal(before: state.size) } catch {
            throw .log(error)
        }
        let components = state.componentRoots()
        guard let seal else { return false }
        return seal.components == components && seal.height == state.height
            && seal.stateRoot == StateRoot.combined(components)
    }
}

extension SweptLog {
    /// The last of the first `size` entries, where it is a seal.
    func seal(before size: UInt64) throws(LogError) -> BatchSealed? {
        guard size > 0, size <= self.size else { return nil }
        let source = try sweep(from: size - 1, tree: false, pieceBytes: 1)
        guard source.count > 0 else { return nil }
        for frame in try source.read(0).frames
        where frame.firstIndex < size && size <= frame.endIndex {
            do throws(DecodingError) {
                let place = frame.range(of: Int(size - 1 - frame.firstIndex))
                let event = try Event(decoding: frame.bytes, in: place)
                if case .batchSealed(let seal) = event { return seal }
            } catch { return nil }
        }
        return nil
    }
}

extension LedgerState {
    /// The place between two batches at which the state stands.
    func end(in log: any SweptLog) throws(LogError) -> AuditRange.End {
        AuditRange.End(
            size: size, height: height.rawValue, root: try log.root(at: size).hex,
            stateRoot: size > 0 ? StateRoot.combined(componentRoots()).hex : "")
    }
}
