// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Checks, in order: member, same, running number, texts, one in a minute.
    func decide(announcement message: AnnouncementMessage) throws(Refusal) -> [Event] {
        guard let index = validatorIndices[message.validator], members.contains(index) else {
            throw .notMember
        }
        let said = message.announcement
        if let last = validators[Int(index.rawValue)].announced {
            guard last.announcement != said else { throw .alreadyRecorded }
            guard said.number > last.announcement.number else { throw .numberNotHigher }
        }
        guard (1...Limits.nameBytesMax).contains(said.program.utf8.count),
            said.engine.utf8.count <= Limits.nameBytesMax,
            said.engineVersion.utf8.count <= Limits.nameBytesMax
        else { throw .malformedAnnouncement }
        // It decides nothing, so it may not cost the others more than this.
        guard validators[Int(index.rawValue)].announced?.time.minute != time.minute else {
            throw .announcedOften
        }
        return [
            .validatorAnnounced(
                ValidatorAnnounced(
                    validator: index, announcement: said, signature: message.signature))
        ]
    }
}
