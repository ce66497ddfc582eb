// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
package import Ledger
internal import Storage

/// Journals of validators that were lost.
package enum NodeJournals {
    /// A journal that was begun anew.
    package struct Begun: Sendable, Equatable {
        /// The number of the validator.
        package let validator: UInt16
        /// Its name.
        package let name: String
        /// Until when in ledger time, that included, it says nothing.
        package let silentUntil: Time
    }

    /// Begins anew the journals that are gone or cannot be opened, and of the homes that are named.
    ///
    /// What is there is renamed, never removed. The new journal holds the validator's votes and
    /// results among the newest entries of its ledger, and from when on it may speak again: see
    /// `VoteJournal.silentUntil`. Throws what `check` throws before anything is changed.
    /// - Parameters:
    ///   - homes: The folders of the homes, all of the same ledger.
    ///   - names: The validators whose journals are begun anew in any case.
    package static func beginAnew(
        at homes: [String], named names: [String], clock: any NodeClock = SystemClock()
    ) throws(NodeError) -> [Begun] {
        try check(at: homes, named: names)
        var lost: [NodeClient] = []
        var states: [(state: LedgerState, log: EventLog)] = []
        for home in homes {
            guard NodeHome.hasLedger(home) else {
                throw .cannot(
                    "\(home) has lost its ledger too, from which it is taken what the validator has"
                        + " signed: rebuild that in the same go, with `recount recover \(home)"
                        + " --from HOME --trust CHECKPOINT --new-journals`")
            }
            let node = try NodeClient(home: home)
            states.append(try node.state())
            if try JournalStanding.isLost(home, names) { lost.append(node) }
        }
        guard !lost.isEmpty,
            let newest = states.map(\.state).max(by: { $0.height < $1.height })
        else { return [] }
        let now = max(try clock.checked(), newest.time)
        var begun: [Begun] = []
        for (home, state) in zip(homes, states) {
            guard let node = lost.first(where: { $0.home == Files.absolute(home) }) else {
                continue
            }
            begun.append(try begin(node, state, newest.height, now))
        }
        return begun
    }

    private static func begin(
        _ node: NodeClient, _ own: (state: LedgerState, log: EventLog), _ height: Height,
        _ now: Time
    ) throws(NodeError) -> Begun {
        // A name is for ever, also that of one that joined later.
        let place = own.state.validators.firstIndex { $0.name == node.validator }
        guard let place else {
            throw .cannot(
                "the ledger of \(node.validator) has not come to its joining; restore its journal"
                    + " from a copy, or its ledger first")
        }
        let said = try said(by: ValidatorIndex(UInt16(place)), own)
        let directory = NodeHome.journalFolder(node.home)
        try setAside(directory)
        do throws(JournalError) {
            // The height in progress is the next: it may have spoken on it.
            try VoteJournal.beginAnew(
                directory: directory, disk: POSIXDisk(), votes: said.votes,
                results: said.results, at: now,
                silentThrough: Height(height.rawValue + 1))
        } catch { throw .host(path: directory, .journal(error)) }
        return Begun(
            validator: UInt16(place), name: node.validator,
            silentUntil: now.adding(milliseconds: 2 * Limits.voteLifeMilliseconds))
    }

    /// The votes and results of a validator among the newest entries, as they were signed.
    private static func said(
        by validator: ValidatorIndex, _ own: (state: LedgerState, log: EventLog)
    ) throws(NodeError) -> (votes: [Message], results: [ResultMessage]) {
        let (state, log) = own
        var votes: [Message] = []
        var results: [ResultMessage] = []
        let start = log.size - min(log.size, NodeLimits.comparedEntriesMax)
        do throws(FoldFailure) {
            try LedgerFold.forEach(log, from: start) { _, entry in
                switch entry.event {
                case .voteCast, .votesCast:
                    guard entry.event.casts.first?.validator == validator else { break }
                    if let message = state.message(of: entry.event) { votes.append(message) }
                case .resultReported(let result) where result.validator == validator:
                    if case .result(let message)? = state.message(of: entry.event) {
                        results.append(message)
                    }
                default: break
                }
                return true
            }
        } catch { throw .storage(path: log.directory, StorageError(error)) }
        return (votes, results)
    }

    private static func setAside(_ directory: String) throws(NodeError) {
        guard Files.exists(directory) else { return }
        var number = 1
        while Files.exists("\(directory).lost-\(number)") { number += 1 }
        try Files.onDisk { () throws(DiskError) in
            try POSIXDisk().rename(directory, to: "\(directory).lost-\(number)")
        }
    }
}
