// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
package import EventLog
internal import Ledger

/// Why something in a ledger is as it is, counted again from the log.
package struct Explanation: Encodable, Sendable {
    /// A plain sentence with what it rests on.
    package struct Sentence: Encodable, Equatable, Sendable {
        /// What a person is told.
        package let text: String
        /// The rule, in a few words; nil where the sentence is no more than a fact.
        package let rule: String?
        /// The amount that the sentence is about; nil where there is none.
        package let amount: String?
        /// The entry that says so; nil where several do.
        package let entry: UInt64?
    }

    /// What is explained.
    package let thing: String
    /// The value that the log states; nil where it states none yet.
    package internal(set) var stated: String?
    /// The value, counted again from the links of the chain; nil where they give none.
    package var recounted: String? { chain.value }
    /// Whether both are the same.
    package var holds: Bool { stated == recounted }
    /// About ten sentences.
    package internal(set) var sentences: [Sentence] = []
    /// The command that proves it to a stranger.
    package internal(set) var proof = ""
    /// What it rests on.
    package internal(set) var chain: CausalChain
    /// What the ledger calls those who stand in it.
    var names = LedgerNames(validators: [])

    init(_ thing: String, _ kind: CausalChain.Kind) {
        self.thing = thing
        chain = CausalChain(kind)
    }

    mutating func say(
        _ text: String, rule: String? = nil, amount: String? = nil, entry: UInt64? = nil
    ) {
        sentences.append(Sentence(text: text, rule: rule, amount: amount, entry: entry))
    }

    private enum Key: String, CodingKey {
        case thing, stated, recounted, holds, sentences, proof, chain
    }

    private struct LinkView: Encodable {
        let entry: UInt64?
        let label: String
        let causes: [Int]
    }

    /// A chain is written as a list of links; the causes of each are places in that list.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(thing, forKey: .thing)
        try container.encode(stated, forKey: .stated)
        try container.encode(recounted, forKey: .recounted)
        try container.encode(holds, forKey: .holds)
        try container.encode(sentences, forKey: .sentences)
        try container.encode(proof, forKey: .proof)
        try container.encode(
            chain.links.map { LinkView(entry: $0.entry, label: $0.label, causes: $0.causes) },
            forKey: .chain)
    }
}

extension Explanation {
    /// Explains the first of several things that the ledger knows.
    ///
    /// Requests, nullifiers, leaders and batches are read where an index says that they stand,
    /// reputations from the bound that it says clamped them last, and the log is folded where it
    /// does not say so, or the log does not bear it out. What is said of jobs is picked out of it.
    /// - Parameter path: What the proving command names.
    package static func of(
        _ things: [Thing], in log: EventLog, path: String, index: (any LedgerIndex)? = nil
    ) throws(WhyError) -> Explanation {
        let source = WhySource(log: log, path: path, index: index)
        if things.count > 1, let found = source.indexed(things) { return found }
        for thing in things.dropLast() {
            do throws(WhyError) { return try source.explain(thing) } catch .notFound { continue }
        }
        guard let last = things.last else { throw .notFound }
        return try source.explain(last)
    }
}

/// What an explanation is read from.
struct WhySource {
    let log: EventLog
    /// What the proving command names.
    let path: String
    let index: (any LedgerIndex)?

    func explain(_ thing: Thing) throws(WhyError) -> Explanation {
        switch thing {
        case .request(let name): try RequestReason.explain(name, self)
        case .validator(let name): try ReputationReason.explain(name, self)
        case .nullifier(let digits): try NullifierReason.explain(digits, self)
        case .leader(let height): try LeaderReason.explain(Height(height), self)
        case .job(let name): try JobReason.explain(name, self)
        case .batch(let height): try BatchReason.explain(Height(height), self)
        case .entry(let entry): try EntryReason.explain(entry, self)
        }
    }

    /// The explanation of the one thing of several that the index knows; nil where it knows none,
    /// or a validator may be meant, who comes first.
    func indexed(_ things: [Thing]) -> Explanation? {
        guard let index else { return nil }
        for thing in things {
            switch thing {
            case .validator(let name): if index.knowsValidator(name) { return nil }
            case .request(let name):
                if let history = placed(name) { return RequestReason.explanation(history, self) }
            case .nullifier(let digits):
                if let found = NullifierReason.placed(digits, self) { return found }
            default: continue
            }
        }
        return nil
    }

    /// A request read where the index says that it stands.
    func placed(_ name: String) -> RequestHistory? {
        guard let places = index?.request(called: name) else { return nil }
        do throws(PlacesError) { return try RequestHistory.read(places, in: log) } catch {
            return nil
        }
    }

