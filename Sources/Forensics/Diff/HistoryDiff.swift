// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog

/// Several copies of a ledger's history, compared with each other.
package struct HistoryDiff: Encodable, Sendable {
    /// The most copies that are compared at once.
    package static let copiesMax = 64

    /// One copy.
    package struct Copy: Encodable, Sendable {
        /// What it is called.
        package let name: String
        /// What it is; nil where it could not be opened.
        package let form: HistoryCopy.Form?
        /// Its entries; nil where it could not be opened.
        package let size: UInt64?
        /// The root of them, in hexadecimal.
        package let root: String?
        /// What is wrong with its bytes; nil for nothing.
        package internal(set) var damage: String?

        init(_ copy: HistoryCopy) {
            name = copy.name
            form = copy.form
            size = copy.head.size
            root = copy.head.root.hex
        }

        init(damaged name: String, _ damage: String) {
            self.name = name
            self.damage = damage
            (form, size, root) = (nil, nil, nil)
        }
    }

    /// Copies that hold the same entry where all part for the first time.
    package struct Side: Encodable, Equatable, Sendable {
        /// Its hash as a leaf of the log's tree, in hexadecimal; nil for those that end before.
        package let leafHash: String?
        /// The copies.
        package let copies: [String]
    }

    /// How it ended.
    package private(set) var verdict = Likeness.same
    /// The copies, in the order in which they were named.
    package private(set) var copies: [Copy] = []
    /// The first copy that could be opened against each of the others.
    package private(set) var comparisons: [HistoryComparison] = []
    /// The first entry in which any two copies contradict each other; nil where none do.
    package private(set) var parting: UInt64?
    /// Who agrees with whom there; empty where nobody contradicts anybody.
    package private(set) var sides: [Side] = []

    /// Compares what lies at these paths of one disk.
    ///
    /// Damage is a finding; what cannot be read for another reason is thrown.
    package init(
        _ paths: [(path: String, name: String)], disk: any Disk = POSIXDisk()
    ) throws(CopyError) {
        try self.init(paths.map { (disk, $0.path, $0.name) })
    }

    /// Compares the two sides of a case: what T validators decided on, and what the node derived.
    package init(
        caseAt path: String, disk: any Disk = POSIXDisk()
    ) throws(CopyError) {
        let (sides, stopped) = try HistoryCopy.sides(ofCase: path, disk: disk)
        copies = sides.map { Copy($0) }
        try compareAll(sides)
        if let stopped, !comparisons.isEmpty {
            comparisons[0].sentence += " The node stopped there: \(stopped)."
        }
    }

    /// Compares what lies at these paths, each of a disk of its own.
    package init(
        _ paths: [(disk: any Disk, path: String, name: String)]
    ) throws(CopyError) {
        var opened: [HistoryCopy] = []
        for (disk, path, name) in paths {
            do throws(CopyError) {
                let copy = try HistoryCopy.open(path, name: name, disk: disk)
                opened.append(copy)
                copies.append(Copy(copy))
            } catch {
                guard error.isDamage else { throw error }
                copies.append(Copy(damaged: name, "\(error)"))
            }
        }
        try compareAll(opened)
    }

    private mutating func compareAll(_ opened: [HistoryCopy]) throws(CopyError) {
        guard let reference = opened.first else {
            verdict = .different
            return
        }
        for copy in opened.dropFirst() { try compare(reference, copy, among: opened) }
        for copy in copies where copy.form == nil {
            comparisons.append(HistoryComparison(damaged: copy, against: reference))
        }
        if opened.count > 2 { try findSides(opened) }
        verdict = judged
    }

    /// Takes the comparison of two copies; damage that shows only while reading is told of the
    /// copy that has it.
    private mutating func compare(
        _ reference: HistoryCopy, _ copy: HistoryCopy, among opened: [HistoryCopy]
    ) throws(CopyError) {
        do throws(CopyError) {
            comparisons.append(try HistoryComparison(reference, copy, among: opened))
        } catch {
            guard error.isDamage else { throw error }
            let culprit = error.concerns(copy) ? copy : reference
            guard let place = copies.firstIndex(where: { $0.name == culprit.name }) else {
                throw error
            }
            copies[place].damage = "\(error)"
            let partner = culprit === copy ? reference : copy
            comparisons.append(HistoryComparison(damaged: copies[place], against: partner))
        }
    }

    private var judged: Likeness {
        if comparisons.contains(where: { $0.kind == .otherLedger }) { return .unjudged }
        if comparisons.contains(where: { $0.kind != nil }) { return .different }
        return comparisons.contains { !$0.unjudged.isEmpty } ? .unjudged : .same
    }

    /// Finds the first entry in which any two contradict each other, and who holds what there.
    private mutating func findSides(_ opened: [HistoryCopy]) throws(CopyError) {
        let damaged = Set(copies.filter { $0.damage != nil }.map(\.name))
        let whole = opened.filter { !damaged.contains($0.name) }
        for (place, one) in whole.enumerated() {
            for other in whole[(place + 1)...] {
                guard let entry = try Parting(one, other).first else { continue }
                parting = min(parting ?? entry, entry)
            }
        }
        guard let parting else { return }
        var found: [(hash: Digest?, copies: [String])] = []
        for copy in whole {
            let range = parting..<parting + 1
            let hash =
                parting < copy.head.size ? try copy.leafHashes(in: range)?.first : nil
            if let place = found.firstIndex(where: { $0.hash == hash }) {
                found[place].copies.append(copy.name)
            } else {
                found.append((hash, [copy.name]))
            }
        }
        sides = found.map { Side(leafHash: $0.hash?.hex, copies: $0.copies) }
    }
}

extension CopyError {
    /// Whether the damage is in the files of this copy, as far as the error names one.
    fileprivate func concerns(_ copy: HistoryCopy) -> Bool {
        switch self {
        case .log(.damaged(let file, _, _, _)):
            copy.ledgerDirectory.map { file.hasPrefix($0) } ?? false
        case .tiles: copy.form == .tiles
        default: true
        }
    }
}

extension HistoryComparison {
    /// A copy whose bytes are damaged, against one that could be opened.
    init(damaged copy: HistoryDiff.Copy, against other: HistoryCopy) {
        self.init(other.name, copy.name)
        kind = .damage
        sentence = "\(copy.name) is damaged: \(copy.damage ?? "its bytes are changed")."
    }
}
