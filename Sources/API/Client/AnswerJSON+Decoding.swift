// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Node

extension AnswerJSON {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    /// Reads what `encode` writes; the bytes may be anybody's.
    ///
    /// Names that a type does not know are passed over: a newer node says more.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8]
    ) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            let name = path.last?.stringValue ?? ""
            let isVerbatim = path.dropLast().contains { verbatim.contains($0.stringValue) }
            return Key(stringValue: isVerbatim ? name : camelCase(name))
        }
        try StrictJSON.check(bytes, numbers: .any)
        let numbers = ExactNumbers.unquoted(bytes, in: exactNames)
        return try decoder.decode(type, from: Data(numbers))
    }

    /// The fields that hold whole numbers which may be above 2^53, and are text then.
    private static let exactNames: Set = [
        "amount", "balance", "fuel", "fuel_used", "memory_bytes", "stake", "stakes_before",
    ]

    /// What holds values whose types spell their names as JSON does: votes, and how they came out.
    private static let verbatim: Set = ["result", "vote"]

    /// `request_id` as `requestID`.
    private static func camelCase(_ text: String) -> String {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        return parts.dropFirst().reduce(String(parts.first ?? "")) { result, part in
            result + (part == "id" ? "ID" : part.prefix(1).uppercased() + part.dropFirst())
        }
    }

    /// What is wrong with an answer, for a person.
    static func words(_ error: any Error) -> String {
        if let problem = error as? JSONProblem { return "it is no JSON: \(problem)" }
        guard let error = error as? Swift.DecodingError else { return "it is no JSON" }
        func place(_ context: Swift.DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return path.isEmpty ? "the whole" : path.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(place(context)) has no \(snakeCased(key.stringValue))"
        case .typeMismatch(let type, let context): return "\(place(context)) is no \(type)"
        case .valueNotFound(_, let context): return "\(place(context)) is null"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty
                ? "it is no JSON" : "\(place(context)): \(context.debugDescription)"
        @unknown default: return "it is no JSON"
        }
    }

    private static func snakeCased(_ text: String) -> String {
        text.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : String($1) }
    }
}
