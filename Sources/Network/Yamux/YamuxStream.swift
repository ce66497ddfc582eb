// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// One stream of a session.
///
/// Kept: `0 <= received window`, which is what the peer may still send without a further update;
/// `consumedBytes + window + unconsumedBytes == YamuxSession.windowBytes`.
struct YamuxStream: Sendable {
    /// What must be said of the stream with its next frame.
    enum Opening { case open, syn, ack }

    /// Whether it was opened here.
    let isOurs: Bool
    /// Whether the peer has accepted it; true from the start for a stream of the peer's.
    var isAcknowledged: Bool
    /// What the next frame must say.
    var opening: Opening
    /// What we may still send.
    var sendWindowBytes: UInt64 = UInt64(YamuxSession.windowBytes)
    /// What the peer may still send.
    var receiveWindowBytes: UInt32 = YamuxSession.windowBytes
    /// What has been taken from the stream and not been given back to the peer as window.
    var consumedBytes: UInt32 = 0
    /// What waits to be sent.
    var pending = ByteQueue()
    /// Whether nothing is written any more; the end is sent behind what waits.
    var isFinishing = false
    /// Whether our end has been sent.
    var isFinished = false
    /// Whether the peer's end has come.
    var isRemoteFinished = false
    /// Whether the stream is in the queue of those with something to send.
    var isQueued = false
    /// Whether a write was refused, so that the writer waits to be told.
    var hasWaitingWriter = false

    /// Whether there is something that may be sent now.
    var canSend: Bool {
        if opening != .open || windowUpdateIsDue { return true }
        if isFinished { return false }
        return pending.isEmpty ? isFinishing : sendWindowBytes > 0
    }

    /// Whether so much has been consumed that the peer should hear of it.
    var windowUpdateIsDue: Bool {
        !isRemoteFinished && consumedBytes >= YamuxSession.windowBytes / 2
    }
}

/// Bytes that wait, in the chunks in which they came.
struct ByteQueue: Sendable {
    private var chunks: [[UInt8]] = []
    /// The first chunk that is not used up, and the place in it.
    private var first = 0
    private var place = 0
    /// How many bytes wait.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        chunks.append(bytes)
        count += bytes.count
    }

    /// Moves at most `limit` bytes to the end of `output`.
    mutating func move(atMost limit: Int, to output: inout [UInt8]) {
        var left = min(limit, count)
        count -= left
        while left > 0 {
            let chunk = chunks[first]
            let size = min(left, chunk.count - place)
            output += chunk[place..<place + size]
            place += size
            left -= size
            guard place == chunk.count else { continue }
            chunks[first] = []
            first += 1
            place = 0
            // Used chunks are dropped when they are the larger half.
            if first > 32 && first * 2 > chunks.count {
                chunks.removeFirst(first)
                first = 0
            }
        }
    }
}
