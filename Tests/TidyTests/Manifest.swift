// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// The targets as `Package.swift` states them: the one place that does.
struct Manifest {
    /// The names of our own targets that each of them depends on.
    private(set) var dependencies: [String: Set<String>] = [:]

    /// That of this checkout.
    static func ours() throws -> Manifest {
        let path = Vectors.repository.appendingPathComponent("Package.swift")
        return Manifest(try String(contentsOf: path, encoding: .utf8))
    }

    /// Reads what stands between `.target(`, or one of its kind, and the next: the name, and the
    /// names in the first list of dependencies. What a constant stands for is not ours.
    init(_ text: String) {
        let starts = text.matches(
            of: /\.(?:systemLibrary|target|executableTarget|testTarget)\(\s*name:\s*"(\w+)"/)
        let ends = starts.dropFirst().map(\.range.lowerBound) + [text.endIndex]
        var named: [String: Set<String>] = [:]
        for (start, end) in zip(starts, ends) {
            let list = text[start.range.upperBound..<end]
                .firstMatch(of: /dependencies:\s*\[([^\]]*)\]/)
            let names = (list?.1 ?? "").matches(of: /"(\w+)"/).map { String($0.1) }
            named[String(start.1)] = Set(names)
        }
        dependencies = named.mapValues { $0.intersection(named.keys) }
    }
}
