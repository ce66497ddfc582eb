// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// What changed a file since its last sync.
enum SimulatedChange {
    case write([UInt8], at: Int)
    case truncate(Int)

    func apply(to file: inout [UInt8]) {
        switch self {
        case .write(let bytes, let offset):
            let end = offset + bytes.count
            if bytes.isEmpty { return }
            if file.count < end {
                file += [UInt8](repeating: 0, count: end - file.count)
            }
            let size = file.count
            file.replaceSubrange(offset..<end, with: bytes)
            invariant(file.count == size, "\(bytes.count) bytes in \(size) made \(file.count)")
        case .truncate(let size):
            if size <= file.count {
                file.removeLast(file.count - size)
            } else {
                file += [UInt8](repeating: 0, count: size - file.count)
            }
            invariant(file.count == size, "a file cut to \(size) bytes has \(file.count)")
        }
    }

    /// What a crash leaves of the change: all, nothing, or a part of a write.
    func survivor(_ random: inout SimulatedRandom) -> SimulatedChange? {
        switch (self, random.below(4)) {
        case (_, 0): return nil
        case (_, 1): return self
        case (.truncate, let choice): return choice == 2 ? nil : self
        case (.write(let bytes, let offset), 2):
            return .write(Array(bytes[..<random.below(bytes.count + 1)]), at: offset)
        case (.write(let bytes, let offset), _):
            // The middle is there and the start is not, as with sectors written out of order.
            let start = random.below(bytes.count + 1)
            return .write(Array(bytes[start...]), at: offset + start)
        }
    }
}

/// A file, whatever its name.
struct SimulatedInode {
    var bytes: [UInt8] = []
    var durable: [UInt8] = []
    var changes: [SimulatedChange] = []

    mutating func apply(_ change: SimulatedChange) {
        change.apply(to: &bytes)
        changes.append(change)
    }

    mutating func sync() {
        for change in changes { change.apply(to: &durable) }
        changes = []
    }

    /// What a failed sync leaves: writes that programs see, and that no later sync makes durable.
    ///
    /// Source: Rebello et al. 2020, "Can applications recover from fsync failures?".
    mutating func failSync() {
        changes.removeAll {
            if case .write = $0 { true } else { false }
        }
    }
}

/// A small generator (SplitMix64), so that what survives follows from the seed.
struct SimulatedRandom {
    var state: UInt64

    mutating func below(_ count: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        mixed ^= mixed >> 31
        return Int(mixed % UInt64(max(1, count)))
    }
}

/// Everything on a simulated disk.
///
/// Invariants: each file of `names` and `durableNames` is below `inodes.count`; a file is in
/// `locks` at most once; `isDying` only while `isOff`; no change of names in a directory that was
/// synced since is in `nameChanges`.
struct SimulatedState {
    /// A change of names: all of it happens, or nothing.
    struct NameChange {
        var directory: String
        var removed: String?
        var added: (path: String, inode: Int)?
        /// A directory that got another name, with all that is in it.
        var moved: (from: String, to: String)?
        /// Two directories that got each other's names, with all that is in them.
        var exchanged: (one: String, other: String)?

        /// Whether a directory or file is no longer called so after it.
        func frees(_ path: String) -> Bool { removed == path || moved?.from == path }

        /// Says the same of paths that were given another beginning.
        mutating func replacePrefix(_ from: String, with to: String) {
            directory = SimulatedState.moved(directory, from, to)
            removed = removed.map { SimulatedState.moved($0, from, to) }
            added = added.map { (SimulatedState.moved($0.path, from, to), $0.inode) }
        }

        /// Says the same of paths whose beginnings were exchanged.
        mutating func exchange(_ one: String, with other: String) {
            directory = SimulatedState.exchanged(directory, one, other)
            removed = removed.map { SimulatedState.exchanged($0, one, other) }
            added = added.map { (SimulatedState.exchanged($0.path, one, other), $0.inode) }
        }
    }

    var inodes: [SimulatedInode] = []
    /// Paths as programs see them, and as they are after a crash. Directories have inode -1.
    var names: [String: Int] = ["/": -1]
    var durableNames: [String: Int] = ["/": -1]
    /// What may be lost of the names, in order.
    ///
    /// Their paths are as programs see them now: `durable` tells those that the disk knows.
    var nameChanges: [NameChange] = []
    /// The files that are locked.
    var locks: [Int] = []
    var operations = 0
    var fault: (operation: Int, kind: SimulatedFault)?
    var isFull = false
    var isOff = false
    /// Whether the operation in progress is the one at which the power goes.
    var isDying = false
    /// Grows with each restart, so that files opened before it are known.
    var life = 0

    func isDirectory(_ path: String) -> Bool { names[path] == -1 }

    func file(_ path: String) -> Int? { names[path].flatMap { $0 < 0 ? nil : $0 } }

