// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Figures
import Foundation
import Ledger

/// What replaying a long ledger costs, million by million, and the memory that it takes.
struct ScaleBenchmark {
    let entries: UInt64

    func measure(runs: Int, _ note: (String) -> Void) throws -> [Figure] {
        try inTemporaryFolder(note) { folder in
            let path = folder.appendingPathComponent("ledger").path
            try LedgerGenerator.make(entries: entries, at: path, signing: false, note)
            // A process of its own, so that the memory is that of replaying alone.
            let line = "'\(CommandLine.arguments[0])' --replay '\(path)'"
            var millions: [[Double]] = []
            var memory: [Double] = []
            for _ in 0..<runs {
                guard let text = Shell.output(line) else {
                    fatalError("the benchmark cannot run itself")
                }
                let numbers = text.split(separator: "\n").compactMap { Double($0) }
                guard numbers.count >= 2 else { fatalError("the replay printed \(text)") }
                if millions.isEmpty {
                    millions = Array(repeating: [], count: numbers.count - 1)
                }
                for place in millions.indices { millions[place].append(numbers[place]) }
                memory.append(numbers[numbers.count - 1])
            }
            return millions.enumerated().map { number, values in
                Figure(
                    "replay of \(entries) entries, million \(number + 1)", unit: "entries/s",
                    values: values)
            } + [
                Figure(
                    "  memory at most", unit: "MiB", values: memory,
                    note: "the state itself grows with the requests")
            ]
        }
    }

    /// Prints the entries a second of each million, and then the memory at most in MiB.
    static func replay(_ path: String) throws {
        let log = try EventLog.open(
            directory: path, disk: POSIXDisk(), access: .readOnly, options: LogOptions())
        let clock = ContinuousClock()
        var start = clock.now
        _ = try Replay.state(of: log) { _, state in
            guard state.size % 1_000_000 == 0 else { return }
            let (seconds, attoseconds) = (clock.now - start).components
            print(1_000_000 / (Double(seconds) + Double(attoseconds) / 1e18))
            start = clock.now
        }
        var usage = rusage()
        // SAFETY: the call fills in the structure, which lives for it.
        unsafe getrusage(numericCast(RUSAGE_SELF.rawValue), &usage)
        print(Double(usage.ru_maxrss) / 1024)
    }
}
