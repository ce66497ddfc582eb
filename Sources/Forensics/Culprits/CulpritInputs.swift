// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Compute
package import EventLog
internal import Ledger

/// What culprits are looked for in.
package struct CulpritInputs {
    /// Something that lies on a disk, and what it is called.
    package typealias Place = (path: String, name: String)
    /// The bytes of a file, and what it is called.
    package typealias File = (bytes: [UInt8], name: String)

    /// Directories of ledgers, or homes.
    package var ledgers: [Place]
    /// Directories of journals, or homes.
    package var journals: [Place] = []
    /// Certificates of decisions, or files of precommits.
    package var certificates: [File] = []
    /// Signed checkpoints.
    package var checkpoints: [File] = []
    /// Cases of nodes that did not derive what the others agreed on.
    package var cases: [File] = []
    /// Whether the ledgers are derived again and their signatures and proofs checked.
    package var recounts = true
    /// What runs decided jobs again; nil where that is not asked for.
    package var engine: ComputeEngine?
    /// The heights whose prevotes, precommits and proposals are compared.
    package var heights: ClosedRange<UInt64> = 0...UInt64.max
    /// Where the ledgers and journals lie.
    package var disk: any Disk = POSIXDisk()

    /// Everything of these ledgers that needs no other input.
    package init(ledgers: [Place]) { self.ledgers = ledgers }

    /// The most ledgers, the most journals, and the most cases, at once.
    package static let placesMax = 64
    /// The most certificates, and the most checkpoints, at once.
    package static let filesMax = 100_000
    /// The most signed statements that are kept to be compared.
    package static let statementsMax = 1 << 21
}

/// Why culprits cannot be looked for.
package enum CulpritError: Error {
    /// There is no ledger that could be opened: why each could not.
    case noLedger([String])
    /// Two inputs are of two ledgers.
    case otherLedger(String, String)
    /// More statements than can be compared at once.
    case tooManyStatements(max: Int)
}

extension CulpritError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .noLedger(let reasons):
            "there is no ledger that can be read: \(reasons.joined(separator: "; "))"
        case .otherLedger(let one, let other):
            "\(one) and \(other) are of two ledgers: name copies of one"
        case .tooManyStatements(let max):
            "the inputs hold more than \(max) signed statements: name the heights with --from and"
                + " --to, or fewer journals"
        }
    }
}
