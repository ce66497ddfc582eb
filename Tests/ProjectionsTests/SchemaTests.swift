// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Projections
import Testing

@Suite struct SchemaTests {
    @Test func theMigrationsAreInTheProgram() {
        #expect(Schema.tables.contains("CREATE TABLE position"))
        #expect(Schema.indexes.contains("CREATE VIEW answer"))
    }
}
