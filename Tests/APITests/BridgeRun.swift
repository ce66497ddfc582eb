// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Node
import Testing

/// What a bridge did in a while, and what its vault holds then.
struct BridgeRun: Sendable {
    var problems: [String] = []
    /// Reports that the ledger showed.
    var reports = 0
    /// Reports that a node took.
    var handedIn = 0
    /// Nodes that refused a report, each time that it was told.
    var refused: [String] = []
    var paid = 0
    var total: UInt64 = 0
    var changes: UInt64 = 0

    /// Runs the bridge of a network for so many rounds, or until so many are reported.
    static func run(
        _ network: LocalNetwork, _ nodes: [NodeURL], rounds: Int = 2_000, untilReported count: Int
    ) async throws -> BridgeRun {
        let home = try #require(network.bridge)
        let result = await blocking {
            Result { () throws(NodeError) in
                var run = BridgeRun()
                let bridge = try RemoteBridge(home: home, nodes: nodes) { told in
                    switch told {
                    case .problem(let text): run.problems.append(text)
                    case .reported(let ids): run.reports += ids.count
                    case .handedIn(let ids): run.handedIn += ids.count
                    case .refused(let url, _, let why): run.refused.append("\(url) \(why)")
                    default: break
                    }
                }
                for _ in 0..<rounds where run.reports < count {
                    try bridge.step()
                    Thread.sleep(forTimeInterval: 0.02)
                }
                try bridge.close()
                let vault = try home.openVault()
                run.paid = try vault.counts().paid
                run.total = try vault.paidTotal()
                run.changes = try vault.nextChange()
                try vault.close()
                return run
            }
        }
        return try result.get()
    }
}

/// Passes on what a node answers, changed.
func liar(
    _ node: RunningNode,
    _ change: @escaping @Sendable (_ path: String, _ honest: [UInt8]) -> RawServer.Answer?
) async throws -> RawServer {
    let honest = RemoteNode(try #require(NodeURL("http://\(node.server.address)")))
    return try await RawServer { target in
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
            return (sides[0], sides.count > 1 ? sides[1] as String? : nil)
        }
        let path = parts[0].split(separator: "/").map(String.init)
        do {
            let bytes = try honest.bytes(path, query, bytesMax: 32 << 20)
            return change(target, bytes) ?? RawServer.body(bytes)
        } catch {
            return change(target, []) ?? .json(#"{"error":"x","message":"x"}"#, status: "404 X")
        }
    }
}

extension RawServer {
    static func body(_ bytes: [UInt8]) -> Answer {
        .bytes(
            Array("HTTP/1.1 200 OK\r\nContent-Length: \(bytes.count)\r\n\r\n".utf8) + bytes)
    }
}

extension [UInt8] {
    /// With a bit changed at a part of its length.
    func bent(at part: Int, of parts: Int) -> [UInt8] {
        guard !isEmpty else { return [] }
        var copy = self
        copy[Swift.min(count - 1, count * part / parts)] ^= 1
        return copy
    }
}
