// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Which target may import which: what `Package.swift` says that it depends on, and no more.
///
/// The compiler lets a file import what another dependency has brought along.
enum Imports {
    /// Returns what is wrong with the imports of `file`, a line for each fact.
    static func broken(in file: TreeFile, of manifest: Manifest) -> [String] {
        guard file.isSwift, let target = file.target else { return [] }
        return imports(of: file).compactMap { line, imported in
            complaint(about: imported, in: target, of: manifest).map {
                "\(file.path):\(line): \($0)"
            }
        }
    }

    private static func complaint(
        about imported: String, in target: String, of manifest: Manifest
    ) -> String? {
        guard let below = manifest.dependencies[target] else {
            return "Package.swift has no target \(target)"
        }
        if below.contains(imported) { return nil }
        if manifest.dependencies[imported] != nil {
            return "\(target) does not depend on \(imported)"
        }
        return Rule.pure.contains(target) ? "\(target) is pure and imports \(imported)" : nil
    }

    /// Returns the modules that `file` imports, each with its line.
    static func imports(of file: TreeFile) -> [(line: Int, module: String)] {
        let code = SwiftText(file.text).code
        return code.enumerated().compactMap { offset, line -> (line: Int, module: String)? in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard let position = words.firstIndex(of: "import"), position + 1 < words.count,
                words[..<position].allSatisfy({ isBeforeImport($0) })
            else { return nil }
            let kinds: Set<Substring> = [
                "struct", "class", "enum", "protocol", "typealias", "func", "let", "var", "actor",
            ]
            let name = words[(position + 1)...].first { !kinds.contains($0) } ?? ""
            return (offset + 1, String(name.prefix { $0 != "." && $0 != ";" }))
        }
    }

    private static func isBeforeImport(_ word: Substring) -> Bool {
        let access: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
        return word.hasPrefix("@") || access.contains(word)
    }
}
