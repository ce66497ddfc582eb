// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

/// Names of tiles, as they are written and read.
struct TilePathTests {
    @Test(
        "a path is read as it is written",
        arguments: [
            TilePath.hashes(level: 0, number: 0), .hashes(level: 7, number: 1_234_067),
            .hashes(level: 3, number: 999, width: 1), .entries(number: 1000),
            .entries(number: 0, width: 255), .hashes(level: 0, number: 18_446_744_073_709_551),
        ])
    func roundTrip(path: TilePath) {
        #expect(TilePath(path.description) == path)
    }

    @Test(
        "what is never written is not read",
        arguments: [
            "", "tile", "tile/", "tile/0", "tile/0/", "tile/0/1", "tile/0/0001", "tile/0/x00/000",
            "tile/0/x000/001", "tile/0/000/001", "tile/0/x001", "tile/8/000", "tile/-1/000",
            "tile/00/000", "tile/+1/000", "tile/x/000", "tile/entries", "tile/entries/000/",
            "tile/0/000.p", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
            "tile/0/000/5", "tile/0/000.p/5/6", "tile/0/000.q/5", "tile/0/+01", "hash/0/000",
            "/tile/0/000", "tile//000",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/0/" + String(repeating: "x000/", count: 100) + "000",
        ])
    func refused(text: String) {
        #expect(TilePath(text) == nil)
    }
}
