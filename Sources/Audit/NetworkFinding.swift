// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What an audit can find about those who made a ledger, while the ledger itself may be right.
package enum NetworkFindingKind: String, Codable, Sendable, CaseIterable {
    /// The ledger holds two signed messages of the party that contradict each other.
    case convicted
    /// The validator signed a vote that contradicts the mathematics of the proof.
    case falseVote
    /// The validator signed a result that running the job again contradicts.
    case falseResult
    /// As many messages of the party were refused within a minute as are recorded at all.
    case refusedToLimit
    /// The validator did not answer where it was asked: see `Participation.isSilent`.
    case silent
    /// The validator proposed nothing that was agreed on where it led: see
    /// `Participation.isPassedOver`.
    case passedOver
    /// Ledger time went on by more than an hour from one batch to the next.
    case timeGap
    /// The validator said that it runs another program or engine than before.
    case versionChanged
    /// The validator said that it began its journal anew.
    case journalBegunAnew
}

extension NetworkFindingKind: Comparable {
    /// The order in which they are told.
    package static func < (left: NetworkFindingKind, right: NetworkFindingKind) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// One thing that an audit found about one party of a network, or about all of it.
package struct NetworkFinding: Codable, Equatable, Sendable {
    /// What the party is to the ledger.
    package enum Role: String, Codable, Sendable {
        /// A validator, also one that has left.
        case validator
        /// A submitter.
        case submitter
        /// The bridge.
        case bridge
        /// No one party.
        case network
    }

    /// What it is.
    package var kind: NetworkFindingKind
    /// What the party is.
    package var role: Role
    /// Its name; empty where it is no one party.
    package var name: String
    /// Its key, in hexadecimal; empty where it is no one party.
    package var key: String
    /// What exactly: the kind of evidence (`vote`, `precommit`, ...), what was voted or run, or
    /// the versions; empty where the kind says it all.
    package var detail: String
    /// How often.
    package var count: UInt64
    /// The first entry where it shows.
    package var first: UInt64
    /// The last.
    package var last: UInt64
    /// Of a gap, the longest, in milliseconds.
    package var longest: UInt64?

    /// What it is of: findings of one thing are told together.
    struct Thing: Hashable {
        let kind: NetworkFindingKind
        let role: Role
        let key: String
        let detail: String
    }

    var thing: Thing { Thing(kind: kind, role: role, key: key, detail: detail) }

    /// Takes in what was found of the same thing elsewhere.
    mutating func add(_ other: NetworkFinding) {
        count = count.saturating(other.count)
        first = min(first, other.first)
        last = max(last, other.last)
        longest = [longest, other.longest].compactMap(\.self).max()
    }
}

extension NetworkFinding: CustomStringConvertible {
    /// What a person is told: who, what, how often and where.
    package var description: String {
        let place = first == last ? "entry \(first)" : "entries \(first) to \(last)"
        return (name.isEmpty ? "" : "\(name) ") + what + (count > 1 ? ", \(count) times" : "")
            + ", \(place)"
    }

    private var what: String {
        switch kind {
        case .convicted: "is convicted by two signatures of its own (\(detail))"
        case .falseVote: "voted \(detail) against the mathematics of the proof"
        case .falseResult: "signed a result that running the job again contradicts"
        case .refusedToLimit: "had as many messages refused in a minute as are recorded at all"
        case .silent: "was silent: no answer in \(detail) rounds and jobs"
        case .passedOver:
            "was passed over as a leader: \(detail) rounds that it led ended without its proposal"
        case .timeGap: "no batch for \(Self.hours(longest ?? 0))"
        case .versionChanged: "changed what it runs, from \(detail)"
        case .journalBegunAnew: "began its journal anew"
        }
    }

