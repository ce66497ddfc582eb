// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hosting
import Ledger
import Node
import Replication
import Simulation

/// Validators that lie as the simulator's do.
enum ByzantineRun {
    /// The strategies by name.
    static var names: [String] { Byzantine.catalogue.map { $0.name } }

    /// What stands between the named validators and the world: a strategy for each, in order. All
    /// of them are one party, and sign with each other's keys.
    static func misbehaviours(
        _ nodes: [NodeHome], strategies: [String], seed: UInt64
    ) throws(Failure) -> [String: @Sendable (NodeView) -> any Misbehaviour] {
        var result: [String: @Sendable (NodeView) -> any Misbehaviour] = [:]
        for (place, node) in nodes.enumerated() {
            result[node.validator] = try misbehaviour(
                node, strategy: strategies[place],
                fellows: nodes.filter { $0.validator != node.validator }, seed: seed)
        }
        return result
    }

    /// What stands between one validator and the world; it signs with the keys of its fellows too.
    static func misbehaviour(
        _ node: NodeHome, strategy name: String, fellows: [NodeHome], seed: UInt64
    ) throws(Failure) -> @Sendable (NodeView) -> any Misbehaviour {
        guard let type = Byzantine.catalogue.first(where: { $0.name == name }) else {
            throw Failure(
                "there is no strategy called \(name); there are " + names.joined(separator: ", "))
        }
        let own = try liar(node)
        var liars: [Liar] = []
        for fellow in fellows { liars.append(try liar(fellow)) }
        let (others, ledger) = (liars, node.ledger)
        return { _ in
            ByzantineMask(
                party: ByzantineParty(
                    [type], own: own, fellows: others, ledger: ledger, seed: seed))
        }
    }

    private static func liar(_ node: NodeHome) throws(Failure) -> Liar {
        guard let index = node.index else {
            throw Failure(
                "\(node.validator) is not among the first validators, and cannot be told to lie")
        }
        return Liar(index: index, key: node.key)
    }
}

/// The simulator's strategies where a node wants a misbehaviour.
private struct ByzantineMask: Misbehaviour {
    var party: ByzantineParty

    mutating func outgoing(_ outputs: [HostOutput], _ view: NodeView) -> [HostOutput] {
        party.outgoing(outputs, view.host, view.now)
    }

    mutating func incoming(
        _ message: [UInt8], from sender: ValidatorIndex?, _ view: NodeView
    ) -> [HostOutput] { party.incoming(message, from: sender, view.host, view.now) }

    mutating func idle(_ view: NodeView) -> [HostOutput] { party.idle(view.host, view.now) }

    mutating func verdict(_ honest: Vote, _ view: NodeView) -> Vote {
        party.verdict(honest, view.host, view.now)
    }

    mutating func clockOffset(_ view: NodeView) -> Int64 {
        party.clockOffset(view.host, view.now)
    }
}
