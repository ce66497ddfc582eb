// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// What a validator can lose, and the vault of the bridge beside it.
struct Lost: OptionSet, Sendable, CustomTestStringConvertible {
    let rawValue: Int

    static let keys = Lost(rawValue: 1)
    static let configuration = Lost(rawValue: 2)
    static let journal = Lost(rawValue: 4)
    static let ledger = Lost(rawValue: 8)
    static let projections = Lost(rawValue: 16)
    static let vault = Lost(rawValue: 32)

    /// All that tells a home.
    static let home: Lost = [.keys, .configuration, .journal, .ledger]

    static let paths: [(Lost, String)] = [
        (.keys, "validator-4/keys"), (.configuration, "validator-4/recount.toml"),
        (.journal, "validator-4/journal"), (.ledger, "validator-4/ledger"),
        (.projections, "validator-4/ledger/projections.sqlite"), (.vault, "bridge/vault.sqlite"),
    ]

    static let all = (0..<64).map(Lost.init(rawValue:))

    var testDescription: String {
        "lost: " + Self.paths.filter { contains($0.0) }.map(\.1).joined(separator: ", ")
    }
}

/// How old the copy of the ledger is that the operator has.
private enum Age: String, CaseIterable, Sendable { case none, old, fresh }

/// A network of four that has decided twice, with a copy from before and one from after the second.
private final class Prepared: Sendable {
    let small: SmallNetwork

    static let shared = Result { try Prepared() }

    func copy(_ age: Age) -> String? { age == .none ? nil : "\(small.folder.path)/\(age)" }

    private init() throws {
        // Who lost its journal gives no answer, and the others wait for the deadline.
        small = try SmallNetwork(consensus: "verification_timeout = 3")
        for (place, age) in [Age.old, .fresh].enumerated() {
            let run = try small.run(requests: try small.samples(1, from: place))
            try #require(run.status == 0, "\(run.errors)")
            let made = try Command.run(
                "backup", small.home(4), "\(small.folder.path)/\(age)")
            try #require(made.status == 0, "\(made.errors)")
        }
    }
}

/// A copy of the prepared network from which something was taken, and its operator, who types
/// what the program says.
private struct Operator {
    let folder: TemporaryFolder
    let small: SmallNetwork
    let copy: String?
    var network: String { "\(folder.path)/net" }
    var home: String { "\(network)/validator-4" }

    init(_ age: Age) throws {
        let prepared = try Prepared.shared.get()
        folder = try TemporaryFolder()
        (small, copy) = (prepared.small, prepared.copy(age))
        try FileManager.default.copyItem(
            atPath: small.network, toPath: folder.path + "/net")
    }

    func remove(_ path: String) throws {
        let path = "\(network)/\(path)"
        // A symbolic link, and its target beside it.
        try FileManager.default.removeItem(atPath: path)
        guard path.hasSuffix("projections.sqlite") else { return }
        try FileManager.default.removeItem(
            atPath: path.replacingOccurrences(of: "s.sqlite", with: "s-1.sqlite"))
    }

    func lose(_ lost: Lost) throws {
        for (part, path) in Lost.paths.reversed() where lost.contains(part) { try remove(path) }
    }

    /// The newest checkpoint of a ledger.
    private func checkpoint(of ledger: String) throws -> String {
        let folder = "\(ledger)/checkpoints"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        let newest = names.filter { $0.hasSuffix(".checkpoint") }.max()
        return "\(folder)/\(try #require(newest))"
    }

    func run() throws -> CommandResult {
        try Command.run(
            "run", network, "--requests", try small.samples(1, from: 2), "--key-file", small.key,
            "--json")
    }

    /// Every file with its size and when it was written, but for locks.
    func files() throws -> [String] {
        let found = FileManager.default.enumerator(atPath: network)
        return try (found?.allObjects as? [String] ?? []).sorted().compactMap { name in
            guard !name.lowercased().hasSuffix("lock") else { return nil }
            let values = try FileManager.default.attributesOfItem(atPath: "\(network)/\(name)")
            guard values[.type] as? FileAttributeType != .typeDirectory else { return name }
            return "\(name) \(values[.size] ?? 0) \(values[.modificationDate] ?? 0)"
        }
    }

    /// The command in a sentence, with what it leaves open filled in; nil where there is none.
    func command(in words: String) throws -> [String]? {
        let quoted = words.split(separator: "`", omittingEmptySubsequences: false)
        let commands = quoted.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        guard
            let found = commands.first(where: {
                $0.hasPrefix("recount recover") && $0.contains(" --")
            })
                ?? commands.first(where: { $0.hasPrefix("recount bridge rebuild") })
        else { return nil }
        let ledger = copy ?? "\(network)/validator-1/ledger"
        let checkpoint = try checkpoint(of: ledger)
        var words = found.split(separator: " ").dropFirst().map { word in
            word == "HOME" ? ledger : word == "CHECKPOINT" ? checkpoint : String(word)
        }
        if words.first == "bridge" { words += ["--key-file", small.key] }
        return words
    }

