// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Checks the shape of a configuration before it is parsed.
///
/// toml++ 3.4 ends the process by an assertion on some texts that are no TOML, so it is only given
/// texts of this part of TOML 1.0: headers, keys that are not dotted, texts of one line, decimal
/// numbers, true and false, and lists of these over any number of lines. No configuration needs
/// more.
struct ConfigurationSyntax {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lineStart = 0

    /// Throws `notTOML` with the place of the first byte that does not belong.
    static func check(_ text: String) throws(ConfigurationError) {
        var syntax = ConfigurationSyntax(bytes: Array(text.utf8))
        while true {
            try syntax.skip(linesToo: true)
            guard syntax.next != nil else { return }
            try syntax.statement()
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func fault(_ wanted: String) -> ConfigurationError {
        .notTOML("\(wanted) is wanted here", line: line, column: position - lineStart + 1)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8, _ wanted: String) throws(ConfigurationError) {
        guard take(byte) else { throw fault(wanted) }
    }

    /// Skips blanks, and where told ends of lines and comments.
    private mutating func skip(linesToo: Bool) throws(ConfigurationError) {
        while let byte = next {
            switch byte {
            case 0x20, 0x09: position += 1
            case UInt8(ascii: "#") where linesToo: try comment()
            case 0x0A where linesToo: newLine()
            case 0x0D where linesToo && position + 1 < bytes.count && bytes[position + 1] == 0x0A:
                position += 1
            default: return
            }
        }
    }

    private mutating func newLine() {
        position += 1
        line += 1
        lineStart = position
    }

    private mutating func comment() throws(ConfigurationError) {
        while let byte = next, byte != 0x0A {
            if byte == 0x0D, position + 1 < bytes.count, bytes[position + 1] == 0x0A { return }
            guard byte == 0x09 || (byte >= 0x20 && byte != 0x7F) else {
                throw fault("text without control characters")
            }
            position += 1
        }
    }

    private mutating func statement() throws(ConfigurationError) {
        if take(UInt8(ascii: "[")) {
            let isList = take(UInt8(ascii: "["))
            try skip(linesToo: false)
            try key()
            try skip(linesToo: false)
            try expect(UInt8(ascii: "]"), "]")
            if isList { try expect(UInt8(ascii: "]"), "]") }
        } else {
            try key()
            try skip(linesToo: false)
            try expect(UInt8(ascii: "="), "=")
            try skip(linesToo: false)
            try value(depth: 0)
        }
        try skip(linesToo: false)
        if next == UInt8(ascii: "#") { try comment() }
        if next == 0x0D { position += 1 }
        guard next == nil || next == 0x0A else { throw fault("the end of the line") }
    }

    private mutating func key() throws(ConfigurationError) {
        let start = position
        while let byte = next, Self.isBare(byte) { position += 1 }
        guard position > start else { throw fault("a name") }
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private mutating func value(depth: Int) throws(ConfigurationError) {
        switch next {
        case UInt8(ascii: "\""): try quoted(UInt8(ascii: "\""))
        case UInt8(ascii: "'"): try quoted(UInt8(ascii: "'"))
        case UInt8(ascii: "["):
            guard depth < 4 else { throw fault("a list that is less deep") }
            position += 1
            while true {
                try skip(linesToo: true)
                if take(UInt8(ascii: "]")) { return }
                try value(depth: depth + 1)
                try skip(linesToo: true)
                if take(UInt8(ascii: ",")) { continue }
                try expect(UInt8(ascii: "]"), ", or ]")
                return
            }
        default: try plain()
        }
    }

    private mutating func quoted(_ mark: UInt8) throws(ConfigurationError) {
        position += 1
        while let byte = next {
            position += 1
            if byte == mark { return }
            guard byte == 0x09 || (byte >= 0x20 && byte != 0x7F) else {
                position -= 1
                throw fault("the end of the text, on the same line,")
            }
            if byte == UInt8(ascii: "\\"), mark == UInt8(ascii: "\"") { try escape() }
        }
        throw fault("the end of the text")
    }

    private mutating func escape() throws(ConfigurationError) {
        guard let byte = next else { throw fault("the end of the text") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                switch next ?? 0 {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: position += 1
                default: throw fault("a hexadecimal digit")
                }
            }
        default:
            position -= 1
            throw fault("a character that can be escaped")
        }
    }

    /// A decimal number, `true`, `false`, `inf` or `nan`; what it is worth is judged later.
    private mutating func plain() throws(ConfigurationError) {
        let start = position
        while let byte = next, Self.isBare(byte) || byte == 0x2B || byte == 0x2E { position += 1 }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        let unsigned = word.hasPrefix("-") || word.hasPrefix("+") ? word.dropFirst() : word[...]
        if ["true", "false"].contains(word) || ["inf", "nan"].contains(unsigned) { return }
        let parts = unsigned.split(separator: ".", omittingEmptySubsequences: false)
        let isNumber =
            (1...2).contains(parts.count)
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.count <= 30
                    && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
            } && (parts[0] == "0" || !parts[0].hasPrefix("0"))
        guard isNumber else {
            position = start
            throw fault("a text in quotes, a decimal number, true, false or a list")
        }
    }
}
