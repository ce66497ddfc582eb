// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension LedgerState {
    mutating func applyChange(_ event: GovernanceApproved) throws(FoldError) {
        guard event.number == nextChange, event.number < .max else {
            throw .contradicts(kind: "governanceApproved", field: "number")
        }
        do throws(Refusal) { try check(event.change) } catch {
            throw .refused(kind: "governanceApproved", error)
        }
        nextChange = event.number + 1
        switch event.change {
        case .validatorJoined(let key, let name, let stake): join(key, name, stake)
        case .validatorLeft(let key):
            let index = try known(key)
            validators[Int(index.rawValue)].end(at: height)
            members.removeAll { $0 == index }
        case .stakeChanged(let key, let stake):
            validators[Int(try known(key).rawValue)].stake = stake
        case .parametersChanged(let parameters): self.parameters = parameters
        case .circuitRegistered(let circuit): _ = register(circuit)
        case .rootPublished(let circuit, let root):
            guard roots.indices.contains(Int(circuit.rawValue)) else {
                throw .unknown(
                    kind: "rootPublished", field: "circuit", value: UInt64(circuit.rawValue))
            }
            publish(root, for: circuit)
        case .submitterListed(let key, let name, let quota): list(key, name, quota: quota)
        }
    }

    private func known(_ key: PublicKey) throws(FoldError) -> ValidatorIndex {
        guard let index = validatorIndices[key] else {
            throw .contradicts(kind: "governanceApproved", field: "key")
        }
        return index
    }

    /// Lets a validator join, or return with its index, name and reputation.
    mutating func join(_ key: PublicKey, _ name: String, _ stake: Stake) {
        let index: ValidatorIndex
        if let known = validatorIndices[key] {
            index = known
            validators[Int(index.rawValue)].stake = stake
            if !members.contains(index) { validators[Int(index.rawValue)].begin(at: height) }
        } else {
            index = ValidatorIndex(UInt16(validators.count))
            validatorIndices[key] = index
            validatorNames.insert(name)
            validators.append(
                Validator(
                    key: key, name: name, stake: stake, reputation: Limits.reputationAtJoining,
                    isMember: true, terms: [Term(joined: height, left: nil)]))
        }
        guard !members.contains(index) else { return }
        let place = members.firstIndex { $0 > index } ?? members.count
        members.insert(index, at: place)
    }

    mutating func list(_ key: PublicKey, _ name: String, quota: UInt32) {
        if let known = submitterIndices[key] {
            submitters[Int(known.rawValue)].quota = quota
        } else {
            submitterIndices[key] = SubmitterIndex(UInt32(submitters.count))
            submitterNames.insert(name)
            submitters.append(Submitter(key: key, name: name, quota: quota, undecided: 0))
        }
    }

    mutating func register(_ circuit: Circuit) -> CircuitIndex {
        let index = CircuitIndex(UInt16(circuits.count))
        let id = circuit.id
        circuits.append(RegisteredCircuit(circuit: circuit, id: id))
        circuitIndices[id] = index
        circuitNames.insert(circuit.name)
        roots.append([])
        circuitHistory.append(bytes: id.encoded)
        return index
    }

    mutating func publish(_ root: Bytes32, for circuit: CircuitIndex) {
        roots[Int(circuit.rawValue)].insert(root)
        var record = BorshWriter()
        record.write(circuit)
        record.write(root)
        rootHistory.append(record.bytes)
    }
}
