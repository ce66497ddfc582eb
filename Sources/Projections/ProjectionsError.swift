// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog

/// Why projections could not be made or read.
package enum ProjectionsError: Error, Sendable {
    /// The log cannot be read.
    case log(LogError)
    /// The log seals no batch, so there is nothing to project.
    case empty(directory: String)
    /// An entry cannot be decoded, or cannot follow those before it.
    case entry(UInt64, problem: String)
    /// SQLite refuses.
    case database(path: String, problem: String)
    /// The disk failed.
    case disk(DiskError)
    /// Another process builds the projections of this ledger.
    case busy(path: String)
    /// Every new file was replaced before it could be opened.
    case unsettled(path: String)
    /// It was asked to end.
    case cancelled
}

extension ProjectionsError: CustomStringConvertible {
    /// What a person is told.
    package var description: String {
        switch self {
        case .log(let error): "\(error)"
        case .empty(let directory): "\(directory): the ledger seals no batch yet"
        case .entry(let entry, let problem):
            "entry \(entry) cannot be projected: \(problem); run recount audit"
        case .database(let path, let problem): "\(path): \(problem)"
        case .disk(let error): "\(error)"
        case .busy(let path): "another process builds new projections: it holds \(path)"
        case .cancelled: "it was ended before it was done"
        case .unsettled(let path):
            "\(path) is not there yet, or is replaced again and again by another process"
        }
    }
}

/// An entry that the fold cannot take in; what SQLite refuses is an error of its own.
struct FoldProblem: Error {
    let entry: UInt64
    let problem: String
}
