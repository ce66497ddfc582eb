// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Hosting
internal import Ledger

extension NodeJournals {
    /// Throws where, with the journals of these homes begun anew, those who may still speak are too
    /// few to agree on anything: ledger time, for which the others wait, would never pass.
    ///
    /// Homes in the same folders count too: whose journal is lost there, or was and says nothing
    /// yet. Nothing is changed. A home may have lost its ledger.
    package static func check(
        at homes: [String], named names: [String]
    ) throws(NodeError) {
        let homes = homes.map(Files.absolute)
        let known = try homes.map { home throws(NodeError) in try JournalStanding.name(home) }
        for name in names where !known.contains(name) {
            throw .unknownName(kind: "validator", name, known: known)
        }
        var all = homes
        for home in homes { all += neighbours(of: home).filter { !all.contains($0) } }
        let newest = try newestState(all)
        var lost: [String] = []
        var silent: [String] = []
        for home in all {
            let wanted = homes.contains(home) ? names : []
            if try JournalStanding.isLost(home, wanted) {
                lost.append(try JournalStanding.name(home))
            } else if try JournalStanding.isSilent(home, at: newest?.time) {
                silent.append(try JournalStanding.name(home))
            }
        }
        let begins = try homes.map { home throws(NodeError) in
            try JournalStanding.isLost(home, names)
        }
        guard begins.contains(true) else { return }
        let mayFail: Int
        if let newest {
            mayFail = newest.members.count - Int(newest.parameters.threshold)
        } else {
            mayFail = try self.mayFail(homes)
        }
        guard lost.count + silent.count > mayFail else { return }
        throw .cannot(
            "\(lost.count) journals are lost (\(lost.joined(separator: ", ")))"
                + (silent.isEmpty
                    ? ""
                    : ", and \(silent.joined(separator: ", ")) lost theirs and may not speak yet")
                + ", and \(mayFail) is the most that this ledger bears at once: whoever lost one"
                + " says nothing until the others have gone on for two minutes of ledger time,"
                + " since it may have signed what nobody here knows of. Find the journals of as"
                + " many as you can; nothing was changed")
    }

    /// The other validators' homes in the folder that a home is in.
    private static func neighbours(of home: String) -> [String] {
        let folder = POSIXDisk().parent(of: home)
        return LocalNetwork.names(in: folder).map { "\(folder)/\($0)" }.filter { other in
            do throws(NodeError) {
                return try NodeHome.configuration(of: other).observer == nil
            } catch { return false }
        }
    }

    private static func newestState(_ homes: [String]) throws(NodeError) -> LedgerState? {
        var newest: LedgerState?
        for home in homes where NodeHome.hasLedger(home) {
            let state: LedgerState
            // A ledger that is damaged knows of nothing; whoever needs it says so.
            do throws(NodeError) { state = try NodeClient(home: home).state().state } catch {
                continue
            }
            if newest.map({ $0.height < state.height }) ?? true { newest = state }
        }
        return newest
    }

    /// How many may fail, as the first entry has it.
    private static func mayFail(_ homes: [String]) throws(NodeError) -> Int {
        guard let home = homes.first else { return 0 }
        let configuration = try NodeHome.configuration(of: home)
        return configuration.validators.count - Int(configuration.parameters.threshold)
    }
}

/// How the journal in a home stands.
enum JournalStanding {
    /// Whose home it is.
    static func name(_ home: String) throws(NodeError) -> String {
        try NodeHome.name(in: try NodeHome.configuration(of: home), of: home)
    }

    /// Whether the journal is gone or cannot be opened, or is to be begun anew by these names.
    static func isLost(_ home: String, _ names: [String]) throws(NodeError) -> Bool {
        if names.contains(try name(home)) { return true }
        let directory = NodeHome.journalFolder(home)
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

    /// Whether the journal was begun anew, and its validator says nothing at this ledger time.
    static func isSilent(_ home: String, at time: Time?) throws(NodeError) -> Bool {
        let directory = NodeHome.journalFolder(home)
        do throws(JournalError) {
            guard let until = try VoteJournal.silence(in: directory, disk: POSIXDisk()) else {
                return false
            }
            return time.map { $0 <= until } ?? true
        } catch { throw .host(path: directory, .journal(error)) }
    }
}
