// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// JSON from outside, where two readers must not see two values: the one way in.
///
/// A scanner of RFC 8259 stands before Foundation's decoder, which takes more than that: of a
/// doubled name it takes one of the values, of a number with a fraction the nearest double.
package enum StrictJSON {
    /// Which numbers may stand in a text.
    package enum Numbers: Sendable {
        /// Whole ones in plain digits, of which every reader makes the same; any in the values that
        /// these names have in the outermost object, which nothing rests on.
        case whole(except: Set<String>)
        /// All that JSON has: for answers that people look at.
        case any
    }

    /// Checks a text and decodes it. Throws `JSONProblem` first, then what the decoder throws.
    package static func decode<T: Decodable>(
        _ type: T.Type, from bytes: [UInt8], nestingMax: Int = NodeLimits.nestingMax,
        numbers: Numbers = .whole(except: []), using decoder: JSONDecoder = JSONDecoder()
    ) throws -> T {
        try check(bytes, nestingMax: nestingMax, numbers: numbers)
        return try decoder.decode(type, from: Data(bytes))
    }

    /// Checks, in order: encoding, UTF-8, then the text from its start to its end.
    package static func check(
        _ bytes: [UInt8], nestingMax: Int = NodeLimits.nestingMax,
        numbers: Numbers = .whole(except: [])
    ) throws(JSONProblem) {
        if let problem = TextEncoding.problem(in: bytes) { throw problem }
        if let offset = TextEncoding.firstFault(in: bytes) {
            throw .notUTF8(TextPlace(of: offset, in: bytes))
        }
        var scanner = Scanner(bytes: bytes, nestingMax: nestingMax, numbers: numbers)
        try scanner.text()
    }

    private struct Scanner {
        let bytes: [UInt8]
        let nestingMax: Int
        let free: Set<String>
        var place = 0
        var isFree = false

        init(bytes: [UInt8], nestingMax: Int, numbers: Numbers) {
            self.bytes = bytes
            self.nestingMax = nestingMax
            switch numbers {
            case .whole(let names): free = names
            case .any:
                free = []
                isFree = true
            }
        }

        private func here(_ offset: Int? = nil) -> TextPlace {
            TextPlace(of: offset ?? place, in: bytes)
        }

        mutating func text() throws(JSONProblem) {
            try value(depth: 0)
            blanks()
            if place < bytes.count { throw .syntax(here(), wanted: "the end") }
        }

        private mutating func blanks() {
            while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) {
                place += 1
            }
        }

        private func next() throws(JSONProblem) -> UInt8 {
            guard place < bytes.count else { throw .ends(here()) }
            return bytes[place]
        }

        private mutating func expect(_ character: Unicode.Scalar, _ wanted: String)
            throws(JSONProblem)
        {
            guard try next() == UInt8(ascii: character) else {
                throw .syntax(here(), wanted: wanted)
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
            default: throw .syntax(here(), wanted: "a value")
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
                    throw .syntax(here(), wanted: "a name in quotation marks")
                }
                let name = try string()
                guard names.insert(name).inserted else {
                    throw .doubledName(name, here(offset))
                }
                blanks()
                try expect(":", "a colon")
                let wasFree = isFree
                if depth == 1, free.contains(name) { isFree = true }
                try value(depth: depth)
                isFree = wasFree
                blanks()
                if try next() == UInt8(ascii: "}") {
                    place += 1
                    return
                }
                try expect(",", "a comma or the end of the object")
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
                try expect(",", "a comma or the end of the array")
            }
        }

        private mutating func word(_ word: StaticString) throws(JSONProblem) {
            for byte in "\(word)".utf8 {
                guard try next() == byte else {
                    throw .syntax(here(), wanted: "\(word)")
                }
                place += 1
            }
        }

        private mutating func digits() throws(JSONProblem) {
            guard (0x30...0x39).contains(try next()) else {
                throw .syntax(here(), wanted: "a digit")
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
                    String(decoding: bytes[start..<place], as: UTF8.self), here(start))
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
                    throw .syntax(here(), wanted: "an escape in the place of a control")
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
                    else { throw .loneSurrogate(here(offset)) }
                    place += 2
                    let low = try fourDigits()
                    guard (0xDC00...0xDFFF).contains(low) else {
                        throw .loneSurrogate(here(offset))
                    }
                    value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let scalar = Unicode.Scalar(value) else {
                    throw .loneSurrogate(here(offset))
                }
                text += Array(String(Character(scalar)).utf8)
            default: throw .syntax(here(offset), wanted: "an escape that JSON has")
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
                default: throw .syntax(here(), wanted: "a hexadecimal digit")
                }
                value = value << 4 | UInt32(digit)
                place += 1
            }
            return value
        }
    }
}