    /// Counts an operation, and makes it fail if it is its turn.
    mutating func begin(
        _ operation: DiskOperation, _ path: String, life opened: Int? = nil
    ) throws(DiskError) {
        invariant(!isDying || isOff, "the power goes at operation \(operations), and is on")
        isDying = false
        if isOff || (opened ?? life) != life { throw .powerCut }
        defer { operations += 1 }
        if let fault, fault.operation == operations {
            switch fault.kind {
            case .noSpace: isFull = true
            case .inputOutputError: throw .failed(operation, path: path, code: 5)
            case .powerCut:
                isOff = true
                isDying = true
                throw .powerCut
            }
        }
        let takesSpace: [DiskOperation] = [.write, .create, .createDirectory]
        if isFull, takesSpace.contains(operation) {
            throw .noSpace(operation, path: path)
        }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }

    mutating func change(_ change: NameChange) {
        Self.apply(change, to: &names)
        nameChanges.append(change)
    }

    static func apply(_ change: NameChange, to names: inout [String: Int]) {
        if let (one, other) = change.exchanged {
            names = Dictionary(
                uniqueKeysWithValues: names.map { (exchanged($0.key, one, other), $0.value) })
        }
        if let (from, to) = change.moved {
            names = Dictionary(
                uniqueKeysWithValues: names.map { (moved($0.key, from, to), $0.value) })
        }
        if let removed = change.removed { names[removed] = nil }
        if let added = change.added { names[added.path] = added.inode }
    }

    func list(_ directory: String) throws(DiskError) -> [String] {
        guard isDirectory(directory) else { throw .notFound(path: directory) }
        let prefix = directory == "/" ? "/" : directory + "/"
        // Sorted, so the order of the dictionary does not show.
        return names.keys.filter { $0 != "/" && Self.parent(of: $0) == directory }
            .map { String($0.dropFirst(prefix.count)) }.sorted()
    }

    mutating func open(_ path: String, _ access: DiskAccess) throws(DiskError) -> Int {
        try begin(access == .create ? .create : .open, path)
        if let inode = file(path) {
            if access == .create { inodes[inode].apply(.truncate(0)) }
            invariant(
                access != .create || inodes[inode].bytes.isEmpty,
                "a file made anew holds \(inodes[inode].bytes.count) bytes")
            return inode
        }
        guard access == .create, isDirectory(Self.parent(of: path)) else {
            throw .notFound(path: path)
        }
        inodes.append(SimulatedInode())
        change(
            NameChange(
                directory: Self.parent(of: path), removed: nil,
                added: (path, inodes.count - 1)))
        return inodes.count - 1
    }

    mutating func rename(_ path: String, to newPath: String) throws(DiskError) {
        try begin(.rename, path)
        // POSIX: where both are names of one file, nothing is done.
        if path == newPath, names[path] != nil { return }
        if isDirectory(path) { return try moveDirectory(path, to: newPath) }
        guard let inode = file(path) else { throw .notFound(path: path) }
        change(
            NameChange(
                directory: Self.parent(of: path), removed: path, added: (newPath, inode)))
    }

    mutating func remove(_ path: String) throws(DiskError) {
        try begin(.remove, path)
        guard file(path) != nil else { throw .notFound(path: path) }
        change(NameChange(directory: Self.parent(of: path), removed: path, added: nil))
    }

    mutating func createDirectory(_ path: String) throws(DiskError) {
        try begin(.createDirectory, path)
        guard names[path] == nil else { throw .failed(.createDirectory, path: path, code: 17) }
        guard isDirectory(Self.parent(of: path)) else { throw .notFound(path: path) }
        change(
            NameChange(directory: Self.parent(of: path), removed: nil, added: (path, -1)))
    }

    mutating func syncDirectory(_ path: String) throws(DiskError) {
        try begin(.syncDirectory, path)
        guard isDirectory(path) else { throw .notFound(path: path) }
        keepNames { $0.directory == path }
        invariant(
            !nameChanges.contains { $0.directory == path }, "a name in \(path) is not durable")
    }

    mutating func lock(_ path: String) throws(DiskError) -> Int {
        try begin(.lock, path)
        guard isDirectory(Self.parent(of: path)) else { throw .notFound(path: path) }
        if let inode = file(path), locks.contains(inode) {
            throw .locked(path: path, holder: 1)
        }
        let inode = file(path) ?? inodes.count
        if inode == inodes.count {
            inodes.append(SimulatedInode())
            change(
                NameChange(
                    directory: Self.parent(of: path), removed: nil, added: (path, inode)))
        }
        locks.append(inode)
        invariant(file(path) == inode, "a lock on a file that is not \(path)")
        invariant(
            locks.count <= inodes.count, "\(locks.count) locks on \(inodes.count) files")
        return inode
    }

    mutating func replace(_ path: String, with bytes: [UInt8]?) {
        guard let bytes else {
            names[path] = nil
            durableNames[path] = nil
            return
        }
        inodes.append(SimulatedInode(bytes: bytes, durable: bytes))
        names[path] = inodes.count - 1
        durableNames[path] = inodes.count - 1
    }

