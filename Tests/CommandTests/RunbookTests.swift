// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The runbook, typed line by line as its readers would.
struct RunbookTests {
    @Test(arguments: Runbook.shared.incidents)
    func `an incident goes as the article says`(_ incident: Runbook.Incident) throws {
        let folder = try TemporaryFolder()
        for step in incident.steps {
            let result = try step.run(in: folder.path)
            let printed = "$ \(step.command)\n\(result.output)"
            #expect(result.status == step.status, "\(printed)")
            guard let quotation = step.quotation else { continue }
            #expect(quotation.matches(result.output), "\(printed)")
        }
    }

    @Test func `there are ten, each made by one command and answered in what is printed`() {
        let incidents = Runbook.shared.incidents
        #expect(incidents.count == 10, "\(Runbook.path)")
        for (place, incident) in incidents.enumerated() {
            #expect(incident.title.hasPrefix("\(place + 1). "), "\(incident.title)")
            #expect(incident.steps.first?.command.hasPrefix("recount simulate ") == true)
            #expect(incident.steps.count(where: { $0.quotation != nil }) >= 2)
        }
    }

    @Test(arguments: [
        ("a\nb", "a\nb", true), ("\na\n\n", "a", true), ("a…c", "abc", true), ("a…", "a", true),
        ("a\n…\nd", "a\nb\nc\nd", true), ("a\n  …", "a", true), ("…\nb", "a\nb", true),
        ("a…c…", "a-c-d", true), ("1…e", "1…e", true),
        ("a", "a\nb", false), ("a\nb", "a", false), ("a", "ab", false), ("ab…b", "ab", false),
        ("a…c", "a\nc", false), ("a\n…\nd", "a\nb", false), ("a\n\nb", "a\nb", false),
        ("a…b…c", "acb", false), ("", "a", false),
    ])
    func `a quotation leaves out what it says it does`(
        _ quoted: String, _ printed: String, _ isRight: Bool
    ) {
        #expect(Quotation(quoted).matches(printed) == isRight)
    }
}
