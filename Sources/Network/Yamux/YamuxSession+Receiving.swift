// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension YamuxSession {
    /// Receives bytes as they came, and tells what they mean. Data is handed on as it comes, also
    /// that of frames which are not whole yet.
    ///
    /// After an error the session is at its end.
    package mutating func receive(
        _ bytes: some Collection<UInt8>
    ) throws(YamuxError) -> [Event] {
        var events: [Event] = []
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            if let current = body {
                let chunk = rest.prefix(Int(current.left))
                rest = rest.dropFirst(chunk.count)
                receive(chunk, of: current, events: &events)
                continue
            }
            let part = rest.prefix(YamuxHeader.bytesCount - header.count)
            header += part
            rest = rest.dropFirst(part.count)
            guard header.count == YamuxHeader.bytesCount else { break }
            let head = try YamuxHeader(header)
            header.removeAll(keepingCapacity: true)
            try receive(head, events: &events)
        }
        return events
    }

    private mutating func receive(
        _ chunk: ArraySlice<UInt8>, of current: (stream: UInt32, left: UInt32, ends: Bool),
        events: inout [Event]
    ) {
        let left = current.left - UInt32(chunk.count)
        body = left > 0 ? (current.stream, left, current.ends) : nil
        // Data under way when a stream was reset belongs to nobody.
        guard streams[current.stream] != nil else { return }
        events.append(.data(current.stream, Array(chunk)))
        if left == 0 && current.ends { finishRemote(current.stream, events: &events) }
    }

    private mutating func receive(
        _ head: YamuxHeader, events: inout [Event]
    ) throws(YamuxError) {
        switch head.kind {
        case .ping:
            guard head.stream == 0 else { throw .wrongStream(head.stream) }
            if head.has(YamuxHeader.syn) {
                YamuxHeader(.ping, flags: YamuxHeader.ack, stream: 0, length: head.length)
                    .append(to: &control)
            } else if head.has(YamuxHeader.ack) {
                events.append(.pong(head.length))
            }
        case .goAway:
            guard head.stream == 0 else { throw .wrongStream(head.stream) }
            isClosing = true
            events.append(.goAway(code: head.length))
        case .data, .windowUpdate:
            guard head.stream != 0 else { throw .wrongStream(0) }
            try receiveOfStream(head, events: &events)
        }
        guard control.count <= Self.controlBytesMax else {
            throw .tooManyAnswers(bytes: control.count)
        }
    }

    private mutating func receiveOfStream(
        _ head: YamuxHeader, events: inout [Event]
    ) throws(YamuxError) {
        let number = head.stream
        if head.has(YamuxHeader.syn) { try acceptStream(number, events: &events) }
        guard var stream = streams[number] else {
            guard wasOpened(number) else { throw .streamNumber(number) }
            // The rest of a stream that was reset or refused.
            try dropBody(of: head)
            return
        }
        if head.has(YamuxHeader.ack), stream.isOurs, !stream.isAcknowledged {
            stream.isAcknowledged = true
            unacknowledgedCount -= 1
        }
        if head.has(YamuxHeader.rst) {
            streams[number] = stream
            remove(number)
            events.append(.closed(number, wasReset: true))
            try dropBody(of: head)
            return
        }
        if head.kind == .windowUpdate {
            stream.sendWindowBytes += UInt64(head.length)
            guard stream.sendWindowBytes <= UInt64(UInt32.max) else {
                throw .windowOverflow(stream: number)
            }
        } else if head.length > 0 {
            guard !stream.isRemoteFinished else { throw .dataAfterEnd(stream: number) }
            guard head.length <= stream.receiveWindowBytes else {
                throw .windowOverrun(
                    stream: number, bytes: head.length, window: stream.receiveWindowBytes)
            }
            stream.receiveWindowBytes -= head.length
            body = (number, head.length, head.has(YamuxHeader.fin))
        }
        streams[number] = stream
        enqueue(number)
        if head.has(YamuxHeader.fin) && body == nil { finishRemote(number, events: &events) }
    }

    private mutating func acceptStream(
        _ number: UInt32, events: inout [Event]
    ) throws(YamuxError) {
        let isTheirs = number.isMultiple(of: 2) == (role == .dialer)
        guard isTheirs, number > remoteNumber else { throw .streamNumber(number) }
        remoteNumber = number
        guard remoteOpenCount < Self.streamsMax, !isClosing else {
            refusedCount += 1
            guard refusedCount <= Self.refusedMax else { throw .tooManyStreams }
            appendReset(number)
            return
        }
        remoteOpenCount += 1
        streams[number] = YamuxStream(isOurs: false, isAcknowledged: true, opening: .ack)
        // Accepted with the first frame that is sent on it, which follows at the latest when the
        // frames are taken.
        enqueue(number)
        events.append(.opened(number))
    }

    /// Passes over data that belongs to no stream any more.
    private mutating func dropBody(of head: YamuxHeader) throws(YamuxError) {
        guard head.kind == .data, head.length > 0 else { return }
        guard head.length <= Self.windowBytes else {
            throw .windowOverrun(
                stream: head.stream, bytes: head.length, window: Self.windowBytes)
        }
        body = (head.stream, head.length, false)
    }

    /// Whether a stream of this number has been open: only then may frames of it still come.
    private func wasOpened(_ number: UInt32) -> Bool {
        let isTheirs = number.isMultiple(of: 2) == (role == .dialer)
        return isTheirs ? number <= remoteNumber : number < nextNumber
    }

    private mutating func finishRemote(_ number: UInt32, events: inout [Event]) {
        guard let stream = streams[number], !stream.isRemoteFinished else { return }
        streams[number]?.isRemoteFinished = true
        events.append(.remoteFinished(number))
        if stream.isFinished {
            remove(number)
            events.append(.closed(number, wasReset: false))
        }
    }
}
