// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import CoreMetrics
internal import NIOHTTP1
internal import Telemetry

/// Counts responses over HTTP.
struct ResponseCounts: Sendable {
    private let registry: MetricRegistry
    private let timer: Timer

    init(_ registry: MetricRegistry) {
        self.registry = registry
        timer = Timer(label: "recount_api_response_seconds", factory: registry)
    }

    /// Counts one whose request was read at a time.
    func note(_ response: Response, since start: ContinuousClock.Instant) {
        let dimensions = [("status", "\(response.status.code)")]
        Counter(
            label: "recount_api_responses_total", dimensions: dimensions, factory: registry
        ).increment()
        let passed = start.duration(to: .now) / .nanoseconds(1)
        timer.recordNanoseconds(Int64(max(0, min(passed, 1e18))))
    }
}
