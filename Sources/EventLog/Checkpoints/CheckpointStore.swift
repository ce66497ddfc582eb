// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// Why a checkpoint could not be kept or read.
package enum CheckpointStoreError: Error, Equatable, Sendable {
    /// The disk failed.
    case disk(DiskError)
    /// There is no checkpoint of this size.
    case missing(size: UInt64)
    /// The file is damaged or does not belong there.
    case damaged(CheckpointDamage)
    /// Another checkpoint of the same log has this size: one of the two is false.
    case contradiction(file: String, stored: TreeHead, given: TreeHead)
    /// What was to be kept is of another log, or its lines do not fit.
    case refused(NoteError)
}

/// A file of checkpoints that cannot be used.
package struct CheckpointDamage: Error, Equatable, Sendable {
    /// The path of the file.
    package let file: String
    /// What is wrong with it.
    package let reason: Reason

    /// The damage with these parts.
    package init(file: String, reason: Reason) {
        self.file = file
        self.reason = reason
    }

    /// What can be wrong with a file of checkpoints.
    package enum Reason: Equatable, Sendable {
        /// Its name is not that of a checkpoint.
        case name
        /// It is no note, no checkpoint, of another log, or falsely signed.
        case note(NoteError)
        /// The checkpoint has another size than the name says.
        case size(found: UInt64)
        /// No key of the policy signed it.
        case unsigned
        /// A line is of a key that the policy does not know.
        case unknownKey(name: String, keyID: UInt32)
    }
}

extension CheckpointStoreError: CustomStringConvertible {
    /// What happened, for a person.
    package var description: String {
        switch self {
        case .disk(let error): "the disk failed: \(error)"
        case .missing(let size): "there is no checkpoint of size \(size)"
        case .damaged(let damage): "\(damage)"
        case .contradiction(let file, let stored, let given):
            "\(file) says that size \(stored.size) has root \(stored.root.hex), and another "
                + "checkpoint says \(given.root.hex)"
        case .refused(let error): "the checkpoint cannot be kept: \(error)"
        }
    }
}

extension CheckpointDamage: CustomStringConvertible {
    /// What is wrong, for a person.
    package var description: String {
        switch reason {
        case .name: "\(file) is not named like a checkpoint"
        case .note(let error): "\(file): \(error)"
        case .size(let found): "\(file) holds a checkpoint of size \(found)"
        case .unsigned: "\(file): no validator's signature"
        case .unknownKey(let name, let keyID):
            "\(file): \(name) with key id \(keyID.keyIDText) is no validator"
        }
    }
}

/// The newest checkpoint that can be used, and what was found wrong on the way.
package struct NewestCheckpoint: Equatable, Sendable {
    /// The newest good one; nil where there is none.
    package let checkpoint: SignedCheckpoint?
    /// The files that are newer than it, or unfit to be compared, and cannot be used.
    package let damaged: [CheckpointDamage]
}

