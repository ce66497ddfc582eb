// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

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
            file.replaceSubrange(offset..<end, with: bytes)
        case .truncate(let size):
            if size <= file.count {
                file.removeLast(file.count - size)
            } else {
                file += [UInt8](repeating: 0, count: size - file.count)
            }
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
struct SimulatedState {
    /// A change of names: all of it happens, or nothing.
    struct NameChange {
        let directory: String
        let removed: String?
        let added: (path: String, inode: Int)?
    }

    var inodes: [SimulatedInode] = []
    /// Paths as programs see them, and as they are after a crash. Directories have inode -1.
    var names: [String: Int] = ["/": -1]
    var durableNames: [String: Int] = ["/": -1]
    var nameChanges: [NameChange] = []
    var locks: [String] = []
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
        for change in nameChanges where change.directory == path {
            Self.apply(change, to: &durableNames)
        }
        nameChanges.removeAll { $0.directory == path }
    }

    mutating func lock(_ path: String) throws(DiskError) {
        try begin(.lock, path)
        guard !locks.contains(path) else { throw .locked(path: path, holder: 1) }
        if file(path) == nil {
            inodes.append(SimulatedInode())
            change(
                NameChange(
                    directory: Self.parent(of: path), removed: nil,
                    added: (path, inodes.count - 1)))
        }
        locks.append(path)
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
        for change in nameChanges {
            let survives = seed % 4 == 0 ? false : seed % 4 == 1 || random.below(2) == 0
            if survives { Self.apply(change, to: &durableNames) }
        }
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
