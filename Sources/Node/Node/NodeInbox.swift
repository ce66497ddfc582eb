// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication
internal import Synchronization

/// Something that is done on a node's own thread.
typealias NodeWork = @Sendable (NodeCore) throws(NodeError) -> Void

/// The one place where a node waits: what peers sent, and what it gave out and has come back.
///
/// The node's own results have no bound here but that of the work that it gives out: no peer can
/// keep them out, and they come first. The node's thread and the one that checks what peers sent
/// wait apart, so that neither is woken for the other.
final class NodeInbox: Sendable {
    /// What is to be looked at.
    struct Arrivals {
        var verdicts: [(RequestID, Vote, VoteReason)]
        var work: [NodeWork]
        var checked: CheckedMessages
        var isStopped: Bool
    }

    /// What peers sent and a look at the bytes alone could not refuse.
    struct CheckedMessages {
        /// What is the host's, with its signatures checked, and who waits for what it is worth.
        var arrivals: [(checked: CheckedArrival, judge: (@Sendable (Worth) -> Void)?)] = []
        /// What is the duties'.
        var duties: [(message: DutyMessage, arrival: Arrival)] = []
        /// What observers ask.
        var questions: [(message: PeerMessage, sender: PublicKey)] = []
        /// All that came, for a node that misbehaves.
        var heard: [Arrival] = []

        var isEmpty: Bool { count == 0 && heard.isEmpty }
        var count: Int { arrivals.count + duties.count + questions.count }
    }

    private struct Contents {
        var verdicts: [(RequestID, Vote, VoteReason)] = []
        var work: [NodeWork] = []
        var peers = PeerQueues()
        var checked = CheckedMessages()
        var isStopped = false
        var isClosed = false
        var isPoked = false
    }

    /// Where the node's thread waits.
    private let node = Monitor()
    /// Where the thread waits that checks what peers sent.
    private let checking = Monitor()
    private let contents = Mutex(Contents())

    /// Changes what there is, and wakes the node.
    private func change(_ body: (inout sending Contents) -> Void) {
        node.locked {
            contents.withLock { body(&$0) }
            node.wakeAll()
        }
    }

    private func wakeChecking() { checking.locked { checking.wakeAll() } }

    /// Adds what a peer sent, where there is room.
    func put(_ message: Arrival) {
        let isTaken = checking.locked {
            let isTaken = contents.withLock { !$0.isClosed && $0.peers.add(message) }
            if isTaken { checking.wakeAll() }
            return isTaken
        }
        if !isTaken { message.judge?(.ignore) }
    }

    /// Adds what came of work that the node gave out.
    func put(_ work: @escaping NodeWork) {
        change { contents in
            guard !contents.isClosed else { return }
            contents.work.append(work)
        }
    }

    /// Adds a verdict.
    func put(_ request: RequestID, _ vote: Vote, _ reason: VoteReason) {
        change { $0.verdicts.append((request, vote, reason)) }
    }

    /// Has the node look up.
    func poke() { change { $0.isPoked = true } }

    /// Asks the node to end.
    func stop() {
        change { $0.isStopped = true }
        wakeChecking()
    }

    /// Takes nothing any more.
    func close() {
        change { contents in
            contents.isClosed = true
            contents.work = []
            contents.verdicts = []
            contents.peers = PeerQueues()
            contents.checked = CheckedMessages()
        }
        wakeChecking()
    }

    // MARK: Checking

    /// Takes some of what peers sent, to be checked, once there is something and little that was
    /// checked before waits; nil when the node ends.
    func takeUnchecked() -> [Arrival]? {
        checking.locked {
            while true {
                let (isOver, messages) = contents.withLock {
                    contents -> (Bool, [Arrival]) in
                    let isOver = contents.isClosed || contents.isStopped
                    guard !isOver, contents.checked.count < NodeLimits.messagesAtOnce else {
                        return (isOver, [])
                    }
                    return (false, contents.peers.pop(NodeLimits.messagesAtOnce))
                }
                if isOver { return nil }
                if !messages.isEmpty { return messages }
                checking.wait()
            }
        }
    }

    /// Adds what was checked.
    func put(_ checked: CheckedMessages) {
        change { contents in
            guard !contents.isClosed else { return }
            contents.checked.arrivals += checked.arrivals
            contents.checked.duties += checked.duties
            contents.checked.questions += checked.questions
            contents.checked.heard += checked.heard
        }
    }

    // MARK: Taking

    /// Messages of peers that found no room.
    var dropped: UInt64 { contents.withLock { $0.peers.dropped } }

    /// Messages of the peer with the most that wait to be checked.
    var waitingMax: Int { contents.withLock { $0.peers.waitingMax } }

    /// Takes what waits, of the peers' messages those that were checked; waits at most so long
    /// where there is nothing.
    func pop(waitMilliseconds: UInt64) -> Arrivals {
        let arrivals = node.locked {
            let isEmpty = contents.withLock { contents in
                contents.verdicts.isEmpty && contents.work.isEmpty && contents.checked.isEmpty
                    && !contents.isStopped && !contents.isPoked
            }
            if isEmpty, waitMilliseconds > 0 { node.wait(milliseconds: waitMilliseconds) }
            return contents.withLock { contents in
                let arrivals = Arrivals(
                    verdicts: contents.verdicts, work: contents.work,
                    checked: contents.checked, isStopped: contents.isStopped)
                contents.checked = CheckedMessages()
                contents.verdicts = []
                contents.work = []
                contents.isPoked = false
                return arrivals
            }
        }
        // It may have waited for room.
        if arrivals.checked.count >= NodeLimits.messagesAtOnce { wakeChecking() }
        return arrivals
    }
}
