// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Reads TOML 1.0, all of it and nothing else.
///
/// A reader of its own: what comes from a person's file must not end the process, which a parser
/// that asserts can do, and a decimal number must be read as it is written, which one that makes a
/// `Double` of it cannot. Numbers of the grammar are those of <https://toml.io/en/v1.0.0>.
package struct TOMLReader {
    /// Levels of tables, keys and lists within each other.
    package static let depthMax = 64

    let bytes: [UInt8]
    var position = 0

    /// Reads a text, which may begin with a byte order mark.
    package static func read(_ text: [UInt8]) throws(TOMLProblem) -> [String: TOMLValue] {
        if let offset = TextEncoding.firstFault(in: text) {
            throw TOMLProblem(
                place: TextPlace(of: offset, in: text),
                words: "this is not well-formed UTF-8; save the file as UTF-8")
        }
        var reader = TOMLReader(bytes: text)
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { reader.position = 3 }
        guard case .table(let root) = try reader.document() else { return [:] }
        return root
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    // MARK: Lines

    private mutating func document() throws(TOMLProblem) -> TOMLValue {
        let root = TOMLTable(.header)
        var section = root
        var depth = 0
        while next != nil {
            skipBlanks()
            switch next {
            case nil, UInt8(ascii: "#"), 0x0A, 0x0D: break
            case UInt8(ascii: "["): (section, depth) = try header(in: root)
            default: try pair(in: section, depth: depth)
            }
            skipBlanks()
            try endOfLine()
        }
        return root.value
    }

    private mutating func header(
        in root: TOMLTable
    ) throws(TOMLProblem) -> (TOMLTable, depth: Int) {
        let start = position
        position += 1
        let isList = skip(UInt8(ascii: "["))
        let path = try key(depth: 0)
        try expect(UInt8(ascii: "]"), "]")
        if isList { try expect(UInt8(ascii: "]"), "]]") }
        do throws(TOMLTableProblem) {
            return (try root.begin(path, isList: isList), path.count)
        } catch { throw fault(error.words, at: start) }
    }

    /// Reads `key = value` into a table.
    private mutating func pair(in table: TOMLTable, depth: Int) throws(TOMLProblem) {
        let start = position
        let path = try key(depth: depth)
        try expect(UInt8(ascii: "="), "=")
        skipBlanks()
        let entry = try entry(depth: depth + path.count)
        do throws(TOMLTableProblem) { try table.put(entry, at: path) } catch {
            throw fault(error.words, at: start)
        }
    }

    /// Reads a key with its dots, and the blanks around it.
    private mutating func key(depth: Int) throws(TOMLProblem) -> [String] {
        var path: [String] = []
        repeat {
            skipBlanks()
            guard depth + path.count < Self.depthMax else {
                throw fault("no more than \(Self.depthMax) levels can be read")
            }
            switch next {
            case UInt8(ascii: "\""): path.append(try basicText())
            case UInt8(ascii: "'"): path.append(try literalText())
            default: path.append(try bareKey())
            }
            skipBlanks()
        } while skip(UInt8(ascii: "."))
        return path
    }

    private mutating func bareKey() throws(TOMLProblem) -> String {
        let start = position
        while let byte = next, Self.isBare(byte) { position += 1 }
        guard position > start else { throw fault("a name is wanted here") }
        return text(from: start)
    }

    static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    // MARK: Values

    private mutating func entry(depth: Int) throws(TOMLProblem) -> TOMLTable.Entry {
        guard next == UInt8(ascii: "{") else { return .value(try value(depth: depth)) }
        return .table(try inlineTable(depth: depth))
    }

    private mutating func value(depth: Int) throws(TOMLProblem) -> TOMLValue {
        guard depth < Self.depthMax else {
            throw fault("no more than \(Self.depthMax) levels can be read")
        }
        switch next {
        case UInt8(ascii: "\""):
            return .text(has("\"\"\"") ? try longBasicText() : try basicText())
        case UInt8(ascii: "'"):
            return .text(has("'''") ? try longLiteralText() : try literalText())
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "{"): return try inlineTable(depth: depth + 1).value
        default: return try plain()
        }
    }

    private mutating func array(depth: Int) throws(TOMLProblem) -> TOMLValue {
        var elements: [TOMLValue] = []
        position += 1
        while true {
            try skipLines()
            if skip(UInt8(ascii: "]")) { return .array(elements) }
            elements.append(try value(depth: depth))
            try skipLines()
            if skip(UInt8(ascii: ",")) { continue }
            try expect(UInt8(ascii: "]"), ", or ]")
            return .array(elements)
        }
    }

    private mutating func inlineTable(depth: Int) throws(TOMLProblem) -> TOMLTable {
        let table = TOMLTable(.inline)
        position += 1
        skipBlanks()
        if skip(UInt8(ascii: "}")) { return table }
        repeat {
            try pair(in: table, depth: depth)
            skipBlanks()
        } while skip(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"), ", or }")
        return table
    }

    // MARK: Bytes

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func has(_ ascii: StaticString) -> Bool {
        bytes[position...].starts(with: "\(ascii)".utf8)
    }

    func text(from start: Int) -> String {
        String(decoding: bytes[start..<position], as: UTF8.self)
    }

    func fault(_ words: String, at offset: Int? = nil) -> TOMLProblem {
        TOMLProblem(place: TextPlace(of: offset ?? position, in: bytes), words: words)
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8, _ wanted: String) throws(TOMLProblem) {
        guard skip(byte) else { throw fault("\(wanted) is wanted here") }
    }

    mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || byte == 0x09 { position += 1 }
    }

    /// Skips blanks, comments and ends of lines.
    private mutating func skipLines() throws(TOMLProblem) {
        while true {
            skipBlanks()
            switch next {
            case UInt8(ascii: "#"), 0x0A, 0x0D: try endOfLine()
            default: return
            }
        }
    }

    /// Takes a comment, if there is one, and the end of the line or of the text.
    private mutating func endOfLine() throws(TOMLProblem) {
        if skip(UInt8(ascii: "#")) {
            while let byte = next, !Self.isControl(byte) { position += 1 }
        }
        guard next != nil, !takeNewline() else { return }
        throw fault(
            Self.isControl(bytes[position])
                ? "a control character cannot stand here" : "the end of the line is wanted here")
    }

    mutating func takeNewline() -> Bool {
        if skip(0x0A) { return true }
        guard has("\r\n") else { return false }
        position += 2
        return true
    }

    /// Whether it is a control character other than a tab, which stands nowhere as it is.
    static func isControl(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != 0x09) || byte == 0x7F
    }
}
