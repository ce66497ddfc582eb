// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Ledger
internal import Synchronization

/// What reaches a local run from its nodes and its input.
enum LocalArrival: Sendable {
    /// A line of input, read.
    case request(line: Int, Result<ReadRequest, RequestProblem>)
    /// There is no more input.
    case inputEnded(NodeError?)
    /// What a node says to the request of a line.
    case answered(line: Int, ReadRequest, ClientAnswer)
    /// What a node tells.
    case told(NodeTold)
}

/// The one place where a local run waits.
final class LocalDesk: Sendable {
    private struct Contents {
        var lines: [LocalArrival] = []
        var others: [LocalArrival] = []
        var isClosed = false
        var isStopped = false
        var isPoked = false
        var isBegun = false
        /// The last batch that somebody was asked to tell of.
        var claimed: Height?
    }

    private let monitor = Monitor()
    private let contents = Mutex(Contents())

    private func change<R: Sendable>(_ body: (inout sending Contents) -> R) -> R {
        monitor.locked {
            defer { monitor.wakeAll() }
            return contents.withLock { body(&$0) }
        }
    }

    /// Whether this is the first call.
    func begin() -> Bool {
        change { contents in
            defer { contents.isBegun = true }
            return !contents.isBegun
        }
    }

    /// Whether the caller is the first to ask for a batch; nodes ask in order.
    func claim(_ height: Height) -> Bool {
        contents.withLock { contents in
            if let claimed = contents.claimed, height <= claimed { return false }
            contents.claimed = height
            return true
        }
    }

    /// Adds a line of input, after waiting for room; false where nobody will read it.
    func put(line: LocalArrival) -> Bool {
        monitor.locked {
            while true {
                let (isClosed, isFull) = contents.withLock {
                    ($0.isClosed, $0.lines.count >= NodeLimits.waitingRequestsMax)
                }
                if isClosed { return false }
                if !isFull { break }
                monitor.wait()
            }
            contents.withLock { $0.lines.append(line) }
            monitor.wakeAll()
            return true
        }
    }

    func put(_ told: NodeTold) { change { $0.others.append(.told(told)) } }
    func put(_ arrival: LocalArrival) { change { $0.others.append(arrival) } }
    func poke() { change { $0.isPoked = true } }
    func stop() { change { $0.isStopped = true } }
    func close() { change { $0.isClosed = true } }

    /// Pops all that waits, of the lines at most `room`; waits at most so long for something.
    func pop(
        room: Int, waitMilliseconds: UInt64
    ) -> (arrivals: [LocalArrival], isStopped: Bool) {
        monitor.locked {
            let isEmpty = contents.withLock { contents in
                contents.others.isEmpty && (contents.lines.isEmpty || room == 0)
                    && !contents.isStopped && !contents.isPoked
            }
            if isEmpty, waitMilliseconds > 0 { monitor.wait(milliseconds: waitMilliseconds) }
            defer { monitor.wakeAll() }
            return contents.withLock { contents in
                let arrivals = contents.others + contents.lines.prefix(room)
                contents.others = []
                contents.lines.removeFirst(min(room, contents.lines.count))
                contents.isPoked = false
                return (arrivals, contents.isStopped)
            }
        }
    }
}
