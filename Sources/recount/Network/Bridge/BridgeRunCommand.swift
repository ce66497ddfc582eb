// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Foundation
import Ledger
import Node

/// `recount bridge run`.
struct BridgeRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run the bridge as a client of nodes, over HTTP.",
        discussion: """
            Reads the ledger at the nodes that are named, pays what T validators ordered,
            and reports it through any of them. No node is trusted: every entry is bound by
            a root that T of the validators in office signed, and changes of membership are
            followed by the same rule. A node that gives something else is named and left
            alone for a while; where none gives anything that holds, the bridge says so,
            waits and asks again. A payment counts as reported once the ledger shows it: a
            node that refuses the report of one is named, and the others are given it. What
            was paid stands in the vault before it is reported, so that nothing is paid
            twice, wherever the process ends.

              recount bridge run net/bridge --node http://10.0.0.1:5100 \\
                --node http://10.0.0.2:5100 --key-file net.key

            With --json each line is an object: started, read, handed-in (a node has taken
            the reports), reported (the ledger shows them), refused, stuck, problem.

            The folder holds the bridge's key, its vault, and what it has read; the ledger
            is the one that the vault pays for. It ends at an interrupt.

            Exit codes: 0 interrupted; 2 it cannot go on: the vault, or its folder.
            """)

    @Argument(
        help: "The home of the bridge, or the local network that it is in.",
        completion: .directory)
    var home: String

    @Option(
        help: ArgumentHelp(
            "A node: http://HOST:PORT; may be repeated, and is best from several hands.",
            valueName: "url"))
    var node: [NodeURL] = []

    @Option(
        help: ArgumentHelp("The file that unlocks the key.", valueName: "file"),
        completion: .file())
    var keyFile: String?

    @Option(
        help: ArgumentHelp("Milliseconds between two rounds of questions.", valueName: "ms"))
    var every: UInt64 = 500

    @Flag(help: "Print JSON Lines: an object for each thing that happens.")
    var json = false

    private static let nodesMax = 64

    func validate() throws {
        guard (1...Self.nodesMax).contains(node.count) else {
            throw ValidationError("name from 1 to \(Self.nodesMax) nodes with --node")
        }
        guard (10...60_000).contains(every) else {
            throw ValidationError("--every goes from 10 to 60000")
        }
    }

    mutating func run() throws {
        let home = try open()
        let (json, nodes) = (json, node)
        let interrupts = Interrupts("ending after what is under way; again to end at once") {}
        defer { interrupts.cancel() }
        do throws(NodeError) {
            let bridge = try RemoteBridge(home: home, nodes: nodes) { Self.tell($0, json) }
            Self.line("started", "the bridge of ledger \(home.ledger.hex) runs", json)
            while !interrupts.isRaised {
                try bridge.step()
                Output.pause(seconds: Double(every) / 1_000)
            }
            try bridge.close()
        } catch { throw Failure("\(error)") }
    }

    private func open() throws(Failure) -> BridgeHome {
        let inside = LocalNetwork.bridgeHome(in: home)
        let path = BridgeHome.isHome(home) ? home : inside
        do throws(NodeError) {
            let opened = try BridgeHome.open(
                at: path, protection: try Passphrase.protection(ofBridge: path, keyFile: keyFile))
            if let notice = opened.protectionNotice { Output.notice(notice) }
            return opened
        } catch { throw Failure("\(error)") }
    }

    private struct Line: Encodable {
        var event: String
        var message: String
        var requests: [String]?
    }

    private static func tell(_ told: BridgeTold, _ json: Bool) {
        switch told {
        case .handedIn(let ids):
            let count = Text.count(UInt64(ids.count), "report")
            line("handed-in", "\(count) handed in", json, ids)
        case .reported(let ids):
            let count = Text.count(UInt64(ids.count), "payment")
            line("reported", "\(count) reported", json, ids)
        case .refused(let url, let id, let why):
            let what = "the report of \(id.hex.prefix(16))… holds, and \(url) refuses it"
            line("refused", "\(what): \(why); other nodes are given it", json, [id])
        case .stuck(let id, let why):
            line("stuck", "\(id.hex.prefix(16))… is not paid: \(why)", json, [id])
        case .problem(let text): line("problem", text, json)
        case .read(let url, let size):
            line("read", "\(Text.count(size, "entry", "entries")) read at \(url)", json)
        }
    }

    private static func line(
        _ event: String, _ message: String, _ json: Bool, _ ids: [RequestID]? = nil
    ) {
        if json {
            let line = Line(event: event, message: message, requests: ids?.map(\.hex))
            do throws(Failure) { try Output.json(line, isLine: true) } catch {
                Output.error(error.message)
            }
        } else if ["problem", "refused", "stuck"].contains(event) {
            Output.error(message)
        } else {
            Output.line(message.visible)
        }
        Output.flush()
    }
}
