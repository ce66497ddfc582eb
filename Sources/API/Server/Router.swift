// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOHTTP1

/// Which handler a request is for.
struct Router: Sendable {
    typealias Handler = @Sendable (Request) async throws -> Response

    private struct Route: Sendable {
        let method: HTTPMethod
        /// `:name` stands for any part, `**` at the end for one or more.
        let path: [String]
        /// The most bytes of a body; nil for as many as any body may have.
        let bodyBytesMax: Int?
        let handler: Handler
    }

    private var routes: [Route] = []

    /// Methods and paths of all routes, as they were added.
    var operations: [String] {
        routes.map { "\($0.method.rawValue) \($0.path.joined(separator: "/"))" }
    }

    /// Adds what answers GET and HEAD at a path.
    mutating func get(_ path: String, _ handler: @escaping Handler) {
        add(.GET, path, nil, handler)
    }

    /// Adds what answers POST at a path.
    ///
    /// - Parameter bodyBytesMax: The most bytes of a body, where they are more than elsewhere: the
    ///   path has no parameters then.
    mutating func post(
        _ path: String, bodyBytesMax: Int? = nil, _ handler: @escaping Handler
    ) {
        add(.POST, path, bodyBytesMax, handler)
    }

    private mutating func add(
        _ method: HTTPMethod, _ path: String, _ bodyBytesMax: Int?, _ handler: @escaping Handler
    ) {
        routes.append(
            Route(
                method: method, path: path.split(separator: "/").map(String.init),
                bodyBytesMax: bodyBytesMax, handler: handler))
    }

    /// The most bytes that a body may have beyond those of any body; nil where it may not.
    func uploadBytesMax(_ head: HTTPRequestHead) -> Int? {
        let path = head.uri.prefix { $0 != "?" }.split(separator: "/").map(String.init)
        return routes.first { $0.method == head.method && $0.path == path }?.bodyBytesMax
    }

    /// Answers a request, by the first route that fits; throws 404 or 405 where none does.
    func answer(_ request: Request) async throws -> Response {
        var allowed: [String] = []
        let method = request.method == .HEAD ? .GET : request.method
        for route in routes {
            guard let parameters = Self.match(route.path, request.path) else { continue }
            guard route.method == method else {
                allowed.append(route.method.rawValue)
                continue
            }
            var request = request
            request.parameters = parameters
            return try await route.handler(request)
        }
        guard allowed.isEmpty else { throw APIError.notAllowed(allowed.sorted()) }
        throw APIError.notFound(
            "there is nothing at this path; /openapi.json says what there is")
    }

    private static func match(_ route: [String], _ path: [String]) -> [String: String]? {
        var parameters: [String: String] = [:]
        for (place, part) in route.enumerated() {
            guard place < path.count else { return nil }
            if part == "**" {
                parameters["path"] = path[place...].joined(separator: "/")
                return parameters
            } else if part.hasPrefix(":") {
                parameters[String(part.dropFirst())] = path[place]
            } else if part != path[place] {
                return nil
            }
        }
        return route.count == path.count ? parameters : nil
    }
}
