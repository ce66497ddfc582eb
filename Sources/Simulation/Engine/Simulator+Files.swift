// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// A node that lied, and how.
package struct LiarAccount: Codable, Equatable, Sendable {
    /// The number of the node.
    package let node: Int
    /// Its number in the ledger; nil where it was never a validator.
    package let validator: UInt16?
    /// Its key, in hexadecimal.
    package let key: String
    /// The names of the strategies that spoke for it.
    package let strategies: [String]
}

/// What is left of a run, for those who look into it.
extension Simulator {
    /// The nodes that lied, by number.
    package var lies: [LiarAccount] {
        nodes.filter(\.isLiar).map { node in
            LiarAccount(
                node: node.number,
                validator: chain.state.validatorIndex(of: node.key.publicKey)?.rawValue,
                key: node.key.publicKey.hex, strategies: node.names)
        }
    }

    /// Stops every node and hands each file of its ledger, journal and cases to `body`, with the
    /// path `node-<number>/ledger/...`, and so for `journal`, `journal.before` and `cases`.
    ///
    /// A node that cannot be stopped in order has the files that a loss of power would leave; one
    /// that was never started has none.
    package func forEachFile(_ body: (String, [UInt8]) throws -> Void) throws {
        for node in nodes where node.life > 0 {
            _ = stop(node)
            let parts = ["ledger", "journal", "journal.before", "cases"].map {
                "\(SimulatedNode.directory)/\($0)/"
            }
            for file in node.disk.files where parts.contains(where: { file.hasPrefix($0) }) {
                let path = file.dropFirst(SimulatedNode.directory.count)
                try body("node-\(node.number)\(path)", node.disk.bytes(of: file) ?? [])
            }
        }
    }
}
