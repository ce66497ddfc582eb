// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// Files of requests, one a line, which are read whole or refused whole.
package enum RequestFile {
    /// Reads every line of a file before any of it is taken; returns how many requests it holds.
    ///
    /// Nil for what can be read only once, as standard input and pipes: each of their lines is
    /// judged as it comes. What a request says is judged later, by who knows the ledger.
    package static func check(_ path: String) throws(NodeError) -> Int? {
        guard path != "-", isPlain(path) else { return nil }
        let source = try FileLineSource(path: path)
        var count = 0
        while let line = try source.next() {
            do throws(LineProblem) {
                _ = try NodeJSON.decode(VerificationRequest.self, line: line.bytes)
            } catch {
                throw .cannot(
                    "\(path), line \(line.number): \(error); nothing of the file is taken")
            }
            count += 1
        }
        return count
    }

    private static func isPlain(_ path: String) -> Bool {
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: target)
            return attributes[.type] as? FileAttributeType == .typeRegular
        } catch { return false }
    }
}
