// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Synchronization
import Telemetry
import Testing

/// A pipe that collects what is written to it once somebody reads.
final class Collector: Sendable {
    private let pipe = Pipe()

    /// The end to write to.
    var output: ForeignOutput {
        ForeignOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    }

    init() { ForeignOutput.ignoreBrokenPipes() }

    /// The reader goes, with all that it did not read.
    func closeReader() throws { try pipe.fileHandleForReading.close() }

    /// Closes the end to write to, as a caller may who has closed standard error.
    func closeWriter() throws { try pipe.fileHandleForWriting.close() }

    /// All lines up to the end of the writing; `body` runs while they are read.
    func lines(while body: () -> Void) throws -> [String] {
        let handle = pipe.fileHandleForReading
        let bytes = Mutex(Data())
        let done = DispatchSemaphore(value: 0)
        let thread = Thread {
            let data = handle.readDataToEndOfFile()
            bytes.withLock { $0 = data }
            done.signal()
        }
        thread.start()
        body()
        try closeWriter()
        done.wait()
        return String(decoding: bytes.withLock { $0 }, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }
}

@Suite("Lines to whoever reads them")
struct LineWriterTests {
    private static func writer(_ output: ForeignOutput, bytesMax: Int = 1 << 20) -> LineWriter {
        LineWriter(output, bytesMax: bytesMax) { "dropped \($0)" }
    }

    @Test("lines come whole and in order, from many threads at once")
    func whole() throws {
        let collector = Collector()
        let writer = Self.writer(collector.output, bytesMax: 64 << 20)
        let filling = String(repeating: "x", count: 9_000)
        let lines = try collector.lines {
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                for number in 0..<100 { writer.put("\(thread) \(number) \(filling) end") }
            }
            writer.finish(milliseconds: 120_000)
        }
        #expect(lines.count == 800 && writer.dropped == 0)
        var next = [Int](repeating: 0, count: 8)
        for line in lines {
            let parts = line.split(separator: " ")
            let thread = try #require(Int(parts[0]))
            #expect(parts[1] == "\(next[thread])" && parts[2] == filling && parts[3] == "end")
            next[thread] += 1
        }
    }

    @Test("a reader that does not read holds nobody up; what was dropped is counted and said")
    func slow() throws {
        let collector = Collector()
        let writer = Self.writer(collector.output, bytesMax: 200_000)
        let filling = String(repeating: "x", count: 990)
        // Far more than the pipe and the buffer hold: this returns, or the test hangs.
        for number in 0..<5_000 { writer.put("\(number) \(filling)") }
        let dropped = writer.dropped
        #expect(dropped > 4_000 && dropped < 5_000)
        let lines = try collector.lines {
            // Once there is room, the next line says it.
            var before: UInt64
            repeat {
                before = writer.dropped
                writer.put("after")
            } while writer.dropped > before
            writer.finish(milliseconds: 120_000)
        }
        #expect(lines.last == "after")
        let reports = lines.filter { $0.hasPrefix("dropped ") }
        let told = reports.compactMap { UInt64($0.dropFirst(8)) }.reduce(0, +)
        #expect(told == writer.dropped)
        #expect(lines.count - reports.count == 5_000 - Int(dropped) + 1)
    }

    @Test("a reader that is gone, or a descriptor that is closed, costs the lines and nothing else")
    func gone() throws {
        let broken = Collector()
        try broken.closeReader()
        let closed = ForeignOutput(descriptor: 1 << 20)
        for output in [broken.output, closed] {
            let writer = Self.writer(output)
            for number in 0..<50 { writer.put("\(number)") }
            writer.finish(milliseconds: 120_000)
            #expect(writer.dropped >= 50)
        }
    }

    @Test("the end waits for a reader that hangs no longer than it is told")
    func hanging() throws {
        let collector = Collector()
        let writer = Self.writer(collector.output)
        for _ in 0..<100 { writer.put(String(repeating: "x", count: 5_000)) }
        writer.finish(milliseconds: 50)
        writer.put("late")
        // The writing thread goes on until somebody reads.
        let lines = try collector.lines {
            writer.finish(milliseconds: 120_000)
        }
        #expect(lines.count == 100)
    }
}
