// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Seconds that a test waits for what must come, on a machine that does other things as well: none
/// waits so long but one that fails.
package let testPatienceSeconds = 120.0
