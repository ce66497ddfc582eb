// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How many requests each address has left: so many a second, and twice as many at once.
///
/// A bounded table. Where it is full, those who have all that they may have are forgotten, which
/// changes nothing for them; where nobody can be, strangers share one measure.
final class RateMeter: Sendable {
    private struct Bucket {
        var tokens: Double
        var at: ContinuousClock.Instant
    }

    private struct Contents {
        var buckets: [ClientAddress: Bucket] = [:]
        var others: Bucket
    }

    private let perSecond: Double
    private let addressesMax: Int
    private let contents: Mutex<Contents>

    init(perSecond: UInt32, addressesMax: Int, now: ContinuousClock.Instant = .now) {
        self.perSecond = Double(perSecond)
        self.addressesMax = addressesMax
        contents = Mutex(Contents(others: Bucket(tokens: 2 * Double(perSecond), at: now)))
    }

    /// Takes one request of an address; false where it has none left.
    func spend(_ address: ClientAddress, now: ContinuousClock.Instant = .now) -> Bool {
        guard perSecond > 0 else { return true }
        return contents.withLock { contents in
            if contents.buckets[address] == nil {
                makeRoom(&contents, now)
                guard contents.buckets.count < addressesMax else {
                    return spend(&contents.others, now)
                }
            }
            var bucket = contents.buckets[address] ?? Bucket(tokens: 2 * perSecond, at: now)
            defer { contents.buckets[address] = bucket }
            return spend(&bucket, now)
        }
    }

    private func spend(_ bucket: inout Bucket, _ now: ContinuousClock.Instant) -> Bool {
        bucket.tokens = tokens(bucket, now)
        bucket.at = max(bucket.at, now)
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }

    private func tokens(_ bucket: Bucket, _ now: ContinuousClock.Instant) -> Double {
        let passed = max(.zero, bucket.at.duration(to: now))
        return min(2 * perSecond, bucket.tokens + perSecond * (passed / .seconds(1)))
    }

    private func makeRoom(_ contents: inout Contents, _ now: ContinuousClock.Instant) {
        guard contents.buckets.count >= addressesMax else { return }
        contents.buckets = contents.buckets.filter { tokens($0.value, now) < 2 * perSecond }
    }
}
