// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Node
internal import Projections
internal import Synchronization

/// The node as routes see it: its facts, its state, its log and its projections, all of it bounded.
final class NodeDesk: Sendable {
    let node: ValidatorNode
    let feed: NodeFeed
    let limits: APILimits
    /// Who can be reached, by their keys.
    let parties: @Sendable () -> [PublicKey]
    /// For short looks at the disk.
    let reading: Lane
    /// For what folds the log, one at a time.
    let folding: Lane
    /// For the signatures of what is handed in.
    let checking: Lane
    /// Tells those who follow the ledger what it grows by.
    let herald: Herald

    private let views: ViewPool
    private let asked = Mutex(0)

    init(
        _ node: ValidatorNode, _ feed: NodeFeed, _ limits: APILimits,
        parties: @escaping @Sendable () -> [PublicKey]
    ) {
        self.node = node
        self.feed = feed
        self.limits = limits
        self.parties = parties
        reading = Lane("the disk", threads: 4, waitingMax: limits.readsMax)
        folding = Lane("a fold of the log", threads: 1, waitingMax: limits.foldsMax)
        checking = Lane("a signature", threads: 1, waitingMax: limits.submissionsMax)
        views = ViewPool(node.home.ledgerDirectory)
        herald = Herald(limits) { try Self.log(of: node) }
        feed.attach(herald)
    }

    /// Ends its threads.
    func stop() async {
        await herald.stop()
        await reading.stop()
        await folding.stop()
        await checking.stop()
        views.close()
    }

    // MARK: The log

    /// The log, and how many of its entries are told of.
    func log() throws -> (log: EventLog, size: UInt64) { try Self.log(of: node) }

    private static func log(of node: ValidatorNode) throws -> (log: EventLog, size: UInt64) {
        guard let log = node.log else {
            throw APIError.busy("the log is not open", reason: "ending")
        }
        return (log, min(log.size, node.facts.size))
    }

    // MARK: The state

    /// Reads the state, on the node's thread.
    func state<Value: Sendable>(
        _ body: @escaping @Sendable (LedgerState) -> Value
    ) async throws -> Value {
        try await ask { answer in self.node.readState(body) { answer.give($0) } }
    }

    /// How the node is, as its thread sees it.
    func reading() async throws -> NodeReading {
        try await ask(milliseconds: limits.scrapeMilliseconds) { answer in
            self.node.read { answer.give($0) }
        }
    }

    /// The precommits of the last batch; nil where the node lacks them.
    func proof() async throws -> Precommits? {
        try await ask { answer in self.node.readProof { answer.give($0) } }
    }

    /// Hands in a message and gives the first answer. A refusal that comes later is remembered.
    func submit(_ message: Message) async throws -> ClientAnswer {
        let id = Spool.identity(of: message, in: node.home.ledger)
        feed.note(nil, of: id)
        let feed = feed
        return try await ask { answer in
            self.node.submit(message) { said in
                if case .refused(let refusal) = said { feed.note(refusal, of: id) }
                answer.give(said)
            }
        }
    }

    private func ask<Value: Sendable>(
        milliseconds: UInt64? = nil, _ question: (OneAnswer<Value>) -> Void
    ) async throws -> Value {
        let isTaken = asked.withLock { asked in
            guard asked < limits.submissionsMax else { return false }
            asked += 1
            return true
        }
        guard isTaken else { throw APIError.busy("too many wait for the node") }
        defer { asked.withLock { $0 -= 1 } }
        let answer = OneAnswer<Value>()
        question(answer)
        guard
            let value = await answer.wait(
                milliseconds: milliseconds ?? limits.answerMilliseconds)
        else {
            throw APIError.busy("the node does not answer in time")
        }
        return value
    }

    // MARK: The projections

    /// Asks the projections, all from one moment.
    ///
    /// - Parameter isWide: Whether it costs in proportion to the history: one such at a time.
    func ask<Value: Sendable>(
        isWide: Bool = false,
        _ question: @escaping @Sendable (LedgerViews) throws(ViewError) -> Value
    ) async throws -> Value {
        try await (isWide ? folding : reading).run { [views] in try views.ask(question) }
    }
}

/// An answer that comes once, late, or not at all.
final class OneAnswer<Value: Sendable>: Sendable {
    private enum Contents {
        case nothing
        case waited(CheckedContinuation<Value?, Never>)
        case given(Value)
        case over
    }

    private let contents = Mutex<Contents>(.nothing)

    /// Gives it; only the first counts.
    func give(_ value: Value) {
        let waiter = contents.withLock { contents -> CheckedContinuation<Value?, Never>? in
            switch contents {
            case .nothing: contents = .given(value)
            case .waited(let waiter):
                contents = .over
                return waiter
            case .given, .over: break
            }
            return nil
        }
        waiter?.resume(returning: value)
    }

    private func giveUp() {
        let waiter = contents.withLock { contents -> CheckedContinuation<Value?, Never>? in
            guard case .waited(let waiter) = contents else { return nil }
            contents = .over
            return waiter
        }
        waiter?.resume(returning: nil)
    }

    /// Waits for it; nil where it does not come in time.
    func wait(milliseconds: UInt64) async -> Value? {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await Task.sleep(for: .milliseconds(milliseconds)) } catch { return }
                self.giveUp()
            }
            defer { group.cancelAll() }
            return await withCheckedContinuation { continuation in
                let given = contents.withLock { contents -> Value? in
                    if case .given(let value) = contents { return value }
                    contents = .waited(continuation)
                    return nil
                }
                if let given { continuation.resume(returning: given) }
            }
        }
    }
}
