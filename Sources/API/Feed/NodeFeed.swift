// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
package import Node
internal import Synchronization

/// What a node tells of itself, for those who wait for it over HTTP.
///
/// `told` and `changed` are called on the node's thread and cost it a place in a queue; a queue
/// that is full drops the oldest. Who waits looks at the projections too, so nothing rests on it.
package final class NodeFeed: Sendable {
    private enum Item: Sendable {
        case told(NodeTold)
        case changed
    }

    private static let itemsMax = 4_096

    private let items: AsyncStream<Item>
    private let entrance: AsyncStream<Item>.Continuation
    private let limits: APILimits
    private let decisions: Mutex<Remembered<RequestID, ConsensusResult>>
    private let refusals: Mutex<Remembered<Digest, Refusal>>
    private let problem = Mutex<String?>(nil)
    private let herald = Mutex<Herald?>(nil)

    /// Raised when the node's ledger has grown, and once in a while.
    let signal = Signal()

    /// A feed of a node that is still to be started.
    package init(limits: APILimits = APILimits()) {
        self.limits = limits
        (items, entrance) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.itemsMax))
        decisions = Mutex(Remembered(countMax: limits.rememberedMax))
        refusals = Mutex(Remembered(countMax: limits.rememberedMax))
    }

    // MARK: What the node says

    /// The node has told something.
    package func told(_ told: NodeTold) { entrance.yield(.told(told)) }

    /// The facts of the node have changed.
    package func changed() {
        herald.withLock { $0 }?.ring()
        entrance.yield(.changed)
    }

    /// Has a herald rung whenever the node's facts change, and once in a while.
    func attach(_ herald: Herald) { self.herald.withLock { $0 = herald } }

    /// Notes what the node says, until `end`.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [self] in
                // Those who wait for a time look at it once a second.
                while !signal.isOver {
                    do { try await Task.sleep(for: .seconds(1)) } catch { return }
                    signal.raise()
                    herald.withLock { $0 }?.ring()
                }
            }
            for await item in items { note(item) }
            signal.end()
            group.cancelAll()
        }
    }

    /// Ends the feed: nobody waits any longer.
    func end() {
        entrance.finish()
        signal.end()
        herald.withLock { $0 }?.end()
    }

    private func note(_ item: Item) {
        switch item {
        case .changed: signal.raise()
        case .told(.event(.projectionsStopped(let text))): problem.withLock { $0 = text }
        case .told(.event): break
        case .told(.batch(_, _, _, let events, _)):
            for case .decided(_, let result) in events {
                guard let id = Bytes32(hex: result.requestID) else { continue }
                decisions.withLock { $0.add(RequestID(Digest(id)), result) }
            }
        }
    }

    // MARK: What is asked

    /// Why the projections follow no more; nil while they do.
    var projectionsProblem: String? { problem.withLock { $0 } }

    /// How a request was decided lately.
    func decision(of request: RequestID) -> ConsensusResult? { decisions.withLock { $0[request] } }

    /// Why a message was refused lately; by its identity (`Spool.identity`).
    func refusal(of message: Digest) -> Refusal? { refusals.withLock { $0[message] } }

    /// Remembers that a message was refused, or is handed in again.
    func note(_ refusal: Refusal?, of message: Digest) {
        refusals.withLock { refusals in
            if let refusal { refusals.add(message, refusal) } else { refusals.remove(message) }
        }
        if refusal != nil { entrance.yield(.changed) }
    }
}
