// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation
internal import Hosting
internal import Ledger
internal import Replication

/// Checks what peers sent on a thread of its own, many signatures at once where many messages wait,
/// so that the thread of the node's state gets only what is decoded and signed.
struct Receiving: Sendable {
    let name: String
    let inbox: NodeInbox
    let intake: Intake
    let clock: any NodeClock
    /// Whether the node is shown all that comes, as one that misbehaves is.
    let tellsAll: Bool

    /// Starts the thread; it ends when the inbox is stopped or closed.
    func start() {
        let thread = Thread { [self] in
            while let messages = inbox.takeUnchecked() { inbox.put(checked(messages)) }
        }
        thread.name = "recount-in-\(name)"
        thread.stackSize = 8 << 20
        thread.start()
    }

    private func checked(
        _ messages: [(message: [UInt8], sender: PublicKey)]
    ) -> NodeInbox.CheckedMessages {
        var result = NodeInbox.CheckedMessages()
        var forHost: [(bytes: [UInt8], peer: ValidatorIndex?)] = []
        for (message, sender) in messages {
            // The bridge is a client like any other; nobody else has business here.
            guard let tag = message.first, let party = intake.party(sender) else { continue }
            if tellsAll { result.heard.append((message, sender)) }
            if tag < DutyMessage.firstTag {
                forHost.append((message, party.peer))
            } else if message.count <= NodeLimits.dutyMessageBytesMax {
                do throws(Ledger.DecodingError) {
                    result.duties.append((try DutyMessage(decoding: message), sender))
                } catch { continue }
            }
        }
        result.arrivals = intake.take(forHost, at: clock.uptime())
        return result
    }
}
