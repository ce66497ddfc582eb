// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import EventLog

/// Bytes of modules and inputs.
enum JobFile {
    /// Reads a module that is to be submitted.
    static func module(_ path: String) throws(Failure) -> [UInt8] {
        let bytes = try unjudgedModule(path)
        if let problem = ModuleOutline.problem(of: bytes) {
            throw Failure(
                "\(path) cannot run as a job: \(problem); recount job run tries a module before it"
                    + " is submitted, and --unjudged submits it all the same")
        }
        return bytes
    }

    /// Reads a module that is to be submitted whatever it is.
    static func unjudgedModule(_ path: String) throws(Failure) -> [UInt8] {
        let bytes = try read(path)
        guard !bytes.isEmpty else { throw Failure("\(path) is empty, which is no module") }
        try check(bytes.count, path, "module", max: EngineLimits.moduleBytesMax)
        return bytes
    }

    /// Reads an input that is to be submitted; none is empty, and - is standard input.
    static func input(_ path: String?) throws(Failure) -> [UInt8] {
        guard let path else { return [] }
        let bytes = try read(path)
        try check(bytes.count, path, "input", max: EngineLimits.inputBytesMax)
        return bytes
    }

    /// Reads whatever a validator could be given, so that it can say what it thinks of it.
    static func read(_ path: String) throws(Failure) -> [UInt8] {
        try InputFile.read(path, bytesMax: LogLimits.blobBytesMax)
    }

    private static func check(
        _ count: Int, _ path: String, _ what: String, max: Int
    ) throws(Failure) {
        guard count <= max else {
            throw Failure(
                "\(path) has \(Text.count(UInt64(count), "byte")); the \(what) of a job has at"
                    + " most \(JobText.bytes(UInt64(max)))")
        }
    }
}
