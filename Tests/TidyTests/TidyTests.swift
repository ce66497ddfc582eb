// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("The tree is tidy")
struct TidyTests {
    @Test("Every file keeps the rule", arguments: Rule.all)
    func ruleHolds(_ rule: Rule) throws {
        let broken = try Tree.files().flatMap { rule.broken(in: $0) }
        #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
    }

    @Test("Targets import what Package.swift says, and pure modules nothing from outside")
    func importsAreDependencies() throws {
        let manifest = try Manifest.ours()
        let broken = try Tree.files().flatMap { Imports.broken(in: $0, of: manifest) }
        #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
    }

    @Test("Every folder in Sources is a target, and a row of the page Architecture")
    func foldersAreModules() throws {
        let manifest = try Manifest.ours()
        let pages = Pages(try Tree.files())
        let page = try #require(pages.texts["Sources/recount/Recount.docc/Architecture.md"])
        for name in try Tree.modules() where !name.hasPrefix(".") {
            #expect(manifest.dependencies[name] != nil, "Sources/\(name) is no target")
            #expect(page.contains("\n| `\(name)` |"), "Architecture does not tell of \(name)")
        }
    }

    @Test("Pages name files and functions that are there, and failures that a test is named for")
    func pagesAreTrue() throws {
        let pages = Pages(try Tree.files())
        let broken = pages.lostPaths() + pages.lostFunctions() + pages.untestedFailures()
        #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
    }

    @Test("The page Agreement tells of each way to lie, and of no other")
    func strategiesAreTold() throws {
        let files = try Tree.files()
        let page = try #require(files.first { $0.path.hasSuffix("/Agreement.md") })
        let part = page.text.components(separatedBy: "\n### The ways to lie\n").last ?? ""
        let told = Set(part.matches(of: /\n\| `([\w-]+)` \|/).map { String($0.1) })
        let strategies = files.filter {
            $0.path.hasPrefix("Sources/Simulation/Byzantine/Strategies/")
        }
        let names = strategies.compactMap {
            ($0.text.firstMatch(of: /static let name = "([\w-]+)"/)?.1).map(String.init)
        }
        #expect(names.count == strategies.count && names.count > 20)
        #expect(told == Set(names))
    }

    @Test("The page Rules tells of failures elsewhere, under headings that are the files of rules")
    func rulesHaveReasons() throws {
        let pages = Pages(try Tree.files())
        let page = try #require(pages.articles.first { $0.path.hasSuffix("/Rules.md") })
        #expect(pages.failures(of: page).count >= 20)
        let headings = page.text.matches(of: /\n## (\w+)\n/).map { String($0.1) }
        let files = pages.texts.keys.compactMap {
            $0.wholeMatch(of: /Sources\/Ledger\/Rules\/(.+)\.swift/).map { String($0.1) }
        }
        #expect(files.count == 11)
        #expect(headings.sorted() == (files + ["Overview"]).sorted())
    }

    @Test("Each component of the state has a file, which tells its invariants")
    func componentsHaveFiles() throws {
        let files = try Tree.files().filter { $0.path.hasPrefix("Sources/Ledger/State/") }
        let list = try #require(files.first { $0.path.hasSuffix("/Components.swift") })
        let names = list.text.matches(of: /\n    var (\w+) = (\w+)\(\)/).map {
            (label: String($0.1), type: String($0.2))
        }
        #expect(names.count == 13)
        for (label, type) in names {
            let file = try #require(files.first { $0.path.hasSuffix("/\(type).swift") })
            #expect(type.lowercased() == "\(label)component")
            #expect(file.text.contains("/// Invariants"), "\(type) tells no invariants")
            #expect(file.text.contains("static let kind = StateComponent.\(label)\n"))
        }
    }

    @Test("The top level holds nothing but what belongs there")
    func topLevelIsClosed() throws {
        // Package.resolved is written by the package manager and ignored by git.
        let known: Set = [
            "Package.swift", "Package.resolved", "Sources", "Tests", "Migrations", "Tools",
            "README.md", "LICENSE",
        ]
        for name in try Tree.topLevel() where !name.hasPrefix(".") {
            #expect(known.contains(name), "\(name) does not belong at the top level")
        }
    }

    @Test("The walk finds the files that it should")
    func walkFindsFiles() throws {
        let paths = Set(try Tree.files().map(\.path))
        for path in ["Package.swift", "LICENSE", "Tests/TidyTests/TidyTests.swift", ".gitignore"] {
            #expect(paths.contains(path), "\(path) was not found")
        }
        #expect(!paths.contains { $0.hasPrefix(".git/") || $0.hasPrefix(".build/") })
    }
}

@Suite("The tidy rules themselves")
struct RuleTests {
    @Test("A rule complains about a file that breaks it", arguments: Rule.all)
    func ruleComplains(_ rule: Rule) {
        #expect(!rule.broken(in: rule.bad).isEmpty)
    }

