// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger
internal import Storage

/// A node as its clients see it: its ledger, to be read, and its spool, to hand things in.
///
/// None of its keys are needed, and it need not run: what is handed in waits.
package struct NodeClient: Sendable {
    /// The folder of its home.
    package let home: String
    /// The identity of its ledger.
    package let ledger: LedgerID
    /// What it is handed.
    package let spool: Spool
    /// The configuration that stands in its home.
    package let configuration: Configuration

    /// The directory of its ledger.
    package var ledgerDirectory: String { NodeHome.ledgerFolder(home) }
    /// The name of its validator, or observer.
    package var validator: String { configuration.validator ?? configuration.observer ?? home }

    /// Looks at a home.
    package init(home path: String) throws(NodeError) {
        home = Files.absolute(path)
        guard NodeHome.isHome(home) else {
            throw .notAHome(path: home, missing: NodeHome.configurationFile(home))
        }
        configuration = try NodeHome.configuration(of: home)
        let opened = try FirstEntry.read(NodeHome.ledgerFolder(home))
        ledger = LedgerID(Digest(hashing: Event.ledgerOpened(opened).encoded))
        spool = Spool(home: home)
    }

    /// The state after the last sealed batch that is on the disk, and the log that it is of.
    package func state() throws(NodeError) -> (state: LedgerState, log: EventLog) {
        do throws(StorageError) {
            let opened = try LedgerStore.open(
                directory: ledgerDirectory, disk: POSIXDisk(), access: .readOnly)
            return (opened.state, opened.log)
        } catch { throw .storage(path: ledgerDirectory, error) }
    }
}

extension SubmitterHome {
    /// Finds and opens the home of the submitter that a client of a node means.
    ///
    /// - Parameters:
    ///   - wanted: A folder, where it has a slash in it; else a name among the submitters of the
    ///     local network that the node's home is in; nil for the only one there.
    ///   - path: A node's home, or a local network.
    ///   - protection: What unlocks the keys in a folder.
    package static func find(
        _ wanted: String?, near path: String,
        protection: (String) throws(NodeError) -> HomeProtection
    ) throws(NodeError) -> SubmitterHome {
        if let wanted, wanted.contains("/") {
            return try open(at: wanted, protection: try protection(wanted))
        }
        let path = Files.absolute(path)
        let network = NodeHome.isHome(path) ? POSIXDisk().parent(of: path) : path
        let folder = LocalNetwork.submittersFolder(network)
        let known: [String]
        do throws(DiskError) { known = try POSIXDisk().list(folder) } catch { known = [] }
        guard let name = wanted ?? (known.count == 1 ? known[0] : nil) else {
            throw .job(.submitterNotNamed(known: known))
        }
        guard known.contains(name) else { throw .job(.unknownSubmitter(name, known: known)) }
        return try open(at: "\(folder)/\(name)", protection: try protection("\(folder)/\(name)"))
    }
}
