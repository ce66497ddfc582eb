// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import Ledger

/// Says in the ledger what the validator runs, where the ledger says otherwise of it.
///
/// It is handed in after the first batch that the node sees: what decides nothing is no reason for
/// a batch where nothing else happens.
final class Announcing: Duty {
    private static let againMilliseconds: UInt64 = 1_000

    /// What is to be said, until the ledger holds it.
    private var wanted: Announcement?
    private var isHandedIn = false
    private var wakeAt = UInt64.max
    /// Until when a run waits for it; nil before there was anything to say it with.
    private var patientUntil: UInt64?
    private(set) var isBusy = false

    var nextWake: UInt64 { wanted == nil ? .max : wakeAt }

    /// Compares what a ledger holds of a validator with what it is.
    init(_ state: LedgerState, key: PublicKey, journalBegunAnew: Time?) {
        wanted = Self.wanted(state, key, journalBegunAnew)
    }

    private static func wanted(
        _ state: LedgerState, _ key: PublicKey, _ journalBegunAnew: Time?
    ) -> Announcement? {
        guard let index = state.validatorIndex(of: key), state.members.contains(index) else {
            return nil
        }
        let last = state.validator(index)?.announced
        let (number, isBeyond) = (last?.announcement.number ?? 0).addingReportingOverflow(1)
        guard !isBeyond else { return nil }
        let said = Announcement(
            number: number, program: NodeLimits.programVersion, engine: ComputeEngine.name,
            engineVersion: ComputeEngine.version, isJournalNew: journalBegunAnew != nil)
        guard let last else { return said }
        var known = last.announcement
        known.number = number
        // A journal that is begun anew once more forgets once more.
        let hasForgotten = journalBegunAnew.map { $0 > last.time } ?? false
        return known == said && !hasForgotten ? nil : said
    }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        guard let said = wanted else { return }
        for case .validatorAnnounced(let event) in batch.events
        where event.validator == node.index && event.announcement.number >= said.number {
            wanted = nil
            isBusy = false
            return
        }
        guard patientUntil == nil else { return }
        patientUntil = node.uptime + NodeLimits.announcingMilliseconds
        isBusy = true
        wakeAt = node.uptime
    }

    func attend(_ node: NodeCore) throws(NodeError) {
        guard let said = wanted else { return }
        let uptime = node.uptime
        if uptime >= patientUntil ?? 0 { isBusy = false }
        wakeAt = !isHandedIn || isBusy ? uptime + Self.againMilliseconds : .max
        guard !isHandedIn else { return }
        // The rules take one a minute.
        let last = node.index.flatMap { node.state.validator($0)?.announced }
        guard last?.time.minute != node.ledgerNow.minute else { return }
        isHandedIn = true
        let message = AnnouncementMessage(
            validator: node.home.key.publicKey, announcement: said,
            signature: .zero
        ).signed(by: node.home.key, in: node.ledger)
        try node.handIn(.announcement(message))
    }
}
