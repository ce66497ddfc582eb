// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import NIOCore
internal import NIOHTTP1
internal import Node

/// Handing in signed messages: the signature is the authorisation.
extension Routes {
    private struct Taken: Encodable {
        var id: String
        /// `taken`, `recorded` or `known`.
        var state: String
        /// How a request that is known was decided.
        var result: ConsensusResult?
        /// What a change is, in words.
        var says: String?
    }

    /// What the ledger must say of itself before a message can be read.
    private struct Parties: Sendable {
        let circuits: [Circuit]
        let submitters: [(name: String, key: PublicKey)]
    }

    /// Submitting requests and governance.
    static func addSubmitting(to router: inout Router, _ desk: NodeDesk) {
        router.post("requests") { request in
            _ = try Query(request, known: [])
            let body = Array(buffer: request.body)
            let message =
                try isBinary(request)
                ? try binary(body, "a request") { if case .request = $0 { true } else { false } }
                : .request(try await line(body, desk))
            return try await handIn(message, desk)
        }
        router.post("settlements") { request in
            _ = try Query(request, known: [])
            guard try isBinary(request) else { throw binaryWanted }
            let message = try binary(Array(buffer: request.body), "a report of a payment") {
                if case .settlement = $0 { true } else { false }
            }
            let bridge = try await desk.state { $0.bridge }
            guard case .settlement(let report) = message, report.bridge == bridge else {
                throw APIError(
                    status: .forbidden, reason: "unknownBridge",
                    message: "only the bridge of the ledger reports payments", field: "bridge")
            }
            try await checkSignature(of: message, desk)
            return try await submit(message, desk)
        }
        router.post("governance") { request in
            _ = try Query(request, known: [])
            let body = Array(buffer: request.body)
            let message =
                try isBinary(request)
                ? try binary(body, "a change") { if case .governance = $0 { true } else { false } }
                : try await proposal(body, desk)
            guard case .governance(let change) = message else { throw binaryWanted }
            try await checkSender(of: message, desk)
            // A stranger's change is not put into words.
            let says = try await desk.state { ChangeWords(state: $0).text(of: change.change) }
            return try await submit(message, desk, says: says)
        }
    }

    // MARK: Reading

    /// Whether the body is Borsh, and not JSON.
    static func isBinary(_ request: Request) throws -> Bool {
        let type = request.headers.first(name: "Content-Type") ?? "application/json"
        switch type.prefix(while: { $0 != ";" && $0 != " " }).lowercased() {
        case "application/octet-stream": return true
        case "application/json", "application/x-ndjson", "text/json": return false
        default:
            throw APIError(
                status: .unsupportedMediaType, reason: "unsupportedMediaType",
                message: "application/json or application/octet-stream is wanted",
                field: "content-type")
        }
    }

    /// What is said where only Borsh is read.
    static var binaryWanted: APIError {
        APIError(
            status: .unsupportedMediaType, reason: "unsupportedMediaType",
            message: "application/octet-stream is wanted", field: "content-type")
    }

    private static func binary(
        _ body: [UInt8], _ kind: String, _ isWanted: (Message) -> Bool
    ) throws -> Message {
        let message: Message
        do throws(Ledger.DecodingError) { message = try Message(decoding: body) } catch {
            throw APIError.wrong("body", "it is no message: \(error)")
        }
        guard isWanted(message) else {
            throw APIError.wrong("body", "it is a message of another kind than \(kind)")
        }
        return message
    }

    private static func line(_ body: [UInt8], _ desk: NodeDesk) async throws -> RequestMessage {
        let parties = try await desk.state { state in
            Parties(
                circuits: state.circuits.map(\.circuit),
                submitters: state.submitters.map { ($0.name, $0.key) })
        }
        do throws(RequestProblem) {
            let request: VerificationRequest
            do throws(LineProblem) {
                request = try NodeJSON.decode(VerificationRequest.self, line: body)
                if request.signature == nil { throw .missing(field: "signature") }
            } catch { throw .line(error) }
            return try RequestReader(
                ledger: desk.node.home.ledger, circuits: parties.circuits, signers: [],
                submitters: parties.submitters
            ).read(request).message
        } catch {
            throw APIError.wrong(error.field, "\(error)", reason: error.reason)
        }
    }

