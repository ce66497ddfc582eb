// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import NIOCore
internal import NIOHTTP1

/// The pages that people look at: fixed files, which ask the same API as everybody.
package enum Console {
    /// One file of it.
    struct File: Sendable {
        let bytes: [UInt8]
        let type: String
    }

    /// The files that the page names, by their names.
    static let files: [String: File] = {
        var files: [String: File] = [:]
        for (name, bytes) in ConsoleFiles.all { files[name] = File(bytes: bytes, type: type(name)) }
        return files
    }()

    /// What names the version of all files: the first digits of the SHA-256 of what they hash to.
    static let version: String = {
        var text = Array(Digest(hashing: ConsoleFiles.page).hex.utf8)
        for name in files.keys.sorted() {
            text += Array(name.utf8) + [0]
            text += Array(Digest(hashing: files[name]?.bytes ?? []).hex.utf8)
        }
        return String(Digest(hashing: text).hex.prefix(16))
    }()

    /// The page that loads the rest, which stands under the version and so never changes.
    static let page: [UInt8] = Array(
        String(decoding: ConsoleFiles.page, as: UTF8.self)
            .replacing("console/VERSION/", with: "console/\(version)/").utf8)

    /// What the browser may do with the pages: run their own scripts, ask their own node, and the
    /// others that its operator lists.
    static func policy(others: [String]) -> String {
        let nodes = others.map { " \($0)" }.joined()
        return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';"
            + " connect-src 'self'\(nodes); img-src 'self' data:; base-uri 'none';"
            + " form-action 'none'; frame-ancestors 'none'"
    }

    private static func type(_ name: String) -> String {
        switch name.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        case "wasm": "application/wasm"
        default: "text/html; charset=utf-8"
        }
    }
}

extension Routes {
    /// `GET /` and `GET /console/VERSION/NAME`.
    static func addConsole(to router: inout Router, _ nodes: [String]) {
        let policy = Console.policy(others: nodes)
        let tag = "\"\(Console.version)\""
        router.get("") { request in
            _ = try Query(request, known: [])
            return page(request, tag, policy)
        }
        router.get("console/:version/:name") { request in
            _ = try Query(request, known: [])
            guard request.parameter("version") == Console.version,
                let file = Console.files[request.parameter("name")]
            else { throw APIError.notFound("the console has no such file") }
            var response = Response.bytes(file.bytes, file.type, isForEver: true)
            response.headers.add(name: "X-Content-Type-Options", value: "nosniff")
            // Opened by itself, an image is a page too.
            response.headers.add(name: "Content-Security-Policy", value: policy)
            return response
        }
    }

    private static func page(_ request: Request, _ tag: String, _ policy: String) -> Response {
        let isKnown = request.headers["If-None-Match"].contains { $0.contains(tag) }
        return Response(
            status: isKnown ? .notModified : .ok,
            headers: [
                "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache",
                "ETag": tag, "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
            ], body: .bytes(ByteBuffer(bytes: isKnown ? [] : Console.page)))
    }
}
