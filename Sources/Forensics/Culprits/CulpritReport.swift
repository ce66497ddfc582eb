// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// Who is proved to have contradicted itself or the mathematics, who must answer, and what cannot
/// be proved.
package struct CulpritReport: Encodable, Sendable {
    /// A charge against a party.
    package struct Charged: Encodable, Equatable, Sendable {
        /// Its name, or the start of its key where no ledger names it.
        package let name: String
        /// Its key, in hexadecimal.
        package let key: String
        /// The name of a `Charge`.
        package let kind: String
        /// What it is charged with.
        package let sentence: String
        /// The file of evidence: its place in `files`.
        package let file: Int
    }

    /// Something that is wrong and convicts nobody.
    package struct Unprovable: Encodable, Equatable, Sendable {
        /// What was found.
        package let found: String
        /// Why it convicts nobody, and what would.
        package let reason: String
    }

    /// A crime that could not be looked for, or not everywhere.
    package struct Lacking: Encodable, Equatable, Sendable {
        /// The crime.
        package let crime: String
        /// What is lacking.
        package let input: String
    }

    /// The ledger, in hexadecimal.
    package internal(set) var ledger = ""
    /// Convicted by files of evidence.
    package internal(set) var proved: [Charged] = []
    /// Accused by absence: their journals can clear them.
    package internal(set) var mustAnswer: [Charged] = []
    /// Wrong, and nobody is convicted of it.
    package internal(set) var unprovable: [Unprovable] = []
    /// What was not looked for, for lack of an input.
    package internal(set) var lacking: [Lacking] = []
    /// Inputs that could not be read, or not to their end, and why.
    package internal(set) var unread: [String] = []
    /// Charges of one kind against one party that were left out, since there are many.
    package internal(set) var leftOut: UInt64 = 0
    /// The names of the files of evidence, in order; their bytes are in `evidence`.
    package internal(set) var files: [String] = []
    /// The files of evidence.
    package internal(set) var evidence: [EvidenceFile] = []

    /// A kind of charge against a party.
    fileprivate struct Count: Hashable {
        let key: PublicKey
        let kind: String
    }

    /// How many there are of each.
    private var counts: [Count: Int] = [:]

    private enum CodingKeys: String, CodingKey {
        case ledger, proved, mustAnswer, unprovable, lacking, unread, leftOut, files
    }

    /// Whether anything was found.
    package var isFound: Bool {
        !proved.isEmpty || !mustAnswer.isEmpty || !unprovable.isEmpty
    }
}

extension CulpritReport {
    /// Charges of one kind against one party that are told.
    static let chargesMax = 100

    /// Whether as much of a kind is told against a party as there may be.
    func isFull(_ key: PublicKey, of kind: String) -> Bool {
        (counts[Count(key: key, kind: kind)] ?? 0) >= Self.chargesMax
    }

    /// Whether a party is convicted of something of a kind.
    func isProved(_ key: PublicKey, of kind: String) -> Bool {
        (counts[Count(key: key, kind: kind)] ?? 0) > 0
    }

    /// Adds a charge whose file was checked: `keys` are those that it names.
    mutating func add(_ file: EvidenceFile, against keys: [PublicKey], _ names: PartyNames) {
        let kind = file.charge.name
        guard !keys.allSatisfy({ isFull($0, of: kind) }) else {
            leftOut += 1
            return
        }
        guard !evidence.contains(file) else { return }
        let place = evidence.count
        evidence.append(file)
        files.append(name(of: file, against: keys, names))
        let sentence = file.charge.sentence(keys.map { names.name(of: $0) })
        for key in keys {
            counts[Count(key: key, kind: kind), default: 0] += 1
            let charged = Charged(
                name: names.name(of: key), key: key.hex, kind: kind, sentence: sentence,
                file: place)
            if file.charge.effect == .accuses {
                mustAnswer.append(charged)
            } else {
                proved.append(charged)
            }
        }
    }

    /// `0001-validator-3-contradiction.rcev`, or with the number of those whom it names.
    private func name(
        of file: EvidenceFile, against keys: [PublicKey], _ names: PartyNames
    ) -> String {
        let number = "\(evidence.count)"
        let fill = String(repeating: "0", count: max(0, 4 - number.count))
        let who = keys.count == 1 ? names.name(of: keys[0]) : "\(keys.count)-validators"
        return "\(fill)\(number)-\(who)-\(file.charge.name).rcev"
    }
}

/// What keys are called, by any of the ledgers.
struct PartyNames {
    private var names: [PublicKey: String] = [:]

    /// Adds the names of a ledger; what is known stays.
    mutating func add(namesOf state: LedgerState) {
        for validator in state.validators where names[validator.key] == nil {
            names[validator.key] = validator.name
        }
        if names[state.bridge] == nil { names[state.bridge] = "bridge" }
    }

    /// The name, or the first digits of the key.
    func name(of key: PublicKey) -> String { names[key] ?? "key-\(key.hex.prefix(16))" }
}
