// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

@Suite("Multistream")
struct MultistreamTests {
    static let header = Array("\u{13}/multistream/1.0.0\n".utf8)

    static func line(_ text: String) -> [UInt8] { [UInt8(text.utf8.count + 1)] + text.utf8 + [10] }

    /// What both sides come to, with the bytes handed over in pieces of `size`.
    static func negotiate(
        _ wanted: [String], _ spoken: [String], size: Int
    ) throws -> (MultistreamNegotiation.Agreement?, MultistreamNegotiation.Agreement?) {
        var dialer = MultistreamNegotiation(role: .dialer, protocols: wanted)
        var listener = MultistreamNegotiation(role: .listener, protocols: spoken)
        var toListener = dialer.start()
        var toDialer = listener.start()
        var agreed: (MultistreamNegotiation.Agreement?, MultistreamNegotiation.Agreement?)
        while !toListener.isEmpty || !toDialer.isEmpty {
            if agreed.1 == nil {
                let part = toListener.prefix(size)
                toListener.removeFirst(part.count)
                agreed.1 = try listener.receive(part, output: &toDialer)
            }
            if agreed.0 == nil {
                let part = toDialer.prefix(size)
                toDialer.removeFirst(part.count)
                agreed.0 = try dialer.receive(part, output: &toListener)
            }
        }
        return agreed
    }

    @Test("Both sides agree on the first wish that is spoken", arguments: [1, 2, 3, 19, 20, 4096])
    func agreement(size: Int) throws {
        let (ours, theirs) = try Self.negotiate(["/a", "/b", "/c"], ["/c", "/b"], size: size)
        #expect(ours == .init(name: "/b", rest: []))
        #expect(theirs == .init(name: "/b", rest: []))
    }

    @Test("Nothing in common is a refusal")
    func refused() {
        #expect(throws: MultistreamError.refused) {
            try Self.negotiate(["/a", "/b"], ["/c"], size: 64)
        }
    }

    @Test("The lines are those of the vectors")
    func lines() throws {
        let listener = MultistreamNegotiation(role: .listener, protocols: [])
        #expect(listener.start() == Self.header)
        var output: [UInt8] = []
        var copy = listener
        #expect(try copy.receive(Self.header + Self.line("/x"), output: &output) == nil)
        #expect(output.hex == "036e610a")
    }

    @Test("What follows the last line belongs to the protocol")
    func rest() throws {
        var listener = MultistreamNegotiation(role: .listener, protocols: ["/a"])
        var output: [UInt8] = []
        let bytes = Self.header + Self.line("/a") + [1, 2, 3]
        let agreed = try listener.receive(bytes, output: &output)
        #expect(agreed == .init(name: "/a", rest: [1, 2, 3]))
        #expect(output == Self.line("/a"))
    }

    @Test(
        "A dialer refuses answers that are none",
        arguments: [
            (line("/multistream/2.0.0"), MultistreamError.header("/multistream/2.0.0")),
            (header + line("/b"), .notAsked("/b")), (header + line("na"), .refused),
            ([0], .line), ([2, 0x41, 0x41], .line), ([2, 0xFF, 10], .line),
            ([0x81, 0x04], .wire(.tooLong(length: 513, limit: 512))),
            ([UInt8](repeating: 0xFF, count: 9), .wire(.numberTooLarge)),
        ] as [([UInt8], MultistreamError)])
    func wrongAnswers(bytes: [UInt8], error: MultistreamError) {
        var dialer = MultistreamNegotiation(role: .dialer, protocols: ["/a"])
        var output: [UInt8] = []
        #expect(throws: error) { try dialer.receive(bytes, output: &output) }
    }

    @Test("Proposals without end are cut off")
    func tries() throws {
        var listener = MultistreamNegotiation(role: .listener, protocols: ["/a"])
        var output: [UInt8] = []
        _ = try listener.receive(Self.header, output: &output)
        for _ in 1..<MultistreamNegotiation.triesMax {
            #expect(try listener.receive(Self.line("/b"), output: &output) == nil)
        }
        #expect(throws: MultistreamError.tooManyTries) {
            try listener.receive(Self.line("/b"), output: &output)
        }
    }
}
