// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Ledger

/// What the first entry of a ledger says, and whether a configuration agrees.
enum FirstEntry {
    /// Reads it from the ledger in a directory.
    static func read(_ directory: String) throws(NodeError) -> LedgerOpened {
        let bytes: [UInt8]
        do throws(LogError) {
            let log = try EventLog.open(
                directory: directory, disk: POSIXDisk(), access: .readOnly)
            bytes = try log.entry(at: 0)
        } catch {
            throw .log(of: "the ledger", path: directory, error)
        }
        do throws(Ledger.DecodingError) {
            if case .ledgerOpened(let opened) = try Event(decoding: bytes) { return opened }
        } catch {
            throw .entryUnusable(entry: 0, problem: "\(error)")
        }
        throw .entryUnusable(entry: 0, problem: "it does not open a ledger")
    }

    /// The ledger keeps what it was opened with; a file that says otherwise would mislead.
    static func check(
        _ configuration: Configuration, _ opened: LedgerOpened
    ) throws(NodeError) {
        let changed: String? =
            if configuration.name != opened.name {
                "ledger.name"
            } else if configuration.parameters != opened.parameters {
                "[consensus] or [leader_selection]"
            } else if configuration.validators.map(\.stake)
                != opened.validators.map(\.stake.rawValue)
            {
                "[[validators]]"
            } else if configuration.submitters.map(\.quota) != opened.submitters.map(\.quota) {
                "[[submitters]]"
            } else if configuration.circuits.map(\.name) != opened.circuits.map(\.circuit.name) {
                "[[circuits]]"
            } else { nil }
        if let changed { throw .configurationChanged(what: changed) }
    }
}
