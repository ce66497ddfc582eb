// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import EventLog
internal import Foundation
internal import Synchronization

/// Writes lines to a descriptor on a thread of its own, so that nobody who says something waits
/// for whoever reads it.
///
/// Bound: lines wait in `bytesMax` bytes. A line that finds no room, or that can be written no more
/// since the reader is gone, is dropped and counted, and the count is said before the next line
/// that finds room. Lines are written whole and in order.
package final class LineWriter: Sendable {
    private struct Contents {
        var bytes: [UInt8] = []
        /// Lines that were dropped, in all and since that was said.
        var dropped: UInt64 = 0
        var untold: UInt64 = 0
        var isEnding = false
        var isDone = false
    }

    /// Bytes of lines that wait unless told otherwise.
    package static let standardBytesMax = 16 << 20

    private let output: ForeignOutput
    private let bytesMax: Int
    private let report: @Sendable (UInt64) -> String
    private let monitor = Monitor()
    private let contents = Mutex(Contents())

    /// Starts the thread.
    ///
    /// - Parameter report: The line that says that so many lines were dropped.
    package init(
        _ output: ForeignOutput, bytesMax: Int = standardBytesMax,
        report: @escaping @Sendable (UInt64) -> String
    ) {
        self.output = output
        self.bytesMax = bytesMax
        self.report = report
        let thread = Thread { [self] in work() }
        thread.name = "recount-lines"
        thread.start()
    }

    /// Lines that were dropped since the start.
    package var dropped: UInt64 { contents.withLock(\.dropped) }

    /// Says a line, without its end; returns at once.
    package func put(_ line: String) {
        monitor.locked {
            contents.withLock { contents in
                guard !contents.isEnding else { return }
                var new: [UInt8] = []
                if contents.untold > 0 { new += Array((report(contents.untold) + "\n").utf8) }
                new += Array((line + "\n").utf8)
                guard contents.bytes.count + new.count <= bytesMax else {
                    contents.dropped += 1
                    contents.untold += 1
                    return
                }
                contents.untold = 0
                contents.bytes += new
            }
            monitor.wakeAll()
        }
    }

    /// Takes no more lines, and waits at most so long until those that wait are written.
    package func finish(milliseconds: UInt64) {
        let end = Self.uptime + milliseconds
        monitor.locked {
            contents.withLock { $0.isEnding = true }
            monitor.wakeAll()
            while !contents.withLock(\.isDone), Self.uptime < end {
                monitor.wait(milliseconds: end - Self.uptime)
            }
        }
    }

    private static var uptime: UInt64 { MonotonicTime.nanoseconds() / 1_000_000 }

    // MARK: The thread

    private func work() {
        while let bytes = popBytes() {
            let written = output.write(bytes)
            let lost = bytes[written...].count { $0 == 0x0A }
            contents.withLock { contents in
                contents.dropped += UInt64(lost)
                contents.untold += UInt64(lost)
            }
        }
        monitor.locked {
            contents.withLock { $0.isDone = true }
            monitor.wakeAll()
        }
    }

    /// What waits, once something does; nil at the end.
    private func popBytes() -> [UInt8]? {
        monitor.locked {
            while true {
                let (bytes, isEnding) = contents.withLock { contents in
                    defer { contents.bytes = [] }
                    return (contents.bytes, contents.isEnding)
                }
                if !bytes.isEmpty { return bytes }
                if isEnding { return nil }
                monitor.wait()
            }
        }
    }
}
