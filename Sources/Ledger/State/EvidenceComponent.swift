// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Who was convicted of contradicting itself, and of what. It only grows.
///
/// Invariants:
/// - a record, the bytes of its `EquivocationFound`, for each conviction, in the order of the log;
/// - `convictions` holds exactly what the records convict of; the rules convict nobody twice of the
///   same, so that there are as many as records.
struct EvidenceComponent: RecordedComponent {
    static let kind = StateComponent.evidence

    private(set) var convictions: Set<Conviction> = []
    var history = RecordedHistory()

    /// Nobody is convicted.
    init() {}

    // MARK: Its part of `apply`

    /// Takes over what an entry says, and keeps its bytes as they are.
    mutating func convict(_ event: EquivocationFound, _ taken: Entry) {
        convictions.insert(Conviction(validator: event.validator, slot: event.slot))
        history.append(taken)
        invariant(
            UInt64(convictions.count) <= history.count,
            "\(convictions.count) convictions with \(history.count) records")
    }

    // MARK: Its part of a snapshot

    /// Makes the set of the records again.
    init(records: RecordStore) throws(SnapshotError) {
        var convictions: Set<Conviction> = []
        try records.forEachRange { _, chunk, range throws(SnapshotError) in
            let event: Event = try RecordStore.decode(chunk, range, of: Self.kind)
            guard case .equivocationFound(let found) = event else {
                throw .malformed(part: "evidence")
            }
            convictions.insert(Conviction(validator: found.validator, slot: found.slot))
        }
        self.convictions = convictions
        history = RecordedHistory(unverified: records)
    }

    /// The records of convictions about these matters: see `Conviction.about`.
    func records(about matters: Set<UInt64>) -> [[UInt8]] {
        var kept: [[UInt8]] = []
        history.records.forEach { place, _ in
            guard case .equivocationFound(let found) = history.read(place) as Event,
                matters.contains(Conviction(validator: found.validator, slot: found.slot).about)
            else { return }
            kept.append(history.records.record(at: place))
        }
        return kept
    }
}

/// A validator's contradiction of a kind on a height, request or job, so that it convicts once.
struct Conviction: Hashable, Sendable {
    let validator: ValidatorIndex
    /// The tag of the slot.
    let kind: UInt8
    /// The height, or the entry of the request or job; 0 for checkpoints.
    let about: UInt64
}
