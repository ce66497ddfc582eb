// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Ledger
internal import Replication
internal import Storage

/// What the ledger on the disk was found to be after a divergence.
package enum DiskFinding: BorshCodable, Equatable, Sendable {
    /// Nobody has looked.
    case unread
    /// It is what the node held in memory.
    case whole
    /// It cannot be read, or a checksum is wrong.
    case damaged(String)
    /// It is readable and another log than the node held in memory: it has this root there.
    case otherRoot(Digest)

    package func encode(to writer: inout BorshWriter) {
        switch self {
        case .unread: writer.write(UInt8(0))
        case .whole: writer.write(UInt8(1))
        case .damaged(let text):
            writer.write(UInt8(2))
            writer.write(text)
        case .otherRoot(let root):
            writer.write(UInt8(3))
            writer.write(root)
        }
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        switch try reader.integer(UInt8.self) {
        case 0: self = .unread
        case 1: self = .whole
        case 2:
            self = .damaged(
                try reader.text(of: "DiskFinding", bound: DivergenceCase.textBytesMax))
        case 3: self = .otherRoot(try reader.digest())
        case let tag: throw .unknownTag(type: "DiskFinding", tag: tag, offset: start)
        }
    }
}

/// What deriving the batch of a case again came to.
package struct CaseRepeat: BorshCodable, Equatable, Sendable {
    /// Where it was derived.
    package enum Place: UInt8, Sendable {
        /// In the process that diverged.
        case sameProcess = 1
        /// In another one.
        case freshProcess = 2
    }

    /// What it came to.
    package enum Outcome: BorshCodable, Equatable, Sendable {
        /// What T validators agreed on.
        case certified
        /// Something else: the root of the log with it.
        case differs(root: Digest)
        /// Nothing, for this reason.
        case failed(String)

        package func encode(to writer: inout BorshWriter) {
            switch self {
            case .certified: writer.write(UInt8(0))
            case .differs(let root):
                writer.write(UInt8(1))
                writer.write(root)
            case .failed(let text):
                writer.write(UInt8(2))
                writer.write(text)
            }
        }

        package init(from reader: inout BorshReader) throws(DecodingError) {
            let start = reader.offset
            switch try reader.integer(UInt8.self) {
            case 0: self = .certified
            case 1: self = .differs(root: try reader.digest())
            case 2:
                self = .failed(
                    try reader.text(of: "CaseRepeat", bound: DivergenceCase.textBytesMax))
            case let tag: throw .unknownTag(type: "CaseRepeat", tag: tag, offset: start)
            }
        }
    }

    /// Where.
    package var place: Place
    /// Whether the state was folded from the ledger on the disk, from the last snapshot on; false
    /// for the excerpt in the case.
    package var isFromLedger: Bool
    /// What derived it.
    package var versions: ProgramVersions
    /// What it came to.
    package var outcome: Outcome

    /// One attempt to derive the batch again, wherever that was.
    package init(
        place: Place, isFromLedger: Bool, versions: ProgramVersions, outcome: Outcome
    ) {
        self.place = place
        self.isFromLedger = isFromLedger
        self.versions = versions
        self.outcome = outcome
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(place.rawValue)
        writer.write(UInt8(isFromLedger ? 1 : 0))
        writer.write(versions)
        writer.write(outcome)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        let place = try reader.integer(UInt8.self)
        let flag = try reader.integer(UInt8.self)
        guard let place = Place(rawValue: place), flag <= 1 else {
            throw .notCanonical(type: "CaseRepeat", offset: start)
        }
        self.place = place
        isFromLedger = flag == 1
        versions = try ProgramVersions(from: &reader)
        outcome = try Outcome(from: &reader)
    }
}

extension DivergenceCase {
    /// Derives the batch again, on the state that the ledger on the disk gives, and notes what the
    /// ledger was found to be, and what the batch came to.
    ///
    /// - Parameters:
    ///   - ledgerDirectory: Nil where there is none: the excerpt serves.
    ///   - place: In the process that diverged only what lies beyond the last snapshot is read; in
    ///     a fresh one the whole log is.
    package mutating func derive(
        again place: CaseRepeat.Place, ledgerDirectory: String?, disk: any Disk,
        versions: ProgramVersions
    ) {
        let before = self.disk
        var base: LedgerState?
        if let ledgerDirectory {
            let read = LedgerReading(self, ledgerDirectory, disk, whole: place == .freshProcess)
            // What was found wrong once stays so.
            if self.disk == .unread || self.disk == .whole { self.disk = read.finding }
            base = read.state
        }
        invariant(
            before == .unread || before == .whole || self.disk == before,
            "a ledger that was found to be wrong is found to be another thing")
        // What the node held may not be what it had sealed.
        if let base, held != components { excerpt = base.excerpt(for: batch.events) }
        let outcome: CaseRepeat.Outcome
        if let base {
            outcome = self.outcome(on: base)
        } else {
            do throws(SnapshotError) { outcome = self.outcome(on: try state()) } catch {
                outcome = .failed("the state in the case is not what was sealed: \(error)")
            }
        }
        guard repeats.count < Self.repeatsMax else { return }
        repeats.append(
            CaseRepeat(
                place: place, isFromLedger: base != nil, versions: versions, outcome: outcome))
    }

    /// What the batch comes to on a state.
    package func outcome(on state: LedgerState) -> CaseRepeat.Outcome {
        // Whoever makes a case can put the tree of another log beside the state.
        guard state.size == frontier.count else {
            return .failed("the state has \(state.size) entries, the log \(frontier.count)")
        }
        do throws(DecidedBatchFault) {
            _ = try batch.replayed(
                on: state, frontier, threshold: Int(state.sealedLast.parameters.threshold))
            return .certified
        } catch {
            guard case .diverged = error else {
                return .failed("the batch does not follow the ledger: \(error)".cut)
            }
            return .differs(root: batch.derivedHere(on: state, frontier).root)
        }
    }
}

/// The ledger on a disk as far as a case is about it.
///
/// Invariant: the state is there only where the log was found to be that of the case, if with
/// something of it damaged.
private struct LedgerReading {
    private(set) var finding = DiskFinding.whole
    /// The state before the batch; nil where the ledger does not give it.
    private(set) var state: LedgerState?

    init(_ found: DivergenceCase, _ directory: String, _ disk: any Disk, whole: Bool) {
        do throws(StorageError) {
            let opened = try LedgerStore.open(
                directory: directory, disk: disk, access: .readOnly)
            do throws(LogError) {
                if whole { _ = try opened.log.verifyAll() }
                try compare(found, opened)
                try opened.log.close()
            } catch { finding = .damaged("\(error)".cut) }
        } catch { finding = .damaged("\(error)".cut) }
    }

    private mutating func compare(
        _ found: DivergenceCase, _ opened: OpenedLedger
    ) throws(LogError) {
        guard opened.log.size >= found.frontier.count else {
            finding = .damaged("the log ends after \(opened.log.size) entries")
            return
        }
        let root = try opened.log.root(at: found.frontier.count)
        guard root == found.frontier.root else {
            finding = .otherRoot(root)
            return
        }
        if let notice = opened.notices.first { finding = .damaged(notice.cut) }
        if opened.log.size == found.frontier.count,
            opened.state.componentRoots() == found.components
        {
            state = opened.state
        }
    }
}

extension String {
    /// As much of it as a case keeps.
    fileprivate var cut: String {
        String(decoding: utf8.prefix(DivergenceCase.textBytesMax / 4), as: UTF8.self)
    }
}
