// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

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
