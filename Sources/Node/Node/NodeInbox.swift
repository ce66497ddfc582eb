// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import Synchronization

/// Something that is done on a node's own thread.
typealias NodeWork = @Sendable (NodeCore) throws(NodeError) -> Void

/// The one place where a node waits: what peers sent, and what it gave out and has come back.
///
/// The node's own results have no bound here but that of the work that it gives out: no peer can
/// keep them out, and they come first.
final class NodeInbox: Sendable {
    /// What is to be looked at.
    struct Arrivals {
        var verdicts: [(RequestID, Vote, VoteReason)]
        var work: [NodeWork]
        var messages: [(message: [UInt8], sender: PublicKey)]
        var isStopped: Bool
    }

    private struct Contents {
        var verdicts: [(RequestID, Vote, VoteReason)] = []
        var work: [NodeWork] = []
        var peers = PeerQueues()
        var isStopped = false
        var isClosed = false
        var isPoked = false
    }

    private let monitor = MonotonicMonitor()
    private let contents = Mutex(Contents())

    private func change(_ body: (inout sending Contents) -> Void) {
        monitor.locked {
            contents.withLock { body(&$0) }
            monitor.wakeAll()
        }
    }

    /// Adds what a peer sent, where there is room.
    func put(_ message: [UInt8], from sender: PublicKey) {
        change { contents in
            guard !contents.isClosed else { return }
            _ = contents.peers.add(message, from: sender)
        }
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
    func stop() { change { $0.isStopped = true } }

    /// Takes nothing any more.
    func close() {
        change { contents in
            contents.isClosed = true
            contents.work = []
            contents.verdicts = []
            contents.peers = PeerQueues()
        }
    }

    /// Messages of peers that found no room.
    var dropped: UInt64 { contents.withLock { $0.peers.dropped } }

    /// Takes what waits, of the peers' messages some; waits at most so long where there is nothing.
    func take(waitMilliseconds: UInt64) -> Arrivals {
        monitor.locked {
            let isEmpty = contents.withLock { contents in
                contents.verdicts.isEmpty && contents.work.isEmpty && contents.peers.isEmpty
                    && !contents.isStopped && !contents.isPoked
            }
            if isEmpty, waitMilliseconds > 0 { monitor.wait(milliseconds: waitMilliseconds) }
            return contents.withLock { contents in
                let arrivals = Arrivals(
                    verdicts: contents.verdicts, work: contents.work,
                    messages: contents.peers.take(NodeLimits.messagesAtOnce),
                    isStopped: contents.isStopped)
                contents.verdicts = []
                contents.work = []
                contents.isPoked = false
                return arrivals
            }
        }
    }
}
