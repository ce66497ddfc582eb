// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger
internal import NIOHTTP1
internal import Node
internal import Projections
internal import Synchronization

/// Following a request until it is decided.
extension Routes {
    /// `GET /requests/ID`, which may wait.
    static func addFollowing(to router: inout Router, _ desk: NodeDesk) {
        let waiters = Places(desk.limits.waitersMax)
        router.get("requests/:id") { request in
            let query = try Query(request, known: ["wait"])
            let seconds = try query.number("wait", 0...desk.limits.waitSecondsMax) ?? 0
            let name = request.parameter("id")
            guard seconds > 0 else { return try .json(try await row(name, desk)) }
            guard let id = Bytes32(hex: name).map({ RequestID(Digest($0)) }) else {
                throw APIError.wrong(
                    "id", "to wait for a request its whole identity is wanted: 64 digits")
            }
            guard waiters.reserve() else { throw APIError.busy("too many wait for decisions") }
            defer { waiters.giveBack() }
            return try await wait(for: id, until: .now + .seconds(Int64(seconds)), desk)
        }
    }

    private static func wait(
        for id: RequestID, until end: ContinuousClock.Instant, _ desk: NodeDesk
    ) async throws -> Response {
        let feed = desk.feed
        var version = feed.signal.version
        var isDecided = try await find(id, desk).map { $0.outcome != "open" } ?? false
        while !isDecided, .now < end, !feed.signal.isOver {
            if let refusal = feed.refusal(of: id.digest) { throw APIError(refusal) }
            if feed.decision(of: id) != nil {
                isDecided = true
                break
            }
            await feed.signal.wait(after: version)
            version = feed.signal.version
        }
        // The projections come a moment after the batch.
        let patience = min(end, .now + .seconds(2))
        var found = try await find(id, desk)
        while isDecided, found?.outcome ?? "open" == "open", .now < patience {
            try await Task.sleep(for: .milliseconds(10))
            found = try await find(id, desk)
        }
        guard let found else { throw unknown(id.hex, desk) }
        return try .json(found)
    }

    private static func row(_ name: String, _ desk: NodeDesk) async throws -> RequestView {
        do {
            let found = try await desk.ask { views throws(ViewError) in
                try views.request(at: try views.request(called: name))
            }
            guard let found else { throw APIError.notFound("no request is called \(name)") }
            return found
        } catch let error as APIError where error.status == .notFound {
            throw unknown(name, desk)
        }
    }

    /// The request of a whole identity; nil where the projections do not have it.
    private static func find(_ id: RequestID, _ desk: NodeDesk) async throws -> RequestView? {
        try await desk.ask { views throws(ViewError) -> RequestView? in
            do throws(ViewError) {
                return try views.request(at: try views.request(called: id.hex))
            } catch .notFound {
                return nil
            }
        }
    }

    /// What is said of a request that the ledger does not hold.
    private static func unknown(_ name: String, _ desk: NodeDesk) -> APIError {
        if let id = Bytes32(hex: name), let refusal = desk.feed.refusal(of: Digest(id)) {
            return APIError(refusal)
        }
        return .notFound("the ledger holds no request that is called so")
    }
}

/// So many places, and no more.
final class Places: Sendable {
    private let free: Mutex<Int>

    init(_ count: Int) { free = Mutex(count) }

    /// Takes one; false where none is free.
    func reserve() -> Bool {
        free.withLock { free in
            guard free > 0 else { return false }
            free -= 1
            return true
        }
    }

    /// Gives one back.
    func giveBack() { free.withLock { $0 += 1 } }
}

/// A place that is taken, and given back once: by its holder, or when nobody holds it any more.
final class Held: Sendable {
    private let giveItBack: @Sendable () -> Void
    private let isHeld = Mutex(true)

    init(giveBack: @escaping @Sendable () -> Void) { giveItBack = giveBack }

    /// Gives it back.
    func giveBack() {
        let wasHeld = isHeld.withLock { isHeld in
            defer { isHeld = false }
            return isHeld
        }
        if wasHeld { giveItBack() }
    }

    deinit { giveBack() }
}
