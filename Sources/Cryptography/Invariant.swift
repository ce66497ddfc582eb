// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// Stops the process, in every build, when a belief of ours is false.
///
/// `precondition` prints no message in optimised builds; this does. Never for input from outside.
@inline(always)
package func invariant(
    _ holds: Bool, _ message: @autoclosure () -> String,
    file: StaticString = #fileID, line: UInt = #line
) {
    guard holds else { fatalError(message(), file: file, line: line) }
}