    mutating func restart(seed: UInt64) {
        var random = SimulatedRandom(state: seed)
        for number in inodes.indices {
            var bytes = inodes[number].durable
            for change in inodes[number].changes {
                let survivor: SimulatedChange? =
                    switch seed % 4 {
                    case 0: nil
                    case 1: change
                    default: change.survivor(&random)
                    }
                survivor?.apply(to: &bytes)
            }
            inodes[number] = SimulatedInode(bytes: bytes, durable: bytes)
        }
        keepNames { _ in seed % 4 == 0 ? false : seed % 4 == 1 || random.below(2) == 0 }
        // Nobody finds what is in a directory whose own name was lost.
        let found = durableNames
        durableNames = found.filter { name in
            var path = name.key
            while path != "/" {
                path = Self.parent(of: path)
                if found[path] != -1 { return false }
            }
            return true
        }
        invariant(
            seed % 4 != 1 || nameChanges.isEmpty, "\(nameChanges.count) changes of names are lost")
        invariant(
            durableNames.values.allSatisfy { $0 < inodes.count },
            "a name of a file beyond the \(inodes.count) that there are")
        names = durableNames
        nameChanges = []
        locks = []
        fault = nil
        isFull = false
        isOff = false
        isDying = false
        life += 1
    }
}

extension SimulatedState {
    /// The path after a directory above it, or the path itself, got another name.
    static func moved(_ path: String, _ from: String, _ to: String) -> String {
        if path == from { return to }
        return path.hasPrefix(from + "/") ? to + path.dropFirst(from.count) : path
    }

    /// Gives a directory another name, which nothing or an empty directory has.
    private mutating func moveDirectory(
        _ path: String, to newPath: String
    ) throws(DiskError) {
        guard Self.parent(of: path) == Self.parent(of: newPath) else {
            throw .failed(.rename, path: path, code: 18)
        }
        if names[newPath] != nil {
            guard isDirectory(newPath) else { throw .failed(.rename, path: path, code: 20) }
            guard try list(newPath).isEmpty else { throw .failed(.rename, path: path, code: 39) }
        }
        // A journal keeps the order of the changes of one name.
        if nameChanges.contains(where: { $0.frees(newPath) }) {
            keepNames { _ in true }
            checkNamesKept()
        }
        for number in nameChanges.indices {
            nameChanges[number].replacePrefix(path, with: newPath)
        }
        names[newPath] = nil
        change(NameChange(directory: Self.parent(of: path), moved: (path, newPath)))
        invariant(names[path] == nil, "\(path) is there after it became \(newPath)")
        invariant(isDirectory(newPath), "\(newPath) is not there after it was \(path)")
    }

    /// Stops the process where something is left that `keepNames` was to keep all of.
    private func checkNamesKept() {
        invariant(
            nameChanges.isEmpty, "\(nameChanges.count) changes of names wait for a later one")
    }

    /// The path after two directories above it, or the path itself, got each other's names.
    static func exchanged(_ path: String, _ one: String, _ other: String) -> String {
        let away = moved(path, one, other)
        return away == path ? moved(path, other, one) : away
    }

    /// Gives two directories each other's names; what was done to names before is then durable, as
    /// a journal keeps their order.
    mutating func exchange(_ path: String, with other: String) throws(DiskError) {
        try begin(.rename, path)
        for path in [path, other] where !isDirectory(path) { throw .notFound(path: path) }
        keepNames { _ in true }
        checkNamesKept()
        change(NameChange(directory: Self.parent(of: path), exchanged: (path, other)))
    }

    /// Removes an empty directory.
    mutating func removeDirectory(_ path: String) throws(DiskError) {
        try begin(.removeDirectory, path)
        guard isDirectory(path) else { throw .notFound(path: path) }
        guard try list(path).isEmpty else {
            throw .failed(.removeDirectory, path: path, code: 39)
        }
        change(NameChange(directory: Self.parent(of: path), removed: path))
    }

    /// Makes those of the pending changes of names durable that `survives` says.
    ///
    /// One below a directory whose own new name is not durable happens under its old name.
    mutating func keepNames(_ survives: (NameChange) -> Bool) {
        var pending = nameChanges
        var number = 0
        while number < pending.count {
            guard survives(pending[number]) else {
                number += 1
                continue
            }
            var change = pending.remove(at: number)
            for earlier in pending.reversed() {
                if let (from, to) = earlier.moved { change.replacePrefix(to, with: from) }
                if let (one, other) = earlier.exchanged { change.exchange(one, with: other) }
            }
            if let (from, to) = change.moved {
                guard durableNames[from] == -1 else { continue }
                forget(to)
            }
            // What was below a directory is gone once the directory is.
            if let removed = change.removed, durableNames[removed] == -1 { forget(removed) }
            Self.apply(change, to: &durableNames)
        }
        nameChanges = pending
    }

    /// Removes a directory and all that is in it from what is durable.
    private mutating func forget(_ directory: String) {
        durableNames = durableNames.filter {
            $0.key != directory && !$0.key.hasPrefix(directory + "/")
        }
    }
}
