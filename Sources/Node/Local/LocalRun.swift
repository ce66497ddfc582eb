// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
internal import Cryptography
internal import Foundation
internal import Ledger
package import Replication
internal import Synchronization

/// How the nodes of a local network are run.
package struct LocalRunOptions: Sendable {
    /// How each validator behaves, by name; those not named are honest.
    package var behaviours: [String: Behaviour] = [:]
    /// What stands between a node and the world, by name of the validator.
    package var misbehaviours: [String: @Sendable (NodeView) -> any Misbehaviour] = [:]
    /// Whether a clock that is more than an hour beyond what is known is right.
    package var acceptsClockJump = false
    /// Requests under way at once.
    package var windowMax = NodeLimits.openRoundsMax
    /// How the nodes time their rounds.
    package var settings = ReplicationSettings.local
    /// Whether projections follow the ledgers.
    package var followsProjections = true
    /// Gives the engine of compute jobs; called once, at the first job.
    package var engine: @Sendable () -> Result<ComputeEngine, ComputeError> = {
        Result { () throws(ComputeError) in try ComputeEngine.load() }
    }

    /// All honest.
    package init() {}

    /// How a validator behaves, in a word.
    func word(for name: String) -> String {
        misbehaviours[name] == nil ? (behaviours[name] ?? .honest).rawValue : "byzantine"
    }

    /// Whether a validator is held to what honest ones do.
    func isHonest(_ name: String) -> Bool {
        behaviours[name] ?? .honest == .honest && misbehaviours[name] == nil
    }
}

/// The nodes of a local network, run in one process over a hub: each agrees with the others, on a
/// disk folder of its own.
package final class LocalRun: Sendable {
    /// The network.
    package let network: LocalNetwork
    let options: LocalRunOptions
    let clock: any NodeClock
    let nodes: [ValidatorNode]
    let bridge: BridgeParty?
    let share: NodeShare
    let hub: LocalHub
    let desk = LocalDesk()

    /// Opens and starts the nodes of the network that are not offline, and its bridge.
    ///
    /// Throws what opening one of them throws; none runs then.
    /// - Parameter hub: What joins them.
    package init(
        _ network: LocalNetwork, options: LocalRunOptions = LocalRunOptions(),
        clock: any NodeClock = SystemClock(), hub: LocalHub = LocalHub()
    ) throws(NodeError) {
        self.network = network
        self.options = options
        self.clock = clock
        let known = network.nodes.map(\.validator)
        for name in options.behaviours.keys.sorted() + options.misbehaviours.keys.sorted()
        where !known.contains(name) {
            throw .unknownNode(name, known: known)
        }
        let share = NodeShare(
            jobs: network.configuration.compute.runnerOptions, engine: options.engine)
        (self.share, self.hub) = (share, hub)
        var nodes: [ValidatorNode] = []
        var bridge: BridgeParty?
        do throws(NodeError) {
            if let home = network.bridge {
                bridge = try BridgeParty(
                    home: home, transport: hub.join(home.key.publicKey, as: .client),
                    tell: { [desk] in desk.put(.event($0)) })
            }
            for home in network.nodes where options.behaviours[home.validator] != .offline {
                nodes.append(try Self.start(home, hub, share, options, clock, desk))
            }
            if nodes.isEmpty { throw .stalled("no validator is to be run") }
            guard nodes.contains(where: \.facts.isMember) else {
                throw .stalled(
                    "none of the validators that are to be run is a member of the ledger, as far as"
                        + " they know; run members with them")
            }
            try Self.checkClock(nodes, options, clock)
        } catch {
            for node in nodes { node.stop() }
            for node in nodes { node.wait() }
            bridge?.stop()
            bridge?.wait()
            share.stop()
            throw error
        }
        self.nodes = nodes
        self.bridge = bridge
    }

    private static func start(
        _ home: NodeHome, _ hub: LocalHub, _ share: NodeShare, _ options: LocalRunOptions,
        _ clock: any NodeClock, _ desk: LocalDesk
    ) throws(NodeError) -> ValidatorNode {
        var own = NodeOptions()
        own.settings = options.settings
        own.behaviour = options.behaviours[home.validator] ?? .honest
        own.misbehaviour = options.misbehaviours[home.validator]
        own.acceptsClockJump = options.acceptsClockJump
        own.followsProjections = options.followsProjections
        let isHonest = options.isHonest(home.validator)
        own.tells = { [desk] height in isHonest && desk.claim(height) }
        return try ValidatorNode(
            home: home, transport: hub.join(home.key.publicKey, as: .validator), share: share,
            options: own, clock: clock, onChange: { [desk] in desk.poke() },
            tell: { [desk] in desk.put($0) })
    }

    /// Nothing would be agreed on by nodes that hold their clocks for wrong.
    private static func checkClock(
        _ nodes: [ValidatorNode], _ options: LocalRunOptions, _ clock: any NodeClock
    ) throws(NodeError) {
        let known = nodes.map(\.facts.time).max() ?? Time(0)
        let now = clock.now()
        guard
            options.acceptsClockJump
                || now <= known.adding(milliseconds: options.settings.clockJumpMilliseconds)
        else { throw .clockJumped(known: known, now: now) }
    }

    /// Whether a validator is held to what honest ones do.
    func isHonest(_ node: ValidatorNode) -> Bool { options.isHonest(node.name) }

    /// Takes the requests of `source` until it ends and all is decided, settled and done, or until
    /// `stop`; then ends the nodes in order.
    ///
    /// `onEvent` is called on one thread, in order. Runs once; cancelling the task is `stop`.
    package func run(
        _ source: any LineSource, onEvent: @escaping @Sendable (NodeEvent) -> Void
    ) async throws(NodeError) -> RunSummary {
        guard desk.begin() else { throw .alreadyRun }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let thread = Thread { [self] in
                    var engine = LocalEngine(self, onEvent)
                    continuation.resume(returning: engine.run(source))
                }
                thread.name = "recount-run"
                thread.stackSize = 8 << 20
                thread.start()
            }
        } onCancel: {
            desk.stop()
        }
        return try result.get()
    }

    /// Ends a run after the batch that is being agreed on.
    package func stop() { desk.stop() }

    /// Has the nodes look at their spools.
    package func poke() { for node in nodes { node.poke() } }

    /// Ends nodes that are not run.
    package func close() throws(NodeError) {
        guard desk.begin() else { return }
        try end()
    }

    /// Ends all that was started; throws the first error of a node.
    func end() throws(NodeError) {
        for node in nodes { node.stop() }
        var first: NodeError?
        for node in nodes {
            let error = node.wait()
            first = first ?? error
        }
        bridge?.stop()
        if let bridge {
            let error = bridge.wait()
            first = first ?? error
        }
        share.stop()
        if let first { throw first }
    }
}
