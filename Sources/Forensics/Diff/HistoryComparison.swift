// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import Cryptography
internal import EventLog
internal import Ledger

/// How one copy of a history differs from another.
package struct HistoryComparison: Encodable, Sendable {
    /// An entry as machines read it.
    package struct EntryView: Encodable, Sendable {
        /// The place of the entry in the log, from 0.
        package let entry: UInt64
        /// What kind of event it is.
        package let event: String
        /// Its hash as a leaf of the log's tree, in hexadecimal.
        package let leafHash: String
        /// Its fields in order, parties with their names.
        package let fields: Field

        init(_ entry: LoggedEntry, _ names: LedgerNames) {
            self.entry = entry.index
            event = entry.event.kind
            leafHash = entry.leafHash.hex
            fields = .record(entry.event.fields.map { $0.named(by: names) })
        }
    }

    /// A component of the state whose root differs at the end of the batch.
    package struct DifferentComponent: Encodable, Equatable, Sendable {
        /// Its label.
        package let component: String
        /// Its root in the first history, in hexadecimal.
        package let first: String
        /// Its root in the second.
        package let second: String
    }

    /// The names of the copies.
    package let first: String
    package let second: String
    /// What kind of difference it is; nil where there is none.
    package internal(set) var kind: DifferenceKind?
    /// How the batches differ, where `kind` is a fork or an equivocation.
    package internal(set) var content: DifferenceKind?
    /// What a person is told.
    package internal(set) var sentence = ""
    /// The first entry that differs, or the size of the shorter where one is the start of the
    /// other; nil where there is none or it cannot be told.
    package internal(set) var entry: UInt64?
    /// Where the forms of the copies tell only a range: the entry after its last.
    package internal(set) var before: UInt64?
    /// The height of the batch.
    package internal(set) var height: UInt64?
    /// The entry in the first history; nil where it ends before.
    package internal(set) var firstEntry: EntryView?
    /// The entry in the second history; nil where it ends before.
    package internal(set) var secondEntry: EntryView?
    /// The names of the fields in which both entries of one kind differ.
    package internal(set) var fields: [String] = []
    /// The components whose roots differ at the end of the batch.
    package internal(set) var components: [DifferentComponent] = []
    /// The keys that the batch wrote otherwise.
    package internal(set) var keys: [DifferentKey] = []
    /// How many such keys there are; `keys` has the first 1,000.
    package internal(set) var keyCount = 0
    /// What the signatures prove.
    package internal(set) var signatures: [SignatureProof] = []
    /// What could not be judged, in words.
    package internal(set) var unjudged: [String] = []

    init(_ first: String, _ second: String) {
        self.first = first
        self.second = second
    }

    /// The keys that are told.
    static let keysMax = 1_000
}

extension HistoryComparison {
    /// Compares two copies.
    package init(
        _ one: HistoryCopy, _ other: HistoryCopy, among copies: [HistoryCopy]
    ) throws(CopyError) {
        self.init(one.name, other.name)
        let parting = try Parting(one, other)
        switch parting {
        case .nowhere: sentence = "\(first) and \(second) hold the same \(one.head.size) entries."
        case .atEnd: tellLonger(one.head.size, other.head.size)
        case .unknown(let from):
            entry = from
            unjudged.append("what follows entry \(from) of \(second)")
            sentence =
                "\(first) and \(second) agree before entry \(from); what follows cannot be"
                + " compared, since a checkpoint or snapshot tells no root of it."
        case .within(let range):
            kind = .otherRoot
            (entry, before) = (range.lowerBound, range.upperBound)
            sentence =
                "\(first) and \(second) have other roots: the first entry that differs is one of"
                + " \(range.lowerBound) to \(range.upperBound - 1)."
        case .entry(let index):
            entry = index
            try compareBatches(one, other, index, among: copies)
        }
        try compareStates(one, other)
    }

    private mutating func tellLonger(_ one: UInt64, _ other: UInt64) {
        kind = .longer
        entry = min(one, other)
        let (shorter, longer) = one < other ? (first, second) : (second, first)
        sentence =
            "\(shorter) is the start of \(longer): all its \(min(one, other)) entries are the same,"
            + " and \(longer) goes on to \(max(one, other))."
    }

