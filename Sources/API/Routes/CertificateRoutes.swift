// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Audit
internal import EventLog
internal import Ledger
internal import NIOHTTP1
internal import Projections

/// Certificates, made from the entries that the projections name: nothing is folded.
extension Routes {
    /// `GET /requests/ID/certificate`.
    static func addCertificates(to router: inout Router, _ desk: NodeDesk) {
        router.get("requests/:id/certificate") { request in
            _ = try Query(request, known: [])
            let name = request.parameter("id")
            let (log, _) = try desk.log()
            // What is not there costs no look at the checkpoints.
            let entry = try await desk.ask { views throws(ViewError) in
                try views.request(called: name)
            }
            let signed = try await newestCheckpoint(desk)
            let made = try await desk.ask { views throws(ViewError) in
                try ProjectionsIndex.certificateMaker(ofRequest: entry, in: log, views)
                    .flatMap { maker in
                        Result { () throws(CertificateMakingError) -> Certificate in
                            try maker.certificate(under: signed)
                        }
                    }
            }
            do throws(CertificateMakingError) { return .bytes(try made.get().bytes) } catch {
                throw tooEarlyOrFailed(error)
            }
        }
    }

    /// The newest checkpoint; where there is none yet, it is too early for a certificate.
    private static func newestCheckpoint(_ desk: NodeDesk) async throws -> SignedCheckpoint {
        do { return try await checkpoint(desk) } catch let error as APIError
            where error.status == .notFound
        {
            throw APIError(
                status: .conflict, reason: "tooEarly", message: error.message,
                retryAfterSeconds: 5)
        }
    }

    private static func tooEarlyOrFailed(_ error: CertificateMakingError) -> APIError {
        switch error {
        case .undecided, .notCovered:
            APIError(
                status: .conflict, reason: "tooEarly", message: "\(error)",
                retryAfterSeconds: 5)
        default: .failed("\(error)")
        }
    }
}
