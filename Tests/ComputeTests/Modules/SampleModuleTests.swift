// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Compute
import Cryptography
import Foundation
import Ledger
import TestSupport
import Testing

@Suite("the sample modules of the repository", .enabled(if: Engine.isHere))
struct SampleModuleTests {
    private static func run(_ name: String, _ input: [UInt8]) throws -> JobOutcome {
        let path = "Tools/samples/modules/\(name).wasm"
        let module = try Data(contentsOf: Vectors.repository.appendingPathComponent(path))
        let runner = Engine.runner(jobsAtOnce: 1)
        defer { runner.stop() }
        return runner.run(Engine.job(Array(module), input: input), within: 60_000)
    }

    private static func text(_ name: String, _ input: String) throws -> String {
        let outcome = try run(name, Array(input.utf8))
        #expect(outcome.status == JobStatus(.success), "\(outcome)")
        return String(decoding: outcome.output, as: UTF8.self)
    }

    @Test("reverse gives its input back in reverse", arguments: [0, 1, 2, 65_535, 1_000_000])
    func reverse(count: Int) throws {
        var random = SplitMix64(seed: UInt64(count))
        let input = random.bytes(count)
        let outcome = try Self.run("reverse", input)
        #expect(outcome.status == JobStatus(.success), "\(outcome)")
        // Not the arrays themselves: showing how long ones differ takes minutes.
        let isReversed = outcome.output.elementsEqual(input.reversed())
        #expect(isReversed)
    }

    @Test("checksum gives SHA-256, around the ends of blocks")
    func checksum() throws {
        var random = SplitMix64(seed: 1)
        for count in [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 10_000] {
            let input = random.bytes(count)
            let outcome = try Self.run("checksum", input)
            #expect(outcome.output == Array(Digest(hashing: input).hex.utf8), "\(count) bytes")
        }
    }

    @Test("primes counts primes, logs what it was asked, and traps where it cannot read")
    func primes() throws {
        for (end, count) in [(0, 0), (2, 0), (3, 1), (100, 25), (10_000, 1229)] {
            #expect(try Self.text("primes", "\(end)\n") == "\(count)")
        }
        #expect(try Self.run("primes", Array("100".utf8)).log.lines == ["100"])
        for wrong in ["", "\n", "x", "4294967296", "99999999999"] {
            let outcome = try Self.run("primes", Array(wrong.utf8))
            #expect(outcome.status == JobStatus(.trap, code: JobTrap.unreachable.rawValue))
        }
    }

    @Test("words counts lines, words and bytes")
    func words() throws {
        #expect(try Self.text("words", "") == "0 0 0")
        #expect(try Self.text("words", "one two\n\tthree\n\n") == "3 3 16")
    }

    @Test("version1 answers through the older interface")
    func version1() throws {
        let outcome = try Self.run("version1", Array("Hello there".utf8))
        let expected = Array("HELLO THERE".utf8) + Array(repeating: 0, count: 65_525)
        let isEqual = outcome.output == expected
        #expect(isEqual)
    }
}
