// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension StringProtocol {
    /// The text with every character spelt out that a terminal would act on and nobody sees:
    /// `\u{1B}` for an escape. For whatever came from outside, before a person is shown it.
    package var visible: String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.isInvisible {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result.append(contentsOf: "\\u{\(digits)}".unicodeScalars)
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }
}

extension String {
    /// JSON, or a text within it, with the scalars that nobody sees as `\u` escapes.
    ///
    /// JSON's own encoders escape what is below U+0020 and leave the rest, of which terminals and
    /// pagers obey some. Ends of lines stay: within a text JSON escapes them.
    package var visibleJSON: String {
        guard !utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A }) else { return self }
        var result = ""
        for scalar in unicodeScalars {
            if scalar == "\n" || !scalar.isInvisible {
                result.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return result
    }

    /// The text, or as much of its beginning as so many bytes of UTF-8 hold, and how many are left
    /// out.
    package func bounded(bytes max: Int) -> String {
        let count = utf8.count
        guard count > max else { return self }
        var end = utf8.index(startIndex, offsetBy: max)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil {
            end = utf8.index(before: end)
        }
        let kept = self[..<end]
        return "\(kept)... (\(count - kept.utf8.count) more bytes)"
    }
}

extension StringProtocol {
    /// The text as `visible` has it, but for the ends of lines and for the styles of this program:
    /// `ESC [ 1 m` and so on, which change how a text looks and nothing else.
    package var visibleBesidesStyles: String {
        guard !utf8.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A }) else {
            return String(self)
        }
        var result = String.UnicodeScalarView()
        var rest = unicodeScalars[...]
        while let scalar = rest.first {
            let style = Self.style(rest)
            if style > 0 {
                result.append(contentsOf: rest.prefix(style))
                rest = rest.dropFirst(style)
                continue
            }
            rest.removeFirst()
            if scalar == "\n" {
                result.append(scalar)
            } else {
                result.append(contentsOf: String(scalar).visible.unicodeScalars)
            }
        }
        return String(result)
    }

    /// How many scalars a style at the start of a text has; 0 where there is none.
    private static func style(_ text: UnicodeScalarView.SubSequence) -> Int {
        guard text.starts(with: "\u{1B}[".unicodeScalars) else { return 0 }
        let digits = text.dropFirst(2).prefix { ("0"..."9").contains($0) }
        guard digits.count <= 2, text.dropFirst(2 + digits.count).first == "m" else { return 0 }
        return digits.count + 3
    }
}

extension Unicode.Scalar {
    /// Whether it is a control, a mark that turns or hides what stands beside it, or nothing yet.
    fileprivate var isInvisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            true
        default: false
        }
    }
}
