// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Figures
import Foundation
import Hosting
import Ledger
import Node
import Replication
import Storage

/// A local network whose validators hold a long ledger, as if they had decided all of it: for those
/// who join late.
///
/// What is real, and what is not, `LedgerGenerator` says. Each home has the precommits of the last
/// batch, a snapshot, and a journal with its newest verdicts.
enum GeneratedNetwork {
    /// Entries whose verdicts the journals hold: at least as many as a node compares at its start.
    private static let journaledEntries: UInt64 = 250_000

    /// Makes it in a new folder. Ledger time ends in the past.
    static func make(
        entries: UInt64, at path: String, config: String, _ note: (String) -> Void
    ) throws {
        let configuration = try Configuration.load(path: config)
        // A batch of more than a thousand entries a second: it ends less than an hour ago, so that
        // nobody's clock has jumped.
        let age = entries + 600_000
        let network = try LocalNetwork.initialise(
            configuration: configuration, at: path, protection: .keyFile(path: nil),
            startTime: Time(try SystemClock().checked().rawValue - age))
        guard let first = network.nodes.first else { return }
        let ledger = try LedgerStore.open(directory: first.ledgerDirectory, disk: POSIXDisk())
        let log = ledger.log
        guard case .ledgerOpened(let opened) = try Event(decoding: log.entry(at: 0)) else { return }
        var generator = try LedgerGenerator(network, opened, ledger.state)
        var journals = try network.nodes.map { node in
            try VoteJournal(
                directory: node.journalDirectory, disk: POSIXDisk(), key: node.key,
                ledger: network.ledger)
        }
        let (seconds, _) = try timed {
            while generator.entries < entries {
                try generator.addBatch(log)
                guard generator.entries + journaledEntries >= entries else { continue }
                for place in journals.indices {
                    _ = try journals[place].votes(
                        for: generator.verdicts[place], at: generator.state.time)
                }
            }
            for journal in journals { try journal.close() }
        }
        let state = generator.state
        _ = try SnapshotStore(ledgerDirectory: first.ledgerDirectory, disk: POSIXDisk()).write(
            state.snapshot(), height: state.height, ledger: state.ledger,
            components: state.componentRoots(), size: state.size, log: log)
        let last = Precommits(
            height: state.height, round: 0, root: log.root,
            signatures: generator.precommits(
                of: log.root, before: Height(state.height.rawValue + 1)))
        try PrecommitStore(ledgerDirectory: first.ledgerDirectory, disk: POSIXDisk()).save(last)
        try log.close()
        for node in network.nodes.dropFirst() {
            try copy(first.ledgerDirectory, to: node.ledgerDirectory)
        }
        note(
            "made \(path): \(generator.entries) entries in \(Int(seconds)) s; decisions, order,"
                + " roots and signatures are real, proofs are not")
    }

    /// Copies a ledger; of its files, those that nobody writes to any more are shared.
    private static func copy(_ from: String, to target: String) throws {
        let files = FileManager.default
        try files.removeItem(atPath: target)
        for path in try files.subpathsOfDirectory(atPath: from).sorted() {
            var isFolder: ObjCBool = false
            _ = unsafe files.fileExists(atPath: "\(from)/\(path)", isDirectory: &isFolder)
            if isFolder.boolValue {
                try files.createDirectory(
                    atPath: "\(target)/\(path)", withIntermediateDirectories: true)
            } else if path.hasPrefix("segments/"), path != (try newestSegment(from)) {
                try files.linkItem(atPath: "\(from)/\(path)", toPath: "\(target)/\(path)")
            } else {
                try files.createDirectory(atPath: target, withIntermediateDirectories: true)
                try files.copyItem(atPath: "\(from)/\(path)", toPath: "\(target)/\(path)")
            }
        }
    }

    private static func newestSegment(_ ledger: String) throws -> String? {
        try FileManager.default.contentsOfDirectory(atPath: "\(ledger)/segments").sorted().last
            .map { "segments/\($0)" }
    }
}
