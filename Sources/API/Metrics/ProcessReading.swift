// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Telemetry

/// What the system says of this process, where it says it in `/proc`.
enum ProcessReading {
    /// What can be told; where something cannot, it is absent.
    static var samples: [MetricSample] {
        var samples = [MetricSample("recount_process_open_files_max", [], APILimits.openFilesMax)]
        if let fields = fields(of: "/proc/self/statm"), fields.count > 1,
            let pages = UInt64(fields[1])
        {
            samples.append(
                MetricSample(
                    "recount_process_resident_memory_bytes", [],
                    pages * UInt64(max(0, sysconf(Int32(_SC_PAGESIZE))))))
        }
        do {
            let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            // One of them is the look itself.
            samples.append(MetricSample("recount_process_open_files", [], max(0, open - 1)))
        } catch {
            // Then it is absent.
        }
        return samples + times
    }

    /// Processor time, threads, and when the process began.
    private static var times: [MetricSample] {
        // Names of threads may hold spaces and parentheses: fields are counted from the last one.
        guard let own = text(of: "/proc/self/stat"), let end = own.lastIndex(of: ")") else {
            return []
        }
        let fields = own[own.index(after: end)...].split(separator: " ")
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        guard fields.count > 19, let user = Double(fields[11]), let system = Double(fields[12]),
            let threads = UInt64(fields[17]), let start = Double(fields[19])
        else { return [] }
        var samples = [
            MetricSample(
                "recount_process_cpu_seconds_total", [], .number((user + system) / ticks)),
            MetricSample("recount_process_threads", [], threads),
        ]
        let boot = text(of: "/proc/stat")?.split(separator: "\n")
            .first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
        if let boot {
            samples.append(
                MetricSample(
                    "recount_process_start_time_seconds", [], .number(boot + start / ticks)))
        }
        return samples
    }

    private static func fields(of path: String) -> [Substring]? {
        text(of: path)?.split(whereSeparator: \.isWhitespace)
    }

    private static func text(of path: String) -> String? {
        do { return try String(contentsOfFile: path, encoding: .utf8) } catch { return nil }
    }
}
