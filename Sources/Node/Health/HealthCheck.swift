// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// One thing that was looked at, how it is, and what to do.
package struct HealthCheck: Sendable, Equatable {
    /// What was looked at.
    package enum Subject: String, Sendable, CaseIterable {
        case configuration, keys, ledger, journal, waiting, cases, clock, disk, versions, peers
        case backups, restart, network
    }

    /// How it is.
    package enum Health: String, Sendable, CaseIterable {
        /// As it should be.
        case good
        /// A person should look at it.
        case warning
        /// Something is wrong.
        case bad
        /// It was not looked at; `finding` says why.
        case unknown
    }

    /// What was looked at.
    package let subject: Subject
    /// How it is.
    package let health: Health
    /// What was found, in words.
    package let finding: String
    /// What to do; nil where nothing is to be done, or the finding says it.
    package let advice: String?

    /// - Precondition: `finding` is not empty: each judgement has its ground.
    package init(
        _ subject: Subject, _ health: Health, _ finding: String, advice: String? = nil
    ) {
        self.subject = subject
        self.health = health
        self.finding = finding
        self.advice = advice
    }
}
