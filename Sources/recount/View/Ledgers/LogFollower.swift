// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation

/// Waits for a log to grow, also while another process writes, seals and reopens it.
///
/// A log that is open for reading stays as it was, so this one is opened again when its files have
/// changed. That hashes the entries of the last segment; so the next look is put off by four times
/// what the last took, which leaves four fifths of a core to others.
struct LogFollower {
    private static let tickSeconds = 0.1
    private static let restFactor = 4.0
    /// How long files may stay unreadable while somebody changes them.
    private static let patienceSeconds = 10.0

    /// The log as it was at the last look.
    private(set) var log: EventLog
    private var files: [String]
    private var restUntil = Date.distantPast

    /// Follows a log that was opened for reading.
    init(_ log: EventLog) {
        self.log = log
        // What changed since the log was opened is not known.
        files = []
    }

    /// Waits until the log holds more entries than it did.
    ///
    /// Throws where it holds fewer, or others, than were seen, and where it stays unreadable.
    mutating func wait() throws(Failure) {
        var unreadableSince: Date?
        while true {
            Thread.sleep(forTimeInterval: Self.tickSeconds)
            guard Date() >= restUntil else { continue }
            let now = Self.files(of: log.directory)
            guard now != files || unreadableSince != nil else { continue }
            let start = Date()
            let opened: EventLog
            let isContinued: Bool
            do throws(LogError) {
                opened = try EventLog.open(
                    directory: log.directory, disk: POSIXDisk(), access: .readOnly)
                let root = opened.size < log.size ? nil : try opened.root(at: log.size)
                isContinued = root == log.root
            } catch {
                let since = unreadableSince ?? start
                unreadableSince = since
                guard Date().timeIntervalSince(since) < Self.patienceSeconds else {
                    throw Failure("\(error)")
                }
                continue
            }
            guard isContinued else {
                throw Failure(
                    "\(log.directory) no longer holds the \(log.size) entries that were seen;"
                        + " it was replaced")
            }
            unreadableSince = nil
            files = now
            restUntil = Date() + Date().timeIntervalSince(start) * Self.restFactor
            guard opened.size > log.size else { continue }
            log = opened
            return
        }
    }

    /// The names and sizes of the files that a reader looks at.
    private static func files(of directory: String) -> [String] {
        let manager = FileManager.default
        var result: [String] = []
        do {
            result = try manager.contentsOfDirectory(atPath: directory + "/segments").sorted()
            for path in [result.last.map { "/segments/\($0)" }, "/END"].compactMap(\.self)
            where manager.fileExists(atPath: directory + path) {
                let facts = try manager.attributesOfItem(atPath: directory + path)
                let changed = facts[.modificationDate] as? Date
                result.append(
                    "\(path) \(facts[.size] ?? 0) \(changed?.timeIntervalSince1970 ?? 0)")
            }
        } catch {
            // Opening says what is wrong.
            result.append("\(error)")
        }
        return result
    }
}
