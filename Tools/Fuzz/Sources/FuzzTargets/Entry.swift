// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The target that `RECOUNT_FUZZ_TARGET` names; nil before `begin`.
private nonisolated(unsafe) var chosen: FuzzTarget?

/// Chooses the target. Called once, before anything else.
///
/// With `RECOUNT_FUZZ_LIST` it prints the targets, with `RECOUNT_FUZZ_SEEDS` it writes the seeds of
/// the target into that folder, and in both cases the process ends.
@_cdecl("recount_fuzz_begin")
package func begin() {
    let environment = ProcessInfo.processInfo.environment
    if environment["RECOUNT_FUZZ_LIST"] != nil {
        for target in FuzzTarget.all {
            print(target.name, target.bytesMax, target.about, separator: "\t")
        }
        exit(0)
    }
    let name = environment["RECOUNT_FUZZ_TARGET"] ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
        print("RECOUNT_FUZZ_TARGET is \"\(name)\", which is no target")
        exit(2)
    }
    if let folder = environment["RECOUNT_FUZZ_SEEDS"] {
        do {
            try write(try target.seeds(), to: URL(fileURLWithPath: folder))
        } catch {
            print("the seeds of \(name) cannot be written: \(error)")
            exit(2)
        }
        exit(0)
    }
    // SAFETY: libFuzzer calls this once, on the only thread there is, before any input.
    unsafe chosen = target
}

private func write(_ seeds: [Seed], to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for seed in seeds {
        try Data(seed.bytes).write(to: folder.appendingPathComponent(seed.name))
    }
}

/// Gives one input to the target. Returns where it keeps its laws, and traps where it breaks one.
@_cdecl("recount_fuzz")
package func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    // SAFETY: libFuzzer hands over `count` bytes that live for the call; `chosen` was set before
    // and is never set again.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    unsafe chosen?.run(bytes)
}

/// Stops the process, which libFuzzer takes for a crash, where a law does not hold.
func law(
    _ holds: Bool, _ what: @autoclosure () -> String, file: StaticString = #fileID,
    line: UInt = #line
) {
    guard holds else { fatalError("the law is broken: \(what())", file: file, line: line) }
}
