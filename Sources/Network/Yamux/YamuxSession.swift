// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Many streams over one connection, on one side: frames and writes go in, events come out, and
/// frames to be sent are taken when there is room for them.
///
/// Nothing is kept without a bound: what comes is handed on at once, and no more of a stream than
/// its window may be under way; what waits to be sent of a stream is bounded by `write`; answers
/// that a peer causes by `controlBytesMax`; streams by `streamsMax` on each side.
/// Source: libp2p, yamux.
package struct YamuxSession: Sendable {
    /// What has happened.
    package enum Event: Equatable, Sendable {
        /// The peer has opened a stream.
        case opened(UInt32)
        /// Bytes have come. They count against the window until `consume`.
        case data(UInt32, [UInt8])
        /// A writer who was refused may write again.
        case writable(UInt32)
        /// The peer sends no more on this stream.
        case remoteFinished(UInt32)
        /// The stream is gone: by both ends, or at once by the peer.
        case closed(UInt32, wasReset: Bool)
        /// The answer to a ping of this value.
        case pong(UInt32)
        /// The peer opens and accepts no more streams; zero is a normal end.
        case goAway(code: UInt32)
    }

    /// The window of each stream, both ways, in bytes.
    package static let windowBytes: UInt32 = 256 << 10
    /// The most streams that one side has open.
    package static let streamsMax = 512
    /// The most streams of ours that the peer has not accepted yet.
    package static let backlogMax = 256
    /// The most bytes of pings, resets and window updates that wait to be sent.
    package static let controlBytesMax = 64 << 10
    /// The streams above the bound that are refused before the session ends.
    package static let refusedMax = 1024
    /// The most bytes of data in a frame that we send.
    package static let frameBytesMax = 16 << 10
    /// From here on a write is refused, in bytes that wait for a stream.
    package static let pendingBytesMax = 1 << 20

    let role: Role
    var streams: [UInt32: YamuxStream] = [:]
    /// Streams with something to send, first come first served.
    var queue: [UInt32] = []
    var control: [UInt8] = []
    var nextNumber: UInt32
    /// The highest number under which the peer has opened a stream.
    var remoteNumber: UInt32 = 0
    var openCount = 0
    var remoteOpenCount = 0
    var unacknowledgedCount = 0
    var refusedCount = 0
    /// Whether the peer has said that it will accept nothing more.
    package internal(set) var isClosing = false

    var header: [UInt8] = []
    /// The stream whose data is coming, and how much of it is left.
    var body: (stream: UInt32, left: UInt32, ends: Bool)?

    /// A session with no streams.
    package init(role: Role) {
        self.role = role
        nextNumber = role == .dialer ? 1 : 2
    }

    /// Opens a stream and returns its number; nil where there are too many, too many that the peer
    /// has not accepted, or no more are wanted.
    package mutating func open() -> UInt32? {
        guard !isClosing, openCount < Self.streamsMax, unacknowledgedCount < Self.backlogMax,
            nextNumber <= UInt32.max - 2
        else { return nil }
        let number = nextNumber
        nextNumber += 2
        openCount += 1
        unacknowledgedCount += 1
        streams[number] = YamuxStream(isOurs: true, isAcknowledged: false, opening: .syn)
        enqueue(number)
        return number
    }

    /// Appends bytes to what a stream has to send.
    ///
    /// Refuses, and takes nothing, where `pendingBytesMax` or more are waiting already: the event
    /// `writable` tells when half of them are gone. False also where the stream is gone or ended.
    package mutating func write(_ bytes: [UInt8], to number: UInt32) -> Bool {
        guard streams[number]?.isFinishing == false else { return false }
        guard pendingBytes(number) < Self.pendingBytesMax else {
            streams[number]?.hasWaitingWriter = true
            return false
        }
        streams[number]?.pending.append(bytes)
        enqueue(number)
        return true
    }

    /// The bytes that a stream has to send.
    package func pendingBytes(_ number: UInt32) -> Int { streams[number]?.pending.count ?? 0 }

    /// Gives `count` bytes that have come back to the peer as window.
    package mutating func consume(_ count: Int, of number: UInt32) {
        guard let stream = streams[number] else { return }
        let open = UInt64(stream.receiveWindowBytes) + UInt64(stream.consumedBytes)
        invariant(
            count >= 0 && open + UInt64(count) <= UInt64(Self.windowBytes),
            "\(count) bytes consumed of a stream that had fewer")
        streams[number]?.consumedBytes += UInt32(count)
        if streams[number]?.windowUpdateIsDue == true { enqueue(number) }
    }

    /// Ends our side of a stream behind what it has to send.
    package mutating func finish(_ number: UInt32) {
        guard streams[number]?.isFinishing == false else { return }
        streams[number]?.isFinishing = true
        enqueue(number)
    }

    /// Ends a stream at once, both ways. No event tells of it.
    package mutating func reset(_ number: UInt32) {
        guard let stream = streams[number] else { return }
        // The peer never heard of a stream whose first frame was not sent.
        if stream.opening != .syn { appendReset(number) }
        remove(number)
    }

    /// Asks the peer for an answer to this value.
    package mutating func ping(_ value: UInt32) {
        YamuxHeader(.ping, flags: YamuxHeader.syn, stream: 0, length: value).append(to: &control)
    }

    /// Tells the peer that the session ends; 0 normally, 1 for an error of the peer's, 2 for ours.
    package mutating func goAway(code: UInt32) {
        isClosing = true
        YamuxHeader(.goAway, stream: 0, length: code).append(to: &control)
    }

    /// How many streams are open, both ways.
    package var streamCount: Int { openCount + remoteOpenCount }

    mutating func appendReset(_ number: UInt32) {
        YamuxHeader(.windowUpdate, flags: YamuxHeader.rst, stream: number, length: 0)
            .append(to: &control)
    }

    mutating func enqueue(_ number: UInt32) {
        guard let stream = streams[number], !stream.isQueued, stream.canSend else { return }
        streams[number]?.isQueued = true
        queue.append(number)
    }

    mutating func remove(_ number: UInt32) {
        guard let stream = streams.removeValue(forKey: number) else { return }
        if stream.isOurs {
            openCount -= 1
            if !stream.isAcknowledged { unacknowledgedCount -= 1 }
        } else {
            remoteOpenCount -= 1
        }
    }
}
