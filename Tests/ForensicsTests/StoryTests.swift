// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Forensics
import Foundation
import Ledger
import TestSupport
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// The page for people who were not there.
struct StoryTests {
    private func page(
        _ events: [Event], _ change: (inout LedgerStory) -> Void = { _ in }
    ) throws -> String {
        let shelf = Shelf()
        try shelf.write(events, to: "/a")
        let log = try EventLog.open(directory: "/a", disk: shelf.disk, access: .readOnly)
        var story = try LedgerStory.of(log)
        change(&story)
        return story.html(made: "Made by a test.")
    }

    /// Nothing leads out of a page, and nothing on it runs.
    private func expectTame(_ page: String, _ comment: Comment) {
        let parser = XMLParser(data: Data(page.utf8))
        #expect(parser.parse(), "\(comment): \(String(describing: parser.parserError))")
        let words = [
            "<script", "<link", "<img", "<iframe", "src=", "href=", "url(", "@import", "://",
        ]
        for word in words { #expect(!page.contains(word), "\(comment): \(word)") }
        #expect(page.contains("default-src &#39;none&#39;"))
    }

    @Test(arguments: [1, 5] as [UInt64])
    func `a page is whole, and names everybody`(_ seed: UInt64) throws {
        let scenario = try GoldenRun.play(seed: seed)
        let page = try page(scenario.log)
        expectTame(page, "seed \(seed)")
        for validator in scenario.state.validators { #expect(page.contains(validator.name)) }
        for title in [
            "Timeline", "Reputations", "Who led", "Disagreements", "Evidence", "what was not",
        ] { #expect(page.contains(title)) }
        #expect(page.contains("contradicted itself"))
        #expect(page.contains("Nothing on this page was checked"))
        #expect(page.contains(scenario.ledger.hex))
    }

    @Test func `only words that no line of a phone holds are broken`() throws {
        let scenario = try GoldenRun.play(seed: 1)
        let page = try page(scenario.log)
        #expect(page.contains("<td class=\"long\">\(scenario.ledger.hex)</td>"))
        var cells = 0
        for part in page.components(separatedBy: "<td").dropFirst() {
            let cell = part.components(separatedBy: "</td>")[0]
            let isLong = cell.hasPrefix(" class=\"long\">")
            let text = cell.drop { $0 != ">" }.dropFirst()
            let longest = text.split(separator: " ").map(\.utf8.count).max() ?? 0
            #expect((longest > 24) == isLong, "\(text)")
            cells += 1
        }
        #expect(cells > 50)
        let styles = page.components(separatedBy: "overflow-wrap")
        #expect(styles.count == 2 && styles[0].hasSuffix(".long { "))
    }

    @Test func `a quiet ledger has nothing to tell, and says so`() throws {
        var scenario = try LedgerScenario(.of(4, 3))
        try scenario.open()
        try scenario.seal()
        let page = try page(scenario.log)
        expectTame(page, "quiet")
        #expect(page.contains("holds no two signatures"))
        #expect(page.contains("Nobody joined or left"))
        #expect(page.contains("Of 0 requests"))
    }

    @Test func `what comes from the ledger is text, whatever it says`() throws {
        var events = try GoldenRun.play(seed: 2, batches: 8).log
        guard case .ledgerOpened(var opened) = events[0] else { return }
        opened.name = "</title><script>x</script>&\"'\u{202E}\u{0}]]>"
        events[0] = .ledgerOpened(opened)
        let page = try page(events) { story in
            story.leaders = [
                ("<b>", [LedgerStory.LeaderRow(name: "<i>", cells: ["&", "<", "\"", "'"])])
            ]
            story.audit = ["</ul><script>"]
        }
        expectTame(page, "hostile")
        #expect(
            page.contains("&lt;/title&gt;&lt;script&gt;x&lt;/script&gt;&amp;&quot;&#39;\\u{202E}"))
        #expect(page.contains("&lt;/ul&gt;"))
        #expect(!page.unicodeScalars.contains("\u{202E}") && !page.unicodeScalars.contains("\u{0}"))
    }

    @Test func `a long history is told in longer spans, and stays small`() throws {
        var scenario = try LedgerScenario(.of(4, 3, signs: false))
        for _ in 0..<1_500 {
            try scenario.open(after: 86_400_000)
            try scenario.send(
                .governance(
                    scenario.change(
                        .stakeChanged(
                            key: Fixture.key(0).publicKey,
                            stake: Stake(scenario.state.height.rawValue)))))
            try scenario.seal()
        }
        let page = try page(scenario.log)
        expectTame(page, "long")
        #expect(page.contains("In spans of 8 days"))
        #expect(page.contains("The first and the last of 1500 moments"))
        #expect(page.contains("became 1<") && page.contains("became 1500<"))
        #expect(page.utf8.count < 200_000, "\(page.utf8.count) bytes")
    }

    @Test func `what an audit said stands where it stands`() throws {
        let events = try GoldenRun.play(seed: 3, batches: 8).log
        let page = try page(events) { $0.audit = ["Wrong at entry 7."] }
        #expect(page.contains("Wrong at entry 7."))
        #expect(!page.contains("Nothing on this page was checked"))
    }

    @Test func `an empty log has no story`() {
        #expect(throws: DisagreementError.self) { try page([]) }
    }
}
