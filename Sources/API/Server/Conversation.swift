// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// Answers the requests of one connection, one after the other.
struct Conversation: Sendable {
    typealias Channel = NIOAsyncChannel<HTTPServerRequestPart, ResponsePart>
    private typealias Inbound = NIOAsyncChannelInboundStream<HTTPServerRequestPart>.AsyncIterator

    let router: Router
    let counts: ResponseCounts
    let meter: RateMeter
    let budget: AnswerBudget
    let bodyBytesMax: Int
    /// Bodies beyond that which may be on their way at once.
    let uploads: UploadPlaces
    /// Origins whose pages may read the answers.
    let readers: Set<String>

    /// Converses until either side ends it.
    func run(_ channel: Channel) async {
        let address = ClientAddress(channel.channel.remoteAddress)
        do {
            try await channel.executeThenClose { inbound, outbound in
                var inbound = inbound.makeAsyncIterator()
                let writer = BodyWriter(channel.channel, outbound)
                while try await exchange(&inbound, writer, address) {}
                // The guard lets the answer reach its reader before it closes the rest.
                writer.finish()
                while try await inbound.next() != nil {}
            }
        } catch {
            // Whoever was there is gone, or the node ends.
        }
    }

    /// Reads a request and answers it; false where the connection ends.
    @concurrent private func exchange(
        _ inbound: inout Inbound, _ writer: BodyWriter, _ address: ClientAddress
    ) async throws -> Bool {
        let head: HTTPRequestHead
        var body: ByteBuffer?
        // Given back when the exchange is over, whichever way.
        var place: Held?
        defer { place?.giveBack() }
        do {
            guard case .head(let found)? = try await inbound.next() else { return false }
            head = found
            let uploadMax = router.uploadBytesMax(head)
            do throws(APIError) {
                try head.check(bodyBytesMax: uploadMax ?? bodyBytesMax)
                if uploadMax != nil { place = try uploads.hold(for: address) }
            } catch {
                counts.note(error.response, since: .now)
                try await write(error.response, head, isLast: true, writer)
                return false
            }
            if head.waitsForContinue {
                try await writer.send(
                    .head(HTTPResponseHead(version: .http1_1, status: .continue)))
            }
            body = try await self.body(max: uploadMax ?? bodyBytesMax, &inbound)
        } catch is CancellationError {
            return false
        } catch {
            let error = APIError.wrong("head", "it is not HTTP/1.1 as this node reads it")
            counts.note(error.response, since: .now)
            try await write(error.response, nil, isLast: true, writer)
            return false
        }
        guard let body else {
            let error = APIError.tooLong(max: router.uploadBytesMax(head) ?? bodyBytesMax)
            place?.giveBack()
            counts.note(error.response, since: .now)
            try await write(error.response, head, isLast: true, writer)
            return false
        }
        let start = ContinuousClock.now
        let response = await answer(head, body, address)
        // Who has the answer may hand in the next at once.
        place?.giveBack()
        counts.note(response, since: start)
        try await write(response, head, isLast: !head.isKeepAlive, writer)
        return head.isKeepAlive
    }

    /// The whole body; nil where it is longer than a body may be.
    @concurrent private func body(
        max bodyBytesMax: Int, _ inbound: inout Inbound
    ) async throws -> ByteBuffer? {
        var body = ByteBuffer()
        while let part = try await inbound.next() {
            switch part {
            case .body(var bytes):
                guard body.readableBytes + bytes.readableBytes <= bodyBytesMax else { return nil }
                body.writeBuffer(&bytes)
            case .end: return body
            case .head: throw CancellationError()
            }
        }
        // The peer has gone in the middle of it.
        throw CancellationError()
    }

    private func answer(
        _ head: HTTPRequestHead, _ body: ByteBuffer, _ address: ClientAddress
    ) async -> Response {
        do {
            guard meter.spend(address) else {
                throw APIError.tooMany(
                    "this address asks more than the node answers in a second", reason: "tooMany")
            }
            return try await router.answer(try Request(head, body: body))
        } catch let error as APIError {
            return error.response
        } catch is CancellationError {
            return APIError.busy("the node is ending", reason: "ending").response
        } catch {
            // What it was stays inside.
            return APIError.failed("the node could not make the answer").response
        }
    }

    // MARK: Writing

    /// Lets pages of the nodes that the operator lists read what is answered to a GET. Nothing else
    /// is lent: no method beside, no header, and there are no credentials.
    private func lend(_ headers: inout HTTPHeaders, to request: HTTPRequestHead?) {
        guard !readers.isEmpty else { return }
        headers.add(name: "Vary", value: "Origin")
        guard let request, request.method == .GET,
            let origin = request.headers.first(name: "Origin"), readers.contains(origin)
        else { return }
        headers.add(name: "Access-Control-Allow-Origin", value: origin)
    }

    private func write(
        _ response: Response, _ request: HTTPRequestHead?, isLast: Bool, _ writer: BodyWriter
    ) async throws {
        var response = response
        let isHead = request?.method == .HEAD
        if isHead, case .stream = response.body {
            // Its head alone would be followed by the end of a body, which is read as an answer.
            response = APIError.notAllowed(["GET"]).response
        }
        var length = 0
        if case .bytes(let bytes) = response.body { length = bytes.readableBytes }
        let isLong = length > BodyWriter.partBytes
        if isLong, !budget.spend(length) {
            response = APIError.busy("too many long answers are not taken yet").response
            return try await write(response, request, isLast: isLast, writer)
        }
        defer { if isLong { budget.giveBack(length) } }
        var head = HTTPResponseHead(
            version: request?.version ?? .http1_1, status: response.status,
            headers: response.headers)
        if isLast { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        lend(&head.headers, to: request)
        switch response.body {
        case .bytes(let bytes):
            head.headers.add(name: "Content-Length", value: "\(length)")
            if isHead || length == 0 {
                try await writer.send(.head(head), .end(nil))
            } else if !isLong {
                try await writer.send(.head(head), .body(bytes), .end(nil))
            } else {
                try await writer.send(.head(head))
                try await writer.write(bytes)
                try await writer.send(.end(nil))
            }
        case .stream(let body):
            try await writer.send(.head(head))
            try await body(writer)
            try await writer.send(.end(nil))
        }
    }
}
