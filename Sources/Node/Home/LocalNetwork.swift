// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
package import Ledger

/// A folder of homes that one machine runs: one of each validator, under its name, `bridge/`, and
/// `submitters/NAME/`.
///
/// Each can be moved elsewhere; what is not there is not run.
package struct LocalNetwork: Sendable {
    /// The path of the folder.
    package let path: String
    /// The configuration of the first home.
    package let configuration: Configuration
    /// The identity of the ledger.
    package let ledger: LedgerID
    /// The homes that are there, in the order of the validators; those that joined later, by name.
    package let nodes: [NodeHome]
    /// The bridge, where it is there.
    package let bridge: BridgeHome?
    /// The submitters that are there, in the order of the configuration; others, by name.
    package let submitters: [SubmitterHome]

    /// What is to be said aloud about the protection of the keys; nil where nothing is.
    package var protectionNotice: String? { nodes.first?.protectionNotice }

    /// The path of the home of the bridge.
    package static func bridgeHome(in path: String) -> String { bridgeFolder(path) }

    static func bridgeFolder(_ path: String) -> String { "\(path)/bridge" }
    static func submittersFolder(_ path: String) -> String { "\(path)/submitters" }
    static func submitterFolder(_ path: String, _ name: String) -> String {
        "\(path)/submitters/\(name)"
    }

    /// The home of a validator.
    package func node(_ name: String) -> NodeHome? { nodes.first { $0.validator == name } }

    // MARK: Looking from outside

    /// The names of the homes in a folder, in the order of the validators; none where it is no
    /// local network. Nothing is decrypted, and a home may have lost its ledger.
    package static func names(in path: String) -> [String] {
        let path = Files.absolute(path)
        guard !NodeHome.isHome(path) else { return [] }
        let found: [String]
        do throws(DiskError) { found = try POSIXDisk().list(path) } catch { return [] }
        let names = found.filter { NodeHome.isHome("\(path)/\($0)") }
        guard let first = names.first else { return [] }
        do throws(NodeError) {
            let order = try NodeHome.configuration(of: "\(path)/\(first)").validators.map(\.name)
            return ordered(names, by: order)
        } catch {
            return names
        }
    }

    /// The path of the home of a validator.
    package static func homePath(of name: String, in path: String) -> String { "\(path)/\(name)" }

    /// Whether the keys of a local network are sealed by a passphrase.
    package static func needsPassphrase(at path: String) throws(NodeError) -> Bool {
        let path = Files.absolute(path)
        guard let first = names(in: path).first else { throw .notANetwork(path: path) }
        return try NodeHome.needsPassphrase(at: "\(path)/\(first)")
    }

    static func ordered(_ names: [String], by order: [String]) -> [String] {
        order.filter(names.contains) + names.filter { !order.contains($0) }.sorted()
    }

    // MARK: Opening

    /// Opens the homes of a local network but those of observers, and decrypts their keys.
    ///
    /// Throws where one cannot be opened, or two are of different ledgers.
    /// - Parameter only: The validators whose homes are opened; nil for all.
    package static func open(
        at path: String, only: [String]? = nil, protection: HomeProtection
    ) throws(NodeError) -> LocalNetwork {
        let path = Files.absolute(path)
        let names = names(in: path)
        for name in only ?? [] where !names.contains(name) {
            throw .unknownName(kind: "validator", name, known: names)
        }
        var nodes: [NodeHome] = []
        for name in names where only?.contains(name) ?? true {
            let home = homePath(of: name, in: path)
            if try NodeHome.configuration(of: home).observer != nil {
                guard only == nil else {
                    throw .cannot("\(name) is an observer, which `recount node \(home)` runs")
                }
                continue
            }
            nodes.append(try NodeHome.open(at: home, protection: protection))
        }
        guard let first = nodes.first else { throw .notANetwork(path: path) }
        for node in nodes where node.ledger != first.ledger {
            throw .otherLedger(path: node.path, than: first.path)
        }
        let hasBridge = Files.exists(bridgeFolder(path))
        var submitters: [SubmitterHome] = []
        for name in try submitterNames(in: path, first.configuration) {
            submitters.append(
                try SubmitterHome.open(at: submitterFolder(path, name), protection: protection))
        }
        return LocalNetwork(
            path: path, configuration: first.configuration, ledger: first.ledger, nodes: nodes,
            bridge: hasBridge
                ? try BridgeHome.open(
                    at: bridgeFolder(path), ledger: first.ledger, protection: protection) : nil,
            submitters: submitters)
    }

    private static func submitterNames(
        in path: String, _ configuration: Configuration
    ) throws(NodeError) -> [String] {
        let found: [String]
        do throws(DiskError) { found = try POSIXDisk().list(submittersFolder(path)) } catch {
            if case .notFound = error { return [] }
            throw .disk(error)
        }
        return ordered(found, by: configuration.submitters.map(\.name))
    }
}
