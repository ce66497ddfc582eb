// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog

extension DiskError {
    /// What happened to a file that the reader of this has just been told of, for a person.
    package var reason: String {
        switch self {
        case .failed(.read, "-", 9): words
        case .notFound: "it does not exist"
        case .failed(_, _, 13), .failed(_, _, 1): "this user may not"
        case .failed(_, _, 20): "a part of its path is no folder"
        case .failed(_, _, 21): "it is a folder, and a file is wanted"
        default: words
        }
    }

    /// What happened to which file and what to do, for a person.
    package var words: String {
        switch self {
        case .failed(.read, "-", 9):
            "standard input is closed; name a file, or give one with <"
        case .notFound(let path): "\(path.isEmpty ? "a file without a name" : path) does not exist"
        case .noSpace(_, let path):
            "no space is left for \(path); free some and start again, nothing that was"
                + " acknowledged is lost"
        case .failed(_, let path, 13), .failed(_, let path, 1):
            "\(path) cannot be read or written by this user; change its owner or mode"
        case .failed(_, let path, 20): "a part of the path \(path) is no folder"
        case .failed(_, let path, 21): "\(path) is a folder, and a file is wanted"
        case .failed(_, let path, 30):
            "\(path) is on a file system that is read-only; use a folder that can be written"
        case .failed(_, let path, 36): "the name \(path.prefix(80))… is too long for a file"
        default: "\(self)"
        }
    }
}
