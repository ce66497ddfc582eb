// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// A message that the rules refused, kept whole so that an audit can refuse it again.
package struct MessageRefused: BorshCodable, Hashable, Sendable {
    /// The message.
    package var message: Message
    /// Why it was refused.
    package var refusal: Refusal

    /// Whether the rules do refuse it so is for an audit to say.
    package init(message: Message, refusal: Refusal) {
        self.message = message
        self.refusal = refusal
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(message)
        writer.write(refusal)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        message = try Message(from: &reader)
        refusal = try Refusal(from: &reader)
    }
}
