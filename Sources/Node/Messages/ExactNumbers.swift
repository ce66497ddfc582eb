// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Whole numbers in the JSON that is written here: text where many readers would round them.
///
/// A reader that makes a double of every number (that of JavaScript, and most others unless told
/// otherwise) has only the whole numbers up to 2^53 - 1 apart: an amount above would lose its last
/// digit without a word. So a greater number is written as text, `"9007199254740993"`, and a
/// smaller one as a number.
package enum ExactNumbers {
    /// The greatest number that stands as a number.
    package static let max: UInt64 = (1 << 53) - 1

    /// JSON with every greater whole number in quotation marks. Cost: linear.
    package static func quoted(_ json: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var number: [UInt8] = []
        var isText = false
        var isEscaped = false
        for byte in json {
            if isText {
                isText = isEscaped || byte != UInt8(ascii: "\"")
                isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                result.append(byte)
            } else if isNumeric(byte) {
                number.append(byte)
            } else {
                add(number, to: &result)
                number.removeAll(keepingCapacity: true)
                isText = byte == UInt8(ascii: "\"")
                result.append(byte)
            }
        }
        add(number, to: &result)
        return result
    }

    /// The same JSON with numbers again, in the fields of these names.
    package static func unquoted(_ json: [UInt8], in names: Set<String>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(json.count)
        var name = ""
        var isValue = false
        var place = 0
        while place < json.count {
            let byte = json[place]
            guard byte == UInt8(ascii: "\"") else {
                if byte == UInt8(ascii: ":") { isValue = true }
                if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "{") { isValue = false }
                result.append(byte)
                place += 1
                continue
            }
            let end = end(of: place, in: json)
            let text = String(decoding: json[(place + 1)..<end], as: UTF8.self)
            let last = min(end, json.count - 1)
            if isValue, names.contains(name), isBeyond(Array(text.utf8)) {
                result += Array(text.utf8)
            } else {
                result += json[place...last]
            }
            if !isValue { name = text }
            place = last + 1
        }
        return result
    }

    /// Where a text ends that begins at a place: its last quotation mark, or the end of all.
    private static func end(of start: Int, in json: [UInt8]) -> Int {
        var place = start + 1
        while place < json.count, json[place] != UInt8(ascii: "\"") {
            place += json[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(place, json.count)
    }

    private static func isNumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
            UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private static func add(_ number: [UInt8], to result: inout [UInt8]) {
        guard isBeyond(number) else { return result += number }
        result.append(UInt8(ascii: "\""))
        result += number
        result.append(UInt8(ascii: "\""))
    }

    /// Whether it is a whole number in plain digits that a double cannot tell from others.
    private static func isBeyond(_ number: [UInt8]) -> Bool {
        let digits = number.first == UInt8(ascii: "-") ? number.dropFirst() : number[...]
        guard digits.count >= 16, digits.count <= 20,
            digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.first != 0x30
        else { return false }
        return UInt64(String(decoding: digits, as: UTF8.self)).map { $0 > max } ?? true
    }
}
