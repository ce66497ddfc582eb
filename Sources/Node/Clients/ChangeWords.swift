// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Groth16
package import Ledger

/// Why words do not name a change.
package struct ChangeWordsProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong and what would be right.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Changes of a ledger as people write them: a kind, and fields as `name=value`.
package struct ChangeWords {
    /// The kinds with their fields, for people.
    package static let kinds: [(name: String, fields: [String], meaning: String)] = [
        ("join", ["name", "key", "stake"], "a validator joins, or a former one returns"),
        ("leave", ["validator"], "a validator leaves"),
        ("stake", ["validator", "stake"], "a validator's stake becomes another"),
        ("parameters", [], "parameters change: threshold=8, verification_timeout=20, ..."),
        ("circuit", ["name", "verifying_key", "public_inputs"], "a circuit is added"),
        ("root", ["circuit", "root"], "a root is published for a circuit"),
        (
            "submitter", ["name", "key", "quota"],
            "a submitter is listed; quota 0 serves it no more"
        ),
    ]

    /// What the names mean.
    private let state: LedgerState
    private let names: LedgerNames

    /// Words about a ledger.
    package init(state: LedgerState) {
        self.state = state
        names = LedgerNames(state)
    }

    /// Reads a change.
    package func change(
        _ kind: String, _ words: [String]
    ) throws(ChangeWordsProblem) -> Change {
        guard let known = Self.kinds.first(where: { $0.name == kind }) else {
            let all = Self.kinds.map(\.name)
            throw ChangeWordsProblem(
                "there is no change called \(kind.prefix(80)), only \(all.joined(separator: ", "))"
                    + Spelling.suggestion(for: kind, among: all))
        }
        var fields: [String: String] = [:]
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ChangeWordsProblem("\(word.prefix(80)) is not of the form name=value")
            }
            guard fields.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
                throw ChangeWordsProblem("\(parts[0]) stands twice")
            }
        }
        if kind == "parameters" { return .parametersChanged(try parameters(words)) }
        for name in fields.keys.sorted() where !known.fields.contains(name) {
            throw ChangeWordsProblem(
                "\(kind) has no field \(name.prefix(80))"
                    + Spelling.suggestion(for: name, among: known.fields))
        }
        for name in known.fields where fields[name] == nil {
            throw ChangeWordsProblem("\(kind) needs \(name)=...")
        }
        return try change(kind, fields)
    }

    private func change(
        _ kind: String, _ fields: [String: String]
    ) throws(ChangeWordsProblem) -> Change {
        func text(_ name: String) -> String { fields[name] ?? "" }
        switch kind {
        case "join":
            return .validatorJoined(
                key: try key(text("key")), name: text("name"),
                stake: Stake(try number("stake", text("stake"))))
        case "leave": return .validatorLeft(key: try validator(text("validator")))
        case "stake":
            return .stakeChanged(
                key: try validator(text("validator")),
                stake: Stake(try number("stake", text("stake"))))
        case "circuit": return .circuitRegistered(try circuit(fields))
        case "root":
            guard let root = FieldText.bytes(decimal: text("root")) else {
                throw ChangeWordsProblem("root: a decimal number below the group order is wanted")
            }
            return .rootPublished(circuit: try circuit(named: text("circuit")), root: root)
        default:
            guard let quota = UInt64(plain: text("quota")).flatMap({ UInt32(exactly: $0) })
            else {
                throw ChangeWordsProblem("quota: a whole number is wanted")
            }
            return .submitterListed(
                key: try key(text("key")), name: text("name"), quota: quota)
        }
    }

    // MARK: Fields

    private func number(_ name: String, _ text: String) throws(ChangeWordsProblem) -> UInt64 {
        guard let value = UInt64(plain: text) else {
            throw ChangeWordsProblem("\(name): a whole number is wanted, not \(text.prefix(80))")
        }
        return value
    }

    private func key(_ text: String) throws(ChangeWordsProblem) -> PublicKey {
        guard let bytes = Bytes32(hex: text) else {
            throw ChangeWordsProblem("key: the sixty-four hexadecimal digits of a key are wanted")
        }
        return PublicKey(bytes)
    }

    private func validator(_ text: String) throws(ChangeWordsProblem) -> PublicKey {
        if let bytes = Bytes32(hex: text) { return PublicKey(bytes) }
        guard let index = names.validator(text), let found = state.validator(index) else {
            throw ChangeWordsProblem(
                "there is no validator called \(text.prefix(80))"
                    + Spelling.suggestion(for: text, among: names.validators))
        }
        return found.key
    }

    private func circuit(named text: String) throws(ChangeWordsProblem) -> CircuitIndex {
        guard let index = names.circuit(text) else {
            throw ChangeWordsProblem(
                "there is no circuit called \(text.prefix(80))"
                    + Spelling.suggestion(for: text, among: names.circuits))
        }
        return index
    }

    private func circuit(_ fields: [String: String]) throws(ChangeWordsProblem) -> Circuit {
        let inputs = (fields["public_inputs"] ?? "").split(separator: ",")
            .map { Configuration.quoted(String($0)) }.joined(separator: ", ")
        let key = Files.absolute(fields["verifying_key"] ?? "")
        let toml = """
            [[circuits]]
            name = \(Configuration.quoted(fields["name"] ?? ""))
            verifying_key = \(Configuration.quoted(key))
            public_inputs = [\(inputs)]
            """
        do {
            let configuration = try Configuration(toml: toml, folder: "/")
            return try CircuitFiles(configuration).genesis[0].circuit
        } catch {
            throw ChangeWordsProblem("circuit: \(error)")
        }
    }

    /// The parameters as they are, with those changed that the words name as a configuration does.
    private func parameters(_ words: [String]) throws(ChangeWordsProblem) -> Parameters {
        guard !words.isEmpty else {
            throw ChangeWordsProblem("say which, as in: parameters threshold=8")
        }
        var configuration = Configuration.standard
        configuration.parameters = state.parameters
        configuration.validators = Configuration.standardValidators(state.members.count)
        var lines = configuration.toml.split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0) }
        let start = lines.firstIndex(of: "[consensus]") ?? 0
        let end = lines.firstIndex(of: "[network]") ?? lines.count
        for word in words {
            let name = word.prefix { $0 != "=" }
            let known = lines[start..<end].compactMap { line in
                line.contains(" = ") ? String(line.prefix { $0 != " " }) : nil
            }
            guard name != "total_validators",
                let place = lines[start..<end].firstIndex(where: { $0.hasPrefix("\(name) = ") })
            else {
                throw ChangeWordsProblem(
                    "there is no parameter called \(name.prefix(80))"
                        + Spelling.suggestion(for: String(name), among: known))
            }
            let value = word.dropFirst(name.count + 1)
            lines[place] = "\(name) = \(value)"
        }
        do throws(ConfigurationError) {
            return try Configuration(toml: lines.joined(separator: "\n"), folder: "/").parameters
        } catch { throw ChangeWordsProblem("parameters: \(error)") }
    }

    // MARK: For people

    /// A change in words.
    package func text(of change: Change) -> String {
        switch change {
        case .validatorJoined(_, let name, let stake):
            "\(name) joins with stake \(stake.rawValue)"
        case .validatorLeft(let key): "\(name(key)) leaves"
        case .stakeChanged(let key, let stake):
            "the stake of \(name(key)) becomes \(stake.rawValue)"
        case .parametersChanged(let parameters):
            parameters.fault.map(Self.faulty) ?? "parameters change: \(difference(parameters))"
        case .circuitRegistered(let circuit):
            "circuit \(circuit.name) is added, its key has the hash"
                + " \(Digest(hashing: circuit.verifyingKey).hex)"
        case .rootPublished(let circuit, let root):
            "root \(FieldText.decimal(root)) is published for circuit "
                + (state.circuit(circuit)?.circuit.name ?? "\(circuit.rawValue)")
        case .submitterListed(_, let name, let quota):
            quota == 0
                ? "submitter \(name) is served no more"
                : "submitter \(name) is listed with quota \(quota)"
        }
    }

    /// What is said of parameters that no ledger takes: their numbers may be anything.
    static func faulty(_ fault: Refusal) -> String { "parameters become impossible: \(fault)" }

    private func name(_ key: PublicKey) -> String {
        state.validatorIndex(of: key).map { names.name(of: $0) } ?? key.hex
    }

    private func difference(_ parameters: Parameters) -> String {
        var old = Configuration.standard
        old.parameters = state.parameters
        var new = old
        new.parameters = parameters
        let changed = zip(
            old.toml.split(separator: "\n"), new.toml.split(separator: "\n")
        ).filter { $0 != $1 }.map { "\($0) becomes \($1.drop { $0 != "=" }.dropFirst(2))" }
        return changed.isEmpty ? "to what they are" : changed.joined(separator: ", ")
    }
}
