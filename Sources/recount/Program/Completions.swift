// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import ArgumentParser
import Audit
import EventLog
import Foundation
import Ledger
import Node
import Projections

/// What a shell offers where somebody has typed the beginning of an argument.
///
/// Nothing is written: names and identities come from the first entry of the ledger that stands on
/// the line, and from the projections beside it as they are.
enum Completions {
    /// Ledgers, homes and local networks that are there.
    static let ledgers = CompletionKind.custom { _, _, prefix in
        LedgerSearch(bareLedgers: true).paths(prefix)
    }

    /// Homes and local networks that are there.
    static let homes = CompletionKind.custom { _, _, prefix in
        LedgerSearch(bareLedgers: false).paths(prefix)
    }

    /// Names of validators.
    static let validators = CompletionKind.custom { words, _, prefix in
        names(words, prefix)
    }

    /// Identities of requests.
    static let requests = CompletionKind.custom { words, _, prefix in
        identities(words, prefix, ["request"])
    }

    /// Identities of jobs.
    static let jobs = CompletionKind.custom { words, _, prefix in
        identities(words, prefix, ["job"])
    }

    /// Identities of requests and jobs: whatever has a leader.
    static let led = CompletionKind.custom { words, _, prefix in
        identities(words, prefix, ["request", "job"])
    }

    /// Nullifiers.
    static let nullifiers = CompletionKind.custom { words, _, prefix in
        identities(words, prefix, ["nullifier"])
    }

    /// Whatever has a name or an identity.
    static let things = CompletionKind.custom { words, _, prefix in
        names(words, prefix) + identities(words, prefix, ["request", "job", "nullifier"])
    }

    /// Commands that have a schema, in their words.
    static let schemas = CompletionKind.list(SchemaDocument.allCases.map(\.rawValue))

    /// How many digits of an identity are offered: they are a name too, and hardly ever two's.
    private static let digits = 16

    /// The ledger that stands on the line.
    private static func directory(_ words: [String]) -> String? {
        for word in words.dropFirst() where !word.hasPrefix("-") && !word.isEmpty {
            let place = LocalNetwork.names(in: word).first.map {
                LocalNetwork.homePath(of: $0, in: word)
            }
            let directory = LedgerDirectory.locate(place ?? word)
            if FileManager.default.fileExists(atPath: directory + "/segments") { return directory }
        }
        return nil
    }

    private static func names(_ words: [String], _ prefix: String) -> [String] {
        // A word that follows the things that it is about is not there yet: look where one is.
        guard let directory = directory(words) ?? nearest() else { return [] }
        var names = views(directory) { views throws(ViewError) in try views.names().validators }
        if names == nil {
            do {
                let bytes = try EventLog.firstEntry(in: directory, disk: POSIXDisk())
                if case .ledgerOpened(let opened) = try Event(decoding: bytes) {
                    names = opened.validators.map(\.name)
                }
            } catch { return [] }
        }
        return (names ?? []).filter { $0.hasPrefix(prefix) }
    }

    private static func identities(
        _ words: [String], _ prefix: String, _ kinds: Set<String>
    ) -> [String] {
        guard let directory = directory(words) ?? nearest() else { return [] }
        // Nothing typed yet: those that begin with any digit, a few of each.
        let starts = prefix.isEmpty ? "0123456789abcdef".map(String.init) : [prefix.lowercased()]
        let found = views(directory) { views throws(ViewError) -> [FoundThing] in
            var found: [FoundThing] = []
            for start in starts { found += try views.search(start) }
            return found
        }
        return (found ?? []).compactMap { thing in
            guard kinds.contains(thing.kind), let name = thing.name else { return nil }
            return String(name.prefix(max(digits, prefix.count)))
        }
    }

    /// The only ledger around, where a command names the thing first.
    private static func nearest() -> String? {
        let found = LedgerSearch(bareLedgers: true).paths("")
        return found.first.flatMap { directory(["", $0]) }
    }

    private static func views<Value>(
        _ directory: String, _ question: (LedgerViews) throws(ViewError) -> Value
    ) -> Value? {
        do {
            let reader = try Projections.followed(ledgerDirectory: directory)
            return try LedgerViews.read(reader.database, question)
        } catch { return nil }
    }
}

/// Looks for ledgers below a path that is being typed.
struct LedgerSearch {
    /// Whether a ledger that is in no home counts, such as a copy.
    let bareLedgers: Bool

    /// How deep below the typed folder, and in how many folders, is looked.
    private static let depthMax = 3
    private static let foldersMax = 2_000

    /// The paths that begin so, each as it would be typed on; at most a few thousand folders are
    /// looked at.
    func paths(_ prefix: String) -> [String] {
        let slash = prefix.lastIndex(of: "/").map(prefix.index(after:)) ?? prefix.startIndex
        let folder = String(prefix[..<slash])
        let start = prefix[slash...]
        var left = Self.foldersMax
        return folders(in: folder).filter {
            $0.hasPrefix(start) && (start.hasPrefix(".") || !$0.hasPrefix("."))
        }.flatMap { found(folder + $0, Self.depthMax, &left) }
    }

    private func found(_ path: String, _ depth: Int, _ left: inout Int) -> [String] {
        guard left > 0 else { return [] }
        left -= 1
        if isPlace(path) { return [path] }
        let inside = folders(in: path + "/").filter { !$0.hasPrefix(".") }.map { "\(path)/\($0)" }
        let own = inside.filter(isPlace)
        guard own.isEmpty else { return [path] + own }
        guard depth > 1 else { return [] }
        return inside.flatMap { found($0, depth - 1, &left) }
    }

    private func isPlace(_ path: String) -> Bool {
        NodeHome.isHome(path) || (bareLedgers && NodeHome.hasLedger(path))
            || (bareLedgers && FileManager.default.fileExists(atPath: path + "/segments"))
    }

    private func folders(in folder: String) -> [String] {
        do throws(DiskError) {
            return try POSIXDisk().list(folder.isEmpty ? "." : folder).filter {
                // With a slash behind it only a folder is there.
                FileManager.default.fileExists(atPath: "\(folder)\($0)/.")
            }.sorted { ($0.count, $0) < ($1.count, $1) }
        } catch { return [] }
    }
}
