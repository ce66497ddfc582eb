// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger
package import Storage

/// Why a case cannot be read.
package enum CaseFault: Error, Equatable, Sendable {
    /// The disk failed, or there is no such file.
    case disk(DiskError)
    /// It is no case, or cut or damaged.
    case file(FramedFile.Flaw)
}

extension CaseFault: CustomStringConvertible {
    /// What is wrong, for a person; the file is named by whoever asked.
    package var description: String {
        switch self {
        case .disk(let error): "it cannot be read: \(error)"
        case .file(let flaw): "it holds no case: \(flaw)"
        }
    }
}

/// A case's file: a `FramedFile` of the magic `RCDC`, version 1, that holds a `DivergenceCase`.
package enum CaseFile {
    private static let form = FramedFile("RCDC", version: 1)
    /// What a file begins with.
    package static let magic = form.magic
    /// Bytes of a file: two batches, the state of those who are unfinished, and what is little.
    package static let bytesMax = 192 << 20

    /// The bytes of a file.
    package static func encoded(_ found: DivergenceCase) -> [UInt8] { form.encoded(found) }

    /// Decodes a file; see `FramedFile.decode` for what is checked, and in which order.
    package static func decode(_ bytes: [UInt8]) throws(CaseFault) -> DivergenceCase {
        do throws(FramedFile.Flaw) {
            return try form.decode(DivergenceCase.self, from: bytes)
        } catch {
            throw .file(error)
        }
    }

    /// Reads a file.
    package static func load(_ path: String, disk: any Disk) throws(CaseFault) -> DivergenceCase {
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.contents(of: path, max: bytesMax) } catch {
            throw .disk(error)
        }
        return try decode(bytes)
    }
}

/// The cases of a node: files `cases/<height, 20 digits>-<root, 16 digits>[-<number>].case` in its
/// home, each open until it is released by a person or closed by the outcome that it lacked.
///
/// A file is written under a temporary name, synced and renamed. An empty file beside it, with
/// `released` or `closed` in the place of `case`, says what became of it. One writer at a time.
package struct CaseStore: Sendable {
    /// What became of a case.
    package enum Status: String, Sendable {
        /// The node signs nothing.
        case open
        /// A person has said that it may go on: it signs again beyond the batch in dispute.
        case released
        /// The ledger holds what T validators agreed on.
        case closed
    }

    /// A case, as far as its name says.
    package struct Listed: Equatable, Sendable {
        /// Without its ending.
        package let name: String
        /// The batch in dispute.
        package let height: Height
        /// What became of it.
        package let status: Status
    }

    private static let suffix = ".case"
    /// Cases of one batch: each a start by a person's word, or of another version.
    private static let perBatchMax = 99

    /// The directory of the files.
    package let directory: String
    private let disk: any Disk

    /// The cases of the node in `home`.
    package init(home: String, disk: any Disk) {
        directory = "\(home)/cases"
        self.disk = disk
    }

    /// The path of a case.
    package func path(_ name: String) -> String { "\(directory)/\(name)\(Self.suffix)" }

    /// All of them, in order of height, those of one in the order in which they were kept.
    package func all() throws(DiskError) -> [Listed] {
        let names = try files()
        let listed: [Listed] = names.compactMap { file in
            guard file.hasSuffix(Self.suffix) else { return nil }
            let name = String(file.dropLast(Self.suffix.count))
            guard let height = Self.height(in: name) else { return nil }
            let status: Status =
                if names.contains("\(name).closed") {
                    .closed
                } else if names.contains("\(name).released") { .released } else { .open }
            return Listed(name: name, height: height, status: status)
        }
        return listed.sorted {
            ($0.height.rawValue, $0.name.utf8.count, $0.name)
                < ($1.height.rawValue, $1.name.utf8.count, $1.name)
        }
    }

    private func files() throws(DiskError) -> [String] {
        do throws(DiskError) { return try disk.list(directory) } catch {
            if case .notFound = error { return [] }
            throw error
        }
    }

    /// Keeps a case durably, beside others of its batch; returns its name.
    package func keep(_ found: DivergenceCase) throws(DiskError) -> String {
        _ = try disk.makeDirectory(directory)
        let names = try files()
        let digits = String(found.height.rawValue)
        let first =
            String(repeating: "0", count: 20 - digits.utf8.count) + digits + "-"
            + found.root.hex.prefix(16)
        var name = first
        var number = 2
        while names.contains("\(name)\(Self.suffix)"), number <= Self.perBatchMax {
            name = "\(first)-\(number)"
            number += 1
        }
        invariant(
            Self.height(in: name) == found.height,
            "a case of batch \(found.height.rawValue) is called \(name)")
        try replace(name, with: found)
        return name
    }

    /// Writes more of a case than was known.
    package func replace(_ name: String, with found: DivergenceCase) throws(DiskError) {
        try disk.place(CaseFile.encoded(found), in: directory, as: "\(name)\(Self.suffix)")
    }

    /// Reads a case.
    package func load(_ name: String) throws(CaseFault) -> DivergenceCase {
        try CaseFile.load(path(name), disk: disk)
    }

    /// Notes durably what became of a case.
    package func note(_ status: Status, of name: String) throws(DiskError) {
        guard status != .open else { return }
        try disk.place([], in: directory, as: "\(name).\(status.rawValue)")
    }

    private static func height(in name: String) -> Height? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, parts[0].utf8.count == 20,
            parts[1].utf8.count == 16, let height = UInt64(parts[0])
        else { return nil }
        return Height(height)
    }
}
