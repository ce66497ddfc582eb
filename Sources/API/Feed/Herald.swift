// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Ledger
internal import NIOCore
internal import NIOPosix
package import Synchronization

/// Gives what the ledger has grown by to all who follow it and have the rest.
///
/// The node's thread only rings. A thread of the herald's own makes the events of the new entries,
/// once for all, and hands them to the event loops, which write them: from the commit to the socket
/// there are two changes of threads, and no task of a follower is woken. A follower that has not
/// taken what was written before, or lacks more than that, is told so and catches up by itself. One
/// that has gone is let go when its connection closes.
package final class Herald: Sendable {
    /// What there is to tell: the log, and how many of its entries may be told.
    package typealias Source = @Sendable () throws -> (log: EventLog, size: UInt64)

    /// Followers at so many different places are told at once; the others catch up by themselves.
    private static let placesMax = 4
    /// A follower that lacks more pieces than this catches up by itself.
    private static let piecesMax: UInt64 = 4

    private struct Contents {
        var followers: [ObjectIdentifier: Follower] = [:]
        var isRung = false
        var isOver = false
    }

    /// What parties are called, as far as an entry has named them yet.
    package let names = Mutex(LedgerNames(validators: []))

    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let source: Source
    private let entriesMax: UInt64
    private let heartbeat: Duration
    private let contents = Mutex(Contents())

    package init(_ limits: APILimits, _ source: @escaping Source) {
        self.source = source
        entriesMax = limits.eventsAtOnce
        heartbeat = .milliseconds(limits.heartbeatMilliseconds)
        pool.start()
    }

    /// Has it look on its own thread whether there is something to tell.
    package func ring() {
        let isFirst = contents.withLock { contents in
            guard !contents.isRung, !contents.isOver, !contents.followers.isEmpty else {
                return false
            }
            contents.isRung = true
            return true
        }
        guard isFirst else { return }
        pool.submit { [self] state in
            contents.withLock { $0.isRung = false }
            if case .active = state { tell() }
        }
    }

    /// Gives a reader the entries from one on as they come, until that ends.
    package func follow(_ reader: StreamReader, from next: UInt64) async -> Follower.End {
        let follower = Follower(reader.channel, next: next)
        let id = ObjectIdentifier(follower)
        contents.withLock { contents in
            if contents.isOver { follower.end(.over) }
            contents.followers[id] = follower
        }
        reader.begin(follower)
        // The ledger may have grown since the follower looked.
        ring()
        let end = await follower.ended()
        contents.withLock { $0.followers[id] = nil }
        return end
    }

    /// Ends it for all.
    package func end() {
        let followers = contents.withLock { contents in
            contents.isOver = true
            return Array(contents.followers.values)
        }
        for follower in followers { follower.end(.over) }
    }

    /// Ends it, and its thread.
    package func stop() async {
        end()
        await withCheckedContinuation { continuation in
            pool.shutdownGracefully { _ in continuation.resume() }
        }
    }

    // MARK: On its thread

    private func tell() {
        let followers = contents.withLock { Array($0.followers.values) }
        do {
            let (log, size) = try source()
            let places = Dictionary(grouping: followers, by: \.next).filter { $0.key < size }
            for (count, (next, group)) in places.sorted(by: { $0.key > $1.key }).enumerated() {
                guard count < Self.placesMax, size - next <= Self.piecesMax * entriesMax,
                    try tell(group, log, from: next, to: size)
                else {
                    for follower in group { follower.fallBehind() }
                    continue
                }
            }
        } catch {
            // Each hears why when it fetches what it lacks.
            for follower in followers { follower.fallBehind() }
        }
        for follower in followers where follower.isSilent(for: heartbeat) { follower.sayNothing() }
    }

    /// Tells followers that stand at one place of all that comes after; false where somebody in it
    /// has no name yet, which those learn who fetch it.
    private func tell(
        _ group: [Follower], _ log: EventLog, from start: UInt64, to size: UInt64
    ) throws -> Bool {
        var next = start
        while next < size {
            let end = min(size, (next / entriesMax + 1) * entriesMax)
            let names = names.withLock { $0 }
            let (piece, isNamed) = try EventPiece.render(next..<end, log, names)
            guard isNamed else { return false }
            give(piece, from: next, to: group)
            next = end
        }
        return true
    }

    private func give(_ piece: EventPiece, from start: UInt64, to followers: [Follower]) {
        for follower in followers { follower.pass(to: piece.end) }
        for (_, group) in Dictionary(grouping: followers, by: { ObjectIdentifier($0.loop) }) {
            group[0].loop.execute {
                for follower in group { follower.write(piece.bytes, from: start) }
            }
        }
    }
}
