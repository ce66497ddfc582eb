// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// Why a text is not JSON of which every reader makes the same. Offsets count bytes from the start.
package enum JSONProblem: Error, Equatable, Sendable {
    /// It begins with a byte order mark: of UTF-16, of UTF-32, or of UTF-8.
    case byteOrderMark
    /// It is not well-formed UTF-8.
    case notUTF8
    /// Arrays and objects are nested more deeply than anything that is read here.
    case tooDeep(max: Int)
    /// The text ends within a value, or is empty.
    case ends
    /// Something else than JSON (RFC 8259) stands there.
    case syntax(offset: Int, wanted: String)
    /// A name stands twice in one object.
    case doubledName(String, offset: Int)
    /// A string holds half of a surrogate pair, which stands for no character.
    case loneSurrogate(offset: Int)
    /// A number has a fraction or an exponent, or is a negative zero: readers differ in its value.
    case inexactNumber(String, offset: Int)
}

extension JSONProblem: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .byteOrderMark: "it begins with a byte order mark; save it as UTF-8 without one"
        case .notUTF8: "it is not well-formed UTF-8"
        case .tooDeep(let max): "it is nested more than \(max) levels deep"
        case .ends: "it ends too early"
        case .syntax(let offset, let wanted): "byte \(offset): \(wanted) is wanted"
        case .doubledName(let name, let offset):
            "byte \(offset): the name \(name.debugDescription) stands twice in one object, and"
                + " readers differ in which they take"
        case .loneSurrogate(let offset): "byte \(offset): half of a surrogate pair"
        case .inexactNumber(let text, let offset):
            "byte \(offset): \(text.prefix(40)) is written with a fraction, an exponent or as"
                + " a negative zero; whole numbers are wanted, in plain digits"
        }
    }
}

