// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// An event as machines read it: one JSON object on one line, with a key `event` that names it.
///
/// Goes with the line for people as the metadata `record`. Keys do not change once they are there.
package struct LogRecord: CustomStringConvertible, Sendable {
    /// The key of the metadata.
    package static let key = "record"

    /// The object.
    package let json: String

    /// Takes the object.
    package init(json: String) { self.json = json }

    package var description: String { json }
}
