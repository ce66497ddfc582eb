// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
package import Ledger

/// Why precommits could not be read.
package enum PrecommitStoreError: Error, Equatable, Sendable {
    /// The disk failed.
    case disk(DiskError)
    /// There is no file of this height.
    case missing(Height)
    /// The file is damaged or does not belong there.
    case damaged(PrecommitDamage)
}

/// A file of precommits that cannot be used.
package struct PrecommitDamage: Error, Equatable, Sendable {
    /// The path of the file.
    package let file: String
    /// What is wrong with it.
    package let reason: Reason

    /// What can be wrong with a file of precommits.
    package enum Reason: Equatable, Sendable {
        /// It is no such file, or cut or damaged.
        case file(FramedFile.Flaw)
        /// It is of another height than its name says.
        case height(found: Height)
    }
}

extension PrecommitDamage: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch reason {
        case .file(let flaw): "\(file) holds no precommits: \(flaw)"
        case .height(let found): "\(file) holds the precommits of height \(found.rawValue)"
        }
    }
}

/// The precommits of a ledger's last batches: files `checkpoints/<height, 20 digits>.precommits`.
///
/// The precommits of a batch are in the log only once the next batch is. A file is a `FramedFile`
/// of the magic `RCPC`, version 1, that holds `Precommits`. It is written under a temporary name,
/// synced and renamed, so that it is there whole or as it was before. Signatures are not verified
/// here. One writer at a time.
package struct PrecommitStore: Sendable {
    private static let form = FramedFile("RCPC", version: 1)
    private static let bytesMax = 128 << 10
    private static let suffix = ".precommits"
    /// The file that the next are written into; whoever looks through the directory passes it over.
    private static let spare = "spare.precommits.tmp"

    /// The directory of the files.
    package let directory: String
    private let disk: any Disk

    /// The precommits of the ledger in `ledgerDirectory`.
    package init(ledgerDirectory: String, disk: any Disk) {
        directory = "\(ledgerDirectory)/checkpoints"
        self.disk = disk
    }

    /// The path of the file of a height.
    package func path(_ height: Height) -> String { "\(directory)/\(Self.name(height))" }

    /// Keeps precommits durably, in place of others of their height.
    ///
    /// Of the files of lower heights only the newest stays; what interrupted writing left goes. The
    /// file that is to go becomes the one that the next are written into, once its new name is
    /// durable: ext4 passes over every inode that was just freed, which is most of a busy node's
    /// time where each batch makes a file and removes one.
    package func save(_ precommits: Precommits) throws(DiskError) {
        _ = try disk.makeDirectory(directory)
        let names = try disk.list(directory)
        for name in names where name.hasSuffix("\(Self.suffix).tmp") && name != Self.spare {
            try disk.remove("\(directory)/\(name)")
        }
        let spare = "\(directory)/\(Self.spare)"
        let bytes = Self.encoded(precommits)
        let file = try disk.open(spare, names.contains(Self.spare) ? .write : .create)
        try file.write(bytes, at: 0)
        try file.truncate(to: UInt64(bytes.count))
        try file.sync()
        try disk.rename(spare, to: path(precommits.height))
        let lower = names.compactMap { Self.height(in: $0) }.filter { $0 < precommits.height }
        for (place, height) in lower.dropLast().enumerated() {
            if place == 0 {
                try disk.rename(path(height), to: spare)
            } else {
                try disk.remove(path(height))
            }
        }
        try disk.syncDirectory(directory)
    }

    /// The heights of which there is a file, ascending; other names are passed over.
    package func heights() throws(DiskError) -> [Height] {
        do {
            return try disk.list(directory).compactMap { Self.height(in: $0) }
        } catch {
            if case .notFound = error { return [] }
            throw error
        }
    }

    /// Reads the precommits of a height.
    ///
    /// Throws `.missing`, `.disk` or `.damaged`; of the reasons of that in this order: length of
    /// the header, magic, version, length, hash, decoding, height.
    package func load(_ height: Height) throws(PrecommitStoreError) -> Precommits {
        let bytes: [UInt8]
        do { bytes = try disk.contents(of: path(height), max: Self.bytesMax) } catch {
            if case .notFound = error { throw .missing(height) }
            throw .disk(error)
        }
        do throws(PrecommitDamage) {
            let precommits = try Self.precommits(in: bytes, of: path(height))
            guard precommits.height == height else {
                throw PrecommitDamage(
                    file: path(height), reason: .height(found: precommits.height))
            }
            return precommits
        } catch {
            throw .damaged(error)
        }
    }

    /// Reads the bytes of a file that lies anywhere; `file` is what it is called in an error.
    package static func precommits(
        in bytes: [UInt8], of file: String
    ) throws(PrecommitDamage) -> Precommits {
        do throws(FramedFile.Flaw) {
            return try form.decode(Precommits.self, from: bytes)
        } catch {
            throw PrecommitDamage(file: file, reason: .file(error))
        }
    }

    /// Reads the newest precommits that can be used, and says which files cannot.
    ///
    /// Those of a height above `heightMax` are left out.
    package func newest(
        through heightMax: Height = Height(.max)
    ) throws(DiskError) -> (precommits: Precommits?, damaged: [PrecommitDamage]) {
        var damaged: [PrecommitDamage] = []
        for height in try heights().reversed() where height <= heightMax {
            do throws(PrecommitStoreError) {
                return (try load(height), damaged)
            } catch {
                switch error {
                case .damaged(let damage): damaged.append(damage)
                case .missing: break
                case .disk(let error): throw error
                }
            }
        }
        return (nil, damaged)
    }

    private static func encoded(_ precommits: Precommits) -> [UInt8] {
        let bytes = form.encoded(precommits)
        invariant(bytes.count <= bytesMax, "more precommits than a file may hold")
        return bytes
    }

    private static func name(_ height: Height) -> String {
        let digits = String(height.rawValue)
        return String(repeating: "0", count: 20 - digits.utf8.count) + digits + suffix
    }

    private static func height(in name: String) -> Height? {
        guard name.hasSuffix(suffix), let number = UInt64(name.dropLast(suffix.count)),
            self.name(Height(number)) == name
        else { return nil }
        return Height(number)
    }
}
