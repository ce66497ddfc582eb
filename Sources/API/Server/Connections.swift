// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How many connections there are, in all and of each address.
final class Connections: Sendable {
    private let limits: APILimits
    /// How many there may be.
    let max: Int
    private let open = Mutex<(all: Int, of: [ClientAddress: Int], refused: UInt64)>((0, [:], 0))

    init(_ limits: APILimits) {
        self.limits = limits
        max = limits.connectionsMax(ofOpenFiles: APILimits.openFilesMax)
    }

    /// How many there are.
    var count: Int { open.withLock(\.all) }

    /// How many were turned away.
    var refused: UInt64 { open.withLock(\.refused) }

    /// Counts one more, unless there is no room for it.
    func enter(_ address: ClientAddress) -> Bool {
        open.withLock { open in
            let own = open.of[address] ?? 0
            guard open.all < max, own < limits.connectionsPerAddressMax else {
                open.refused += 1
                return false
            }
            open.all += 1
            open.of[address] = own + 1
            return true
        }
    }

    /// Counts one less that had entered.
    func leave(_ address: ClientAddress) {
        open.withLock { open in
            open.all -= 1
            let own = (open.of[address] ?? 1) - 1
            open.of[address] = own > 0 ? own : nil
        }
    }
}
