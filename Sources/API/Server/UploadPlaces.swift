// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The places of long bodies: so many in all, and fewer for one address.
final class UploadPlaces: Sendable {
    private let max: Int
    private let perAddressMax: Int
    private let taken = Mutex<[ClientAddress: Int]>([:])

    init(_ limits: APILimits) {
        max = limits.uploadsMax
        perAddressMax = limits.uploadsPerAddressMax
    }

    /// Takes one for an address; throws where it has as many as it may, or none is free.
    func take(_ address: ClientAddress) throws(APIError) -> Held {
        let problem = taken.withLock { taken -> APIError? in
            let own = taken[address] ?? 0
            guard own < perAddressMax else {
                return .tooMany(
                    "this address hands in a job already: hand in the next when that has come",
                    reason: "tooManyUploads")
            }
            guard taken.values.reduce(0, +) < max else { return .busy("too many hand in jobs") }
            taken[address] = own + 1
            return nil
        }
        if let problem { throw problem }
        return Held { [self] in giveBack(address) }
    }

    private func giveBack(_ address: ClientAddress) {
        taken.withLock { taken in
            let own = (taken[address] ?? 1) - 1
            taken[address] = own > 0 ? own : nil
        }
    }
}
