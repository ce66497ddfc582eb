// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// A text file of the repository.
struct TreeFile {
    /// The path from the root of the repository, as in `Sources/Ledger/Event.swift`.
    let path: String
    let text: String

    var isSwift: Bool { path.hasSuffix(".swift") }

    /// The module that the file belongs to, where it is in `Sources`.
    var module: String? { path.hasPrefix("Sources/") ? target : nil }

    /// The target that the file belongs to, where it is in `Sources` or `Tests`.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && ["Sources", "Tests"].contains(parts[0]) ? String(parts[1]) : nil
    }
}

/// The checkout that these tests were compiled from.
enum Tree {
    /// The names at the top level, sorted.
    static func topLevel() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Vectors.repository.path).sorted()
    }

    /// The folders in `Sources`, sorted.
    static func modules() throws -> [String] {
        let sources = Vectors.repository.appendingPathComponent("Sources")
        return try FileManager.default.contentsOfDirectory(atPath: sources.path).sorted()
    }

    /// Every file that is UTF-8 text, but for what builds leave behind, sorted by path.
    static func files() throws -> [TreeFile] {
        guard let enumerator = FileManager.default.enumerator(atPath: Vectors.repository.path)
        else { throw CocoaError(.fileReadNoSuchFile) }
        var files: [TreeFile] = []
        while let path = enumerator.nextObject() as? String {
            let name = path.split(separator: "/").last ?? ""
            let type = enumerator.fileAttributes?[.type] as? FileAttributeType
            if type == .typeSymbolicLink { continue }  // What it leads to is in the tree itself.
            if type == .typeDirectory {
                // `.ci` is ours; the other folders with a dot hold history, builds and caches.
                if name.hasPrefix(".") && name != ".ci" || name == "__pycache__" {
                    enumerator.skipDescendants()
                }
                continue
            }
            let location = Vectors.repository.appendingPathComponent(path)
            if let text = String(data: try Data(contentsOf: location), encoding: .utf8) {
                files.append(TreeFile(path: path, text: text))
            }
        }
        return files.sorted { $0.path < $1.path }
    }
}
