// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
internal import Ledger

/// What a ledger is asked to explain.
package enum Thing: Equatable, Sendable {
    /// A request, by its entry or the first digits of its identity.
    case request(String)
    /// The reputation of a validator, by its name, number or the first digits of its key.
    case validator(String)
    /// A nullifier, by its first digits.
    case nullifier(String)
    /// Who proposed a batch, by its height.
    case leader(UInt64)
    /// A job, by its entry or the first digits of its identity.
    case job(String)
    /// A batch, by its height.
    case batch(UInt64)
    /// An entry.
    case entry(UInt64)

    /// The words that may stand before a colon.
    package static let kinds = [
        "request", "validator", "nullifier", "leader", "job", "batch", "entry",
    ]

    /// Reads `kind:name`; or a bare name: a number is an entry, all else is looked up as a
    /// validator's name, a request, a job and a nullifier, in this order. Nil where the kind is
    /// unknown or wants a number.
    package static func parse(_ text: String) -> [Thing]? {
        guard let colon = text.firstIndex(of: ":") else {
            if let entry = UInt64(plain: text) { return [.entry(entry)] }
            let digits = text.lowercased()
            guard !digits.isEmpty, digits.utf8.count <= 64, digits.allSatisfy(\.isHexDigit) else {
                return text.isEmpty ? nil : [.validator(text)]
            }
            return [.validator(text), .request(digits), .job(digits), .nullifier(digits)]
        }
        let name = String(text[text.index(after: colon)...])
        guard !name.isEmpty else { return nil }
        switch text[..<colon] {
        case "request": return [.request(name.lowercased())]
        case "validator", "reputation": return [.validator(name)]
        case "nullifier": return [.nullifier(name.lowercased())]
        case "leader": return UInt64(plain: name).map { [.leader($0)] }
        case "job": return [.job(name.lowercased())]
        case "batch": return UInt64(plain: name).map { [.batch($0)] }
        case "entry": return UInt64(plain: name).map { [.entry($0)] }
        default: return nil
        }
    }
}

/// Why nothing is explained.
package enum WhyError: Error {
    /// The log cannot be read or folded.
    case replay(ReplayError)
    /// The ledger holds nothing of this name.
    case notFound
    /// Several are called so; give more digits.
    case ambiguous([String])
}

extension WhyError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .replay(let error): "\(error)"
        case .notFound: "nothing in the ledger is called so"
        case .ambiguous(let names):
            "several are called so: \(names.joined(separator: ", ")); give more digits"
        }
    }
}