/// JSON from outside, where two readers must not see two values: the one way in.
///
/// A scanner of RFC 8259 stands before Foundation's decoder, which takes more than that: of a
/// doubled name it takes one of the values, of a number with a fraction the nearest double.
package enum StrictJSON {
    /// Checks a text and decodes it. Throws `JSONProblem` first, then what the decoder throws.
    ///
    /// Names in `free` may stand in the outermost object with any number in their value.
    package static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], nestingMax: Int = NodeLimits.nestingMax,
        free: Set<String> = [], using decoder: JSONDecoder = JSONDecoder()
    ) throws -> T {
        try check(bytes, nestingMax: nestingMax, free: free)
        return try decoder.decode(type, from: Data(bytes))
    }

    /// Checks, in order: byte order mark, UTF-8, then the text from its start to its end.
    package static func check(
        _ bytes: [UInt8], nestingMax: Int = NodeLimits.nestingMax, free: Set<String> = []
    ) throws(JSONProblem) {
        let marks: [[UInt8]] = [
            [0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE], [0, 0, 0xFE, 0xFF],
        ]
        if marks.contains(where: { bytes.starts(with: $0) }) { throw .byteOrderMark }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
        var scanner = Scanner(bytes: bytes, nestingMax: nestingMax, free: free)
        try scanner.text()
    }

    private struct Scanner {
        let bytes: [UInt8]
        let nestingMax: Int
        let free: Set<String>
        var place = 0
        var isFree = false

        init(bytes: [UInt8], nestingMax: Int, free: Set<String>) {
            self.bytes = bytes
            self.nestingMax = nestingMax
            self.free = free
        }

        mutating func text() throws(JSONProblem) {
            try value(depth: 0)
            blanks()
            if place < bytes.count { throw .syntax(offset: place, wanted: "the end") }
        }

        private mutating func blanks() {
            while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) {
                place += 1
            }
        }

        private func next() throws(JSONProblem) -> UInt8 {
            guard place < bytes.count else { throw .ends }
            return bytes[place]
        }

        private mutating func take(_ character: Unicode.Scalar, _ wanted: String)
            throws(JSONProblem)
        {
            guard try next() == UInt8(ascii: character) else {
                throw .syntax(offset: place, wanted: wanted)
            }
            place += 1
        }

        private mutating func value(depth: Int) throws(JSONProblem) {
            blanks()
            switch try next() {
            case UInt8(ascii: "{"): try object(depth: depth + 1)
            case UInt8(ascii: "["): try array(depth: depth + 1)
            case UInt8(ascii: "\""): _ = try string()
            case UInt8(ascii: "t"): try word("true")
            case UInt8(ascii: "f"): try word("false")
            case UInt8(ascii: "n"): try word("null")
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
            default: throw .syntax(offset: place, wanted: "a value")
            }
        }

        private mutating func object(depth: Int) throws(JSONProblem) {
            guard depth <= nestingMax else { throw .tooDeep(max: nestingMax) }
            place += 1
            blanks()
            if try next() == UInt8(ascii: "}") {
                place += 1
                return
            }
            // Equal as Swift has it, which is how a decoder finds them: two spellings of one
            // character are one name.
            var names: Set<String> = []
            while true {
                blanks()
                let offset = place
                guard try next() == UInt8(ascii: "\"") else {
                    throw .syntax(offset: place, wanted: "a name in quotation marks")
                }
                let name = try string()
                guard names.insert(name).inserted else {
                    throw .doubledName(name, offset: offset)
                }
                blanks()
                try take(":", "a colon")
                if depth == 1 { isFree = free.contains(name) }
                try value(depth: depth)
                if depth == 1 { isFree = false }
                blanks()
                if try next() == UInt8(ascii: "}") {
                    place += 1
                    return
                }
                try take(",", "a comma or the end of the object")
            }
        }

        private mutating func array(depth: Int) throws(JSONProblem) {
            guard depth <= nestingMax else { throw .tooDeep(max: nestingMax) }
            place += 1
            blanks()
            if try next() == UInt8(ascii: "]") {
                place += 1
                return
            }
            while true {
                try value(depth: depth)
                blanks()
                if try next() == UInt8(ascii: "]") {
                    place += 1
                    return
                }
                try take(",", "a comma or the end of the array")
            }
        }

        private mutating func word(_ word: StaticString) throws(JSONProblem) {
            for byte in "\(word)".utf8 {
                guard try next() == byte else {
                    throw .syntax(offset: place, wanted: "\(word)")
                }
                place += 1
            }
        }

        private mutating func digits() throws(JSONProblem) {
            guard (0x30...0x39).contains(try next()) else {
                throw .syntax(offset: place, wanted: "a digit")
            }
            while place < bytes.count, (0x30...0x39).contains(bytes[place]) { place += 1 }
        }

        private mutating func number() throws(JSONProblem) {
            let start = place
            if bytes[place] == UInt8(ascii: "-") { place += 1 }
            if try next() == UInt8(ascii: "0") { place += 1 } else { try digits() }
            var isExact = bytes[start..<place] != [UInt8(ascii: "-"), UInt8(ascii: "0")]
            if place < bytes.count, bytes[place] == UInt8(ascii: ".") {
                isExact = false
                place += 1
                try digits()
            }
            if place < bytes.count, bytes[place] | 0x20 == UInt8(ascii: "e") {
                isExact = false
                place += 1
                if [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(try next()) { place += 1 }
                try digits()
            }
            guard isExact || isFree else {
                throw .inexactNumber(
                    String(decoding: bytes[start..<place], as: UTF8.self), offset: start)
            }
        }

        /// Reads a string, with its escapes undone.
        private mutating func string() throws(JSONProblem) -> String {
            place += 1
            var text: [UInt8] = []
            while true {
                let byte = try next()
                switch byte {
                case UInt8(ascii: "\""):
                    place += 1
                    return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"): try escape(&text)
                case 0..<0x20:
                    throw .syntax(offset: place, wanted: "an escape in the place of a control")
                default:
                    text.append(byte)
                    place += 1
                }
            }
        }

        private mutating func escape(_ text: inout [UInt8]) throws(JSONProblem) {
            let offset = place
            place += 1
            let byte = try next()
            place += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"):
                var value = try fourDigits()
                if (0xD800...0xDBFF).contains(value) {
                    guard place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
                        bytes[place + 1] == UInt8(ascii: "u")
                    else { throw .loneSurrogate(offset: offset) }
                    place += 2
                    let low = try fourDigits()
                    guard (0xDC00...0xDFFF).contains(low) else {
                        throw .loneSurrogate(offset: offset)
                    }
                    value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(value) else {
                    throw .loneSurrogate(offset: offset)
                }
                text += Array(String(Character(scalar)).utf8)
            default: throw .syntax(offset: offset, wanted: "an escape that JSON has")
            }
        }

        private mutating func fourDigits() throws(JSONProblem) -> UInt32 {
            var value: UInt32 = 0
            for _ in 0..<4 {
                let byte = try next()
                let digit: UInt8
                switch byte {
                case 0x30...0x39: digit = byte - 0x30
                case 0x41...0x46: digit = byte - 0x41 + 10
                case 0x61...0x66: digit = byte - 0x61 + 10
                default: throw .syntax(offset: place, wanted: "a hexadecimal digit")
                }
                value = value << 4 | UInt32(digit)
                place += 1
            }
            return value
        }
    }
}
