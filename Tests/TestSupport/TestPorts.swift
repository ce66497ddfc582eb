// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Ports of this machine for tests that run beside each other: each is given out once, until all
/// have been, and only while nobody listens there.
public enum TestPorts {
    /// Below those that systems give to whoever dials.
    private static let range: Range<UInt16> = 15_000..<32_000
    private static let next = Mutex(UInt16.random(in: range))
    /// Behind those that a network is made with lie those that it gives to who joins later.
    private static let spare = 8

    /// The first of so many in a row; the next few are nobody's either.
    public static func reserve(_ count: Int) -> UInt16 {
        next.withLock { next in
            while true {
                let count = count + spare
                if Int(next) + count > Int(range.upperBound) { next = range.lowerBound }
                let ports = next..<(next + UInt16(count))
                next = ports.upperBound
                if ports.allSatisfy(isFree) { return ports.lowerBound }
            }
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        #if canImport(Darwin)
            let listener = socket(AF_INET, SOCK_STREAM, 0)
        #else
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        guard listener >= 0 else { return true }
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: an IPv4 address is passed as the general one, with its own size.
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(listener, $0, size) == 0
            }
        }
    }
}
