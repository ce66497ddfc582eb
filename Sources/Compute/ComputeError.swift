// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Why there is no engine.
package enum ComputeError: Error, Equatable, Sendable {
    /// `RECOUNT_WASMTIME` names a file that cannot be read.
    case unreadable(path: String)
    /// The library is in none of the places where it is looked for.
    case notFound(places: [String])
    /// A library is there, but it is not one that is known.
    case unknownLibrary(path: String, hash: String)
    /// The library cannot be loaded.
    case unloadable(path: String, problem: String)
    /// The engine does not start.
    case unusable(problem: String)
}

extension ComputeError: CustomStringConvertible {
    /// What is wrong and what to do.
    package var description: String {
        switch self {
        case .unreadable(let path):
            "RECOUNT_WASMTIME names \(path), which cannot be read"
        case .notFound(let places):
            "the engine, wasmtime, is not here: Tools/setup installs it, or RECOUNT_WASMTIME names"
                + " its library (looked for in \(places.joined(separator: ", ")))"
        case .unknownLibrary(let path, let hash):
            "\(path) is not the wasmtime that jobs are pinned to: its SHA-256 is \(hash);"
                + " Tools/setup installs the right one"
        case .unloadable(let path, let problem): "\(path) cannot be loaded: \(problem)"
        case .unusable(let problem): "the engine does not start: \(problem)"
        }
    }
}
