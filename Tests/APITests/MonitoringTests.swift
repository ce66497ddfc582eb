// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import Foundation
import Telemetry
import TestSupport
import Testing

/// The files for Prometheus and Grafana name what nodes serve.
@Suite("Monitoring files")
struct MonitoringTests {
    private static let folder = Vectors.repository.appendingPathComponent("Tools/monitoring")

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    /// The metrics that a text names, without what histograms add.
    private static func named(_ text: String) -> Set<String> {
        let served = Set(NodeMetrics.registry().families.map(\.name))
        return Set(
            text.matches(of: /\brecount_[a-z_]+/).map { match in
                let name = String(match.0)
                for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
                    let stem = String(name.dropLast(suffix.count))
                    if served.contains(stem) { return stem }
                }
                return name
            })
    }

    @Test(
        "every metric that they name is one that a node serves",
        arguments: ["alerts.yml", "recount.json", "rules.test.yml"])
    func names(_ file: String) throws {
        let served = Set(NodeMetrics.registry().families.map(\.name))
        let named = Self.named(try Self.text(file))
        #expect(named.count > 20)
        #expect(named.subtracting(served).isEmpty, "\(named.subtracting(served).sorted())")
    }

    @Test("every metric that a node serves has a panel")
    func panels() throws {
        let served = Set(NodeMetrics.registry().families.map(\.name))
        let missing = served.subtracting(Self.named(try Self.text("recount.json")))
        #expect(missing.isEmpty, "\(missing.sorted())")
    }

    @Test("the article lists every metric and every alert")
    func article() throws {
        let path = "Sources/recount/Recount.docc/Monitoring.md"
        let article = try String(
            contentsOf: Vectors.repository.appendingPathComponent(path), encoding: .utf8)
        for family in NodeMetrics.registry().families {
            #expect(article.contains("`\(family.name)`"), "\(family.name)")
        }
        for match in try Self.text("alerts.yml").matches(of: /- alert: ([A-Za-z]+)/) {
            #expect(article.contains("`\(match.1)`"), "\(match.1)")
        }
    }

    @Test("the dashboard is JSON whose panels lie beside each other and ask something")
    func dashboard() throws {
        let data = Data(try Self.text("recount.json").utf8)
        let dashboard = try #require(
            try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        var taken: Set<[Int]> = []
        var ids: Set<Int> = []
        for panel in panels {
            let title = try #require(panel["title"] as? String)
            #expect(ids.insert(try #require(panel["id"] as? Int)).inserted, "\(title)")
            let place = try #require(panel["gridPos"] as? [String: Int])
            let (x, y) = (place["x", default: 0], place["y", default: 0])
            let (width, height) = (place["w", default: 0], place["h", default: 0])
            #expect(width > 0 && height > 0 && x + width <= 24, "\(title)")
            for column in x..<(x + width) {
                for row in y..<(y + height) {
                    #expect(taken.insert([column, row]).inserted, "\(title) covers another")
                }
            }
            guard panel["type"] as? String != "row" else { continue }
            let targets = try #require(panel["targets"] as? [[String: Any]], "\(title)")
            for target in targets {
                #expect((target["expr"] as? String)?.contains("recount_") == true, "\(title)")
            }
            #expect(!targets.isEmpty && panel["description"] is String, "\(title)")
        }
        #expect(panels.count > 30)
    }

    @Test(
        "promtool reads every question of the dashboard",
        .enabled(if: Promtool.isThere, "no promtool: it comes with Debian's prometheus"))
    func questions() throws {
        let questions = try Self.text("recount.json").matches(of: /"expr": ("(?:[^"\\]|\\.)*")/)
        #expect(questions.count > 50)
        let rules = questions.enumerated().map { place, match in
            let question = match.1.replacing("$job", with: "job")
                .replacing("$instance", with: "instance")
            return "  - record: question:number\(place)\n    expr: \(question)\n"
        }
        let file = "groups:\n- name: questions\n  rules:\n" + rules.joined()
        let said = try Promtool.run("check", "rules", "FILE", input: file)
        #expect(said.status == 0 && said.text.contains("\(questions.count) rules"), "\(said.text)")
    }

    @Test("every alert has a test, a severity, and says what to do")
    func alerts() throws {
        let rules = try Self.text("alerts.yml")
        let tests = try Self.text("rules.test.yml")
        let blocks = rules.components(separatedBy: "- alert: ").dropFirst()
        #expect(blocks.count > 25)
        for block in blocks {
            let name = block.prefix { $0.isLetter }
            #expect(tests.contains("ALERTS{alertname=\"\(name)\","), "\(name)")
            #expect(block.contains("severity: "), "\(name)")
            #expect(block.contains("summary: ") && block.contains("action: "), "\(name)")
        }
    }

    @Test(
        "promtool takes the rules, the tests of the rules and the example",
        .enabled(if: Promtool.isThere, "no promtool: it comes with Debian's prometheus"),
        arguments: [
            ["check", "rules", "alerts.yml"], ["test", "rules", "rules.test.yml"],
            ["check", "config", "prometheus.yml"],
        ])
    func promtool(_ arguments: [String]) throws {
        let said = try Promtool.run(arguments[0], arguments[1], arguments[2], in: Self.folder)
        #expect(said.status == 0, "\(said.text)")
    }
}
