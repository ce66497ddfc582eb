// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Network
import Testing

@Suite struct WireTests {
    static let numbers: [(UInt64, [UInt8])] = [
        (0, [0]), (1, [1]), (127, [0x7F]), (128, [0x80, 1]), (255, [0xFF, 1]),
        (300, [0xAC, 2]), (16_383, [0xFF, 0x7F]), (16_384, [0x80, 0x80, 1]),
        (1 << 63 - 1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]),
    ]

    @Test(arguments: numbers)
    func numbersHaveOneShortestForm(value: UInt64, bytes: [UInt8]) throws {
        #expect(Varint.encode(value) == bytes)
        #expect(Varint.size(value) == bytes.count)
        for form in [Varint.Form.multiformats, .protobuf] {
            for length in 0..<bytes.count {
                #expect(try Varint.decode(bytes[..<length], form: form) == nil)
            }
            let decoded = try #require(try Varint.decode(bytes + [7], form: form))
            #expect(decoded.value == value)
            #expect(decoded.size == bytes.count)
        }
    }

    @Test func largestNumbersAreProtobufAlone() throws {
        let bytes = Varint.encode(.max)
        #expect(bytes == [UInt8](repeating: 0xFF, count: 9) + [1])
        #expect(Varint.size(.max) == 10)
        #expect(try Varint.decode(bytes[...], form: .protobuf)?.value == .max)
        #expect(throws: WireError.numberTooLarge) {
            try Varint.decode(bytes[...], form: .multiformats)
        }
        let above = [UInt8](repeating: 0xFF, count: 9) + [2]
        #expect(throws: WireError.numberTooLarge) {
            try Varint.decode(above[...], form: .protobuf)
        }
    }

    @Test func endlessNumbersAreRefusedWithoutTheirEnd() {
        let nine = [UInt8](repeating: 0x80, count: 9)
        #expect(throws: WireError.numberTooLarge) {
            try Varint.decode(nine[...], form: .multiformats)
        }
        #expect(throws: Never.self) { try Varint.decode(nine[...], form: .protobuf) }
        let ten = nine + [0x80]
        #expect(throws: WireError.numberTooLarge) { try Varint.decode(ten[...], form: .protobuf) }
    }

    @Test func onlyProtobufTakesLongForms() throws {
        let long: [UInt8] = [0x81, 0x00]
        #expect(throws: WireError.numberNotMinimal) {
            try Varint.decode(long[...], form: .multiformats)
        }
        #expect(try Varint.decode(long[...], form: .protobuf)?.value == 1)
        #expect(try Varint.decode([0], form: .multiformats)?.value == 0)
    }

    @Test func lengthsAreCheckedBeforeBytesAreTaken() throws {
        var bytes: ArraySlice<UInt8> = [3, 1, 2, 3, 9]
        let taken = try Varint.readPrefixed(from: &bytes, form: .multiformats, limit: 3)
        #expect(taken == [1, 2, 3])
        #expect(bytes == [9])
        var over: ArraySlice<UInt8> = [3, 1, 2, 3]
        #expect(throws: WireError.tooLong(length: 3, limit: 2)) {
            try Varint.readPrefixed(from: &over, form: .multiformats, limit: 2)
        }
        var short: ArraySlice<UInt8> = [3, 1, 2]
        #expect(throws: WireError.truncated) {
            try Varint.readPrefixed(from: &short, form: .multiformats, limit: 3)
        }
        var lie = (Varint.encode(.max) + [1])[...]
        #expect(throws: WireError.tooLong(length: .max, limit: .max)) {
            try Varint.readPrefixed(from: &lie, form: .protobuf, limit: .max)
        }
    }

    @Test func fieldsComeInTheirOrder() throws {
        var writer = ProtobufWriter()
        writer.write(3, varint: 300)
        writer.write(1, bytes: [7, 8])
        writer.write(1, bytes: [UInt8]())
        #expect(writer.bytes == [0x18, 0xAC, 2, 0x0A, 2, 7, 8, 0x0A, 0])
        // A fixed64 and a fixed32, which no message of ours has, and which are skipped.
        let tail: [UInt8] = [0x21, 1, 0, 0, 0, 0, 0, 0, 2, 0x2D, 5, 0, 0, 1]
        var reader = ProtobufReader(writer.bytes + tail)
        #expect(try reader.next()?.value == .varint(300))
        let field = try #require(try reader.next())
        #expect(field.number == 1)
        #expect(try field.bytes() == [7, 8])
        #expect(field.raw == [0x0A, 2, 7, 8])
        #expect(try reader.next()?.value == .bytes([]))
        #expect(try reader.next()?.value == .fixed64(1 | 2 << 56))
        #expect(try reader.next()?.value == .fixed32(5 | 1 << 24))
        #expect(try reader.next() == nil)
    }

    static let refused: [([UInt8], WireError)] = [
        ([0x80], .truncated), ([0x08], .truncated), ([0x08, 0x80], .truncated),
        ([0x0A, 2, 1], .truncated), ([0x09, 1, 2, 3], .truncated), ([0x0D, 1, 2, 3], .truncated),
        ([0x0A] + Varint.encode(1 << 62), .truncated),
        ([0x0A] + Varint.encode(.max), .tooLong(length: .max, limit: .max)),
        ([0x00, 1], .fieldNumber(0)), (Varint.encode(1 << 32), .fieldNumber(1 << 29)),
        ([0x0B], .wireType(field: 1, type: 3)), ([0x0C], .wireType(field: 1, type: 4)),
        ([0x0E], .wireType(field: 1, type: 6)), ([0x0F], .wireType(field: 1, type: 7)),
        ([UInt8](repeating: 0xFF, count: 10), .numberTooLarge),
    ]

    @Test(arguments: refused)
    func brokenFieldsAreRefused(bytes: [UInt8], error: WireError) {
        var reader = ProtobufReader(bytes)
        #expect(throws: error) { try reader.next() }
    }

    @Test func fieldsOfAnotherTypeAreRefused() throws {
        var reader = ProtobufReader([0x08, 1, 0x12, 1, 1])
        let number = try #require(try reader.next())
        let text = try #require(try reader.next())
        #expect(throws: WireError.unexpectedType(field: 1)) { try number.bytes() }
        #expect(throws: WireError.unexpectedType(field: 2)) { try text.varint() }
        #expect(throws: WireError.tooLong(length: 1, limit: 0)) { try text.bytes(limit: 0) }
    }
}