    /// How validators stood before a batch, read where the index says so; folded where it does not.
    func standing(atOpening entry: UInt64) throws(WhyError) -> Standing {
        if let places = index?.standing(atOpening: entry), places.opening == entry {
            do throws(PlacesError) { return try Standing.read(places, in: log) } catch {
                // The fold says what the index does not.
            }
        }
        var moved: [ValidatorIndex: UInt64] = [:]
        let state = try WhyFold.run(log, to: entry) { entry, _ in
            if case .reputationChanged(let changed) = entry.event {
                moved[changed.validator] = entry.index
            }
        }
        return Standing(state, moved: moved)
    }

    /// A batch by its height: its opening, and its entries.
    func batch(_ height: Height) throws(WhyError) -> (start: UInt64, entries: [LoggedEntry]) {
        guard height.rawValue > 0 else { throw .notFound }
        let start = try inBatches { places throws(BisectError) in
            try places.start(of: height.rawValue)
        }
        var reader = EntryReader(log, from: start)
        do throws(ReadingError) { return (start, try reader.batch() ?? []) } catch {
            throw .replay(.reading(error))
        }
    }

    /// The batch in which an entry stands.
    func height(at entry: UInt64) throws(WhyError) -> UInt64 {
        try inBatches { places throws(BisectError) in
            try places.opening(atOrBefore: entry)?.height ?? 0
        }
    }

    private func inBatches(
        _ body: (BatchPlaces) throws(BisectError) -> UInt64
    ) throws(WhyError) -> UInt64 {
        do throws(BisectError) { return try body(BatchPlaces(log)) } catch {
            switch error {
            case .copy(.log(let error)): throw .replay(.reading(.log(error)))
            case .copy(.undecodable(let entry, let error)):
                throw .replay(.reading(.undecodable(entry: entry, error)))
            default: throw .notFound
            }
        }
    }

    /// One entry.
    func entry(_ index: UInt64) throws(WhyError) -> LoggedEntry {
        var reader = EntryReader(log, from: index, to: index + 1)
        let found: LoggedEntry?
        do throws(ReadingError) { found = try reader.entry() } catch {
            throw .replay(.reading(error))
        }
        guard let found else { throw .notFound }
        return found
    }
}

/// Folds a log for those who explain it.
enum WhyFold {
    /// Hands each entry with the state after it to `body`; returns the state at the end.
    @discardableResult
    static func run(
        _ log: EventLog, to entry: UInt64? = nil, _ body: (LoggedEntry, LedgerState) -> Void
    ) throws(WhyError) -> LedgerState {
        try reading { () throws(ReplayError) in
            try Replay.state(of: log, at: entry.map { .entry($0) } ?? .end) { entry, state in
                body(LoggedEntry(index: state.size - 1, entry: entry), state)
            }
        }
    }

    /// Says of what cannot be read what it means to those who ask.
    static func reading<Value>(
        _ body: () throws(ReplayError) -> Value
    ) throws(WhyError) -> Value {
        do throws(ReplayError) { return try body() } catch {
            if case .beyond = error { throw .notFound }
            throw .replay(error)
        }
    }

    /// The history of a request.
    static func request(
        _ selector: RequestSelector, in log: EventLog
    ) throws(WhyError) -> RequestHistory {
        do throws(HistoryError) { return try RequestHistory.find(selector, in: log) } catch {
            switch error {
            case .replay(let error): throw .replay(error)
            case .notFound: throw .notFound
            case .ambiguous(let found): throw .ambiguous(found.map { "\($0.id.hex)" })
            }
        }
    }
}

/// Lists of names as people read them.
enum Words {
    /// `a`, `a and b`, `a, b and c`; `nobody` for none.
    static func list(_ names: [String]) -> String {
        guard let last = names.last else { return "nobody" }
        return names.count == 1
            ? last : names.dropLast().joined(separator: ", ") + " and \(last)"
    }

    /// What a submitter is called.
    static func submitter(_ index: SubmitterIndex, _ names: LedgerNames) -> String {
        let place = Int(index.rawValue)
        return names.submitters.indices.contains(place)
            ? names.submitters[place] : "submitter \(place)"
    }

    /// `1 vote`, `2 votes`.
    static func count(_ number: Int, _ one: String) -> String {
        "\(number) \(one)\(number == 1 ? "" : "s")"
    }

    /// A change in points with its sign.
    static func points(_ points: Int64) -> String { points < 0 ? "\(points)" : "+\(points)" }
}
