// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
package import Hosting
package import Ledger
internal import Replication

extension ClaimAnswer {
    /// Looks in a journal for what an accusation asks for; holds where `EvidenceFile.verdict` says
    /// that it clears.
    ///
    /// - Parameter directory: Of the journal; see `JournalPlace`.
    package init(
        _ claim: UnfoundedClaim, journal directory: String, ledger: LedgerID,
        disk: any Disk = POSIXDisk()
    ) throws(JournalError) {
        let words = Words()
        _ = try VoteJournal.forEachWord(in: directory, disk: disk) { word in
            switch word {
            case .cast(let vote), .received(let vote):
                if vote.height == claim.claimed?.height { words.statements.append(.vote(vote)) }
            default: return
            }
        }
        self.init(claim, from: words.statements, in: ledger)
    }

    /// What a journal says of one height.
    private final class Words {
        var statements: [TracedStatement] = []
    }
}
