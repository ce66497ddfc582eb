// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// How a text that should be UTF-8 is really written.
package enum TextEncoding {
    /// The encoding that the first bytes show, where it is not plain UTF-8; nil where it may be.
    ///
    /// A mark tells it, or where a text that begins with two characters of ASCII has its zeros (as
    /// in RFC 4627, section 3).
    package static func problem(in bytes: [UInt8]) -> JSONProblem? {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return .byteOrderMark }
        return name(of: bytes).map { .encoding($0) }
    }

    private static func name(of bytes: [UInt8]) -> String? {
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) { return "UTF-32 (little-endian)" }
        if bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32 (big-endian)" }
        if bytes.starts(with: [0xFF, 0xFE]) { return "UTF-16 (little-endian)" }
        if bytes.starts(with: [0xFE, 0xFF]) { return "UTF-16 (big-endian)" }
        switch bytes.prefix(4).map({ $0 == 0 }) {
        case [false, true, true, true]: return "UTF-32 (little-endian)"
        case [true, true, true, false]: return "UTF-32 (big-endian)"
        case [false, true, false, true]: return "UTF-16 (little-endian)"
        case [true, false, true, false]: return "UTF-16 (big-endian)"
        default: return nil
        }
    }

    /// Where the first byte stands that is not well-formed UTF-8; nil where all are.
    package static func firstFault(in bytes: [UInt8]) -> Int? {
        guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
        // What is ill-formed is replaced, and so the texts part there.
        let repaired = String(decoding: bytes, as: UTF8.self).utf8
        return zip(bytes, repaired).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            ?? bytes.count
    }
}
