// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

// MARK: - The first entry

extension LedgerState {
    /// Checks, in order: place, parameters, validators, their names, stake, threshold, submitters,
    /// their names, circuits with their roots, their names, bridge, lengths.
    func openLedger(_ event: LedgerOpened) throws(Refusal) -> [Event] {
        guard phase == .empty else { throw .ledgerOpened }
        if let fault = event.parameters.fault { throw fault }
        guard event.validators.allSatisfy(\.key.isValid) else { throw .invalidKey }
        guard Set(event.validators.map(\.key)).count == event.validators.count else {
            throw .malformedGenesis
        }
        try PartyName.check(event.validators.map(\.name))
        try Self.checkStakes(event.validators.map(\.stake))
        if let fault = event.parameters.fault(members: event.validators.count) { throw fault }
        guard Set(event.submitters.map(\.key)).count == event.submitters.count else {
            throw .malformedGenesis
        }
        guard event.submitters.allSatisfy({ $0.key.isValid }) else { throw .invalidKey }
        guard event.submitters.allSatisfy({ $0.quota <= Limits.unclosedMax }) else {
            throw .boundsOutOfRange
        }
        try PartyName.check(event.submitters.map(\.name))
        var known: Set<CircuitID> = []
        for genesis in event.circuits {
            try Self.check(genesis.circuit)
            guard known.insert(genesis.circuit.id).inserted else { throw .circuitKnown }
            guard genesis.roots.allSatisfy(isCanonical) else { throw .malformedInput }
            guard Set(genesis.roots).count == genesis.roots.count else { throw .rootKnown }
        }
        try PartyName.check(event.circuits.map(\.circuit.name))
        guard event.bridge.isValid else { throw .invalidKey }
        // Each bound is one that the decoder holds: what is decided can be read again.
        guard event.name.utf8.count <= Limits.nameBytesMax,
            event.submitters.count <= Limits.submittersMax,
            event.circuits.count <= Limits.circuitsMax,
            event.circuits.allSatisfy({ $0.roots.count <= Limits.genesisRootsMax }),
            Event.ledgerOpened(event).encoded.count <= Limits.entryBytesMax
        else { throw .malformedGenesis }
        return [.ledgerOpened(event)]
    }

    /// Total stake must be above zero and fit sixty-four bits; there may be so many validators.
    static func checkStakes(_ stakes: [Stake]) throws(Refusal) {
        guard stakes.count <= Limits.membersMax else { throw .tooManyMembers }
        var total: UInt64 = 0
        for stake in stakes {
            let (sum, overflow) = total.addingReportingOverflow(stake.rawValue)
            guard !overflow else { throw .stakeOutOfRange }
            total = sum
        }
        guard total > 0 else { throw .stakeOutOfRange }
    }
}

// MARK: - What T validators change together

extension LedgerState {
    /// Checks, in order: running number, signers, their order and number, then the change itself.
    func decide(governance message: GovernanceMessage) throws(Refusal) -> [Event] {
        guard message.number == nextChange, message.number < .max else { throw .wrongNumber }
        var signatures: [IndexedSignature] = []
        for endorsement in message.endorsements {
            guard let index = validatorIndices[endorsement.validator], members.contains(index)
            else { throw .signerNotMember }
            if let last = signatures.last, last.validator >= index { throw .signaturesUnordered }
            signatures.append(IndexedSignature(validator: index, signature: endorsement.signature))
        }
        invariant(
            signatures.count <= members.count, "\(signatures.count) of \(members.count) sign")
        guard signatures.count >= Int(parameters.threshold) else { throw .tooFewSignatures }
        try check(message.change)
        let event = Event.governanceApproved(
            GovernanceApproved(
                number: message.number, change: message.change, signatures: signatures))
        guard event.encoded.count <= Limits.entryBytesMax else { throw .boundsOutOfRange }
        return [event]
    }

    /// Why the rules refuse a change in the state as it is, whoever signs; nil where they do not.
    package func refusal(of change: Change) -> Refusal? {
        do throws(Refusal) {
            try check(change)
            return nil
        } catch { return error }
    }

    /// Why the rules refuse a change in every state; nil where it depends on the state.
    package static func refusalEverywhere(of change: Change) -> Refusal? {
        do throws(Refusal) {
            try checkAlone(change)
            return nil
        } catch { return error }
    }

    /// Checks what a change shows without any state.
    private static func checkAlone(_ change: Change) throws(Refusal) {
        switch change {
        case .validatorJoined(let key, let name, _):
            guard key.isValid else { throw .invalidKey }
            guard PartyName.isValid(name) else { throw .malformedName }
        case .validatorLeft, .stakeChanged: break
        case .parametersChanged(let parameters):
            if let fault = parameters.fault { throw fault }
        case .circuitRegistered(let circuit): try check(circuit)
        case .rootPublished(_, let root):
            guard isCanonical(root) else { throw .malformedInput }
        case .submitterListed(let key, let name, let quota):
            guard key.isValid else { throw .invalidKey }
            guard quota <= Limits.unclosedMax else { throw .boundsOutOfRange }
            guard PartyName.isValid(name) else { throw .malformedName }
        }
    }

