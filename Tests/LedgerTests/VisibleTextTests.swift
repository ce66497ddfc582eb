// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Testing

@Suite("text from outside, as a person is shown it")
struct VisibleTextTests {
    @Test("what a terminal would act on, and what nobody sees, is spelt out")
    func controls() {
        for (text, shown) in [
            ("\u{1B}[2Jgone", "\\u{1B}[2Jgone"), ("a\nb\tc\0", "a\\u{A}b\\u{9}c\\u{0}"),
            ("\u{9B}31m", "\\u{9B}31m"), ("\u{7F}", "\\u{7F}"),
            // A mark that turns the direction of writing, one that joins, a line separator.
            ("abc\u{202E}cba", "abc\\u{202E}cba"), ("a\u{200B}b", "a\\u{200B}b"),
            ("\u{2028}", "\\u{2028}"), ("\u{E000}", "\\u{E000}"),
        ] {
            #expect(text.visible == shown)
        }
    }

    @Test("other text stays as it is")
    func others() {
        for text in ["", "plain text, 1 < 2", "é e\u{301} 漢字 🙂", "\\u{1B}"] {
            #expect(text.visible == text)
        }
    }
}
