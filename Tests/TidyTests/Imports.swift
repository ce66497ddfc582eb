// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Which module may import which. Imports run downwards only.
enum Imports {
    /// The modules of ours that each module of ours may import.
    static let below: [String: Set<String>] = [
        "CBuild": [],
        "CMachine": [],
        "CSodium": [],
        "CKernels": [],
        "CLZ4": [],
        "CWasmtime": [],
        "Cryptography": ["CSodium", "CKernels"],
        "BN254": ["CKernels"],
        "Groth16": ["BN254", "Cryptography"],
        "EventLog": ["Cryptography", "CLZ4", "CMachine"],
        "Ledger": ["Groth16", "BN254", "Cryptography"],
        "Storage": ["Ledger", "EventLog", "Cryptography"],
        "Replication": ["Ledger", "Cryptography"],
        "Projections": ["Ledger", "EventLog", "Groth16", "BN254", "Cryptography"],
        "Audit": [
            "Projections", "Compute", "Storage", "Ledger", "EventLog", "Groth16", "BN254",
            "Cryptography",
        ],
        "Hosting": ["Replication", "Storage", "Ledger", "EventLog", "Cryptography"],
        "Simulation": [
            "Hosting", "Replication", "Audit", "Storage", "Ledger", "EventLog", "Groth16", "BN254",
            "Cryptography",
        ],
        "Forensics": [
            "Audit", "Compute", "Hosting", "Replication", "Storage", "Ledger", "EventLog",
            "Cryptography",
        ],
        "Network": ["Cryptography"],
        "Compute": ["Ledger", "Cryptography", "CWasmtime"],
        "Telemetry": ["Ledger", "EventLog", "Cryptography"],
        "Node": [
            "Hosting", "Projections", "Network", "Compute", "Replication", "Storage", "Ledger",
            "EventLog", "Groth16", "BN254", "Cryptography",
        ],
        "API": [
            "Node", "Network", "Telemetry", "Forensics", "Audit", "Hosting", "Projections",
            "Ledger", "EventLog", "BN254", "Cryptography",
        ],
        "recount": [
            "CBuild", "API", "Telemetry", "Node", "Simulation", "Hosting", "Forensics", "Audit",
            "Projections", "Network", "Compute", "Replication", "Storage", "Ledger", "EventLog",
            "Groth16", "BN254", "Cryptography",
        ],
    ]

    /// The C libraries, each with the modules that may import it, and whose tests may.
    static let owners = [
        "CSodium": ["Cryptography"], "CKernels": ["Cryptography", "BN254"], "CLZ4": ["EventLog"],
        "CWasmtime": ["Compute"], "CMachine": ["EventLog"],
        "CBuild": ["recount"],
    ]

    /// Returns what is wrong with the imports of `file`, a line for each fact.
    static func broken(in file: TreeFile) -> [String] {
        guard file.isSwift else { return [] }
        return imports(of: file).compactMap { line, imported in
            complaint(about: imported, in: file).map { "\(file.path):\(line): \($0)" }
        }
    }

    private static func complaint(about imported: String, in file: TreeFile) -> String? {
        if let owners = owners[imported] {
            let isOwned = owners.contains {
                $0 == file.module || file.path.hasPrefix("Tests/\($0)Tests/")
            }
            return isOwned
                ? nil : "only \(owners.joined(separator: " and ")) imports \(imported)"
        }
        guard let module = file.module else { return nil }
        guard let allowed = below[module] else { return "\(module) is not among the parts" }
        if allowed.contains(imported) { return nil }
        if below[imported] != nil { return "\(module) does not stand above \(imported)" }
        return Rule.pure.contains(module) ? "\(module) is pure and imports \(imported)" : nil
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
