// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
package import Ledger

/// Who passes on at once what a client has brought to several nodes.
///
/// The members are ranked anew for each message. A client that tells more than one tells the first
/// f + 1 in rank, one of whom is honest. The first passes the message on; the others of them need
/// not: their votes tell everybody of a request, and who lacks it asks for it. A node further down
/// was told alone, by a client that knows nothing of ranks, and passes on.
package enum Passing {
    /// The members in the order in which a client tells them, as places in the order of their
    /// numbers: from a place that the message gives, around.
    ///
    /// - Parameters:
    ///   - message: What the client brings.
    ///   - count: How many members there are; not 0.
    package static func order(of message: Message, in ledger: LedgerID, count: Int) -> [Int] {
        let first = first(of: digest(of: message, in: ledger), count: count)
        return (0..<count).map { (first + $0) % count }
    }

    /// The rank of the member at a place.
    static func rank(of place: Int, _ digest: Digest, count: Int) -> Int {
        let first = first(of: digest, count: count)
        let rank = (place + count - first) % count
        invariant((first + rank) % count == place, "place \(place) of \(count) has rank \(rank)")
        return rank
    }

    /// The id of a request, SHA-256 of the encoding of anything else.
    static func digest(of message: Message, in ledger: LedgerID) -> Digest {
        if case .request(let request) = message { return request.id(in: ledger).digest }
        return OtherMessages.digest(of: message)
    }

    /// The first eight bytes, little-endian, modulo the number of members.
    private static func first(of digest: Digest, count: Int) -> Int {
        let number = digest.bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return Int(number % UInt64(count))
    }
}

extension Replica {
    /// Whether this node passes on at once what a client has brought it. Only of a request do votes
    /// tell, and only for a report of a payment does nobody wait: all else is passed on.
    func passesOn(_ message: Message) -> Bool {
        switch message {
        case .request, .settlement: break
        default: return true
        }
        guard let speaker, let place = state.members.firstIndex(of: speaker) else { return true }
        let digest = Passing.digest(of: message, in: state.ledger)
        let rank = Passing.rank(of: place, digest, count: state.members.count)
        return rank == 0 || rank > consensus.failuresMax
    }
}