    private static func proposal(_ body: [UInt8], _ desk: NodeDesk) async throws -> Message {
        let proposal: ChangeProposal
        do throws(ProposalProblem) { proposal = try ChangeProposal(json: body) } catch {
            throw APIError.wrong(error.field, "\(error)")
        }
        let made = try await desk.state { state in
            Result { () throws(ProposalProblem) in try proposal.message(for: state) }
        }
        do throws(ProposalProblem) { return .governance(try made.get()) } catch {
            throw APIError.wrong(error.field, "\(error)", reason: error.reason)
        }
    }

    // MARK: Handing in

    private static func handIn(_ message: Message, _ desk: NodeDesk) async throws -> Response {
        try await checkSender(of: message, desk)
        return try await submit(message, desk)
    }

    /// Turns away what is not signed by those who may.
    static func checkSender(of message: Message, _ desk: NodeDesk) async throws {
        try await checkSignature(of: message, desk)
        if let sender = message.sender { try await checkQuota(of: sender, desk) }
    }

    private static func checkSignature(of message: Message, _ desk: NodeDesk) async throws {
        let ledger = desk.node.home.ledger
        // Nothing of a stranger's reaches the node's thread unsigned.
        let isSigned = try await desk.checking.run { message.isSigned(in: ledger) }
        guard isSigned else {
            throw APIError.wrong(
                "signature", "it is not signed for this ledger by those that it speaks for",
                reason: "wrongSignature")
        }
    }

    /// Hands a message in that may be, and says what the node says of it.
    static func submit(
        _ message: Message, _ desk: NodeDesk, says: String? = nil
    ) async throws -> Response {
        let id = Spool.identity(of: message, in: desk.node.home.ledger).hex
        switch try await desk.submit(message) {
        case .known(let result):
            return try .json(Taken(id: id, state: "known", result: result))
        case .recorded: return try .json(Taken(id: id, state: "recorded", says: says))
        case .taken: return try .json(Taken(id: id, state: "taken", says: says), .accepted)
        case .busy: throw APIError.busy("the node has as many messages under way as it may")
        case .refused(let refusal): throw APIError(refusal)
        }
    }

    /// Turns away who is not listed, and what would only wait for room: the room is for those who
    /// keep to their quotas.
    private static func checkQuota(of sender: PublicKey, _ desk: NodeDesk) async throws {
        let refusal = try await desk.state { state -> Refusal? in
            guard let index = state.submitterIndex(of: sender) else { return .unknownSubmitter }
            let submitter = state.submitters[Int(index.rawValue)]
            return submitter.quota > 0 && submitter.undecided >= submitter.quota
                ? .quotaExceeded : nil
        }
        if let refusal { throw APIError(refusal) }
    }
}

extension APIError {
    /// What the ledger refuses.
    init(_ refusal: Refusal) {
        let words = "\(refusal)"
        switch refusal {
        case .quotaExceeded: self = .tooMany(words, reason: refusal.jsonName, seconds: 5)
        case .tooManyUnclosed: self = .busy(words, reason: refusal.jsonName)
        case .unknownSubmitter:
            self = APIError(status: .forbidden, reason: refusal.jsonName, message: words)
        default:
            self = APIError(
                status: .unprocessableEntity, reason: refusal.jsonName, message: words)
        }
    }
}

extension RequestProblem {
    /// The field that is wrong.
    fileprivate var field: String {
        switch self {
        case .line(.missing(let field)), .line(.wrongType(let field, _)),
            .line(.wrongValue(let field, _)), .line(.unknownField(let field, _)):
            field.hasPrefix("(") ? "body" : field
        case .line: "body"
        case .unknownCircuit, .circuitNotNamed: "circuit"
        case .malformedProof: "proof"
        case .malformedInput(let field, let index): "\(field)[\(index)]"
        case .unknownSubmitter, .signerNotNamed, .submitterNotNamed, .noSubmitter: "submitter"
        case .wrongSignature: "signature"
        case .wrongRequestID: "request_id"
        }
    }
}

extension ProposalProblem {
    /// The field that is wrong.
    fileprivate var field: String {
        switch self {
        case .otherLedger: "ledger_id"
        case .wrongNumber: "number"
        case .falseSignature, .tooFew: "endorsements"
        case .line(.missing(let field)), .line(.wrongType(let field, _)),
            .line(.wrongValue(let field, _)), .line(.unknownField(let field, _)):
            field.hasPrefix("(") ? "body" : field
        case .line: "body"
        case .field(let name): name
        }
    }

    /// One word for machines.
    fileprivate var reason: String {
        switch self {
        case .otherLedger: "otherLedger"
        case .wrongNumber: "wrongNumber"
        case .falseSignature: "wrongSignature"
        case .tooFew: "tooFewSignatures"
        case .line, .field: "malformed"
        }
    }
}
