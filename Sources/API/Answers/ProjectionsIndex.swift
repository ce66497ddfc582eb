// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Audit
package import Cryptography
package import EventLog
internal import Ledger
internal import Projections

/// The projections of a ledger as an index of its log.
package struct ProjectionsIndex: LedgerIndex {
    private let reader: ProjectionsReader

    /// Opens the projections of a log where there are some that take all of it in; nothing is built
    /// or written for it.
    package init?(of log: EventLog) {
        let info = Projections.info(ledgerDirectory: log.directory, log: log)
        guard case .follows(let position, behind: 0) = info.condition,
            position.entries == log.size
        else { return nil }
        do throws(ProjectionsError) {
            reader = try Projections.followed(ledgerDirectory: log.directory)
        } catch { return nil }
    }

    package func knowsValidator(_ name: String) -> Bool {
        ask { views throws(ViewError) in try views.validator(called: name) } != nil
    }

    package func request(called name: String) -> RequestPlaces? {
        ask { views throws(ViewError) in
            try views.places(ofRequest: try views.request(called: name))
        }.map { RequestPlaces($0) }
    }

    package func spender(
        ofNullifier digits: String
    ) -> (nullifier: Bytes32, request: UInt64)? {
        ask { views throws(ViewError) in
            let nullifier = try views.nullifier(called: digits)
            guard let request = try views.lastSpender(of: nullifier),
                let bytes = Bytes32(nullifier)
            else { return nil }
            return (bytes, request)
        }
    }

    package func standing(atOpening entry: UInt64) -> StandingPlaces? {
        ask { views throws(ViewError) in try views.standing(atOpening: entry) }.map { found in
            StandingPlaces(
                opening: entry, previous: found.previous, request: found.request,
                changes: found.changes, reputations: found.reputations, moved: found.moved)
        }
    }

    package func reputation(of name: String) -> ReputationPlaces? {
        ask { views throws(ViewError) -> ReputationPlaces? in
            let number = try views.validator(called: name)
            guard let index = UInt16(exactly: number),
                let found = try views.lastClamped(validator: number)
            else { return nil }
            return ReputationPlaces(
                validator: ValidatorIndex(index), opening: found.opening, changes: found.changes)
        }
    }

    /// What makes the certificate of a decided request, so that nothing is folded; nil where the
    /// index does not say where it stands, or the log does not bear it out.
    package func certificateMaker(called name: String, in log: EventLog) -> CertificateMaker? {
        ask { views throws(ViewError) in
            let entry = try views.request(called: name)
            let made = try Self.certificateMaker(ofRequest: entry, in: log, views)
            do throws(CertificateMakingError) { return try made.get() } catch { return nil }
        }
    }

    /// The same of the request of an entry, from views of the log, or why there is none.
    ///
    /// What the views cannot read is thrown as what it is.
    static func certificateMaker(
        ofRequest entry: UInt64, in log: EventLog, _ views: LedgerViews
    ) throws(ViewError) -> Result<CertificateMaker, CertificateMakingError> {
        var unreadable: ViewError?
        func places(_ entry: UInt64) throws(CertificateMakingError) -> CertificatePlaces {
            let found: DecisionView?
            do throws(ViewError) { found = try views.decision(ofRequest: entry) } catch {
                unreadable = error
                throw .missing(entry: entry, kind: EventType.requestSubmitted.jsonName)
            }
            guard let found else {
                throw .missing(entry: entry, kind: EventType.requestSubmitted.jsonName)
            }
            return try CertificatePlaces(found)
        }
        func id(_ entry: UInt64) throws(CertificateMakingError) -> RequestID? {
            do throws(ViewError) { return try views.requestID(at: entry) } catch {
                unreadable = error
                throw .missing(entry: entry, kind: EventType.requestSubmitted.jsonName)
            }
        }
        let made = Result { () throws(CertificateMakingError) -> CertificateMaker in
            try CertificateMaker(try places(entry), in: log, other: places, id: id)
        }
        if let unreadable { throw unreadable }
        return made
    }

    /// The history of a closed request, so that nothing is folded; nil as above, and where more
    /// messages were refused since than are looked at.
    package func history(called name: String, in log: EventLog) -> RequestHistory? {
        guard let places = request(called: name),
            let refusals = ask({ views throws(ViewError) in
                try views.refusals(after: places.closed)
            })
        else { return nil }
        do throws(PlacesError) {
            return try RequestHistory.read(places, in: log, refusals: refusals)
        } catch { return nil }
    }

    /// The same of the request of an entry, from views of the log.
    static func history(
        ofRequest entry: UInt64, in log: EventLog, _ views: LedgerViews
    ) throws(ViewError) -> RequestHistory? {
        guard let places = try views.places(ofRequest: entry),
            let refusals = try views.refusals(after: places.closed)
        else { return nil }
        do throws(PlacesError) {
            return try RequestHistory.read(RequestPlaces(places), in: log, refusals: refusals)
        } catch { return nil }
    }

    /// What the projections answer; nil where they have no answer.
    private func ask<Value>(_ question: (LedgerViews) throws(ViewError) -> Value?) -> Value? {
        do throws(ViewError) { return try LedgerViews.read(reader.database, question) } catch {
            return nil
        }
    }
}

extension RequestPlaces {
    fileprivate init(_ found: RequestPlacesView) {
        self.init(
            request: found.request, opening: found.opening, closed: found.closed,
            changes: found.changes, reputations: found.reputations,
            announcements: found.announcements, later: found.later)
    }
}

extension CertificatePlaces {
    /// The same of a request that is decided, and in a way that needs no more entries.
    init(_ view: DecisionView) throws(CertificateMakingError) {
        guard let decided = view.decided, let batch = view.batch else {
            throw .undecided(entry: view.request, deadline: view.deadline)
        }
        self.init(
            request: view.request, circuit: view.circuit, submitter: view.submitter,
            pinned: view.pinned.map {
                Certificate.Pinned(
                    index: $0.number, key: $0.key, stake: $0.stake, reputation: $0.reputation)
            }, votes: view.votes, decided: decided, closed: view.closed, batch: batch)
    }
}
