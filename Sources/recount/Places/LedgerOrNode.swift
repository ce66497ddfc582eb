// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser

extension NodeURL: ExpressibleByArgument {
    /// Reads what stands on the command line.
    package init?(argument: String) { self.init(argument) }
}

/// Where a command finds a ledger.
enum AskedPlace {
    /// On the disk: a ledger, a home or a local network.
    case ledger(String)
    /// At a node that answers over HTTP.
    case node(AskedNode)
}

/// The option that names a node in the place of a LEDGER.
struct NodeOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Ask the node with this address instead: http://127.0.0.1:5100.",
            valueName: "url"))
    var node: NodeURL?

    /// Throws unless either an argument or a node is given.
    func check(instead argument: String?, _ name: String) throws {
        guard (argument == nil) != (node == nil) else {
            throw ValidationError(
                node == nil
                    ? "Missing expected argument '<\(name)>': or name a node with --node"
                    : "the \(name) is left out where --node names a node")
        }
    }

    /// Throws where a node is named that cannot give so many rows at once.
    func checkRows(_ count: UInt64, _ name: String) throws {
        guard node != nil, !(1...1_000).contains(count) else { return }
        throw ValidationError("\(name) goes from 1 to 1000 with --node")
    }

    /// The node, where one is named.
    var asked: AskedNode? { node.map { AskedNode(RemoteNode($0)) } }
}

/// The argument that names a ledger, or the option that names a node.
///
/// Arguments that follow a LEDGER move up where a node takes its place: commands declare them as
/// optional and call one of the checks in `validate`.
struct LedgerOrNode: ParsableArguments {
    @Argument(
        help: "A ledger, the home of a validator, or a local network.",
        completion: Completions.ledgers)
    var ledger: String?

    @OptionGroup var option: NodeOption

    /// What is named; `check` has seen that it is one of both.
    func source() throws(Failure) -> AskedPlace {
        if let node = option.asked { return .node(node) }
        guard let ledger else { throw Failure("name a LEDGER, or a node with --node") }
        return .ledger(ledger)
    }

    /// Checks a command with no other argument.
    func check() throws {
        if option.node == nil {
            guard ledger != nil else { throw Self.missing }
        } else if ledger != nil {
            throw Self.surplus
        }
    }

    /// Checks a command with one more argument, and returns that: where a node is named it stands
    /// in the place of the LEDGER.
    func check<Value: LosslessStringConvertible>(
        _ value: Value?, _ name: String, isOptional: Bool = false
    ) throws -> Value? {
        try check(ledger, value, name, isOptional: isOptional)
    }

    /// The same with two more arguments.
    func check<One: LosslessStringConvertible, Two: LosslessStringConvertible>(
        _ one: One?, _ oneName: String, _ two: Two?, _ twoName: String
    ) throws -> (One?, Two?) {
        guard option.node != nil else {
            return (try check(one, oneName), try check(two, twoName))
        }
        return (
            try check(ledger, nil as One?, oneName),
            try check(one.map { "\($0)" }, two, twoName)
        )
    }

    private func check<Value: LosslessStringConvertible>(
        _ before: String?, _ value: Value?, _ name: String, isOptional: Bool = false
    ) throws -> Value? {
        var value = value
        if option.node != nil {
            guard value == nil else { throw Self.surplus }
            value = try moved(before, name)
        } else if ledger == nil {
            throw Self.missing
        }
        guard value != nil || isOptional else {
            throw ValidationError("Missing expected argument '<\(name)>'")
        }
        return value
    }

    private func moved<Value: LosslessStringConvertible>(
        _ text: String?, _ name: String
    ) throws -> Value? {
        guard let text else { return nil }
        guard let value = Value(text) else {
            throw ValidationError("The value '\(text)' is invalid for '<\(name)>'")
        }
        return value
    }

    private static var missing: ValidationError {
        ValidationError("Missing expected argument '<ledger>': or name a node with --node")
    }

    private static var surplus: ValidationError {
        ValidationError("the LEDGER is left out where --node names a node")
    }
}
