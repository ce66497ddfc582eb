// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What the ledger is called, and the numbers by which it goes.
///
/// Invariants:
/// - `ledger` is zero exactly while nothing is applied; name and bridge never change after that;
/// - `parameters.fault == nil`, and `parameters.fault(members:) == nil` for the members of now,
///   except under what `assume` has set;
/// - `nextChange` is the number of changes that T validators have agreed on: each takes one;
/// - `scale.decay <= ReputationScale.decayUnits`.
struct ParametersComponent: Component {
    static let kind = StateComponent.parameters

    /// The identity of the ledger; zero while nothing is applied.
    private(set) var ledger = LedgerID(.zero)
    /// Where the ledger comes from.
    private(set) var name = ""
    /// The bridge's key.
    private(set) var bridge = PublicKey(.zero)
    /// The parameters.
    private(set) var parameters = Parameters.standard
    /// The running number of the next change that T validators agree on.
    private(set) var nextChange: UInt64 = 0
    /// What causes give and days take: that of every ledger, unless others are assumed. In no root.
    private(set) var scale = ReputationScale.standard

    /// Nothing is applied.
    init() {}

    // MARK: Its part of `apply`

    mutating func open(_ event: LedgerOpened, as ledger: LedgerID) {
        invariant(self.ledger.digest == .zero, "ledger \(self.ledger.hex) opens again")
        self.ledger = ledger
        name = event.name
        parameters = event.parameters
        bridge = event.bridge
    }

    /// Checks that a change has the next number.
    func check(numberOf event: GovernanceApproved) throws(FoldError) {
        guard event.number == nextChange, event.number < .max else {
            throw .contradicts(kind: .governanceApproved, field: "number")
        }
    }

    /// A change is taken, which has the next number.
    mutating func countChange() { nextChange += 1 }

    /// - Precondition: They serve a ledger; the rules have seen to that.
    mutating func change(to parameters: Parameters) {
        invariant(parameters.fault == nil, "parameters that cannot serve come into force")
        self.parameters = parameters
    }

    /// Goes on under other numbers; see `LedgerState.assume`.
    mutating func assume(_ parameters: Parameters, _ scale: ReputationScale) {
        invariant(
            scale.decay <= ReputationScale.decayUnits,
            "a day that takes \(scale.decay) ten-thousandths")
        self.parameters = parameters
        self.scale = scale
    }

    // MARK: Its root and its part of a snapshot

    func encodeRoot(to writer: inout BorshWriter) {
        writer.write(ledger)
        writer.write(name)
        writer.write(bridge)
        writer.write(parameters)
        writer.write(nextChange)
    }

    /// The same as for its root.
    func encodeFixed(to writer: inout BorshWriter) { encodeRoot(to: &writer) }

    /// The root of a ledger's parameters after so many changes, of which its first entry gives all
    /// but the parameters.
    static func root(
        _ opened: LedgerOpened, as ledger: LedgerID, _ parameters: Parameters, changes: UInt64
    ) -> Digest {
        var component = Self()
        component.open(opened, as: ledger)
        component.parameters = parameters
        component.nextChange = changes
        return component.root
    }

    init(fixed reader: inout BorshReader) throws(DecodingError) {
        ledger = try LedgerID(from: &reader)
        name = try reader.text(of: "name", bound: Limits.nameBytesMax)
        bridge = try reader.publicKey()
        parameters = try Parameters(from: &reader)
        nextChange = try reader.integer()
    }

    // MARK: Its soundness

    /// Whether numbers are such as the rules admit.
    var isWithinBounds: Bool {
        nextChange < StateBounds.numbers && parameters.fault == nil
    }

    /// See `LedgerState.checkSoundness`.
    func checkSoundness() throws(Unsoundness) {
        try Self.believe(ledger.digest != .zero, "a ledger that is opened has an identity")
        try Self.believe(bridge.isValid, "the bridge has a key that can sign")
        try Self.believe(nextChange < StateBounds.numbers, "changes are \(nextChange), too many")
        try Self.believe(
            scale.decay <= ReputationScale.decayUnits, "a day takes \(scale.decay), too much")
    }
}

extension BatchSealed {
    /// Whether the state that it seals has these parameters after so many changes, in the ledger
    /// of a first entry.
    package func seals(
        _ parameters: Parameters, changes: UInt64, of opened: LedgerOpened, as ledger: LedgerID
    ) -> Bool {
        let root = ParametersComponent.root(opened, as: ledger, parameters, changes: changes)
        return components[Int(StateComponent.parameters.rawValue)] == root
    }
}
