// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog
internal import Foundation

/// Who holds a lock file, told without taking it: taking it for a moment could keep a node from
/// starting.
package enum LockHolder {
    /// The process that holds the lock; nil where nobody does, as far as can be told.
    ///
    /// The holder wrote its number into the file, which stays there where it was killed. So the
    /// system is asked too where it lists its locks; elsewhere a process of that number is believed
    /// to be the holder.
    package static func of(_ path: String) -> Int32? {
        let text: [UInt8]
        do throws(DiskError) { text = try NamedInput.read(path, max: 16) } catch { return nil }
        let digits = String(decoding: text.prefix { (0x30...0x39).contains($0) }, as: UTF8.self)
        guard let number = Int32(digits), number > 0 else { return nil }
        if let isListed = isListed(path, number) { return isListed ? number : nil }
        // Another user's process may not be signalled, and is there all the same.
        return kill(number, 0) == 0 || errno == EPERM ? number : nil
    }

    /// Whether the system lists a lock of the process on the file; nil where it lists none at all.
    private static func isListed(_ path: String, _ process: Int32) -> Bool? {
        guard let inode = inode(of: path),
            let bytes = FileManager.default.contents(atPath: "/proc/locks")
        else { return nil }
        // "1: FLOCK  ADVISORY  WRITE 4711 fe:01:262169 0 EOF"
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").contains { line in
            let words = line.split(separator: " ")
            return words.count > 5 && words[1] == "FLOCK" && words[4] == "\(process)"
                && words[5].hasSuffix(":\(inode)")
        }
    }

    private static func inode(of path: String) -> UInt64? {
        do {
            let found = try FileManager.default.attributesOfItem(atPath: path)
            return (found[.systemFileNumber] as? NSNumber)?.uint64Value
        } catch { return nil }
    }
}
