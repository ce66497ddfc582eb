// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Cryptography
package import Hosting
internal import Ledger
internal import Replication

/// What a case says, for people and machines: roots and hashes in hexadecimal.
package struct CaseReport: Encodable, Sendable {
    /// What a party runs.
    package struct Versions: Encodable, Equatable, Sendable {
        /// The version of the program; nil where it has not said so.
        package let program: String?
        /// What runs jobs, and its version.
        package let engine: String?

        init(_ versions: ProgramVersions?) {
            program = versions.map(\.program)
            engine = versions.map { "\($0.engine) \($0.engineVersion)" }
        }
    }

    /// One that signed the batch.
    package struct Voter: Encodable, Sendable {
        /// Its name.
        package let name: String
        /// What it has said that it runs.
        package let versions: Versions
    }

    /// A component of the state.
    package struct Component: Encodable, Sendable {
        /// Its label.
        package let component: String
        /// Its root before the batch, as it was sealed.
        package let before: String
        /// As the node held it then.
        package let held: String
        /// After the batch as T validators agreed on it; nil where that names none.
        package let decided: String?
        /// After what the node derived; nil where it derived no seal.
        package let derived: String?

        /// Whether both sides agree on it.
        package var isSame: Bool { decided == derived && before == held }
    }

    /// The first entry in which both sides differ.
    package struct Entries: Encodable, Sendable {
        /// Its index in the ledger.
        package let entry: UInt64
        /// As T validators agreed on it; nil where their batch ends before.
        package let decided: HistoryComparison.EntryView?
        /// As the node derived it; nil where that ends before.
        package let derived: HistoryComparison.EntryView?
    }

    /// One attempt to derive the batch again.
    package struct Repeat: Encodable, Sendable {
        /// `same process` or `fresh process`.
        package let place: String
        /// `ledger` where the state was folded from it, or `case`.
        package let state: String
        /// What derived it.
        package let versions: Versions
        /// `certified`, `differs` or `failed`.
        package let outcome: String
        /// The root that it came to, or why it failed; nil where it came to what was certified.
        package let detail: String?
    }

    /// The path of the file.
    package let path: String
    /// The ledger: 64 hexadecimal digits.
    package let ledger: String
    /// The name of the validator whose node diverged.
    package let name: String
    /// When, in milliseconds since 1970, by the node's clock.
    package let time: UInt64
    /// The batch in dispute.
    package let height: UInt64
    /// What differs: see `CaseAnswer`.
    package let answer: String
    /// What that means and what to do, in sentences.
    package let sentences: [String]
    /// What the node runs.
    package let versions: Versions
    /// Who signed the batch.
    package let voters: [Voter]
    /// How many must.
    package let needed: Int?
    /// The entries before the batch.
    package let size: UInt64
    /// The root of the log with the batch as T validators agreed on it.
    package let decidedRoot: String
    /// The root of the log with what the node derived.
    package let derivedRoot: String
    /// Why the node took an input no more; nil where it took all.
    package let stopped: String?
    /// The first entry that differs; nil where one side holds the beginning of the other.
    package let entries: Entries?
    /// All components.
    package let components: [Component]
    /// The keys of the state that both sides wrote otherwise.
    package let keys: [DifferentKey]
    /// How many there are; `keys` has the first thousand.
    package let keyCount: Int
    /// What the ledger on the disk was found to be.
    package let disk: String
    /// What deriving the batch again came to.
    package let repeats: [Repeat]

    /// Reads a case.
    package init(_ found: DivergenceCase, path: String) {
        let names = Self.names(found)
        self.path = path
        ledger = found.ledger.hex
        name = found.name
        time = found.time.rawValue
        height = found.height.rawValue
        answer = found.answer.rawValue
        sentences = CaseSentences(found).all
        versions = Versions(found.versions)
        voters = found.voters.map { Voter(name: $0.name, versions: Versions($0.versions)) }
        needed = Self.needed(found)
        size = found.frontier.count
        decidedRoot = found.root.hex
        derivedRoot = found.ownRoot.hex
        stopped = found.ownStopped
        let decided = Self.entries(found.batch.entries, from: found.frontier.count)
        let derived = Self.entries(found.own, from: found.frontier.count)
        entries = Self.first(decided, derived, names)
        components = Self.components(found, decided, derived)
        let different = StateWrites.different(
            StateWrites(decided, names: names), StateWrites(derived, names: names))
        keys = Array(different.prefix(HistoryComparison.keysMax))
        keyCount = different.count
        disk = Self.words(found.disk)
        repeats = found.repeats.map(Self.view)
    }

    private static func names(_ found: DivergenceCase) -> LedgerNames {
        do throws(SnapshotError) { return try PartyRoll(fixed: found.excerpt.fixed).names } catch {
            return LedgerNames(validators: [])
        }
    }

    private static func needed(_ found: DivergenceCase) -> Int? {
        do throws(SnapshotError) {
            return try PartyRoll(fixed: found.excerpt.fixed).nextThreshold
        } catch { return nil }
    }

    private static func entries(_ bytes: [EntryBytes], from start: UInt64) -> [LoggedEntry] {
        var entries: [LoggedEntry] = []
        for entry in bytes {
            do throws(DecodingError) {
                let index = start + UInt64(entries.count)
                entries.append(try LoggedEntry(index: index, bytes: entry.bytes))
            } catch { break }
        }
        return entries
    }

    private static func first(
        _ decided: [LoggedEntry], _ derived: [LoggedEntry], _ names: LedgerNames
    ) -> Entries? {
        let place =
            zip(decided, derived).enumerated()
            .first { $0.element.0.bytes != $0.element.1.bytes }?.offset
            ?? min(decided.count, derived.count)
        let one = decided.dropFirst(place).first
        let other = derived.dropFirst(place).first
        guard let index = one?.index ?? other?.index else { return nil }
        return Entries(
            entry: index, decided: one.map { HistoryComparison.EntryView($0, names) },
            derived: other.map { HistoryComparison.EntryView($0, names) })
    }

    private static func components(
        _ found: DivergenceCase, _ decided: [LoggedEntry], _ derived: [LoggedEntry]
    ) -> [Component] {
        let (one, other) = (roots(after: decided), roots(after: derived))
        return StateComponent.allCases.enumerated().map { place, component in
            Component(
                component: component.label, before: found.components[place].hex,
                held: found.held[place].hex, decided: one?[place].hex, derived: other?[place].hex)
        }
    }

    private static func roots(after entries: [LoggedEntry]) -> [Digest]? {
        if case .batchSealed(let seal)? = entries.last?.event { seal.components } else { nil }
    }

    private static func words(_ disk: DiskFinding) -> String {
        switch disk {
        case .unread: "not looked at"
        case .whole: "what the node held in memory"
        case .damaged(let what): "damaged: \(what)"
        case .otherRoot(let root): "another log: its root there is \(root.hex)"
        }
    }

    private static func view(_ attempt: CaseRepeat) -> Repeat {
        let outcome: String
        let detail: String?
        switch attempt.outcome {
        case .certified: (outcome, detail) = ("certified", nil)
        case .differs(let root): (outcome, detail) = ("differs", root.hex)
        case .failed(let why): (outcome, detail) = ("failed", why)
        }
        return Repeat(
            place: attempt.place == .sameProcess ? "same process" : "fresh process",
            state: attempt.isFromLedger ? "ledger" : "case",
            versions: Versions(attempt.versions), outcome: outcome, detail: detail)
    }
}
