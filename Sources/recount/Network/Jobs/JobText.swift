// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Compute
import Ledger

/// How jobs are written for people.
enum JobText {
    /// How a job ended: `success`, `trap (unreachable)`, `trap (code 33)`.
    static func status(_ status: String, code: UInt64?, reason: String?) -> String {
        if let reason { return "\(status) (\(reason))" }
        guard let code, code != 0 else { return status }
        return "\(status) (code \(code))"
    }

    /// How a job ended.
    static func status(_ status: JobStatus) -> String {
        self.status(
            status.kind.jsonName, code: UInt64(status.code), reason: status.reasonName)
    }

    /// The limits of a job; zero milliseconds are the ledger's own.
    static func limits(
        _ fuel: UInt64, _ memoryBytes: UInt64, _ milliseconds: UInt64
    ) -> String {
        "\(Text.grouped(fuel)) fuel, \(bytes(memoryBytes)) of memory, "
            + (milliseconds == 0
                ? "as long as the ledger allows" : "\(Text.grouped(milliseconds)) ms")
    }

    /// The lines of a text that have anything in them.
    static func lines(of text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingSpaces.visible }
            .filter { !$0.isEmpty }
    }

    /// Bytes, in the largest unit that they are a whole number of.
    static func bytes(_ count: UInt64) -> String {
        let named = ByteCount.units.last { count >= $0.bytes && count % $0.bytes == 0 }
        guard let named else { return Text.count(count, "byte") }
        return "\(Text.grouped(count / named.bytes)) \(named.name)"
    }
}

extension Substring {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}

/// A number of bytes as people give it: `65536`, `64KiB`, `64MiB`, `1GiB`.
struct ByteCount: ExpressibleByArgument, Equatable {
    static let units: [(name: String, bytes: UInt64)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30),
    ]

    let bytes: UInt64

    init(_ bytes: UInt64) { self.bytes = bytes }

    init?(argument: String) {
        let unit = Self.units.first { argument.lowercased().hasSuffix($0.name.lowercased()) }
        let digits = unit.map { argument.dropLast($0.name.count) } ?? argument[...]
        guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = UInt64(digits) else {
            return nil
        }
        let (bytes, overflows) = count.multipliedReportingOverflow(by: unit?.bytes ?? 1)
        guard !overflows else { return nil }
        self.bytes = bytes
    }

    var defaultValueDescription: String { JobText.bytes(bytes).filter { $0 != " " } }
}

/// Seconds as people give them, to the millisecond: `30`, `2.5`.
struct SecondCount: ExpressibleByArgument, Equatable {
    let milliseconds: UInt64

    init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    init?(argument: String) {
        let parts = argument.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first, !whole.isEmpty,
            parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let seconds = UInt64(whole), seconds <= 1 << 40
        else { return nil }
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard !fraction.isEmpty, fraction.count <= 3, let rest = UInt64(fraction) else {
            return nil
        }
        let scale: UInt64 = fraction.count == 1 ? 100 : fraction.count == 2 ? 10 : 1
        milliseconds = seconds * 1000 + rest * scale
    }

    var defaultValueDescription: String { "\(milliseconds / 1000)" }
}

/// The input and the limits of a job.
struct JobLimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The input; - is standard input, and without it there is none.", valueName: "file"),
        completion: .file())
    var input: String?

    @Option(help: ArgumentHelp("Fuel that ends it.", valueName: "count"))
    var fuel = EngineLimits.fuelDefault

    @Option(
        help: ArgumentHelp(
            "Memory that it may have: 65536, 64KiB, 64MiB, 1GiB.", valueName: "bytes"))
    var memory = ByteCount(EngineLimits.memoryBytesDefault)

    mutating func validate() throws {
        guard fuel > 0 else { throw ValidationError("--fuel must be above zero") }
        guard (1...(4 << 30)).contains(memory.bytes) else {
            throw ValidationError("--memory must be above zero and at most 4GiB")
        }
    }
}
