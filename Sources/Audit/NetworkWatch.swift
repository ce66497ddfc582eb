// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger

/// Watches in the entries what parties did, for the findings about the network.
///
/// Keeps a count for each party and kind: memory is bounded by the parties, and by the versions
/// that they announced.
struct NetworkWatch {
    /// The longest time from one batch to the next that is no finding, in milliseconds: what the
    /// clock of a node may jump by without its operator's word.
    static let gapMilliseconds: UInt64 = 3_600_000

    private var found = AuditReport(directory: "")

    /// Sees an entry; `state` is that before it, which is `inout` only so that it is not copied.
    mutating func see(_ entry: LoggedEntry, _ state: inout LedgerState) {
        switch entry.event {
        case .voteCast(let vote): answer(vote.validator, &state)
        case .votesCast(let list): for _ in list.casts { answer(list.validator, &state) }
        case .resultReported(let result): answer(result.validator, &state)
        case .reputationChanged(let change) where change.cause == .missed:
            miss(change.validator, entry.index, state)
        case .evidenceSubmitted(let evidence):
            if let party = party(evidence.validator, state) {
                note(.convicted, party, evidence.slot.jsonName, entry.index)
            }
        case .messageRefused(let refused): see(refused, entry.index, state)
        case .batchOpened(let batch): see(batch, entry.index, state)
        case .validatorAnnounced(let said): see(said, entry.index, state)
        default: break
        }
    }

    /// Hands over what was found.
    func finish(_ report: inout AuditReport) { report.joinNetwork(found) }

    private typealias Party = (role: NetworkFinding.Role, name: String, key: String)

    private mutating func note(
        _ kind: NetworkFindingKind, _ party: Party, _ detail: String, _ entry: UInt64,
        longest: UInt64? = nil
    ) {
        found.note(
            NetworkFinding(
                kind: kind, role: party.role, name: party.name, key: party.key, detail: detail,
                count: 1, first: entry, last: entry, longest: longest))
    }

    private func party(_ index: ValidatorIndex, _ state: LedgerState) -> Party? {
        guard index != .bridge else { return (.bridge, "bridge", state.bridge.hex) }
        guard let validator = state.validator(index) else { return nil }
        return (.validator, validator.name, validator.key.hex)
    }

    private func party(_ key: PublicKey, _ state: LedgerState) -> Party? {
        if let validator = state.validators.first(where: { $0.key == key }) {
            return (.validator, validator.name, key.hex)
        }
        if let submitter = state.submitters.first(where: { $0.key == key }) {
            return (.submitter, submitter.name, key.hex)
        }
        return key == state.bridge ? (.bridge, "bridge", key.hex) : nil
    }

    // MARK: Answers

    private mutating func answer(_ index: ValidatorIndex, _ state: inout LedgerState) {
        guard let place = place(of: index, state.validators) else { return }
        found.participation[place].answered += 1
    }

    private mutating func miss(_ index: ValidatorIndex, _ entry: UInt64, _ state: LedgerState) {
        guard let place = place(of: index, state.validators) else { return }
        found.participation[place].missed += 1
        if found.participation[place].firstMissed == nil {
            found.participation[place].firstMissed = entry
        }
        found.participation[place].lastMissed = entry
    }

    /// Where the count of a validator is: validators keep their numbers, from 0 on.
    private mutating func place(of index: ValidatorIndex, _ validators: [Validator]) -> Int? {
        let place = Int(index.rawValue)
        guard place < validators.count else { return nil }
        while found.participation.count <= place {
            let next = found.participation.count
            let validator = validators[next]
            found.participation.append(
                Participation(
                    validator: UInt16(next), name: validator.name, key: validator.key.hex))
        }
        return place
    }

    // MARK: Leading

    /// Counts who proposed the batch, and who led a round before that one without a proposal that
    /// was agreed on; round r is led by rank r mod N.
    private mutating func lead(_ batch: BatchOpened, _ entry: UInt64, _ state: LedgerState) {
        // Every validator has its line, also one that was asked for nothing.
        _ = place(
            of: ValidatorIndex(UInt16(max(0, state.validators.count - 1))), state.validators)
        if let place = place(of: batch.proposer, state.validators) {
            found.participation[place].proposed += 1
        }
        guard batch.round > 0 else { return }
        let ranking = state.proposerRanking(height: batch.height)
        for (rank, leader) in ranking.enumerated() {
            let (whole, rest) = batch.round.quotientAndRemainder(dividingBy: UInt32(ranking.count))
            let rounds = UInt64(whole) + (rank < Int(rest) ? 1 : 0)
            guard rounds > 0, let place = place(of: leader, state.validators) else { continue }
            found.participation[place].passedOver += rounds
            if found.participation[place].firstPassedOver == nil {
                found.participation[place].firstPassedOver = entry
            }
            found.participation[place].lastPassedOver = entry
        }
    }

    // MARK: Refusals, time and versions

    private mutating func see(
        _ refused: MessageRefused, _ entry: UInt64, _ state: LedgerState
    ) {
        guard let sender = refused.message.sender,
            state.refusals(of: sender) + 1 == state.parameters.refusalsPerMinute,
            let party = party(sender, state)
        else { return }
        note(.refusedToLimit, party, "", entry)
    }

    private mutating func see(_ batch: BatchOpened, _ entry: UInt64, _ state: LedgerState) {
        lead(batch, entry, state)
        // Batch 0 is made when the keys are, which may be long before anybody starts.
        guard state.height > Height(0), batch.time > state.time else { return }
        let gap = batch.time.rawValue - state.time.rawValue
        guard gap > Self.gapMilliseconds else { return }
        note(.timeGap, (.network, "", ""), "", entry, longest: gap)
    }

    private mutating func see(
        _ said: ValidatorAnnounced, _ entry: UInt64, _ state: LedgerState
    ) {
        guard let party = party(said.validator, state) else { return }
        let now = said.announcement
        if now.isJournalNew { note(.journalBegunAnew, party, "", entry) }
        guard let before = state.validator(said.validator)?.announced?.announcement,
            before.versions != now.versions
        else { return }
        note(.versionChanged, party, "\(before.versions) to \(now.versions)", entry)
    }
}

extension Announcement {
    /// The program and the engine, for people.
    fileprivate var versions: String {
        engine.isEmpty ? program : "\(program) with \(engine) \(engineVersion)"
    }
}
