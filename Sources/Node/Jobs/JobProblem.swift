// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// Why a job cannot be submitted. The description names the field and says what to do.
package enum JobProblem: Error, Equatable, Sendable {
    /// The module has no bytes.
    case emptyModule
    /// The module has too many bytes.
    case moduleTooLarge(bytes: Int, max: Int)
    /// The input has too many bytes.
    case inputTooLarge(bytes: Int, max: Int)
    /// A job without fuel ends before it starts.
    case noFuel
    /// The memory is zero or more than WebAssembly can address.
    case memoryOutOfRange(bytes: UInt64)
    /// The time is longer than a ledger gives to any job.
    case timeOutOfRange(milliseconds: UInt64)
    /// The node has several submitters, or none, and it is not said which one submits.
    case submitterNotNamed(known: [String])
    /// The node has no submitter of that name.
    case unknownSubmitter(String, known: [String])
    /// As many jobs wait as may.
    case spoolFull(directory: String, max: Int)

    /// What 32-bit WebAssembly can address, and the most that the ledger admits.
    static let memoryBytesMax: UInt64 = 4 << 30
}

extension JobProblem: CustomStringConvertible {
    /// What is wrong and what to do, for a person.
    package var description: String {
        switch self {
        case .emptyModule: "the module is empty; name a file of WebAssembly in its binary form"
        case .moduleTooLarge(let bytes, let max):
            "the module has \(bytes) bytes, and \(max) are the most; strip names and debug sections"
        case .inputTooLarge(let bytes, let max):
            "the input has \(bytes) bytes, and \(max) are the most; split the job"
        case .noFuel: "the fuel is 0; give at least 1 (--fuel)"
        case .memoryOutOfRange(let bytes):
            "the memory is \(bytes) bytes; from 1 to \(Self.memoryBytesMax) are possible (--memory)"
        case .timeOutOfRange(let milliseconds):
            "the time is \(milliseconds) ms; \(Limits.timeoutMillisecondsMax) are the most, and 0"
                + " stands for the ledger's own limit (--timeout)"
        case .submitterNotNamed(let known):
            known.isEmpty
                ? "this node has the key of no submitter; submit where one is"
                : "say who submits (--submitter): \(known.joined(separator: ", "))"
        case .unknownSubmitter(let name, let known):
            "this node has no submitter called \(name.prefix(80)) (--submitter), only "
                + "\(known.isEmpty ? "nobody" : known.joined(separator: ", "))"
                + Spelling.suggestion(for: name, among: known)
        case .spoolFull(let directory, let max):
            "\(max) jobs wait in \(directory), which is the most; let `recount run` take them first"
        }
    }
}
