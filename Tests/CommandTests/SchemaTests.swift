// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The schemas that the program prints, held against what its commands print.
struct SchemaTests {
    /// What simulated runs left behind; all of them are made at once.
    private struct Runs {
        let folder: TemporaryFolder

        static let shared = Result { try Runs() }

        private init() throws {
            folder = try TemporaryFolder()
            try make("memory", "--byzantine", "0", "--faults", "memory", "--seed", "1")
            try make(
                "lies", "--byzantine", "1", "--strategy", "false-verdicts", "--faults", "calm",
                "--seed", "5")
            try make(
                "fork", "--byzantine", "2", "--strategy", "equivocating-proposer", "--faults",
                "partitions", "--seed", "2")
        }

        private func make(_ name: String, _ options: String...) throws {
            let common = ["simulate", "--nodes", "4", "--seconds", "5", "--out"]
            let made = try Command.run(common + ["\(folder.path)/\(name)"] + options)
            guard [0, 1].contains(made.status) else { throw Unmade(why: made.errors) }
        }

        private struct Unmade: Error { let why: String }
    }

    /// A command, and whether it prints an object a line.
    struct Printed: Sendable, CustomTestStringConvertible {
        let schema: String
        let arguments: [String]
        var isLines = false

        init(_ schema: String, _ arguments: String..., isLines: Bool = false) {
            (self.schema, self.arguments, self.isLines) = (schema, arguments, isLines)
        }

        var testDescription: String { arguments.joined(separator: " ") }
    }

    private static let printed = [
        Printed("why", "why", "validator-3", "lies"),
        Printed("why", "why", "leader:3", "lies"),
        Printed("why", "why", "batch:3", "lies"),
        Printed("diff", "diff", "fork"), Printed("diff", "diff", "lies"),
        Printed("bisect", "bisect", "fork/node-0", "--against", "fork/node-1"),
        Printed("bisect", "bisect", "lies", "--against", "rules"),
        Printed("culprits", "culprits", "fork", "--journal", "fork"),
        Printed("culprits", "culprits", "lies"),
        Printed("evidence verify", "evidence", "verify", "proofs", isLines: true),
        Printed("evidence verify", "evidence", "verify", "lies/liars.json", isLines: true),
        Printed("whatif", "whatif", "lies", "--threshold", "4"),
        Printed("whatif", "whatif", "lies", "--without", "validator-1", "--penalty", "missed=-30"),
        Printed("disagreements", "disagreements", "lies"),
        Printed("disagreements", "disagreements", "lies", "--by", "validator"),
        Printed("disagreements", "disagreements", "lies", "--by", "pair"),
        Printed("audit", "audit", "lies/node-0"), Printed("audit", "audit", "lies"),
        Printed("audit", "audit", "lies/node-0", "--from", "60", "--to", "90"),
        Printed("audit", "audit", "fork"),
        Printed("case show", "case", "show", "memory"),
        Printed("case list", "case", "list", "memory", "lies/liars.json", isLines: true),
        Printed("case verify", "case", "verify", "memory", isLines: true),
    ]

    /// What each of them prints, by its words.
    private static let objects = Result {
        try Dictionary(uniqueKeysWithValues: printed.map { ($0.testDescription, try objects($0)) })
    }

    private func schema(_ command: String) throws -> SchemaCheck {
        let words = command.split(separator: " ").map(String.init)
        let printed = try Command.run(["schema"] + words)
        #expect(printed.status == 0, "\(printed.errors)")
        return SchemaCheck(root: try JSONValue(parsing: printed.output))
    }

    /// What a command prints of the runs, by object.
    private static func objects(_ command: Printed) throws -> [JSONValue] {
        let folder = try Runs.shared.get().folder.path
        let places = ["lies", "fork", "memory", "proofs"]
        let arguments = command.arguments.map { argument in
            places.contains { argument == $0 || argument.hasPrefix($0 + "/") }
                ? "\(folder)/\(argument)" : argument
        }
        if command.arguments.contains("proofs") { try writeProofs(folder) }
        let result = try Command.run(arguments + ["--json"])
        #expect(!result.output.isEmpty, "\(result.errors)")
        return command.isLines
            ? try result.lines.map { try JSONValue(parsing: $0) }
            : [try JSONValue(parsing: result.output)]
    }

    private static func writeProofs(_ folder: String) throws {
        let found = try Command.run("culprits", folder + "/lies", "--out", folder + "/proofs")
        #expect(found.status == 1, "\(found.errors)")
    }

