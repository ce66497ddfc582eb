// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation

/// What is said of an error whose kind nobody foresaw: never a dump of Foundation.
enum ErrorWords {
    private static let depthMax = 8

    /// The words of the system where it has some, else those that the error has for people.
    static func of(_ error: any Error) -> String {
        guard isFoundation(error) else { return "\(error)" }
        return system(error as NSError, depth: 0) ?? error.localizedDescription
    }

    private static func isFoundation(_ error: any Error) -> Bool {
        error is CocoaError || error is POSIXError || error is URLError
            || type(of: error) is NSError.Type
    }

    private static func system(_ error: NSError, depth: Int) -> String? {
        if error.domain == NSPOSIXErrorDomain {
            return SystemText.words(Int32(clamping: error.code))
        }
        guard depth < depthMax else { return nil }
        return (error.userInfo[NSUnderlyingErrorKey] as? NSError)
            .flatMap { system($0, depth: depth + 1) }
    }
}