/// The checkpoints of a ledger: files `checkpoints/<size, 20 digits>.checkpoint`, a note each.
///
/// A file is written under a temporary name, synced and renamed, so that it is there whole or as
/// it was before; what an interrupted write left (`.tmp`) is no checkpoint. One writer at a time.
package struct CheckpointStore: Sendable {
    /// How many are kept unless told otherwise.
    package static let keptUnlessTold = 64

    /// The directory of the checkpoints.
    package let directory: String
    /// The origin of all of them.
    package let origin: String
    /// What their signatures are held against when they are read; nil: nothing.
    package let policy: CheckpointPolicy?
    private let disk: any Disk

    private static let suffix = ".checkpoint"
    private static let digits = 20

    /// The checkpoints of the log in `logDirectory`.
    ///
    /// With a policy, which names everybody who may have signed, a file is damaged that has a false
    /// signature, none at all, or one of anybody else. How many signed is not asked. Without a
    /// policy no signature is checked.
    package init(
        logDirectory: String, origin: String, policy: CheckpointPolicy? = nil, disk: any Disk
    ) {
        directory = "\(logDirectory)/checkpoints"
        self.origin = origin
        self.policy = policy
        self.disk = disk
    }

    /// The path of the checkpoint of this size.
    package func path(_ size: UInt64) -> String { "\(directory)/\(Self.name(size))" }

    private static func name(_ size: UInt64) -> String {
        let number = "\(size)"
        return String(repeating: "0", count: digits - number.utf8.count) + number + suffix
    }

    private static func size(of name: String) -> UInt64? {
        guard name.hasSuffix(suffix) else { return nil }
        let number = name.utf8.dropLast(suffix.utf8.count)
        let plain = number.dropLast().drop { $0 == 0x30 } + number.suffix(1)
        guard number.count == digits, let size = UInt64(plainDecimal: Array(plain)) else {
            return nil
        }
        return size
    }

    /// Keeps a checkpoint; where one of the same size is kept, adds the lines that it lacks.
    ///
    /// Returns what is kept now. A damaged file of that size is replaced. The lines are not
    /// verified here. Throws, in this order: `.refused` (another origin), `.disk`,
    /// `.contradiction`, `.refused` (too many lines).
    package func save(
        _ signed: SignedCheckpoint
    ) throws(CheckpointStoreError) -> (kept: SignedCheckpoint, repaired: CheckpointDamage?) {
        guard signed.checkpoint.originUTF8 == Array(origin.utf8) else {
            throw .refused(.otherOrigin(expected: origin, found: signed.checkpoint.origin))
        }
        try onDisk { () throws(DiskError) in _ = try disk.makeDirectory(directory) }
        var kept = signed
        var repaired: CheckpointDamage?
        do throws(CheckpointStoreError) {
            let stored = try load(size: signed.checkpoint.size)
            guard stored.head == signed.head else {
                throw .contradiction(
                    file: path(signed.checkpoint.size), stored: stored.head, given: signed.head)
            }
            kept = stored
            let added: Int
            do { added = try kept.merge(signed) } catch { throw .refused(error) }
            if added == 0 {
                // A crash may have come between its name and the sync of the directory.
                try onDisk { () throws(DiskError) in try disk.syncDirectory(directory) }
                return (kept, nil)
            }
        } catch {
            switch error {
            case .missing: break
            case .damaged(let damage): repaired = damage
            default: throw error
            }
        }
        let name = Self.name(signed.checkpoint.size)
        invariant(
            Self.size(of: name) == kept.checkpoint.size,
            "a checkpoint of size \(kept.checkpoint.size) is named \(name)")
        invariant(kept.head == signed.head, "another root of size \(signed.head.size) is kept")
        kept.checkAgain()
        let bytes = kept.bytes
        try onDisk { () throws(DiskError) in
            try disk.place(bytes, in: directory, as: name)
        }
        return (kept, repaired)
    }

    /// Reads the checkpoint of this size; throws `.missing`, `.damaged` or `.disk`.
    package func load(size: UInt64) throws(CheckpointStoreError) -> SignedCheckpoint {
        let file = path(size)
        let bytes: [UInt8]
        do { bytes = try disk.contents(of: file, max: SignedNote.bytesMax) } catch {
            if case .notFound = error { throw .missing(size: size) }
            throw .disk(error)
        }
        do { return try read(bytes, file: file, size: size) } catch { throw .damaged(error) }
    }

    private func read(
        _ bytes: [UInt8], file: String, size: UInt64
    ) throws(CheckpointDamage) -> SignedCheckpoint {
        func damage(_ reason: CheckpointDamage.Reason) -> CheckpointDamage {
            CheckpointDamage(file: file, reason: reason)
        }
        let signed: SignedCheckpoint
        do throws(NoteError) {
            signed = try SignedCheckpoint(bytes)
            guard signed.checkpoint.originUTF8 == Array(origin.utf8) else {
                throw .otherOrigin(expected: origin, found: signed.checkpoint.origin)
            }
        } catch { throw damage(.note(error)) }
        guard signed.checkpoint.size == size else {
            throw damage(.size(found: signed.checkpoint.size))
        }
        guard let policy else { return signed }
        let verdict: CheckpointVerdict
        do { verdict = try policy.verdict(on: signed, origin: origin) } catch {
            throw damage(.note(error))
        }
        if let line = verdict.unknown.first {
            throw damage(.unknownKey(name: line.name.description, keyID: line.keyID))
        }
        guard !verdict.signers.isEmpty else { throw damage(.unsigned) }
        return signed
    }

    /// The sizes of the checkpoints, ascending, by their names, and the files of other names.
    ///
    /// Nothing where there is no directory. Temporary files are in neither list, nor precommits,
    /// which are kept in the same directory.
    package func list() throws(CheckpointStoreError) -> (
        sizes: [UInt64], others: [CheckpointDamage]
    ) {
        var sizes: [UInt64] = []
        var others: [CheckpointDamage] = []
        for name in try names() where !name.hasSuffix(".tmp") && !name.hasSuffix(".precommits") {
            if let size = Self.size(of: name) {
                sizes.append(size)
            } else {
                others.append(CheckpointDamage(file: "\(directory)/\(name)", reason: .name))
            }
        }
        return (sizes.sorted(), others)
    }

    /// Reads the newest checkpoint that can be used, and says which could not.
    ///
    /// `below` leaves out those of a larger size than this. Throws `.disk`.
    package func newest(
        below sizeMax: UInt64 = .max
    ) throws(CheckpointStoreError) -> NewestCheckpoint {
        var (sizes, damaged) = try list()
        sizes.removeAll { $0 > sizeMax }
        for size in sizes.reversed() {
            do throws(CheckpointStoreError) {
                return NewestCheckpoint(checkpoint: try load(size: size), damaged: damaged)
            } catch {
                switch error {
                case .damaged(let damage): damaged.append(damage)
                case .missing: break
                default: throw error
                }
            }
        }
        return NewestCheckpoint(checkpoint: nil, damaged: damaged)
    }

    /// Reads every checkpoint: the good ones by ascending size, and what is wrong with the others.
    ///
    /// Throws `.disk`.
    package func all() throws(CheckpointStoreError) -> (
        good: [SignedCheckpoint], damaged: [CheckpointDamage]
    ) {
        let (sizes, others) = try list()
        var good: [SignedCheckpoint] = []
        var damaged = others
        for size in sizes {
            do throws(CheckpointStoreError) { good.append(try load(size: size)) } catch {
                switch error {
                case .damaged(let damage): damaged.append(damage)
                case .missing: break
                default: throw error
                }
            }
        }
        return (good, damaged)
    }

    /// Removes all but the newest `count` checkpoints and what interrupted writes left.
    ///
    /// Returns the sizes that were removed. Files of other names stay. Throws `.disk`.
    package func prune(
        keeping count: Int = keptUnlessTold
    ) throws(CheckpointStoreError) -> [UInt64] {
        let sizes = Array(try list().sizes.dropLast(max(0, count)))
        let torn = try names().filter { $0.hasSuffix("\(Self.suffix).tmp") }
        guard !sizes.isEmpty || !torn.isEmpty else { return [] }
        try onDisk { () throws(DiskError) in
            for name in torn { try disk.remove("\(directory)/\(name)") }
            for size in sizes { try disk.remove(path(size)) }
            try disk.syncDirectory(directory)
        }
        return sizes
    }

    private func names() throws(CheckpointStoreError) -> [String] {
        do { return try disk.list(directory) } catch {
            if case .notFound = error { return [] }
            throw .disk(error)
        }
    }

    private func onDisk<R>(
        _ body: () throws(DiskError) -> R
    ) throws(CheckpointStoreError) -> R {
        do { return try body() } catch { throw .disk(error) }
    }
}