    /// Checks what a change may do in the state as it is.
    func check(_ change: Change) throws(Refusal) {
        switch change {
        case .validatorJoined(let key, let name, let stake):
            try check(joining: key, name, stake)
        case .validatorLeft(let key):
            let index = try member(key)
            try check(members.filter { $0 != index }.map(stake), parameters)
        case .stakeChanged(let key, let stake):
            let index = try member(key)
            try check(members.map { $0 == index ? stake : self.stake($0) }, parameters)
        case .parametersChanged(let parameters):
            if let fault = parameters.fault { throw fault }
            try check(members.map(stake), parameters)
        case .circuitRegistered(let circuit):
            try Self.check(circuit)
            guard circuitIndices[circuit.id] == nil else { throw .circuitKnown }
            guard !circuitNames.contains(circuit.name) else { throw .nameTaken }
            guard circuits.count < Limits.circuitsMax else { throw .tooManyCircuits }
        case .rootPublished(let circuit, let root):
            guard self.circuit(circuit) != nil else { throw .unknownCircuit }
            guard isCanonical(root) else { throw .malformedInput }
            guard !isPublished(root, for: circuit) else { throw .rootKnown }
        case .submitterListed(let key, let name, let quota):
            guard key.isValid else { throw .invalidKey }
            guard quota <= Limits.unclosedMax else { throw .boundsOutOfRange }
            guard submitterIndices[key] != nil || submitters.count < Limits.submittersMax else {
                throw .tooManySubmitters
            }
            try PartyName.check(
                name, own: submitterIndices[key].map { submitters[Int($0.rawValue)].name },
                taken: submitterNames)
        }
    }

    private func check(
        joining key: PublicKey, _ name: String, _ stake: Stake
    ) throws(Refusal) {
        guard key.isValid else { throw .invalidKey }
        if let index = validatorIndices[key] {
            guard !members.contains(index) else { throw .alreadyMember }
        } else {
            guard validators.count < Limits.validatorsMax else { throw .tooManyMembers }
        }
        try PartyName.check(
            name, own: validatorIndices[key].map { validators[Int($0.rawValue)].name },
            taken: validatorNames)
        try check(members.map(self.stake) + [stake], parameters)
    }

    private func stake(_ index: ValidatorIndex) -> Stake {
        validators[Int(index.rawValue)].stake
    }

    private func member(_ key: PublicKey) throws(Refusal) -> ValidatorIndex {
        guard let index = validatorIndices[key], members.contains(index) else { throw .notMember }
        return index
    }

    private func check(_ stakes: [Stake], _ parameters: Parameters) throws(Refusal) {
        if let fault = parameters.fault(members: stakes.count) { throw fault }
        try Self.checkStakes(stakes)
    }
}

extension Parameters {
    /// What the weights of stake and reputation add up to, in millionths.
    private static let weightsSum: UInt64 = 1_000_000

    /// Whether two quorums of `threshold` out of `count` always share an honest validator.
    ///
    /// Holds exactly when `2T - N > N - T`. Source: Malkhi and Reiter 1998, "Byzantine quorum
    /// systems".
    package static func isSafe(threshold: UInt32, of count: Int) -> Bool {
        threshold <= count && UInt64(threshold) * 3 > UInt64(count) * 2
    }

    /// Returns why the parameters cannot serve whatever the validators are, or nil.
    package var fault: Refusal? {
        let times = [verificationMilliseconds, jobMilliseconds, settlementMilliseconds]
        guard times.allSatisfy({ (1...Limits.timeoutMillisecondsMax).contains($0) }) else {
            return .timeoutOutOfRange
        }
        guard reputationMin <= Limits.reputationAtJoining,
            reputationMax >= Limits.reputationAtJoining,
            reputationMax <= Limits.reputationMax
        else { return .reputationBoundsOutOfRange }
        guard UInt64(stakeWeight) + UInt64(reputationWeight) == Self.weightsSum else {
            return .weightsOutOfRange
        }
        guard (1...Limits.unclosedMax).contains(unclosedMax),
            (1...Limits.unclosedMax).contains(refusalsPerMinute)
        else { return .boundsOutOfRange }
        guard jobFuelMax > 0, (1...Limits.jobMemoryBytesMax).contains(jobMemoryBytesMax),
            jobInputBytesMax <= Limits.jobInputBytesMax,
            (1...Limits.jobModuleBytesMax).contains(jobModuleBytesMax),
            (1...jobMilliseconds).contains(jobMillisecondsMin)
        else { return .jobBoundsOutOfRange }
        guard threshold <= Limits.thresholdMax else { return .thresholdTooLarge }
        return nil
    }

    /// Returns why the parameters cannot serve so many validators, or nil.
    ///
    /// Checks, in order: two quorums share an honest validator; one approval, which may end every
    /// other open request, leaves the batch small enough for a message.
    package func fault(members count: Int) -> Refusal? {
        guard Self.isSafe(threshold: threshold, of: count) else { return .unsafeThreshold }
        guard
            Int(unclosedMax) * Limits.conflictBytes(validators: count) <= Limits.conflictBytesMax
        else { return .boundsOutOfRange }
        return nil
    }
}

// MARK: - Names

/// The names of validators, submitters and circuits: for people, and unique for ever.
package enum PartyName {
    /// Whether it is 1 to 32 of `a-z 0-9 - .`.
    package static func isValid(_ name: String) -> Bool {
        (1...Limits.partyNameBytesMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { character in
                switch character {
                case UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// Checks that names are valid and that none stands twice.
    static func check(_ names: [String]) throws(Refusal) {
        guard names.allSatisfy(isValid) else { throw .malformedName }
        guard Set(names).count == names.count else { throw .nameTaken }
    }

    /// Checks the name of a key: one that is known keeps its own, a new one takes a new one.
    ///
    /// - Parameters:
    ///   - own: The name that the key has, where it is known.
    ///   - taken: Those of all keys.
    static func check(_ name: String, own: String?, taken: Set<String>) throws(Refusal) {
        guard isValid(name) else { throw .malformedName }
        if let own {
            guard name == own else { throw .nameChanged }
        } else {
            guard !taken.contains(name) else { throw .nameTaken }
        }
    }
}

// MARK: - Announcements

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
        return [.validatorAnnounced(message.naming(validator: index))]
    }
}
