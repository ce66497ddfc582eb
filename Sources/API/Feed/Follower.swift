// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Who reads a stream, for as long as the connection is there.
package final class StreamReader: Sendable {
    let channel: any Channel
    private let contents = Mutex<(isGone: Bool, follower: Follower?)>((false, nil))

    package init(_ channel: any Channel) {
        self.channel = channel
        channel.closeFuture.whenComplete { [self] _ in
            let follower = contents.withLock { contents in
                contents.isGone = true
                return contents.follower
            }
            follower?.end(.gone)
        }
    }

    /// The reader is given what comes, from now on.
    func begin(_ follower: Follower) {
        let isGone = contents.withLock { contents in
            contents.follower = follower
            return contents.isGone
        }
        if isGone { follower.end(.gone) }
    }
}

/// A reader that is given what comes, until it falls behind.
///
/// Its `next` moves on the herald's thread alone, and what is passed is written on its event loop,
/// in that order; whatever it writes itself later goes through the same loop, and comes after.
package final class Follower: Sendable {
    /// Why it is given nothing more.
    package enum End: Equatable, Sendable {
        /// It lacks the entries from this one on, and is to fetch them.
        case behind(UInt64)
        /// Its connection has closed.
        case gone
        /// The node ends.
        case over
    }

    private struct Contents {
        var next: UInt64
        var spokenAt = ContinuousClock.now
        var end: End?
        var waiter: CheckedContinuation<End, Never>?
    }

    private static let sign = ByteBuffer(string: ": still here\n\n")

    private let channel: any Channel
    private let contents: Mutex<Contents>

    init(_ channel: any Channel, next: UInt64) {
        self.channel = channel
        contents = Mutex(Contents(next: next))
    }

    /// Where it writes.
    var loop: any EventLoop { channel.eventLoop }

    /// The entry after the last that was passed to it.
    var next: UInt64 { contents.withLock(\.next) }

    /// Waits until it is given nothing more, or the task is cancelled.
    func ended() async -> End {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let end = contents.withLock { contents in
                    if contents.end == nil { contents.waiter = continuation }
                    return contents.end
                }
                if let end { continuation.resume(returning: end) }
            }
        } onCancel: {
            end(.over)
        }
    }

    /// Ends it; only the first counts.
    func end(_ end: End) {
        let waiter = contents.withLock { contents -> CheckedContinuation<End, Never>? in
            guard contents.end == nil else { return nil }
            contents.end = end
            defer { contents.waiter = nil }
            return contents.waiter
        }
        waiter?.resume(returning: end)
    }

    // MARK: On the herald's thread

    /// Has it fetch what was not passed to it.
    func fallBehind() { end(.behind(next)) }

    /// Counts entries as passed, up to one.
    func pass(to end: UInt64) {
        contents.withLock { contents in
            contents.next = end
            contents.spokenAt = .now
        }
    }

    /// Whether nothing was written to it for so long.
    func isSilent(for duration: Duration) -> Bool {
        contents.withLock { $0.spokenAt.duration(to: .now) >= duration }
    }

    /// Writes a sign of life.
    func sayNothing() {
        contents.withLock { $0.spokenAt = .now }
        loop.execute { self.write(Self.sign, from: .max) }
    }

    // MARK: On its event loop

    /// Writes what was passed; where what was written before is not taken yet it falls behind.
    func write(_ bytes: ByteBuffer, from start: UInt64) {
        let isWritable = channel.isWritable
        let isWanted = contents.withLock { contents in
            switch contents.end {
            case nil: isWritable
            // What was passed before it fell behind is not fetched again.
            case .behind(let entry): start < entry
            case .gone, .over: false
            }
        }
        if isWanted {
            channel.writeAndFlush(ResponsePart.body(bytes), promise: nil)
        } else if start < .max {
            end(.behind(start))
        }
    }
}
