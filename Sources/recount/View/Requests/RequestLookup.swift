// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import EventLog
import Ledger

/// Finds what people call a request by its entry or by the first digits of its identity.
enum RequestLookup {
    /// Runs `body` with what `id` means, and says in words why nothing is found.
    ///
    /// A number may be meant as digits of an identity where no request has that entry.
    static func find<Value>(
        _ id: String, in log: EventLog, _ path: String,
        _ body: (RequestSelector) throws(HistoryError) -> Value
    ) throws(Failure) -> Value {
        guard let selector = RequestSelector(id, size: log.size) else {
            throw Failure("\(id) is neither an entry nor the first digits of an identity")
        }
        do throws(HistoryError) {
            do throws(HistoryError) {
                return try body(selector)
            } catch .notFound where selector != .prefix(id) {
                return try body(.prefix(id))
            }
        } catch {
            throw failure(error, id, log, path)
        }
    }

    private static func failure(
        _ error: HistoryError, _ id: String, _ log: EventLog, _ path: String
    ) -> Failure {
        switch error {
        case .replay(let error): return Failure("\(log.directory): \(error)")
        case .notFound:
            return Failure(
                "no request is called \(id) in \(log.directory); recount log \(path) --kind"
                    + " requestSubmitted lists those that are there")
        case .ambiguous(let candidates):
            let names = candidates.map { "\($0.id.hex.prefix(16))… (entry \($0.entry))" }
            return Failure(
                "several requests start with \(id): \(names.joined(separator: ", "));"
                    + " give more digits")
        }
    }
}
