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
    /// Whether the node is an observer, whom fellows may answer.
    let isObserver: Bool
    /// Whether the node is shown all that comes, as one that misbehaves is.
    let tellsAll: Bool

    /// Starts the thread; it ends when the inbox is stopped or closed.
    func start() {
        let thread = Thread { [self] in
            // Else the first decisions would wait for it.
            intake.prepare()
            while let messages = inbox.takeUnchecked() { inbox.put(checked(messages)) }
        }
        thread.name = "recount-in-\(name)"
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// What an observer asks; nil where it is nothing that one may ask.
    private func question(_ message: Arrival) -> PeerMessage? {
        guard let kind = message.bytes.first.flatMap(PeerMessageKind.init(rawValue:)),
            kind == .status || kind == .wantSnapshot, message.bytes.count <= kind.bytesMax
        else { return nil }
        return ArrivedMessage(message.bytes).message
    }

    private func checked(_ messages: [Arrival]) -> NodeInbox.CheckedMessages {
        var result = NodeInbox.CheckedMessages()
        var forHost: [(bytes: [UInt8], peer: ValidatorIndex?)] = []
        var waiting: [Arrival] = []
        for message in messages {
            guard let tag = message.bytes.first else {
                message.judge?(.reject)
                continue
            }
            let party = intake.party(message.sender)
            // The bridge is a client like any other; of those who are nobody, only what others are
            // to get is looked at, which is signed, and what observers ask or tell one another.
            guard
                party != nil
                    || message.isForAll
                        && (tag < DutyMessage.firstTag || tag == DutyMessage.checkpointTag)
                    || isObserver && tag == PeerMessageKind.batch.rawValue
            else {
                if let question = question(message) {
                    result.questions.append((question, message.sender))
                }
                message.judge?(.ignore)
                continue
            }
            if tellsAll { result.heard.append(message) }
            if tag < DutyMessage.firstTag {
                forHost.append((message.bytes, party?.peer))
                waiting.append(message)
            } else if message.bytes.count <= NodeLimits.dutyMessageBytesMax {
                do throws(Ledger.DecodingError) {
                    result.duties.append((try DutyMessage(decoding: message.bytes), message))
                } catch { message.judge?(.reject) }
            } else {
                message.judge?(.reject)
            }
        }
        for (arrival, taken) in zip(waiting, intake.judge(forHost, at: clock.uptime())) {
            switch taken {
            case .taken(let checked): result.arrivals.append((checked, arrival.judge))
            case .ignored: arrival.judge?(.ignore)
            case .wrong: arrival.judge?(.reject)
            }
        }
        return result
    }
}
