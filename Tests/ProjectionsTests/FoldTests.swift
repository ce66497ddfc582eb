// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import GRDB
import Ledger
import Projections
import TestSupport
import Testing

@Suite struct FoldTests {
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func rebuiltEqualsProjectedLive(seed: UInt64) throws {
        let live = try ProjectedLedger(seed: seed, writing: 1)
        let writer = live.writer()
        for _ in live.batches.dropFirst() {
            try live.write(1)
            #expect(try writer.catchUp().entries == live.log.size)
        }
        let position = try writer.catchUp()
        #expect(position.logRoot == live.log.root)
        try writer.close()
        let rebuilt = try ProjectedLedger(seed: seed)
        #expect(try live.content() == rebuilt.content())
    }
}
