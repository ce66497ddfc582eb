// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Groth16

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

    /// Checks, in order: name, verifying key, number and kind of inputs, bindings, and that proofs
    /// of the key are worth anything.
    static func check(_ circuit: Circuit) throws(Refusal) {
        guard PartyName.isValid(circuit.name) else { throw .malformedName }
        guard
            circuit.inputs.count <= Limits.publicInputsMax,
            circuit.nullifierCount <= Limits.nullifiersMax
        else { throw .malformedCircuit }
        let key: VerifyingKey
        do { key = try VerifyingKey(bytes: circuit.verifyingKey) } catch {
            throw .malformedCircuit
        }
        guard key.publicInputCount == circuit.inputs.count else { throw .malformedCircuit }
        for case .constant(let value) in circuit.inputs {
            guard isCanonical(value) else { throw .malformedCircuit }
        }
        guard circuit.isBound else { throw .circuitUnbound }
        if let fault = circuit.soundnessFault(of: key) { throw Refusal(fault) }
    }
}

extension Circuit {
    /// Why proofs of the circuit's key are worth nothing here; nil where nothing is known against
    /// it. The one check of keys, wherever they enter.
    package func soundnessFault(of key: VerifyingKey) -> VerifyingKeyFault? {
        key.soundnessFault(isBound: inputs.map { $0 != .free })
    }
}

extension Refusal {
    /// The refusal for a verifying key that proves nothing.
    init(_ fault: VerifyingKeyFault) {
        self =
            switch fault {
            case .gammaIsDelta: .gammaIsDelta
            case .gammaIsBeta: .gammaIsBeta
            case .deltaIsBeta: .deltaIsBeta
            case .deltaIsGenerator: .deltaIsGenerator
            case .secretIsKnown: .keySecretKnown
            case .constantIsInfinity: .constantIsInfinity
            case .constantIsAlpha: .constantIsAlpha
            case .inputIsInfinity: .inputIsInfinity
            case .inputIsConstant: .inputIsConstant
            case .inputsShareAPoint: .inputsShareAPoint
            }
    }
}