    private static func hours(_ milliseconds: UInt64) -> String {
        let minutes = milliseconds / 60_000
        return "\(minutes / 60) hours and \(minutes % 60) minutes at the longest"
    }
}

/// How often a validator answered where it was asked for a vote or a result, and proposed where it
/// led.
package struct Participation: Codable, Equatable, Sendable {
    /// Rounds and jobs without an answer from which on a validator is called silent.
    package static let missedMin: UInt64 = 3
    /// And of so many that it was asked, one without an answer.
    package static let missedShare: UInt64 = 100
    /// Rounds led without a proposal from which on a validator is called passed over.
    package static let passedOverMin: UInt64 = 3
    /// And of so many that it led, one without a proposal: a message that was late is no fault yet.
    package static let passedOverShare: UInt64 = 10

    /// The number of the validator.
    package var validator: UInt16
    /// Its name.
    package var name: String
    /// Its key, in hexadecimal.
    package var key: String
    /// Votes and results of its own in the log.
    package var answered: UInt64 = 0
    /// Rounds and jobs that closed without one.
    package var missed: UInt64 = 0
    /// The entries that say so first and last; nil where none does.
    package var firstMissed: UInt64?
    /// The last.
    package var lastMissed: UInt64?
    /// Batches that it proposed and that were agreed on.
    package var proposed: UInt64 = 0
    /// Rounds of agreement that it led and that ended without its proposal: those before the one
    /// in which the batch was proposed that was agreed on.
    package var passedOver: UInt64 = 0
    /// The entries that say so first and last; nil where none does.
    package var firstPassedOver: UInt64?
    /// The last.
    package var lastPassedOver: UInt64?

    /// Of one that was asked for nothing yet.
    package init(validator: UInt16, name: String, key: String) {
        self.validator = validator
        self.name = name
        self.key = key
    }

    /// Whether it missed at least three, and at least one in a hundred.
    package var isSilent: Bool {
        missed >= Self.missedMin
            && Self.isShare(missed, of: answered.saturating(missed), Self.missedShare)
    }

    /// Whether it was passed over at least three times, and in at least one of ten rounds that it
    /// led.
    package var isPassedOver: Bool {
        passedOver >= Self.passedOverMin
            && Self.isShare(passedOver, of: proposed.saturating(passedOver), Self.passedOverShare)
    }

    /// Whether a part is at least one in `share` of a whole.
    private static func isShare(_ part: UInt64, of whole: UInt64, _ share: UInt64) -> Bool {
        whole / share < part || whole / share == part && whole.isMultiple(of: share)
    }

    mutating func add(_ other: Participation) {
        answered = answered.saturating(other.answered)
        missed = missed.saturating(other.missed)
        firstMissed = [firstMissed, other.firstMissed].compactMap(\.self).min()
        lastMissed = [lastMissed, other.lastMissed].compactMap(\.self).max()
        proposed = proposed.saturating(other.proposed)
        passedOver = passedOver.saturating(other.passedOver)
        firstPassedOver = [firstPassedOver, other.firstPassedOver].compactMap(\.self).min()
        lastPassedOver = [lastPassedOver, other.lastPassedOver].compactMap(\.self).max()
    }
}

extension AuditReport {
    /// Takes in what was found of the network in entries that follow. Cost: linear, in order of
    /// validators.
    mutating func joinNetwork(_ part: AuditReport) {
        note(part.network)
        var joined: [Participation] = []
        joined.reserveCapacity(max(participation.count, part.participation.count))
        for item in (participation + part.participation).sorted(by: { $0.validator < $1.validator })
        {
            if joined.last?.validator == item.validator {
                joined[joined.count - 1].add(item)
            } else {
                joined.append(item)
            }
        }
        participation = joined
    }

    /// Adds a finding, to the one on the same thing where there is one.
    mutating func note(_ finding: NetworkFinding) {
        let thing = finding.thing
        if let place = network.firstIndex(where: { $0.thing == thing }) {
            network[place].add(finding)
        } else {
            network.append(finding)
        }
    }

    /// Adds many findings. Cost: linear, as many as a file may hold.
    private mutating func note(_ findings: [NetworkFinding]) {
        guard !findings.isEmpty else { return }
        var places: [NetworkFinding.Thing: Int] = [:]
        for (place, finding) in network.enumerated() { places[finding.thing] = place }
        for finding in findings {
            if let place = places[finding.thing] {
                network[place].add(finding)
            } else {
                places[finding.thing] = network.count
                network.append(finding)
            }
        }
    }

    /// Draws what follows from all that was found, and puts it in the order in which it is told.
    mutating func settleNetwork() {
        network.removeAll {
            [.falseVote, .falseResult, .silent, .passedOver].contains($0.kind)
        }
        note(
            contradictions.map { finding(.falseVote, $0.name, $0.key, $0.vote, at: $0.entry) }
                + resultContradictions.map {
                    finding(.falseResult, $0.name, $0.key, "", at: $0.entry)
                })
        for item in participation {
            if item.isSilent {
                let all = item.missed.saturating(item.answered)
                network.append(
                    finding(
                        .silent, item, item.missed, of: all, item.firstMissed, item.lastMissed))
            }
            if item.isPassedOver {
                let all = item.passedOver.saturating(item.proposed)
                network.append(
                    finding(
                        .passedOver, item, item.passedOver, of: all, item.firstPassedOver,
                        item.lastPassedOver))
            }
        }
        network.sort {
            ($0.kind, $0.first, $0.name, $0.detail) < ($1.kind, $1.first, $1.name, $1.detail)
        }
    }

    /// That a validator did not do something so often of so many times.
    private func finding(
        _ kind: NetworkFindingKind, _ item: Participation, _ count: UInt64, of all: UInt64,
        _ first: UInt64?, _ last: UInt64?
    ) -> NetworkFinding {
        let detail = "\(count) of \(all)"
        var finding = finding(kind, item.name, item.key, detail, at: first ?? 0)
        finding.count = count
        finding.last = last ?? finding.first
        return finding
    }

    private func finding(
        _ kind: NetworkFindingKind, _ name: String, _ key: String, _ detail: String,
        at entry: UInt64
    ) -> NetworkFinding {
        NetworkFinding(
            kind: kind, role: .validator, name: name, key: key, detail: detail, count: 1,
            first: entry, last: entry)
    }
}