    /// Types what the program says until the node decides, or a sentence leaves nothing to type;
    /// returns that sentence.
    func recover() throws -> String? {
        for _ in 0..<6 {
            let before = try files()
            let run = try run()
            if run.status == 0 {
                let summary = try run.objects().last?["summary"] as? [String: Any]
                #expect(summary?["accepted"] as? Int ?? 0 > 0, "\(run.output)")
                return nil
            }
            #expect(run.status == 2, "\(run.errors)")
            guard var words = try command(in: run.errors) else {
                #expect(try files() == before)
                return run.errors
            }
            var done = try Command.run(words)
            if done.status != 0, let better = try command(in: done.errors) {
                #expect(try files() == before, "\(done.errors)")
                words = better
                done = try Command.run(words)
            }
            if done.status != 0 {
                #expect(try files() == before, "\(words): \(done.errors)")
                return done.errors
            }
        }
        Issue.record("it comes to no end")
        return nil
    }
}

/// Whatever is lost: a node that decides again, by the commands that the program names, or a
/// sentence that says what must be found, before anything is written.
@Suite(.enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct LossTests {
    @Test(.timeLimit(.minutes(30)), arguments: Lost.all)
    func `nothing that is lost ends in a dead end`(_ lost: Lost) throws {
        // How old a copy is matters only where there is something to take from it.
        for age in lost.contains(.ledger) ? Age.allCases : [.none] {
            let person = try Operator(age)
            try person.lose(lost)
            let end = try person.recover()
            let part = [Lost.configuration, .keys].first { lost.contains($0) }
            guard let part, let path = Lost.paths.first(where: { $0.0 == part })?.1 else {
                #expect(end == nil, "\(age): \(end ?? "")")
                continue
            }
            guard !lost.isSuperset(of: .home) else {
                // Nothing shows that there was a home: the others run, and say who does not.
                #expect(end == nil)
                #expect(try person.run().errors.contains("validator-4 is not in"))
                continue
            }
            let words = try #require(end, "it runs without \(path)")
            #expect(words.contains("\(path) is missing: "), "\(age): \(words)")
            #expect(
                words.contains(
                    part == .keys ? "nobody can make again" : "write the name of this one"))
        }
    }

    @Test(.timeLimit(.minutes(30))) func `ledgers older than all journals come to where they were`()
        throws
    {
        let person = try Operator(.old)
        let (files, copy) = (FileManager.default, try #require(person.copy))
        let before = try Command.run("ledger", "info", person.home, "--json").object()
        for number in 1...4 {
            let ledger = "\(person.network)/validator-\(number)/ledger"
            try files.removeItem(atPath: ledger)
            try files.copyItem(atPath: copy, toPath: ledger)
        }
        #expect(try person.recover() == nil)
        // What was decided before is decided as it was, by what the journals hold.
        let old = try Prepared.shared.get().small.home(1)
        let diff = try Command.run("diff", person.home, old)
        #expect(diff.output.contains("longer"), "\(diff.output)")
        let after = try Command.run("ledger", "info", person.home, "--json").object()
        #expect(after["size"] as? Int ?? 0 > before["size"] as? Int ?? .max)
    }

    @Test(.timeLimit(.minutes(30)))
    func `more journals than may be lost are not begun anew`() throws {
        let person = try Operator(.fresh)
        let copy = try #require(person.copy)
        for number in 1...4 {
            try person.remove("validator-\(number)/ledger")
            try person.remove("validator-\(number)/journal")
        }
        let before = try person.files()
        let newest = try #require(
            try FileManager.default.contentsOfDirectory(atPath: copy + "/checkpoints")
                .filter { $0.hasSuffix(".checkpoint") }.max())
        let refused = try Command.run(
            "recover", person.home, "--from", copy, "--trust", "\(copy)/checkpoints/\(newest)",
            "--new-journals")
        #expect(refused.status == 2)
        #expect(refused.errors.contains("4 journals are lost"), "\(refused.errors)")
        #expect(try person.files() == before)
    }

    @Test(.timeLimit(.minutes(30))) func `one journal after the other is not begun anew`() throws {
        let person = try Operator(.none)
        try person.remove("validator-4/journal")
        let first = try Command.run("recover", person.home, "--new-journals")
        #expect(first.status == 0, "\(first.errors)")
        try person.remove("validator-3/journal")
        let before = try person.files()
        let other = "\(person.network)/validator-3"
        let second = try Command.run("recover", other, "--new-journals")
        #expect(second.status == 2)
        #expect(second.errors.contains("validator-4 lost theirs and may not speak yet"))
        #expect(try person.files() == before)
    }

    @Test(.timeLimit(.minutes(30))) func `a lost key of the bridge is named`() throws {
        let person = try Operator(.none)
        try person.remove("bridge/keys")
        let words = try #require(try person.recover())
        #expect(words.contains("bridge/keys is missing: the key of the bridge"))
        try person.remove("bridge")
        #expect(try person.recover() == nil)
    }
}
