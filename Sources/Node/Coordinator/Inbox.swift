// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Foundation
internal import Hosting
internal import Ledger
internal import Synchronization

/// What reaches the coordinator from its other threads.
enum Arrival: Sendable {
    /// A line of input, read.
    case request(line: Int, Result<ReadRequest, RequestProblem>)
    /// There is no more input.
    case inputEnded(NodeError?)
    /// A validator has judged some requests.
    case judged(ValidatorIndex, [(RequestID, Verdict)])
    /// A validator's votes are durable and signed.
    case voted(ValidatorIndex, Result<[Checked<Message>], NodeError>)
    /// New files of the spool, in order; damaged ones among them.
    case spoolRead(Result<[SpooledJob], NodeError>)
    /// Files of the spool are removed, or could not be.
    case spoolCleared([String], Result<Void, NodeError>)
    /// A validator has run a job.
    case ran(JobEnd)
    /// A snapshot was written, or could not be.
    case snapshotKept(Result<Void, LogError>)
    /// A checkpoint was written, with what a person should hear, or could not be.
    case checkpointKept(Result<[String], NodeError>)
    /// The projections have something to say.
    case projectionsNotice(String)
    /// The projections follow the log no more, and why.
    case projectionsStopped(String)
    /// The bridge has answered, in the order of the requests named.
    case settled([EntryIndex], Result<[Result<SettlementMessage, SingleOrderProblem>], NodeError>)
}

/// The one place where the coordinator waits.
///
/// Requests wait in a queue of `requestsMax`, whose writer waits when it is full. Results of work
/// that the coordinator gave out are never held up; their number is bounded by that work.
final class Inbox: Sendable {
    private struct Contents {
        var requests: [Arrival] = []
        var results: [Arrival] = []
        var isClosed = false
        var isStopped = false
    }

    private let condition = NSCondition()
    private let contents = Mutex(Contents())
    private let requestsMax: Int

    init(requestsMax: Int) { self.requestsMax = requestsMax }

    /// Adds a line of input, after waiting for room; false where nobody will read it.
    func put(request: Arrival) -> Bool {
        condition.lock()
        while true {
            let (isClosed, isFull) = contents.withLock {
                ($0.isClosed, $0.requests.count >= requestsMax)
            }
            if isClosed {
                condition.unlock()
                return false
            }
            if !isFull { break }
            condition.wait()
        }
        contents.withLock { $0.requests.append(request) }
        condition.broadcast()
        condition.unlock()
        return true
    }

    /// Adds a result.
    func put(result: Arrival) {
        condition.lock()
        contents.withLock { $0.results.append(result) }
        condition.broadcast()
        condition.unlock()
    }

    /// Takes all results and at most `room` requests; waits at most so long where there is none.
    func take(room: Int, waitMilliseconds: UInt64) -> (arrivals: [Arrival], isStopped: Bool) {
        condition.lock()
        defer { condition.unlock() }
        let end = Date(timeIntervalSinceNow: Double(waitMilliseconds) / 1000)
        while true {
            let (arrivals, isStopped) = contents.withLock { contents -> ([Arrival], Bool) in
                let arrivals = contents.results + contents.requests.prefix(room)
                contents.results = []
                contents.requests.removeFirst(min(room, contents.requests.count))
                return (arrivals, contents.isStopped)
            }
            guard arrivals.isEmpty, !isStopped, waitMilliseconds > 0 else {
                condition.broadcast()
                return (arrivals, isStopped)
            }
            guard condition.wait(until: end) else { return ([], isStopped) }
        }
    }

    /// Whether anything waits to be taken.
    var isEmpty: Bool { contents.withLock { $0.requests.isEmpty && $0.results.isEmpty } }

    /// Asks the coordinator to end.
    func stop() {
        condition.lock()
        contents.withLock { $0.isStopped = true }
        condition.broadcast()
        condition.unlock()
    }

    /// Turns the writer of requests away.
    func close() {
        condition.lock()
        contents.withLock { $0.isClosed = true }
        condition.broadcast()
        condition.unlock()
    }
}
