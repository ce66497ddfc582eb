// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Hosting
import Ledger
import Node
import Synchronization
import TestSupport
import Testing

/// The sample withdrawals of the repository.
enum Samples {
    static let folder = Vectors.repository.appendingPathComponent("Tools/samples").path
    static let start = Time(1_767_300_000_000)

    static func lines() throws -> [String] {
        try String(contentsOfFile: "\(folder)/requests.jsonl", encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }

    /// What the line expects: outcome and reason.
    static func expectation(_ line: String) throws -> (outcome: String, reason: String?) {
        struct Line: Decodable {
            struct Expect: Decodable {
                let outcome: String
                let reason: String?
            }
            let expect: Expect
        }
        let expect = try JSONDecoder().decode(Line.self, from: Data(line.utf8)).expect
        return (expect.outcome, expect.reason)
    }

    static func configuration() throws -> Configuration {
        try Configuration.load(path: "\(folder)/recount.toml")
    }
}

/// The third-party settlements, as requests.
enum Paraloom {
    static let folder = "groth16/paraloom"
    static let exists = Vectors.has("\(folder)/transact_native.proof.json")
    static let start = Time(1_767_300_000_000)

    static func configuration(
        validators: Int = 10, threshold: Int = 7, extra: String = ""
    ) throws -> Configuration {
        let key = Vectors.folder.appendingPathComponent("\(folder)/verification_key.json").path
        func circuit(_ name: String, asset: String, root: String) -> String {
            """
            [[circuits]]
            name = "\(name)"
            verifying_key = "\(key)"
            public_inputs = ["root", "negated_amount", "external_data_hash", "constant:\(asset)",
                "nullifier", "nullifier", "free", "free"]
            roots = ["\(root)"]

            """
        }
        let native = try inputs("native")
        let spl = try inputs("spl")
        return try Configuration(
            toml: """
                [consensus]
                threshold = \(threshold)
                total_validators = \(validators)
                \(extra)

                """ + circuit("native", asset: native[3], root: native[0])
                    + circuit("spl", asset: spl[3], root: spl[0]), folder: "/")
    }

    static func inputs(_ name: String) throws -> [String] {
        try Vectors.json("\(folder)/transact_\(name).public.json")
    }

    /// A line for the settlement `name`; `change` is applied to its fields.
    static func line(
        _ name: String, timestamp: UInt64 = 1_767_300_000_000,
        _ change: (inout [String: Any]) -> Void = { _ in }
    ) throws -> String {
        var fields: [String: Any] = [
            "circuit": name,
            "proof": try JSONSerialization.jsonObject(
                with: Vectors.data("\(folder)/transact_\(name).proof.json")),
            "public_inputs": try inputs(name),
            "amount": 500,
            "recipient": String(repeating: name == "native" ? "03" : "22", count: 32),
            "timestamp": timestamp,
        ]
        change(&fields)
        return String(
            decoding: try JSONSerialization.data(withJSONObject: fields, options: .sortedKeys),
            as: UTF8.self)
    }

    /// The same with other nullifiers: well-formed, and false.
    static func falseLine(_ name: String, timestamp: UInt64 = 1_767_300_000_001) throws -> String {
        try line(name, timestamp: timestamp) { fields in
            var inputs = fields["public_inputs"] as? [String] ?? []
            inputs[4] = "12345"
            fields["public_inputs"] = inputs
        }
    }
}
