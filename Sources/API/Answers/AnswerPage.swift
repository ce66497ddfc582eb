// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Projections

/// A page of rows, the newest last.
package protocol AnswerPage: Codable, Sendable {
    /// What a row is.
    associatedtype Row: Codable, Sendable
    /// The rows, oldest first.
    var rows: [Row] { get }
    /// What `to` is to be for the page before, where there is one.
    var older: UInt64? { get }
    /// How many pass, where that was asked for.
    var count: UInt64? { get }
}

/// What `GET /requests` answers.
package struct RequestsPage: AnswerPage {
    /// The requests.
    package var requests: [RequestView] = []
    package var older: UInt64?
    package var count: UInt64?
    package var rows: [RequestView] { requests }
}

/// What `GET /jobs` answers.
package struct JobsPage: AnswerPage {
    /// The jobs.
    package var jobs: [JobView] = []
    package var older: UInt64?
    package var count: UInt64?
    package var rows: [JobView] { jobs }
}

/// What `GET /rounds` answers.
package struct RoundsPage: AnswerPage {
    /// The rounds.
    package var rounds: [RoundView] = []
    package var older: UInt64?
    package var count: UInt64? { nil }
    package var rows: [RoundView] { rounds }
}

/// What `GET /validators` answers.
package struct ValidatorsAnswer: Codable, Sendable {
    /// All of them.
    package var validators: [ValidatorView]
}
