// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The places of long bodies: so many in all, and fewer for one address.
final class UploadPlaces: Sendable {
    private let max: Int
    private let perAddressMax: Int
    private let held = Mutex<[ClientAddress: Int]>([:])

    init(_ limits: APILimits) {
        max = limits.uploadsMax
        perAddressMax = limits.uploadsPerAddressMax
    }

    /// Holds one for an address; throws where it has as many as it may, or none is free.
    func hold(for address: ClientAddress) throws(APIError) -> Held {
        let problem = held.withLock { held -> APIError? in
            let own = held[address] ?? 0
            guard own < perAddressMax else {
                return .tooMany(
                    "this address hands in a job already: hand in the next when that has come",
                    reason: "tooManyUploads")
            }
            guard held.values.reduce(0, +) < max else { return .busy("too many hand in jobs") }
            held[address] = own + 1
            return nil
        }
        if let problem { throw problem }
        return Held { [self] in giveBack(address) }
    }

    private func giveBack(_ address: ClientAddress) {
        held.withLock { held in
            let own = (held[address] ?? 1) - 1
            held[address] = own > 0 ? own : nil
        }
    }
}
