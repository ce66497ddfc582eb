// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Foundation
import Ledger
import Node
import Synchronization

/// What the argument of a command means: a ledger, the home of a node, or a local network.
enum Place {
    /// The directory of a ledger: the one that is named, that of a home, or that of the first
    /// validator of a local network, which is told on standard error.
    static func ledger(_ path: String) -> String { LedgerDirectory.locate(node(path)) }

    /// The networks of which it was told whose ledger is shown, and the homes of which it was told
    /// that theirs is gone.
    private static let told = Mutex<Set<String>>([])

    /// The path as it is, or the home of the first validator that has a ledger where it holds
    /// several, which is told on standard error.
    static func node(_ path: String) -> String {
        guard let first = names(in: path).first else { return path }
        let shown = withLedger(path).first ?? first
        if told.withLock({ $0.insert(path).inserted }) {
            let what = LocalNetwork.names(in: path).isEmpty ? "holds ledgers" : "is a local network"
            Output.notice("\(path) \(what); this is \(shown)'s")
        }
        return LocalNetwork.homePath(of: shown, in: path)
    }

    /// The names of what a folder holds: the homes of a local network, or else the folders with a
    /// ledger and no configuration, as `recount simulate --out` writes them; none of another one.
    static func names(in path: String) -> [String] {
        let homes = LocalNetwork.names(in: path)
        guard homes.isEmpty, !NodeHome.isHome(path), !NodeHome.hasLedger(path) else { return homes }
        let found: [String]
        do throws(DiskError) { found = try POSIXDisk().list(path) } catch { return [] }
        // node-2 before node-10
        return found.filter { NodeHome.hasLedger("\(path)/\($0)") }
            .sorted { ($0.count, $0) < ($1.count, $1) }
    }

    /// The names of what a folder holds that have a ledger; homes that have lost it are told of on
    /// standard error, once.
    static func withLedger(_ path: String) -> [String] {
        names(in: path).filter { name in
            let home = LocalNetwork.homePath(of: name, in: path)
            if NodeHome.hasLedger(home) { return true }
            if told.withLock({ $0.insert(home).inserted }) {
                Output.warning(lostLedger(home))
            }
            return false
        }
    }

    /// What an argument stands for: itself, or the ledgers that it holds, by their names.
    static func copies(_ path: String) -> [(path: String, name: String)] {
        guard !names(in: path).isEmpty else { return [(path, path)] }
        return withLedger(path).map { (LocalNetwork.homePath(of: $0, in: path), $0) }
    }

    /// Says that a home has no ledger, and what to do.
    static func lostLedger(_ home: String) -> String {
        "\(home) has lost its ledger: rebuild it from another validator's with `recount recover"
            + " \(home) --from HOME --trust CHECKPOINT`"
    }

    /// The folder that `recount run` takes, of a home or a network: a home stands in it.
    static func network(_ path: String) -> String {
        guard LocalNetwork.names(in: path).isEmpty, NodeHome.isHome(path) else { return path }
        let parent = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent()
        // As it was given where that is shorter: a path under the current folder stays one.
        guard !path.hasPrefix("/") else { return parent.path }
        let here = FileManager.default.currentDirectoryPath
        if parent.path == here { return "." }
        return parent.path.hasPrefix(here + "/")
            ? String(parent.path.dropFirst(here.count + 1)) : parent.path
    }

    /// A node as its clients see it.
    static func client(_ path: String) throws(Failure) -> NodeClient {
        do throws(NodeError) { return try NodeClient(home: node(path)) } catch {
            throw Failure("\(error)")
        }
    }

    /// The homes of validators in a folder: those of a local network that have a ledger, or the one
    /// that it is.
    static func homes(_ path: String) throws(Failure) -> [String] {
        let names = LocalNetwork.names(in: path).isEmpty ? [] : withLedger(path)
        if !names.isEmpty { return names.map { LocalNetwork.homePath(of: $0, in: path) } }
        guard NodeHome.isHome(path) else {
            throw Failure(
                "\(path) is neither the home of a validator nor a local network; `recount init`"
                    + " makes one")
        }
        return [path]
    }
}
