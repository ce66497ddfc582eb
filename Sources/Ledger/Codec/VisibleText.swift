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
