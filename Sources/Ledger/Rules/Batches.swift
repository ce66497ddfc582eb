// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    /// Checks, in order: place, height, time, days, proposer, previous root, precommits.
    func openBatch(_ event: BatchOpened, root: Digest) throws(Refusal) -> [Event] {
        switch phase {
        case .empty: throw .ledgerNotOpened
        case .opening, .open: throw .batchOpen
        case .sealed: break
        }
        guard event.height.rawValue == height.rawValue + 1 else { throw .wrongHeight }
        guard event.time > time else { throw .timeNotLater }
        guard event.time.day - min(decayDay, event.time.day) <= Limits.daysPerBatchMax else {
            throw .tooManyDays
        }
        let ranking = proposerRanking(height: event.height)
        guard !ranking.isEmpty,
            ranking[Int(event.round) % ranking.count] == event.proposer
        else { throw .wrongProposer }
        guard event.previousRoot == root else { throw .wrongPreviousRoot }
        try check(event.precommits, round: event.precommitRound, height: event.height)

        var derivation = Derivation(at: size)
        derivation.emit(.batchOpened(event))
        if event.time.day > decayDay {
            for day in (decayDay + 1)...event.time.day { derivation.decay(day: day, in: self) }
        }
        assignJobs(time: event.time, root: event.previousRoot, &derivation)
        return derivation.events
    }

    /// The first height that names precommits: batch 0 is nobody's, so batch 1 has none to name.
    private static let firstPrecommitted = Height(2)

    /// Exactly T precommits from height 2 on, of the validators that could order the batch before,
    /// by index.
    private func check(
        _ precommits: [IndexedSignature], round: UInt32, height: Height
    ) throws(Refusal) {
        guard height >= Self.firstPrecommitted else {
            guard precommits.isEmpty, round == 0 else { throw .wrongPrecommits }
            return
        }
        guard precommits.count == Int(sealedBefore.parameters.threshold) else {
            throw .wrongPrecommits
        }
        var last = -1
        for precommit in precommits {
            guard Int(precommit.validator.rawValue) > last,
                sealedBefore.members.contains(where: { $0.index == precommit.validator })
            else { throw .wrongPrecommits }
            last = Int(precommit.validator.rawValue)
        }
    }

    /// Decisions and closes of the rounds and jobs that are due, in order of their entries, while
    /// the batch has room for them; the next batch closes the rest.
    func closeDue(in batch: OpenBatch) -> [Event] {
        var derivation = Derivation(at: size)
        var closeBytes = batch.closeBytes
        for entry in dueEntries {
            guard closeBytes < Limits.closeBytesPerBatchMax else { break }
            closeBytes += self.closeBytes(of: entry)
            if let round = rounds[entry] {
                closeDue(round, &derivation)
            } else if let job = jobs[entry] {
                closeDue(job, &derivation)
            }
        }
        return derivation.events
    }

    /// The rounds and jobs whose deadline is not after batch time, in order of their entries.
    private var dueEntries: [EntryIndex] {
        let dueRounds = openRounds.filter { entry in
            rounds[entry].map { $0.opened.deadline <= time } ?? false
        }
        let dueJobs = openJobs.filter { entry in
            jobs[entry]?.assigned.map { $0.deadline <= time } ?? false
        }
        return (dueRounds + dueJobs).sorted()
    }

    /// Checks, in order: place, deadlines, size.
    func seal(size: UInt64, root: Digest) throws(Refusal) -> Event {
        switch phase {
        case .empty: throw .ledgerNotOpened
        case .sealed: throw .noBatch
        case .opening: break
        case .open(let batch):
            guard batch.closeBytes >= Limits.closeBytesPerBatchMax || dueEntries.isEmpty else {
                throw .deadlinesDue
            }
        }
        guard size == self.size else { throw .wrongSize }
        let components = componentRoots()
        invariant(
            components.count == StateComponent.allCases.count, "\(components.count) components")
        return .batchSealed(
            BatchSealed(
                height: height, size: size, root: root, stateRoot: StateRoot.combined(components),
                components: components))
    }

    /// Checks, in order: an open batch, whose deadlines are not reached, and room for a command.
    func checkRoom() throws(Refusal) {
        guard case .open(let batch) = phase else { throw .noBatch }
        guard !batch.isClosing else { throw .batchClosing }
        guard batch.commands < Limits.commandsPerBatchMax,
            batch.bytes + Limits.entryBytesMax <= Limits.commandBytesPerBatchMax,
            batch.closeBytes < Limits.closeBytesPerBatchMax
        else { throw .batchFull }
    }
}
