// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

extension LogError: CustomStringConvertible {
    /// What happened and what to do, for a person.
    package var description: String {
        switch self {
        case .disk(let error): "the disk failed: \(error)"
        case .syncFailed(let error):
            "a sync failed (\(error)); stop, check the disk, and start again"
        case .unusable(let error):
            "the log cannot be used after a failure (\(error)); start again"
        case .directoryNotEmpty(let path, let found):
            "\(path) is not empty: it holds \(found); choose a new directory"
        case .notALog(let path): "there is no log in \(path)"
        case .locked(let path, let holder):
            "another process\(holder.map { ", \($0)," } ?? "") holds \(path)"
        case .newerFormat(let file, let version, let known):
            "\(file) has format \(version), newer than \(known): use a newer program"
        case .damaged(let file, let offset, let entry, let flaw):
            "\(file) is damaged at byte \(offset), entry \(entry): \(flaw); restore it from a copy"
        case .readOnly: "the log was opened for reading only"
        case .closed: "the log was closed"
        case .entryLength(let bytes, let max):
            "an entry of \(bytes) bytes: 1 to \(max) are possible"
        case .commitFull(let entries, let rawBytes):
            "\(entries) entries of \(rawBytes) bytes are staged, and no more fit into one commit"
        case .outOfRange(let index, let size): "\(index) is beyond the log's size of \(size)"
        case .blobTooLarge(let bytes, let max): "a blob of \(bytes) bytes: \(max) are possible"
        case .blobMissing(let hash): "there is no blob \(hash.hex)"
        }
    }
}

extension DiskError: CustomStringConvertible {
    /// What happened, for a person.
    package var description: String {
        switch self {
        case .notFound(let path): "\(path) does not exist"
        case .noSpace(let operation, let path): "no space left (\(operation.rawValue) \(path))"
        case .locked(let path, let holder):
            "\(path) is locked\(holder.map { " by process \($0)" } ?? "")"
        case .failed(let operation, let path, let code):
            "\(operation.rawValue) \(path): \(SystemText.of(code))"
        case .powerCut: "the power is cut"
        }
    }
}

extension Flaw: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch self {
        case .endsEarly(let needed, let available):
            "\(needed) bytes were due and \(available) are there"
        case .bytesAfterEnd(let count): "\(count) bytes follow where the file should end"
        case .magic(let expected): "\(expected) does not start here"
        case .field(let name, let value): "\(name) cannot be \(value)"
        case .outOfBounds(let name, let value, let max): "\(name) is \(value), above \(max)"
        case .checksum(let what, let stored, let computed):
            "checksum of the \(what): \(stored.hex) stored, \(computed.hex) computed"
        case .chain(let expected, let found):
            "the frame follows \(found.hex), and \(expected.hex) was before it"
        case .firstIndex(let expected, let found): "entry \(expected) was due, \(found) is here"
        case .compression: "the payload cannot be decompressed"
        case .entryLengths: "the lengths of the entries do not add up"
        case .root(let what, let stored, let computed):
            "root of the \(what): \(stored.hex) stored, \(computed.hex) computed"
        case .size(let stored, let found): "\(stored) entries were written, \(found) are there"
        case .frameList(let frame): "the list of frames is wrong about frame \(frame)"
        case .frameFollows(let offset): "a bad frame, yet a good one follows at byte \(offset)"
        case .segmentMissing: "the segment after this one is missing"
        case .footerMissing: "the segment has no footer"
        case .unexpectedFile: "the file does not belong here"
        case .nameIsNotHash: "the contents do not have the hash that is the name"
        case .shorterThanKnown(let known, let found):
            "\(known) entries were committed, \(found) are there"
        case .tile(let flaw): "\(flaw)"
        }
    }
}

extension UInt64 {
    /// Sixteen hexadecimal digits, least significant byte first, as the field is stored.
    var hex: String {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: self)
        return bytes.hex
    }
}
