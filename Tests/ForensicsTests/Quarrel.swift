// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Ledger
import TestSupport

/// Two histories of one ledger that part in one way, in the batch after a common start.
struct Quarrel {
    /// Six validators, five of whom must sign.
    static let validators = 6
    static let threshold = 5

    let first: [Event]
    let second: [Event]

    /// The first entry with other bytes, or the size of the shorter.
    var entry: UInt64 {
        let place = zip(first, second).enumerated().first { $0.element.0 != $0.element.1 }
        return UInt64(place?.offset ?? min(first.count, second.count))
    }

    /// The components in which the seals after that entry differ.
    var components: [String] {
        let seals = [first, second].map { events in
            events.dropFirst(Int(entry)).compactMap { event -> [Digest]? in
                if case .batchSealed(let sealed) = event { sealed.components } else { nil }
            }.first ?? []
        }
        return zip(StateComponent.allCases, zip(seals[0], seals[1])).filter { $1.0 != $1.1 }
            .map { $0.0.label }
    }

    /// Makes a pair of one kind; the second history is signed only where it is a fork.
    init(_ kind: DifferenceKind, seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let base = try Self.base(&random)
        let votes = base.votes.shuffled(using: &random)
        let place = Int.random(in: 0..<votes.count - 1, using: &random)
        var one = base.scenario
        var other = base.scenario
        let pause = UInt64.random(in: 1_000...5_000, using: &random)
        switch kind {
        case .otherTime where seed.isMultiple(of: 2):
            try Self.batch(&one, after: pause, votes)
            try Self.batch(&other, after: pause + 1, votes)
        case .otherProposal:
            try Self.batch(&one, after: pause, votes)
            try Self.batch(&other, after: pause, round: 1, votes)
        default:
            try Self.batch(&one, after: pause, kind == .extra ? votes.without(place) : votes)
            try Self.batch(
                &other, after: pause, Self.changed(votes, kind, place, base.scenario), kind)
        }
        if kind == .otherInput {
            one = base.scenario
            try Self.batch(&one, after: pause, votes.without(place))
        }
        try Self.batch(&one, after: 1_000, [])
        if kind == .fork { try Self.batch(&other, after: 1_001, []) }
        first = one.log
        second = try Self.finish(other.log, one.log, kind, &random)
    }

    private typealias Ballot = (validator: Int, vote: Vote, request: RequestID, later: UInt64)

    /// Some batches with requests, the last of which nobody has voted on.
    private static func base(
        _ random: inout SplitMix64
    ) throws -> (scenario: LedgerScenario, votes: [Ballot]) {
        var scenario = try LedgerScenario(.of(validators, UInt32(threshold)))
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            try scenario.open(after: UInt64.random(in: 1...40_000, using: &random))
            let request = try scenario.submit()
            try scenario.approve(0..<Int.random(in: 2...validators, using: &random), request)
            try scenario.seal()
        }
        try scenario.open()
        let request = try scenario.submit()
        try scenario.seal()
        return (scenario, (0..<validators).map { ($0, .approve, request, 0) })
    }

    private static func changed(
        _ votes: [Ballot], _ kind: DifferenceKind, _ place: Int, _ scenario: LedgerScenario
    ) -> [Ballot] {
        var votes = votes
        switch kind {
        case .missing, .fork: return votes.without(place)
        case .reordered: votes.swapAt(place, place + 1)
        case .otherTime: votes[place].later = 1
        case .equivocation: votes[place].vote = .reject
        case .otherInput: return votes.without(place + 1)
        default: break
        }
        return votes
    }

    private static func batch(
        _ scenario: inout LedgerScenario, after pause: UInt64, round: UInt32 = 0,
        _ votes: [Ballot], _ kind: DifferenceKind? = nil
    ) throws {
        let time = scenario.state.time.adding(milliseconds: pause)
        let opening = scenario.opening(at: time, round: round)
        try scenario.take(
            .openBatch(scenario.checked(opening), root: scenario.frontier.root))
        if kind == .otherMembership {
            let key = Fixture.key(2).publicKey
            try scenario.send(
                .governance(scenario.change(.stakeChanged(key: key, stake: Stake(777)))))
        }
        for vote in votes {
            let when = scenario.state.time.adding(milliseconds: vote.later)
            try scenario.send(
                .vote(scenario.vote(vote.validator, vote.vote, on: vote.request, at: when)))
        }
        try scenario.seal()
    }

    /// Changes the second history where no run by the rules gives it.
    private static func finish(
        _ other: [Event], _ one: [Event], _ kind: DifferenceKind, _ random: inout SplitMix64
    ) throws -> [Event] {
        switch kind {
        case .longer: return Array(one.prefix(Int.random(in: 2..<one.count, using: &random)))
        case .damage: return one
        case .otherDerivation: return try deriving(other, &random)
        default: return other
        }
    }

    /// With one derived event of the last batch changed or left out.
    private static func deriving(
        _ log: [Event], _ random: inout SplitMix64
    ) throws -> [Event] {
        var log = log
        let start = log.lastIndex { $0.tag == 1 } ?? 0
        let places = log.indices.filter { $0 > start && log[$0].isDerived }
        guard let place = places.randomElement(using: &random) else { return log }
        switch log[place] {
        case .outcomeDecided(var decided):
            decided.margin += 1
            log[place] = .outcomeDecided(decided)
        case .batchSealed(var sealed):
            sealed.components[7] = Digest(hashing: [7])
            log[place] = .batchSealed(sealed)
        default: log.remove(at: place)
        }
        return log
    }
}

extension Array {
    fileprivate func without(_ place: Int) -> [Element] {
        enumerated().filter { $0.offset != place }.map(\.element)
    }
}

/// Copies of histories on one simulated disk.
struct Shelf {
    let disk = SimulatedDisk()

    /// Writes a log of these events, a commit at each seal or after so many entries, and closes it.
    @discardableResult
    func write(
        _ events: [Event], to directory: String, segmentBytesMax: UInt64 = 8 << 20,
        commitEvery: Int? = nil
    ) throws -> String {
        let log = try EventLog.create(
            directory: directory, disk: disk,
            options: LogOptions(segmentBytesMax: segmentBytesMax))
        for (place, event) in events.enumerated() {
            _ = try log.stage(event.encoded)
            let isDue = commitEvery.map { (place + 1) % $0 == 0 } ?? (event.tag == 76)
            if isDue { try log.commit() }
        }
        try log.commit()
        try log.close()
        return directory
    }

    /// The checkpoint of a log, signed by nobody who matters.
    func checkpoint(of directory: String, size: UInt64? = nil) throws -> SignedCheckpoint {
        let log = try EventLog.open(directory: directory, disk: disk, access: .readOnly)
        let head = TreeHead(size: size ?? log.size, root: try log.root(at: size ?? log.size))
        let checkpoint = try Checkpoint(origin: "recount/test", head: head)
        return try SignedCheckpoint(signing: checkpoint, with: Fixture.key(0))
    }

    /// Writes the tiles of a log.
    func tiles(of directory: String, to folder: String) throws -> String {
        let log = try EventLog.open(directory: directory, disk: disk, access: .readOnly)
        _ = try TileExport.run(
            log, upTo: try checkpoint(of: directory), to: folder, disk: disk)
        return folder
    }

    func diff(_ paths: String...) throws -> HistoryDiff {
        try HistoryDiff(paths.map { ($0, $0) }, disk: disk)
    }
}
