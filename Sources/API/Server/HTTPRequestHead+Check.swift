// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import NIOHTTP1

extension HTTPRequestHead {
    /// Checks what a head alone shows, before any of its body is asked for.
    ///
    /// Throws, in order: where the host is not named as it must be (RFC 9112, section 3.2: HTTP/1.1
    /// has one `Host`, no request has two, and none has another's characters), and where the body
    /// is stated to be longer than it may be.
    func check(bodyBytesMax: Int) throws(APIError) {
        let hosts = headers["Host"]
        guard hosts.count == 1 || hosts.isEmpty && !isOfHTTP11 else {
            throw .wrong("Host", "HTTP/1.1 wants one Host, and this has \(hosts.count)")
        }
        guard hosts.allSatisfy({ $0.utf8.allSatisfy(Self.isOfHost) }) else {
            throw .wrong("Host", "it is no host and port")
        }
        let stated = headers.first(name: "Content-Length").flatMap { Int($0) }
        guard stated ?? 0 <= bodyBytesMax else { throw .tooLong(max: bodyBytesMax) }
    }

    /// Whether the peer waits to be told that its body may come; HTTP/1.0 does not know of that
    /// (RFC 9110, section 10.1.1).
    var waitsForContinue: Bool {
        isOfHTTP11 && headers["Expect"].contains { $0.lowercased() == "100-continue" }
    }

    private var isOfHTTP11: Bool {
        version.major > 1 || version.major == 1 && version.minor >= 1
    }

    /// Whether a byte may stand in `uri-host [":" port]` (RFC 3986, section 3.2).
    private static func isOfHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "-._~%!$&'()*+,;=:[]".utf8.contains(byte)
        }
    }
}