    static func different(_ one: [Digest], _ other: [Digest]) -> [DifferentComponent] {
        zip(StateComponent.allCases, zip(one, other)).compactMap { component, roots in
            roots.0 == roots.1
                ? nil
                : DifferentComponent(
                    component: component.label, first: roots.0.hex, second: roots.1.hex)
        }
    }

    private mutating func compareBatches(
        _ one: HistoryCopy, _ other: HistoryCopy, _ index: UInt64, among copies: [HistoryCopy]
    ) throws(CopyError) {
        let start = try DisputedBatch.start(around: index, in: one)
        let left = try DisputedBatch(of: one, from: start)
        let right = try DisputedBatch(of: other, from: start)
        height = (left.height ?? right.height)?.rawValue
        let roll = try PartySearch.roll(
            at: start, opening: left.entries.first?.event, among: copies)
        let names: LedgerNames
        if let roll { names = roll.names } else { names = try Self.firstNames(one) }
        firstEntry = left.rest(from: index).first.map { EntryView($0, names) }
        secondEntry = right.rest(from: index).first.map { EntryView($0, names) }
        fields = differentFields(left.rest(from: index).first, right.rest(from: index).first)
        if let here = left.seal, let there = right.seal {
            components = Self.different(here.components, there.components)
        }
        let keys = StateWrites.different(
            StateWrites(left.entries, names: names), StateWrites(right.entries, names: names))
        keyCount = keys.count
        self.keys = Array(keys.prefix(Self.keysMax))
        if let roll {
            try prove(left, right, one, other, roll)
        } else {
            unjudged.append("the signatures: no snapshot tells who is who near entry \(start)")
        }
        classify(left.rest(from: index), right.rest(from: index))
        sentence = HistorySentence(self).text
    }

    static func firstNames(_ copy: HistoryCopy) throws(CopyError) -> LedgerNames {
        guard case .ledgerOpened(let opened)? = try copy.entry(at: 0)?.event else {
            return LedgerNames(validators: [])
        }
        return LedgerNames(opened)
    }

    private func differentFields(_ one: LoggedEntry?, _ other: LoggedEntry?) -> [String] {
        guard let one, let other, one.event.tag == other.event.tag else { return [] }
        return zip(one.event.fields, other.event.fields).filter { $0 != $1 }.map(\.0.name)
    }

    private mutating func prove(
        _ left: DisputedBatch, _ right: DisputedBatch, _ one: HistoryCopy, _ other: HistoryCopy,
        _ roll: PartyRoll
    ) throws(CopyError) {
        for (batch, name) in [(left, first), (right, second)] {
            if let proof = SignatureProof.certificate(of: batch, in: name, roll) {
                signatures.append(proof)
            } else if batch.seal != nil, left.height != Height(0) {
                unjudged.append("whether T validators signed the batch of \(name)")
            }
        }
        if let one = left.precommits, let other = right.precommits {
            signatures += SignatureProof.doublePrecommits(one, other, roll)
        }
        signatures += SignedStatements.contradictions(
            try SignedStatements(left.entries[...], in: one, or: other, roll),
            try SignedStatements(right.entries[...], in: other, or: one, roll), roll)
        if case .batchOpened(let one)? = left.entries.first?.event,
            case .batchOpened(let other)? = right.entries.first?.event,
            let proof = SignatureProof.twoOpenings(one, other, roll)
        {
            signatures.append(proof)
        }
    }

    private mutating func classify(
        _ left: ArraySlice<LoggedEntry>, _ right: ArraySlice<LoggedEntry>
    ) {
        content = DifferenceKind.of(left.map(\.event)[...], right.map(\.event)[...])
        kind = content
        guard content != .otherLedger else { return }
        let proved = signatures.filter(\.holds)
        if proved.count(where: { $0.kind == .certificate }) == 2 {
            kind = .fork
        } else if proved.contains(where: { $0.kind == .contradiction }) {
            kind = .equivocation
        }
    }
}
