// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Foundation
internal import Hosting
package import Ledger
internal import Storage

/// Journals that were lost.
package enum HomeJournals {
    /// Begins anew the journal of each validator that has none or one that cannot be opened, and
    /// of those that are named.
    ///
    /// What is there is renamed, never removed. The new journal holds the validator's votes and
    /// results among the newest entries of the ledger, and the time from which on it keeps silent:
    /// see `VoteJournal.silentUntil`. Returns the names of the validators, and until when.
    package static func beginAnew(
        at home: String, named names: [String], clock: any NodeClock = SystemClock()
    ) throws(NodeError) -> [(name: String, silentUntil: Time)] {
        let configuration = try Configuration.load(path: Home.configurationFile(home))
        for name in names where !configuration.validators.contains(where: { $0.name == name }) {
            throw .note("there is no validator \(name) in this home")
        }
        let ledger = Home.ledgerFolder(home)
        let reopened = try Reopened(ledger, .readOnly)
        let now = max(clock.now(), reopened.ledger.state.time)
        var begun: [(String, Time)] = []
        for (number, validator) in configuration.validators.enumerated() {
            let directory = "\(home)/journals/\(validator.name)"
            let isNamed = names.contains(validator.name)
            if !isNamed, try !isLost(directory) { continue }
            try setAside(directory)
            let said = try reopened.said(by: ValidatorIndex(UInt16(number)))
            do throws(JournalError) {
                if !Files.exists("\(home)/journals") { try makeFolder("\(home)/journals") }
                try VoteJournal.beginAnew(
                    directory: directory, disk: POSIXDisk(), votes: said.votes,
                    results: said.results, at: now)
            } catch {
                throw LocalValidator.error(error, validator.name)
            }
            begun.append(
                (validator.name, now.adding(milliseconds: 2 * Limits.voteLifeMilliseconds)))
        }
        return begun
    }

    private static func makeFolder(_ path: String) throws(JournalError) {
        do throws(DiskError) { try POSIXDisk().createDirectory(path) } catch {
            throw .log(.disk(error))
        }
    }

    private static func isLost(_ directory: String) throws(NodeError) -> Bool {
        do throws(LogError) {
            _ = try EventLog.open(directory: directory, disk: POSIXDisk(), access: .readOnly)
            return false
        } catch {
            switch error {
            case .notALog, .damaged: return true
            default: throw .log(of: "a journal", path: directory, error)
            }
        }
    }

    private static func setAside(_ directory: String) throws(NodeError) {
        guard Files.exists(directory) else { return }
        var number = 1
        while Files.exists("\(directory).lost-\(number)") { number += 1 }
        do throws(DiskError) {
            try POSIXDisk().rename(directory, to: "\(directory).lost-\(number)")
        } catch {
            throw .disk(error)
        }
    }
}
