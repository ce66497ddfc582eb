// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Where the log stands: its last batch, and what the open one holds so far.
///
/// Invariants:
/// - `height` rises by one with each batch, and `time` rises strictly;
/// - `batchEntry < size` and `height < size` once anything is applied; entry `size` is the next;
/// - a batch opens only where the last is sealed; only in an open one does anything but its seal
///   stand;
/// - of an open batch: `commands <= Limits.commandsPerBatchMax`,
///   `bytes <= Limits.commandBytesPerBatchMax`, as the rules admit no more, and no command follows
///   where `isClosing`.
struct TimeComponent: Component {
    static let kind = StateComponent.time

    /// The number of the last batch opened.
    private(set) var height = Height(0)
    /// The time of the last batch opened.
    private(set) var time = Time(0)
    /// The root of the log before the last batch opened.
    private(set) var previousRoot = Digest.zero
    /// The entry that opened the last batch.
    private(set) var batchEntry = EntryIndex(0)
    /// The number of entries applied.
    private(set) var size: UInt64 = 0
    /// Where the current batch stands.
    private(set) var phase = BatchPhase.empty

    /// Nothing is applied.
    init() {}

    // MARK: Its part of `apply`

    /// Checks that the event may stand here, and counts commands.
    mutating func enter(_ event: Event, byteCount: Int) throws(FoldError) {
        switch (phase, event) {
        case (.empty, .ledgerOpened), (.opening, .batchSealed), (.sealed, .batchOpened),
            (.open, .batchSealed):
            return
        case (.open(var batch), _):
            if case .batchOpened = event { throw .outOfPlace(kind: event.type) }
            if case .ledgerOpened = event { throw .outOfPlace(kind: event.type) }
            guard !event.isDerived else { return }
            batch.commands += 1
            batch.bytes += byteCount
            phase = .open(batch)
        default: throw .outOfPlace(kind: event.type)
        }
    }

    /// The entry is taken.
    mutating func leave() { size += 1 }

    mutating func open(_ event: LedgerOpened) {
        time = event.time
        phase = .opening
    }

    mutating func openBatch(_ event: BatchOpened, _ entry: EntryIndex) throws(FoldError) {
        guard event.height.rawValue == height.rawValue &+ 1, event.height > height else {
            throw .contradicts(kind: .batchOpened, field: "height")
        }
        guard event.time > time else { throw .contradicts(kind: .batchOpened, field: "time") }
        height = event.height
        time = event.time
        previousRoot = event.previousRoot
        batchEntry = entry
        phase = .open(OpenBatch())
    }

    /// Counts a close against what the batch may write, and notes that its deadlines are reached.
    ///
    /// - Parameter bytes: The most that the close writes; what ends for a nullifier moves no
    ///   reputation and is reckoned with the approval that ends it.
    mutating func count(_ event: RoundClosed, bytes: Int) {
        guard case .open(var batch) = phase else { return }
        if event.cause == .deadline { batch.isClosing = true }
        if event.cause != .nullifierSpent { batch.closeBytes += bytes }
        phase = .open(batch)
    }

    /// Counts a decision against what the batch may write.
    mutating func countDecision(of round: Round) {
        guard case .open(var batch) = phase else { return }
        batch.decisionBytes += Limits.decisionBytes(nullifiers: round.request.nullifiers.count)
        phase = .open(batch)
    }

    mutating func seal() { phase = .sealed }

    /// What the entries of a batch leave behind, whose seal is entry `size`.
    func checkPlaces() {
        invariant(
            batchEntry.rawValue < size, "entry \(size) seals the batch of \(batchEntry.rawValue)")
        invariant(height.rawValue < size, "entry \(size) seals batch \(height.rawValue)")
    }

    // MARK: Its root and its part of a snapshot

    func encodeRoot(to writer: inout BorshWriter) {
        encodeBatch(to: &writer)
        // The place of the seal, so that a sealed state has the roots that its seal names.
        writer.write(phase == .sealed ? size - 1 : size)
    }

    func encodeFixed(to writer: inout BorshWriter) {
        encodeBatch(to: &writer)
        writer.write(size)
    }

    private func encodeBatch(to writer: inout BorshWriter) {
        writer.write(height)
        writer.write(time)
        writer.write(previousRoot)
        writer.write(batchEntry)
    }

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        height = try Height(from: &reader)
        time = try Time(from: &reader)
        previousRoot = try reader.digest()
        batchEntry = try EntryIndex(from: &reader)
        let start = reader.offset
        size = try reader.integer()
        guard size > 0 else { throw .notCanonical(type: "size", offset: start) }
        phase = .sealed
    }

    // MARK: Its soundness

    /// Whether places are within the log, and no sum over them overflows.
    var isWithinBounds: Bool {
        [size, height.rawValue, time.rawValue].allSatisfy { $0 < StateBounds.numbers }
            && height.rawValue < size && batchEntry.rawValue < size
    }

    /// See `LedgerState.checkSoundness`.
    func checkSoundness() throws(Unsoundness) {
        try Self.believe(phase == .sealed, "the last batch is sealed")
        try Self.believe(
            2 * height.rawValue <= batchEntry.rawValue, "each batch has an opening and a seal")
        try Self.believe(batchEntry.rawValue + 2 <= size, "the last batch has them too")
        try Self.believe(
            (height.rawValue == 0) == (previousRoot == .zero), "only batch 0 follows nothing")
    }
}

/// Where the current batch stands.
enum BatchPhase: Equatable, Sendable {
    /// Nothing is applied.
    case empty
    /// Batch 0 has its first entry.
    case opening
    /// A batch is open.
    case open(OpenBatch)
    /// The last batch is sealed.
    case sealed
}

/// What the open batch holds so far, for the bounds on it.
struct OpenBatch: Equatable, Sendable {
    /// The commands.
    var commands = 0
    /// Their bytes.
    var bytes = 0
    /// What its closes may have written, by `Limits.closeBytes`.
    var closeBytes = 0
    /// What its decisions may have written, by `Limits.decisionBytes`.
    var decisionBytes = 0
    /// Whether a deadline has closed something: no command follows.
    var isClosing = false
}
