// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import Ledger

extension LedgerStory {
    /// The page: one file of HTML that needs no network and no script.
    ///
    /// `made` says when and with what it was made; nothing else on it is not of the ledger.
    package func html(made: String) -> String {
        var page = HTMLText()
        page.own("<!DOCTYPE html>\n")
        page.element("html", [("lang", "en")]) { page in
            page.element("head") { page in head(&page) }
            page.line()
            page.element("body") { page in
                page.element("main") { page in
                    summary(&page)
                    timeline(&page)
                    reputations(&page)
                    leaderShares(&page)
                    disagreed(&page)
                    evidence(&page)
                    notChecked(&page)
                }
                page.line()
                page.element("footer") { $0.element("p", made) }
            }
        }
        page.line()
        return page.markup
    }

    private var title: String { "The ledger \(name.isEmpty ? ledger : name)" }

    private func head(_ page: inout HTMLText) {
        page.empty("meta", [("charset", "utf-8")])
        page.empty(
            "meta",
            [
                ("http-equiv", "Content-Security-Policy"),
                ("content", "default-src 'none'; style-src 'unsafe-inline'"),
            ])
        page.empty(
            "meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")])
        page.empty("meta", [("name", "color-scheme"), ("content", "light dark")])
        page.element("title", title)
        page.element("style") { $0.own(StoryStyle.sheet) }
    }

    private func section(
        _ title: String, _ page: inout HTMLText, _ body: (inout HTMLText) -> Void
    ) {
        page.line()
        page.element("section") { page in
            page.element("h2", title)
            body(&page)
        }
    }

    private func summary(_ page: inout HTMLText) {
        page.element("h1", title)
        page.element(
            "p",
            "From \(UTC.text(started)) to \(UTC.text(ended)), \(size) entries in \(height + 1)"
                + " batches. \(threshold) of \(members) validators must approve a withdrawal. Of"
                + " \(requests) requests \(outcomes.approved) were approved, \(outcomes.rejected)"
                + " rejected, \(outcomes.timedOut) timed out and \(outcomes.open) are undecided.")
        page.element("p", standing, [("class", "strong")])
        page.table(
            ["What", "How much"],
            [
                ["Identity", ledger], ["Root of the log", root],
                ["Amount approved", "\(approvedAmount)"],
                [
                    "Payments",
                    "\(ordered) ordered, \(paid) made, \(failed) failed for good, "
                        + "\(ordered - min(ordered, paid + failed)) not reported",
                ],
                ["Compute jobs", "\(jobs)"], ["Refused messages on record", "\(refused)"],
                ["Disagreements", "\(disagreements.disagreements)"],
                ["Contradictions proved", "\(convictions.count)"],
            ], caption: "In numbers")
    }

    /// What the page rests on, in a sentence.
    private var standing: String {
        audit == nil
            ? "Nothing on this page was checked: it says what the log says."
            : "The log was audited; what the audit said is at the end."
    }

    private func timeline(_ page: inout HTMLText) {
        section("Timeline", &page) { page in
            page.table(
                [
                    spans.first?.days == 1 ? "Day" : "From", "Batches", "Requests", "Approved",
                    "Rejected", "Timed out", "Disagreements",
                ],
                spans.map { span in
                    [
                        String(UTC.text(Time(span.day * 86_400_000)).prefix(10)),
                        "\(span.batches)", "\(span.requests)", "\(span.approved)",
                        "\(span.rejected)", "\(span.timedOut)", "\(span.disagreements)",
                    ]
                },
                caption: spans.first.map { $0.days > 1 ? "In spans of \($0.days) days" : "By day" }
                    ?? "By day")
            guard !moments.isEmpty else {
                return page.element("p", "Nobody joined or left, and no rule changed.")
            }
            page.table(
                ["Time", "Entry", "What happened"],
                moments.map { [UTC.text($0.time), "\($0.entry)", $0.text] },
                caption: momentCount > UInt64(moments.count)
                    ? "The first and the last of \(momentCount) moments" : "Moments")
        }
    }

    private func reputations(_ page: inout HTMLText) {
        section("Reputations", &page) { page in
            page.element(
                "p",
                "Every validator joins with 1000 points. A vote that matches a proved outcome"
                    + " brings 10, and 5 more where it was counted; one that contradicts it takes"
                    + " 50, none by the deadline 30, a contradiction 50; each day takes a"
                    + " thousandth.")
            page.table(
                ["Validator", "Points", "Stake", "In office"] + Hypothesis.causes.map(\.name),
                standings.map { row in
                    [
                        row.name, UTC.points(row.reputation), "\(row.stake)",
                        row.isMember ? "yes" : "left",
                    ] + row.causes.map { "\($0)" }
                }, caption: "At the end, with how often each cause moved it")
        }
    }

    private func leaderShares(_ page: inout HTMLText) {
        section("Who led, against what was to be expected", &page) { page in
            guard !leaders.isEmpty else {
                return page.element("p", "Nothing was led.")
            }
            page.element(
                "p",
                "The largest of hash times weight leads. How far a share is from the predicted one"
                    + " is told in standard deviations: chance alone leaves about one in twenty"
                    + " outside of two; in parentheses there were too few to judge.")
            for (title, rows) in leaders {
                page.table(
                    ["Validator", "Led", "Share", "Predicted", "Deviation"],
                    rows.map { [$0.name] + $0.cells }, caption: title)
            }
        }
    }

    private func disagreed(_ page: inout HTMLText) {
        section("Disagreements", &page) { page in
            page.element(
                "p",
                "In \(disagreements.disagreements) of \(disagreements.rounds) rounds and jobs not"
                    + " all said the same.")
            page.table(
                ["Validator", "Rounds", "Votes", "Against the rest"],
                byValidator.map { ["\($0.name)", "\($0.rounds)", "\($0.votes)", "\($0.against)"] },
                caption: "Votes that were something else than most said")
            if !disagreements.pairs.isEmpty {
                page.table(
                    ["First", "Second", "Together", "By chance", "Chance, of all pairs"],
                    disagreements.pairs.prefix(100).map { pair in
                        [
                            pair.validators[0], pair.validators[1], "\(pair.together)",
                            UTC.points(Reputation(pair.expectedThousandths)),
                            "1 in \(pair.oneInOfAll)\(pair.isFound ? ": more than chance" : "")",
                        ]
                    }, caption: "Alike against the rest")
            }
            let newest = disagreements.list.suffix(Self.disagreementsMax)
            page.table(
                ["Closed", "Matter", "Entry", "Outcome", "Who said what"],
                newest.map { item in
                    [
                        UTC.text(Time(item.time)), item.matter, "\(item.about)", item.outcome,
                        item.sides.map { side in
                            "\(side.said): \(side.validators.prefix(50).joined(separator: ", "))"
                        }.joined(separator: "; "),
                    ]
                },
                caption: disagreements.disagreements > UInt64(newest.count)
                    ? "The newest \(newest.count) of \(disagreements.disagreements)"
                    : "One by one")
            for limit in disagreements.limits { page.element("p", limit, [("class", "faint")]) }
        }
    }

    private func evidence(_ page: inout HTMLText) {
        section("Evidence", &page) { page in
            guard !convictions.isEmpty else {
                return page.element(
                    "p", "The log holds no two signatures of one party that contradict each other.")
            }
            page.table(
                ["Time", "Entry", "Two signatures convict"],
                convictions.map { [UTC.text($0.time), "\($0.entry)", $0.text] },
                caption: "Contradictions on record, the first \(Self.momentsMax) at most")
        }
    }

    private func notChecked(_ page: inout HTMLText) {
        section("What was checked, and what was not", &page) { page in
            page.element("ul") { page in
                let checked =
                    audit ?? [
                        "Not checked: signatures, proofs, the tree, and whether the events are"
                            + " those that the rules derive. recount audit does, or recount report"
                            + " with --audit."
                    ]
                for sentence in checked { page.element("li", sentence) }
                page.element(
                    "li",
                    "Not checked: whether other validators hold the same log. recount diff compares"
                        + " copies.")
                page.element(
                    "li",
                    "Not seen: what never reached the log, such as votes that came too late, or"
                        + " messages that nobody passed on.")
                if isUnsealed {
                    page.element("li", "The batch at the end of the log is not sealed.")
                }
            }
        }
    }
}