    @Test(arguments: printed)
    func `what is printed is what the schema says, and nothing else is`(
        _ command: Printed
    ) throws {
        let schema = try schema(command.schema)
        let objects = try Self.objects.get()[command.testDescription] ?? []
        #expect(!objects.isEmpty)
        for object in objects {
            #expect(try schema.problems(object) == [])
            let changed = Self.withSurplus(object)
            #expect(!changed.isEmpty)
            for other in changed { #expect(try !schema.problems(other).isEmpty, "\(other)") }
            let needed = schema.root.members["required"]?.elements.compactMap(\.text) ?? []
            for name in needed {
                var members = object.members
                members[name] = nil
                #expect(try !schema.problems(.object(members)).isEmpty, "without \(name)")
            }
        }
    }

    @Test func `what is printed each time is said to be there each time`() throws {
        let objects = try Self.objects.get()
        // A case may hold no certificate, or one side the beginning of the other.
        let rare = ["case show": Set(["needed", "entries"])]
        for (command, all) in Dictionary(grouping: Self.printed, by: \.schema) {
            let root = try schema(command).root
            guard let needed = root.members["required"]?.elements.compactMap(\.text) else {
                continue
            }
            let keys = all.flatMap { objects[$0.testDescription] ?? [] }.map {
                Set($0.members.keys)
            }
            let always = keys.dropFirst().reduce(keys.first ?? []) { $0.intersection($1) }
            #expect(always.subtracting(rare[command] ?? []) == Set(needed), "\(command)")
        }
    }

    /// The value again and again, each time with a member too much in another of its objects; in
    /// each list only in the first three.
    ///
    /// The fields of an entry are left alone: they are those of its event.
    private static func withSurplus(_ value: JSONValue) -> [JSONValue] {
        switch value {
        case .array(let elements):
            return elements.indices.prefix(3).flatMap { place in
                withSurplus(elements[place]).map { changed in
                    var all = elements
                    all[place] = changed
                    return .array(all)
                }
            }
        case .object(let members):
            var all: [JSONValue] = [.object(members.merging(["surplus": .null]) { old, _ in old })]
            for (name, member) in members where name != "fields" {
                for changed in withSurplus(member) {
                    all.append(.object(members.merging([name: changed]) { _, new in new }))
                }
            }
            return all
        default: return []
        }
    }

    @Test func `each schema is listed, tried, and says what every field means`() throws {
        let listed = try Command.run("schema", "--json").objects()
        let commands = listed.compactMap { $0["command"] as? String }
        #expect(Set(commands) == Set(Self.printed.map(\.schema)))
        for command in commands {
            let root = try schema(command).root
            #expect(root.members["title"]?.text == "recount \(command) --json")
            Self.expectDescriptions(root, command)
        }
        let people = try Command.run("schema")
        #expect(people.status == 0 && commands.allSatisfy(people.output.contains))
    }

    private static func expectDescriptions(_ schema: JSONValue, _ place: String) {
        for (name, property) in schema.members["properties"]?.members ?? [:] {
            #expect(property.members["description"] != nil, "\(place)/\(name)")
            expectDescriptions(property, "\(place)/\(name)")
        }
        for (name, definition) in schema.members["$defs"]?.members ?? [:] {
            expectDescriptions(definition, "\(place)#\(name)")
        }
        if let items = schema.members["items"] { expectDescriptions(items, place + "[]") }
    }

    @Test func `a schema that is not there is named, with those that are`() throws {
        let result = try Command.run("schema", "evidence", "burn")
        #expect(result.status == 2)
        #expect(result.errors.contains("no schema of evidence burn"))
        #expect(result.errors.contains("case verify"))
    }

    @Test(arguments: [
        (#"{"type": "integer", "minimum": 0}"#, "1", true), (#"{"type": "integer"}"#, "1.5", false),
        (#"{"type": "integer", "minimum": 0}"#, "-1", false),
        (#"{"type": ["string", "null"]}"#, "null", true),
        (#"{"type": ["string", "null"]}"#, "true", false), (#"{"enum": ["a"]}"#, #""a""#, true),
        (#"{"enum": ["a"]}"#, #""b""#, false), (#"{"pattern": "^[0-9]$"}"#, #""7""#, true),
        (#"{"pattern": "^[0-9]$"}"#, #""77""#, false), (#"{"maxItems": 1}"#, "[1]", true),
        (#"{"maxItems": 1}"#, "[1, 2]", false), (#"{"minItems": 1}"#, "[]", false),
        (#"{"items": {"type": "string"}}"#, "[1]", false), (#"{"format": "date"}"#, "1", false),
        (#"{"oneOf": [{"type": "string"}, {"type": "null"}]}"#, "null", true),
        (#"{"oneOf": [{"type": "null"}, {"type": "null"}]}"#, "null", false),
        (##"{"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}"##, "null", true),
        (##"{"$ref": "#/$defs/b", "$defs": {"a": {"type": "null"}}}"##, "null", false),
    ])
    func `the check itself tells right from wrong`(
        _ schema: String, _ value: String, _ isRight: Bool
    ) throws {
        let check = SchemaCheck(root: try JSONValue(parsing: schema))
        #expect(try check.problems(JSONValue(parsing: value)).isEmpty == isRight)
    }
}