    @Test("A rule passes a file that keeps them all", arguments: Rule.all)
    func rulePasses(_ rule: Rule) {
        let text =
            Rule.header.joined(separator: "\n")
                + #"""

                package import Cryptography

                /// Not `try!`, not 0.5 of a Double, and see https://example.org/work/of/others.
                let message = "try? \(count) as! \#("as!")"
                let third = tuple.0.1 + pairs.map { $0.1 }[0] + 1_000
                """#
        #expect(rule.broken(in: TreeFile(path: "Sources/Ledger/A.swift", text: text)) == [])
    }

    @Test(
        "Each kind of wrong import is found",
        arguments: [
            ("Sources/BN254/A.swift", "import Foundation"),
            ("Sources/Groth16/A.swift", "internal import Dispatch"),
            (
                "Sources/Ledger/A.swift",
                "#if canImport(Glibc)\n@preconcurrency import Glibc\n#endif"
            ),
            ("Sources/Ledger/A.swift", "private import Logging"),
            ("Sources/Replication/A.swift", "import struct Foundation.Date"),
            ("Sources/Ledger/A.swift", "import EventLog"),
            ("Sources/BN254/A.swift", "package import Groth16"),
            ("Sources/EventLog/A.swift", "import Ledger"),
            ("Sources/Node/A.swift", "import Audit"),
            ("Sources/Node/A.swift", "import CSodium"),
            ("Sources/Cryptography/A.swift", "import CLZ4"),
            ("Tests/LedgerTests/A.swift", "import CLZ4"),
            ("Sources/Sundry/A.swift", "import Foundation"),
        ])
    func wrongImportIsFound(path: String, text: String) throws {
        let file = TreeFile(path: path, text: text)
        #expect(Imports.broken(in: file, of: try Manifest.ours()).count == 1)
    }

    @Test(
        "Right imports pass, and words that look like imports are none",
        arguments: [
            ("Sources/Cryptography/A.swift", "internal import CSodium"),
            ("Tests/CryptographyTests/A.swift", "import CSodium"),
            ("Sources/EventLog/A.swift", "import CLZ4\nimport Glibc\npackage import Cryptography"),
            ("Sources/Ledger/A.swift", "package import Groth16\nimport BN254"),
            (
                "Sources/Ledger/A.swift",
                "// import Foundation\nlet s = \"\"\"\nimport Glibc\n\"\"\""
            ),
            ("Sources/recount/A.swift", "import ArgumentParser\nimport Audit\nimport Node"),
            ("Tests/NodeTests/A.swift", "import Foundation\nimport Audit\nimport Node"),
        ])
    func rightImportPasses(path: String, text: String) throws {
        let file = TreeFile(path: path, text: text)
        #expect(Imports.broken(in: file, of: try Manifest.ours()) == [])
    }

    @Test("A manifest is read as it is written")
    func manifestIsRead() {
        let manifest = Manifest(
            """
            let other: Target.Dependency = .product(name: "Other", package: "other")
            targets: [
                .systemLibrary(name: "CZ", pkgConfig: "z", providers: [.apt(["A"])]),
                .target(
                    name: "B", dependencies: ["CZ", other, "Elsewhere"],
                    swiftSettings: strict),
                .executableTarget(name: "C", dependencies: [
                    "B", "CZ",
                ] + ["B2"], resources: names.map { .embedInCode("\\($0)") }),
                .testTarget(name: "CTests", dependencies: ["C"]),
            ]
            """)
        #expect(
            manifest.dependencies == ["CZ": [], "B": ["CZ"], "C": ["B", "CZ"], "CTests": ["C"]])
    }

    @Test("What a page says that is not so is found")
    func falsePagesAreFound() {
        let pages = Pages([
            TreeFile(path: "Sources/A/B.swift", text: "func there() {}"),
            TreeFile(
                path: "Tests/ATests/B.swift",
                text: "@Test(\n\"\"\"\na \\\n\"b\"\n\"\"\") func x() {}\nfunc `c d`() {}"),
            TreeFile(
                path: "Sources/A/P.md",
                text: """
                    `Sources/A/B.swift`, `Sources/A/`, `Sources/*.swift`, `Sources/C`
                    | `A/B.swift` | `there()`, `away(_:)` |
                    | `A/C.swift` | `there()` |
                    *Elsewhere: a "b".* *Elsewhere: c
                    d.* *Elsewhere: e.*
                    """),
        ])
        #expect(pages.lostPaths() == ["Sources/A/P.md:1: Sources/C is not there"])
        #expect(
            pages.lostFunctions() == [
                "Sources/A/P.md:2: A/B.swift has no function away",
                "Sources/A/P.md:3: Sources/A/C.swift is not there",
            ])
        #expect(pages.untestedFailures() == ["Sources/A/P.md: no test is named: e."])
    }

    @Test(
        "Comments and strings are blanked, and interpolated code is not",
        arguments: [
            ("a // b", "a     "),
            ("a /* b /* c */ d */ e", "a                   e"),
            (#"x("a\"b") + y"#, "x(      ) + y"),
            (##"f(#"a"b\(c)"# + d)"##, "f(            + d)"),
            (#""a\(b["c"])d" e"#, "    b[   ])   e"),
            ("\"\"\"\na \"b\" // c\n\"\"\" + d", "   \n          \n    + d"),
            ("\"unfinished", "           "),
        ])
    func blanking(text: String, code: String) {
        #expect(SwiftText(text).code.joined(separator: "\n") == code)
    }
}
