// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

/// The schemas that the program prints, held against what its commands print.
struct SchemaTests {
    private typealias Printed = PrintedCommand

    private static let printed = Printed.all

    /// What each of them prints, by its words.
    ///
    /// What one of them does not print fails its own test, and not those of the others.
    private static let objects = Dictionary(
        uniqueKeysWithValues: printed.map { command in
            (command.testDescription, Result { try objects(command) })
        })

    private func schema(_ command: String) throws -> SchemaCheck {
        let words = command.split(separator: " ").map(String.init)
        let printed = try Command.run(["schema"] + words)
        #expect(printed.status == 0, "\(printed.errors)")
        return SchemaCheck(root: try JSONValue(parsing: printed.output))
    }

    /// What a command prints of the runs, by object.
    private static func objects(_ command: PrintedCommand) throws -> [JSONValue] {
        let result = try SchemaRuns.shared.get().run(command)
        try #require(!result.output.isEmpty, "\(command): \(result.errors)")
        return command.isLines
            ? try result.lines.map { try JSONValue(parsing: $0) }
            : [try JSONValue(parsing: result.output)]
    }

    @Test(arguments: printed)
    func `what is printed is what the schema says, and nothing else is`(
        _ command: PrintedCommand
    ) throws {
        let schema = try schema(command.schema)
        let objects = try Self.objects[command.testDescription]?.get() ?? []
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
        let rare = PrintedCommand.rare
        for (command, all) in Dictionary(grouping: Self.printed, by: \.schema) {
            let root = try schema(command).root
            guard let needed = root.members["required"]?.elements.compactMap(\.text) else {
                continue
            }
            let keys = try all.flatMap { try Self.objects[$0.testDescription]?.get() ?? [] }.map {
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
        let untried: Set<String> = engineIsThere ? [] : ["job result"]
        let tried = Set(Self.printed.map(\.schema)).union(PrintedCommand.elsewhere)
        #expect(Set(commands).subtracting(untried) == tried)
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

    @Test func `every command that takes --json has a schema`() throws {
        let help = try Command.run("--experimental-dump-help")
        let root = try JSONValue(parsing: help.output).members["command"] ?? .null
        let listed = try Command.run("schema", "--json").objects()
        let described = Set(listed.compactMap { $0["command"] as? String })
        let printing = Set(Self.printing(root, []))
        #expect(printing.count > 70 && printing == described)
    }

    /// The words of the commands that take `--json`, at any depth; a command that stands for a
    /// group where none is named is called by the group.
    private static func printing(_ command: JSONValue, _ words: [String]) -> [String] {
        let flags = command.members["arguments"]?.elements ?? []
        let takesJSON = flags.contains { flag in
            flag.members["names"]?.elements.contains { $0.members["name"]?.text == "json" } ?? false
        }
        let own = takesJSON ? [words.joined(separator: " ")] : []
        let standard = command.members["defaultSubcommand"]?.text
        return own
            + (command.members["subcommands"]?.elements ?? []).flatMap { sub in
                let name = sub.members["commandName"]?.text ?? ""
                return printing(sub, name == standard ? words : words + [name])
            }
    }

    @Test func `a validator is a number in every schema, with its name beside it`() throws {
        // There is no ledger that would name them.
        let nameless: Set = ["certificate verify", "simulate"]
        var found = 0
        for command in try Command.run("schema", "--json").objects() {
            let name = try #require(command["command"] as? String)
            for properties in Self.properties(of: try schema(name).root) {
                guard let validator = properties["validator"] else { continue }
                found += 1
                #expect(validator.members["type"]?.text == "integer", "\(name)")
                #expect(properties["name"] != nil || nameless.contains(name), "\(name)")
            }
        }
        #expect(found > 20)
    }

    /// The properties of every object that a schema describes.
    private static func properties(of schema: JSONValue) -> [[String: JSONValue]] {
        let own = schema.members["properties"].map { [$0.members] } ?? []
        let inner =
            schema.elements
            + schema.members.filter { !["enum", "required"].contains($0.key) }.map(\.value)
        return own + inner.flatMap { properties(of: $0) }
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
        (#"{"additionalProperties": {"type": "string"}}"#, #"{"a": "b"}"#, true),
        (#"{"additionalProperties": {"type": "string"}}"#, #"{"a": 1}"#, false),
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
