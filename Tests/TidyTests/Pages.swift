// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// What the pages say of the repository, as far as a machine can look it up.
///
/// Links between pages are checked by `Tools/docs --check`.
struct Pages {
    /// The articles and the read-me.
    let articles: [TreeFile]
    /// What is in the tree, by path.
    let texts: [String: String]
    private let folders: Set<String>

    init(_ files: [TreeFile]) {
        texts = Dictionary(files.map { ($0.path, $0.text) }) { first, _ in first }
        articles = files.filter {
            $0.path == "README.md" || $0.path.hasPrefix("Sources/") && $0.path.hasSuffix(".md")
        }
        var folders: Set<String> = []
        for path in texts.keys {
            let parts = path.split(separator: "/")
            for count in 1..<max(parts.count, 1) {
                folders.insert(parts.prefix(count).joined(separator: "/"))
            }
        }
        self.folders = folders
    }

    /// Paths in code that lead nowhere; one with a star or a place holder is none.
    func lostPaths() -> [String] {
        lines { line in
            line.matches(of: /`((?:Sources|Tests|Tools|Migrations)\/[^`\s]*)`/).compactMap {
                let path = String($0.1)
                let isPattern = path.contains { "*<>{}".contains($0) }
                let bare = path.hasSuffix("/") ? String(path.dropLast()) : path
                return isPattern || texts[bare] != nil || folders.contains(bare)
                    ? nil : "\(path) is not there"
            }
        }
    }

    /// Rows of tables that name a file of Swift, in `Sources`, and functions that it does not have.
    func lostFunctions() -> [String] {
        lines { line in
            guard line.hasPrefix("|"), let file = line.firstMatch(of: /`([\w\/+]+\.swift)`/) else {
                return []
            }
            guard let text = texts["Sources/\(file.1)"] else {
                return ["Sources/\(file.1) is not there"]
            }
            return line.matches(of: /`(\w+)\([\w:]*\)`/).compactMap { name in
                let isThere =
                    name.1 == "init"
                    ? text.contains(" init(")
                    : text.contains("func \(name.1)(") || text.contains("func \(name.1)<")
                return isThere ? nil : "\(file.1) has no function \(name.1)"
            }
        }
    }

    /// Failures elsewhere, `*Elsewhere: ...*`, with which the name of no test begins.
    func untestedFailures() -> [String] {
        let names = Set(
            texts.filter { $0.key.hasPrefix("Tests/") }.values.flatMap(Self.namesOfTests))
        return articles.flatMap { article in
            failures(of: article)
                .filter { failure in !names.contains { $0.hasPrefix(Self.plain(failure)) } }
                .map { "\(article.path): no test is named: \($0)" }
        }
    }

    /// The failures elsewhere that a page tells of.
    func failures(of article: TreeFile) -> [String] {
        article.text.matches(of: /\*Elsewhere: ([^*]+)\*/).map {
            $0.1.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }

    private static func namesOfTests(_ text: String) -> [String] {
        let quoted = text.matches(of: /@Test\(\s*("""[\s\S]*?"""|"(?:[^"\\]|\\.)*")/).map {
            plain($0.1)
        }
        return quoted + text.matches(of: /func `([^`]+)`/).map { plain($0.1) }
    }

    /// Letters, digits and single spaces: what is left of quotation marks and broken lines.
    private static func plain(_ text: some StringProtocol) -> String {
        text.split { !$0.isLetter && !$0.isNumber }.joined(separator: " ").lowercased()
    }

    private func lines(_ complaints: (Substring) -> [String]) -> [String] {
        articles.flatMap { article in
            article.text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
                .flatMap { offset, line in
                    complaints(line).map { "\(article.path):\(offset + 1): \($0)" }
                }
        }
    }
}
