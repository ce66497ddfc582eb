// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
internal import Ledger

/// A folder of C2SP tiles as a source. It holds no blobs.
package final class TileSource: EntrySource {
    /// The path of the folder.
    package let place: String
    /// The size that it was asked for.
    package let size: UInt64

    private let folder: TileFolder

    /// Opens a folder up to the size that is trusted, and checks that its tiles lead to the root.
    ///
    /// The checkpoint in the folder serves for clear words only; one that is missing or damaged is
    /// passed over. Throws, in this order: `.otherLedger` and `.sourceTooShort` as that checkpoint
    /// says, `.notVouchedFor`, `.sourceUnreadable`; `.disk` at any time.
    package init(
        directory: String, trust: TrustedHead, disk: any Disk
    ) throws(RecoveryError) {
        place = directory
        size = trust.size
        if let own = try Self.checkpoint(in: directory, disk) {
            if let found = Self.ledger(own.origin), found != trust.ledger {
                throw .otherLedger(place: directory, expected: trust.ledger, found: found)
            }
            guard own.size >= trust.size else {
                throw .sourceTooShort(place: directory, size: own.size, needed: trust.size)
            }
        }
        do throws(TileError) {
            folder = try TileFolder(
                directory: directory, head: TreeHead(size: trust.size, root: trust.root),
                disk: disk)
        } catch {
            switch error {
            case .disk(let error): throw .disk(error)
            case .damagedEdge(_, .root(let stored, let computed)):
                throw .notVouchedFor(place: directory, expected: stored, computed: computed)
            default: throw .sourceUnreadable(place: directory, problem: "\(error)")
            }
        }
    }

    private static func checkpoint(
        in directory: String, _ disk: any Disk
    ) throws(RecoveryError) -> Checkpoint? {
        do { return try TileFolder.checkpoint(in: directory, disk: disk).checkpoint } catch {
            if case .disk(let error) = error { throw .disk(error) }
            return nil
        }
    }

    /// The ledger that an origin names, if it names one.
    private static func ledger(_ origin: String) -> LedgerID? {
        guard let slash = origin.lastIndex(of: "/"),
            let id = Bytes32(hex: origin[origin.index(after: slash)...]),
            Checkpoint.origin(ofLedger: Digest(id)) == origin
        else { return nil }
        return LedgerID(Digest(id))
    }

    package func tileRoots(_ count: UInt64) throws(SourceError) -> [Digest] {
        do { return Array(try folder.tileRoots().prefix(Int(clamping: count))) } catch {
            throw sourceError(error)
        }
    }

    package func entries(_ range: Range<UInt64>) throws(SourceError) -> [[UInt8]] {
        do throws(TileError) {
            let (number, places) = try tile(range)
            return Array(try folder.entries(inTile: number)[places])
        } catch {
            throw sourceError(error)
        }
    }

    package func leafHashes(_ range: Range<UInt64>) throws(SourceError) -> [Digest] {
        do throws(TileError) {
            let (number, places) = try tile(range)
            return Array(try folder.leafHashes(inTile: number)[places])
        } catch {
            throw sourceError(error)
        }
    }

    /// The tile that holds a range, and where the range is in it.
    private func tile(_ range: Range<UInt64>) throws(TileError) -> (UInt64, Range<Int>) {
        let number = range.lowerBound / UInt64(LogLimits.tileLeaves)
        let whole = folder.range(ofTile: number)
        guard whole.contains(range.lowerBound), range.upperBound <= whole.upperBound else {
            throw .outOfRange(index: range.upperBound, size: size)
        }
        let start = Int(range.lowerBound - whole.lowerBound)
        return (number, start..<start + range.count)
    }

    package func file(holding index: UInt64) -> String {
        let number = index / UInt64(LogLimits.tileLeaves)
        let width = folder.range(ofTile: number).count
        return "\(place)/\(TilePath.entries(number: number, width: max(1, width)))"
    }

    package func blobs() throws(SourceError) -> [Digest] { [] }

    package func blob(_ hash: Digest) throws(SourceError) -> [UInt8]? { nil }

    private func sourceError(_ error: TileError) -> SourceError {
        switch error {
        case .disk(let cause): .disk(cause)
        case .damaged(let file, let flaw): .damaged(file: file, problem: "\(flaw)")
        default: .damaged(file: place, problem: "\(error)")
        }
    }
}
