// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The four ways in which TOML writes a text.
extension TOMLReader {
    /// Reads a text between quotation marks, on one line.
    mutating func basicText() throws(TOMLProblem) -> String {
        var text: [UInt8] = []
        position += 1
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(&text)
            default: try plainByte(byte, &text)
            }
        }
        throw unended
    }

    /// Reads a text between apostrophes, on one line.
    mutating func literalText() throws(TOMLProblem) -> String {
        var text: [UInt8] = []
        position += 1
        while let byte = next {
            if skip(UInt8(ascii: "'")) { return String(decoding: text, as: UTF8.self) }
            try plainByte(byte, &text)
        }
        throw unended
    }

    /// Reads a text between three quotation marks.
    mutating func longBasicText() throws(TOMLProblem) -> String {
        var text: [UInt8] = []
        position += 3
        _ = takeNewline()
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\"") where has("\"\"\""):
                end(byte, &text)
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                if !skipFold() { try escape(&text) }
            default: try longByte(byte, &text)
            }
        }
        throw unended
    }

    /// Reads a text between three apostrophes.
    mutating func longLiteralText() throws(TOMLProblem) -> String {
        var text: [UInt8] = []
        position += 3
        _ = takeNewline()
        while let byte = next {
            if has("'''") {
                end(byte, &text)
                return String(decoding: text, as: UTF8.self)
            }
            try longByte(byte, &text)
        }
        throw unended
    }

    private var unended: TOMLProblem { fault("the text that begins before has no end") }

    /// Takes the three marks at the end of a long text; up to two before them belong to it.
    private mutating func end(_ mark: UInt8, _ text: inout [UInt8]) {
        var count = 0
        while count < 5, skip(mark) { count += 1 }
        text += [UInt8](repeating: mark, count: count - 3)
    }

    private mutating func plainByte(
        _ byte: UInt8, _ text: inout [UInt8]
    ) throws(TOMLProblem) {
        guard !Self.isControl(byte) else {
            throw fault(
                byte == 0x0A || byte == 0x0D
                    ? "the text must end on its line" : "a control character must be escaped here")
        }
        text.append(byte)
        position += 1
    }

    private mutating func longByte(
        _ byte: UInt8, _ text: inout [UInt8]
    ) throws(TOMLProblem) {
        let start = position
        if takeNewline() {
            text += bytes[start..<position]
        } else {
            try plainByte(byte, &text)
        }
    }

    /// Skips a backslash at the end of a line, and all blanks and ends of lines that follow.
    private mutating func skipFold() -> Bool {
        let start = position
        position += 1
        skipBlanks()
        guard takeNewline() else {
            position = start
            return false
        }
        repeat { skipBlanks() } while takeNewline()
        return true
    }

    private mutating func escape(_ text: inout [UInt8]) throws(TOMLProblem) {
        let start = position
        position += 1
        let simple: [UInt8: UInt8] = [
            UInt8(ascii: "b"): 0x08, UInt8(ascii: "t"): 0x09, UInt8(ascii: "n"): 0x0A,
            UInt8(ascii: "f"): 0x0C, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "\""): 0x22,
            UInt8(ascii: "\\"): 0x5C,
        ]
        guard let byte = next else { throw unended }
        position += 1
        if let value = simple[byte] { return text.append(value) }
        let digits = byte == UInt8(ascii: "u") ? 4 : byte == UInt8(ascii: "U") ? 8 : 0
        guard digits > 0, let scalar = scalar(digits) else {
            throw fault("an escape that TOML has is wanted: \\n, \\\", \\\\, \\u00e9", at: start)
        }
        text += Array(String(Character(scalar)).utf8)
    }

    private mutating func scalar(_ digits: Int) -> Unicode.Scalar? {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let byte = next,
                let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80
            else { return nil }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return Unicode.Scalar(value)
    }
}
