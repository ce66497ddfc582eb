// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension YamuxSession {
    /// Whether there are frames to be sent.
    package var hasFrames: Bool { !control.isEmpty || !queue.isEmpty }

    /// Takes frames that are to be sent now, about `limit` bytes of them, and tells of streams that
    /// ended with them and of writers that may go on.
    ///
    /// Answers come first, then the streams in turn, a frame each.
    package mutating func takeFrames(limit: Int) -> (frames: [UInt8], events: [Event]) {
        var frames = control
        control = []
        var events: [Event] = []
        var turn = 0
        while turn < queue.count, frames.count < limit {
            let number = queue[turn]
            turn += 1
            // A stream that is gone left its place in the queue.
            guard var stream = streams.removeValue(forKey: number) else { continue }
            stream.isQueued = false
            Self.appendFrames(of: &stream, number: number, to: &frames)
            if stream.hasWaitingWriter && stream.pending.count <= Self.pendingBytesMax / 2 {
                stream.hasWaitingWriter = false
                events.append(.writable(number))
            }
            streams[number] = stream
            if stream.isFinished && stream.isRemoteFinished {
                remove(number)
                events.append(.closed(number, wasReset: false))
            } else {
                enqueue(number)
            }
        }
        queue.removeFirst(turn)
        return (frames, events)
    }

    private static func appendFrames(
        of stream: inout YamuxStream, number: UInt32, to frames: inout [UInt8]
    ) {
        var flags: UInt16 =
            switch stream.opening {
            case .syn: YamuxHeader.syn
            case .ack: YamuxHeader.ack
            case .open: 0
            }
        let size = min(
            UInt64(frameBytesMax), stream.sendWindowBytes, UInt64(stream.pending.count))
        let ends = stream.isFinishing && !stream.isFinished && size == stream.pending.count
        // A window update says what has been consumed, and opens a stream that has no data yet.
        if stream.windowUpdateIsDue || (flags != 0 && size == 0 && !ends) {
            let delta = stream.isRemoteFinished ? 0 : stream.consumedBytes
            YamuxHeader(.windowUpdate, flags: flags, stream: number, length: delta)
                .append(to: &frames)
            stream.receiveWindowBytes += delta
            stream.consumedBytes -= delta
            flags = 0
        }
        stream.opening = .open
        guard size > 0 || ends else { return }
        if ends { flags |= YamuxHeader.fin }
        YamuxHeader(.data, flags: flags, stream: number, length: UInt32(size))
            .append(to: &frames)
        stream.pending.move(atMost: Int(size), to: &frames)
        stream.sendWindowBytes -= size
        if ends { stream.isFinished = true }
    }
}
