// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EventLog

/// The option of all commands that write a file.
struct ForceOption: ParsableArguments {
    @Flag(help: "Replace a file that is there; write into a device or a pipe.")
    var force = false
}

/// Files that commands write where they are told to: one way for all.
///
/// A file is there whole or not at all, and nothing that is there is replaced unasked; - is
/// standard output.
enum OutputFile {
    /// Throws where a file could not be written for what is there, before the work is done for it.
    ///
    /// - Parameter json: Whether standard output is asked for JSON, which - would end up in.
    static func check(
        _ path: String?, _ option: String = "--out", force: Bool, json: Bool = false
    ) throws {
        guard let path else { return }
        guard path != "-" else {
            guard !json else {
                throw ValidationError("--json and \(option) - both want standard output")
            }
            return
        }
        do throws(WholeFileError) { try WholeFile.check(path, replaces: force) } catch {
            throw failure(error, path)
        }
    }

    /// Writes a file, or to standard output.
    static func write(_ bytes: [UInt8], to path: String, force: Bool) throws(Failure) {
        guard path != "-" else {
            Output.flush()
            return Output.pour(bytes)
        }
        do throws(WholeFileError) { try WholeFile.write(bytes, to: path, replaces: force) } catch {
            throw failure(error, path)
        }
    }

    private static func failure(_ error: WholeFileError, _ path: String) -> Failure {
        switch error {
        case .taken(.file):
            Failure("\(path) is there already and is left as it is; --force replaces it")
        case .taken(.link):
            Failure("\(path) is a link and is left as it is; --force puts a file in its place")
        case .taken(.folder): Failure("\(path) is a folder; name a file in it")
        case .taken(.pipe):
            Failure("\(path) is a pipe; --force writes into it, and - is standard output")
        case .taken(.device):
            Failure("\(path) is a device; --force writes into it, and - is standard output")
        case .taken(.socket): Failure("\(path) is a socket; name a file")
        case .disk(let error): Failure("\(path) cannot be written: \(error)")
        }
    }
}
