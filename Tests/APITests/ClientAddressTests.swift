// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import API
import NIOCore
import Testing

/// Who counts as one, where strangers have so much each.
struct ClientAddressTests {
    private static func address(_ text: String) throws -> ClientAddress {
        ClientAddress(try SocketAddress(ipAddress: text, port: 1))
    }

    @Test(
        "one network of IPv6 is one client, however its addresses are shortened",
        arguments: [
            ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::1", "2001:db8:1:2::"],
            ["2001:db8::1", "2001:db8::a:0:0:1", "2001:db8:0:0:a:b:c:d", "2001:db8::b:c:d:e"],
            ["2001:db8:1:0:0:0:0:9", "2001:db8:1:0:9:9:9:9", "2001:db8:1::"],
            ["2001:0:0:2:9::", "2001::2:0:0:0:1"],
            ["::1", "::", "::2"],
            ["192.0.2.1", "::ffff:192.0.2.1"],
        ])
    func same(_ texts: [String]) throws {
        for text in texts {
            #expect(try Self.address(text) == Self.address(texts[0]), "\(text)")
        }
    }

    @Test("others are others")
    func others() throws {
        let texts = [
            "2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8::1", "2001:db8:2::1", "::1",
            "0:0:0:1::", "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.3", "1::",
        ]
        #expect(Set(try texts.map(Self.address)).count == texts.count)
    }
}
