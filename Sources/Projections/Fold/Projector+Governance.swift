// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

// MARK: - Batches, membership and what T validators may change

extension Projector {
    func apply(_ event: LedgerOpened) throws {
        guard entries == 0 else { throw fail("the ledger is open already") }
        let row = tables.ledger
        row.bind(1)
        row.bind(event.name)
        row.bind(event.bridge.value)
        row.bind(event.time.rawValue)
        try row.run()
        opened = nil
        openedTime = event.time.rawValue
        isOpen = true
        try set(event.parameters)
        for validator in event.validators {
            try join(validator.key, validator.name, validator.stake)
        }
        for submitter in event.submitters {
            try list(submitter.key, submitter.name, quota: submitter.quota)
        }
        for genesis in event.circuits {
            let number = try register(genesis.circuit)
            for root in genesis.roots { try publish(root, for: number) }
        }
        ranked = sealedStakes
    }

    func apply(_ event: BatchOpened) throws {
        guard !isOpen else { throw fail("a batch is open already") }
        opened = (entries, event)
        isOpen = true
        countBatch(event)
    }

    func apply(_ event: BatchSealed) throws {
        guard isOpen else { throw fail("no batch is open") }
        let row = tables.batch
        row.bind(event.height.rawValue)
        row.bind(opened?.entry ?? 0)
        row.bind(entries)
        row.bind(opened?.event.time.rawValue ?? openedTime)
        row.bind(opened.map { UInt64($0.event.proposer.rawValue) })
        row.bind(opened?.event.round ?? 0)
        row.bind(event.root)
        row.bind(event.stateRoot)
        try row.run()
        isOpen = false
        sealed = event
    }

    func apply(_ event: GovernanceApproved) throws {
        let row = tables.governance
        row.bind(entries)
        row.bind(event.number)
        row.bind(event.change.jsonName)
        row.bind(event.signatures.count)
        try row.run()
        switch event.change {
        case .validatorJoined(let key, let name, let stake): try join(key, name, stake)
        case .validatorLeft(let key): try leave(key)
        case .stakeChanged(let key, let stake):
            let number = try known(key)
            validators[number].stake = stake.rawValue
            changedValidators.insert(number)
            try recordStake(of: number)
        case .parametersChanged(let parameters): try set(parameters)
        case .circuitRegistered(let circuit): _ = try register(circuit)
        case .rootPublished(let circuit, let root):
            try publish(root, for: Int(circuit.rawValue))
        case .submitterListed(let key, let name, let quota):
            try list(key, name, quota: quota)
        }
    }

    private func set(_ parameters: Parameters) throws {
        self.parameters = parameters
        let row = tables.parameters
        row.bind(entries)
        row.bind(parameters.threshold)
        row.bind(parameters.verificationMilliseconds)
        row.bind(parameters.jobMilliseconds)
        row.bind(parameters.settlementMilliseconds)
        row.bind(parameters.reputationMin.rawValue)
        row.bind(parameters.reputationMax.rawValue)
        row.bind(parameters.stakeWeight)
        row.bind(parameters.reputationWeight)
        row.bind(parameters.normalisation.jsonName)
        row.bind(parameters.unclosedMax)
        row.bind(parameters.refusalsPerMinute)
        row.bind(parameters.jobFuelMax)
        row.bind(parameters.jobMemoryBytesMax)
        row.bind(parameters.jobInputBytesMax)
        row.bind(parameters.jobModuleBytesMax)
        row.bind(parameters.jobMillisecondsMin)
        try row.run()
    }

    private func known(_ key: PublicKey) throws -> Int {
        guard let number = validatorNumbers[key] else {
            throw fail("no validator has the key \(key.value.hex)")
        }
        return number
    }

    /// A validator joins, or returns with its number and reputation.
    private func join(_ key: PublicKey, _ name: String, _ stake: Stake) throws {
        let number: Int
        if let known = validatorNumbers[key] {
            guard !validators[known].isMember else { throw fail("it is a validator already") }
            number = known
            validators[number].stake = stake.rawValue
            validators[number].isMember = true
        } else {
            number = validators.count
            guard number < Limits.validatorsMax else { throw fail("there is no number left") }
            validatorNumbers[key] = number
            let reputation = Limits.reputationAtJoining.rawValue
            validators.append(
                Validator(
                    key: key, name: name, stake: stake.rawValue, reputation: reputation,
                    isMember: true))
            tallies.append(ValidatorTally())
            reputations.append(
                ReputationRow(
                    validator: UInt16(number), entry: entries, cause: .joined, about: nil,
                    before: reputation, after: reputation))
        }
        changedValidators.insert(number)
        tables.membership.bind(number)
        tables.membership.bind(entries)
        tables.membership.bindNull()
        try tables.membership.run()
        try recordStake(of: number)
    }

    private func leave(_ key: PublicKey) throws {
        let number = try known(key)
        validators[number].isMember = false
        changedValidators.insert(number)
        tables.leave.bind(entries)
        tables.leave.bind(number)
        guard try tables.leave.runCounting() == 1 else { throw fail("it is no validator") }
    }

    private func recordStake(of number: Int) throws {
        tables.stakeChange.bind(number)
        tables.stakeChange.bind(entries)
        tables.stakeChange.bind(validators[number].stake)
        try tables.stakeChange.run()
    }

    private func list(_ key: PublicKey, _ name: String, quota: UInt32) throws {
        let number = submitterNumbers[key] ?? submitters.count
        if number == submitters.count {
            submitters.append(key)
            submitterNumbers[key] = number
        }
        tables.submitter.bind(number)
        tables.submitter.bind(key.value)
        tables.submitter.bind(name)
        tables.submitter.bind(quota)
        try tables.submitter.run()
    }

    /// A validator has said what it runs.
    func apply(_ event: ValidatorAnnounced) throws {
        guard validators.indices.contains(Int(event.validator.rawValue)) else {
            throw fail("its validator is not known")
        }
        let said = event.announcement
        let row = tables.announcement
        row.bind(entries)
        row.bind(event.validator.rawValue)
        row.bind(said.number)
        row.bind(said.program)
        row.bind(said.engine)
        row.bind(said.engineVersion)
        row.bind(said.isJournalNew ? 1 : 0)
        try row.run()
    }

    private func register(_ circuit: Circuit) throws -> Int {
        let id = circuit.id
        circuits.append(id)
        tables.circuit.bind(circuits.count - 1)
        tables.circuit.bind(id.digest)
        tables.circuit.bind(circuit.name)
        tables.circuit.bind(entries)
        try tables.circuit.run()
        return circuits.count - 1
    }

    private func publish(_ root: Bytes32, for circuit: Int) throws {
        tables.circuitRoot.bind(circuit)
        tables.circuitRoot.bind(root)
        tables.circuitRoot.bind(entries)
        try tables.circuitRoot.run()
    }
}
