// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Figures
import Foundation
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

private let processor = """
    processor\t: 0
    model name\t: A: processor <of> "tests" & more
    flags\t\t: fpu sha_ni avx2 avx512ifma lm
    """
private let machine = Machine(description: processor, cores: 2, kernels: ["SHA-256"])

private func report(_ figures: [Figure], _ machine: Machine = machine) -> Report {
    Report(machine: machine, figures: figures)
}

private func figure(
    _ name: String, _ values: [Double], unit: String = "entries/s"
) -> Figure { Figure(name, unit: unit, values: values) }

@Suite struct FigureTests {
    @Test func `the middle, the lowest and the highest of the runs are told`() {
        let odd = figure("a", [3, 1, 2])
        #expect([odd.median, odd.lowest, odd.highest] == [2, 1, 3])
        #expect(odd.runs == 3)
        #expect(figure("a", [4, 1, 3, 2]).median == 3)
        #expect(figure("a", []).median.isNaN)
        #expect(odd.line.hasPrefix("a    "))
        #expect(odd.line.contains("2.000 entries/s  [1.000 ... 3.000] x3"))
        #expect(figure("a", [123456.7]).line.contains(" 123457 entries/s"))
    }

    @Test(arguments: [
        ("entries/s", true), ("MiB/s", true), ("times", true), ("ms", false), ("bytes", false),
    ])
    func `more is better of rates alone`(_ unit: String, _ isBetter: Bool) {
        #expect(figure("a", [1], unit: unit).isBetterHigher == isBetter)
    }

    @Test func `a report is read as it was written, figures that are no numbers too`() throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-figures-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let written = report([
            figure("a", [1, 2.5]), figure("none", []), figure("fast", [.infinity]),
        ])
        try Data(try written.json.utf8).write(to: URL(fileURLWithPath: path))
        let read = try Report.read(path)
        #expect(read.machine == machine)
        #expect(read.figures[0] == written.figures[0])
        #expect(read.figures[1].median.isNaN)
        #expect(read.figures[2].median == .infinity)
    }
}

@Suite struct MachineTests {
    @Test func `a machine is what Linux says of it`() {
        #expect(machine.processor == "A: processor <of> \"tests\" & more")
        #expect(machine.features == ["sha_ni", "avx2", "avx512ifma"])
        #expect(
            machine.line
                == "A: processor <of> \"tests\" & more, 2 cores; extensions: sha_ni, avx2,"
                + " avx512ifma; kernels: SHA-256")
    }

    @Test func `of a machine that says nothing, nothing is known`() {
        for text in ["", "model name", "\n\n:", "flags:"] {
            let machine = Machine(description: text, cores: 1, kernels: [])
            #expect(machine.processor == "unknown")
            #expect(machine.line == "unknown, 1 cores; extensions: none; kernels: none")
        }
    }

    @Test func `this machine has cores`() { #expect(Machine().cores > 0) }
}

@Suite struct ComparisonTests {
    private func lines(_ before: [Figure], _ after: [Figure]) -> [String] {
        Comparison(before: report(before), after: report(after)).lines
    }

    @Test func `what moved beyond noise is told, and whether it is better`() {
        #expect(
            lines([figure("a", [100, 101])], [figure("a", [200, 202])]) == [
                "better: a: 101.000 -> 202.000 entries/s, 2.00 times",
                "1 of 1 figures moved beyond noise; 0 are new",
            ])
        #expect(
            lines([figure("a", [10], unit: "ms")], [figure("a", [20], unit: "ms")])[0]
                == "worse: a: 10.000 -> 20.000 ms, 2.00 times")
        #expect(
            lines([figure("a", [20], unit: "ms")], [figure("a", [10], unit: "ms")])[0]
                .hasPrefix("better: "))
        #expect(lines([figure("a", [200])], [figure("a", [100])])[0].hasPrefix("worse: "))
    }

    @Test func `runs that overlap, and a twentieth, are noise`() {
        let none = ["0 of 1 figures moved beyond noise; 0 are new"]
        #expect(lines([figure("a", [100, 150, 200])], [figure("a", [190, 300, 400])]) == none)
        #expect(lines([figure("a", [100])], [figure("a", [104.9])]) == none)
        #expect(lines([figure("a", [100])], [figure("a", [105.1])]) != none)
        #expect(lines([figure("a", [])], [figure("a", [5])]) == none)
        #expect(lines([figure("a", [0])], [figure("a", [5])]) == none)
    }

    @Test func `what stands beside two figures is told apart, and new figures are counted`() {
        let before = [figure("a", [1]), figure("  beside: x", [10])]
        let after = [
            figure("a", [1]), figure("  beside: x", [10]), figure("b", [1]),
            figure("  beside: x", [99]),
        ]
        #expect(lines(before, after) == ["0 of 2 figures moved beyond noise; 2 are new"])
        #expect(
            lines(after, before + [figure("b", [1]), figure("  beside: x", [9])]) == [
                "worse: b, beside: x: 99.000 -> 9.000 entries/s, 0.09 times",
                "1 of 4 figures moved beyond noise; 0 are new",
            ])
    }

    @Test func `another machine is named`() {
        let other = Machine(description: "model name: B", cores: 1, kernels: [])
        let lines = Comparison(before: report([], other), after: report([])).lines
        #expect(lines[0] == "compared with another machine: \(other.line)")
    }
}

@Suite struct BarPictureTests {
    /// The widths of the bars with who drew them, in their order.
    private func bars(_ figures: [Figure]) throws -> [String] {
        let svg = BarPicture(report(figures)).svg
        let parser = XMLParser(data: Data(svg.utf8))
        let reader = Bars()
        parser.delegate = reader
        #expect(parser.parse(), "\(svg)")
        return reader.found
    }

    private final class Bars: NSObject, XMLParserDelegate {
        var found: [String] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
            qualifiedName: String?, attributes: [String: String]
        ) {
            guard name == "rect" else { return }
            found.append("\(attributes["class"] ?? "") \(attributes["width"] ?? "")")
        }
    }

    @Test func `the longest of a group reaches the edge, half the speed half of it`() throws {
        #expect(
            try bars([
                figure("a", [200]), figure("  beside: b", [100]), figure("  limit: c", [400]),
            ]) == ["own 210", "peer 105", "limit 420"])
    }

    @Test func `a time is drawn as its reciprocal`() throws {
        #expect(
            try bars([
                figure("a", [1], unit: "ms"), figure("  beside: b", [2], unit: "ms"),
            ]) == ["own 420", "peer 210"])
    }

    @Test func `figures of another unit and those that are no numbers are left out`() throws {
        #expect(
            try bars([
                figure("a", [200]), figure("  over b", [2], unit: "times"), figure("c", []),
                figure("d", [.infinity]), figure("e", [0]), figure("  beside: f", [50]),
            ]) == ["own 420", "peer 105"])
        #expect(try bars([]).isEmpty)
    }

    @Test func `names from outside make no element`() throws {
        #expect(try bars([figure("<script>&\"'</script>", [1])]) == ["own 420"])
    }
}
