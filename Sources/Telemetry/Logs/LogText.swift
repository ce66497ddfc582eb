// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Ledger

extension String {
    /// A text within JSON, or JSON on one line, with the scalars that nobody sees as `\u` escapes.
    ///
    /// JSON's own encoders escape what is below U+0020 and leave the rest, of which terminals and
    /// pagers obey some.
    var visibleJSON: String {
        guard !utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            let text = String(scalar)
            if scalar.value < 0x7F && scalar.value >= 0x20 || text.visible == text {
                result.unicodeScalars.append(scalar)
            } else {
                for unit in text.utf16 {
                    let digits = String(unit, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return result
    }

    /// The text as a JSON string, with its quotes.
    var quotedJSON: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return "\"\(result.visibleJSON)\""
    }
}
