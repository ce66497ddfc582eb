// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import EventLog

/// The names under which a ledger directory is made anew and takes the place of another.
///
/// `<ledger>.recovering` is unfinished and worth nothing; `<ledger>.recovered` is finished and
/// checked; `<ledger>.damaged-<n>` is what the ledger was before. One name changes at a time, each
/// made durable before the next, so that after a crash the ledger is the old one, or the new one,
/// or missing with the new one under `.recovered`, which the next run puts in its place.
struct DirectorySwap {
    /// The ledger.
    let directory: String
    let disk: any Disk

    /// What is being made.
    var unfinished: String { "\(directory).recovering" }
    /// What was made and has not got its name yet.
    var finished: String { "\(directory).recovered" }

    private var parent: String { disk.parent(of: directory) }

    /// Whether there is a directory.
    func exists(_ path: String) throws(DiskError) -> Bool { try disk.exists(path) }

    /// Removes what earlier runs left that did not get to their end.
    func removeLeftovers() throws(DiskError) {
        for path in [unfinished, finished] where try exists(path) {
            try disk.removeTree(path)
        }
    }

    /// Gives what was made the name that says that it is finished.
    func finish() throws(DiskError) {
        try disk.rename(unfinished, to: finished)
        try disk.syncDirectory(parent)
    }

    /// Puts the ledger that is there aside; returns where it is now.
    func putAside() throws(DiskError) -> String {
        let number = (try damagedCopies().last ?? 0) + 1
        let path = damaged(number)
        try disk.rename(directory, to: path)
        try disk.syncDirectory(parent)
        return path
    }

    /// Puts what was made in the place of the ledger, where nothing is now.
    func putInPlace() throws(DiskError) {
        try disk.rename(finished, to: directory)
        try disk.syncDirectory(parent)
    }

    /// The ledger that was put aside last, if any was.
    func lastPutAside() throws(DiskError) -> String? {
        try damagedCopies().last.map { damaged($0) }
    }

    private func damaged(_ number: UInt64) -> String { "\(directory).damaged-\(number)" }

    /// The numbers of the directories that were put aside, ascending.
    private func damagedCopies() throws(DiskError) -> [UInt64] {
        let base = directory.split(separator: "/").last.map(String.init) ?? directory
        let prefix = "\(base).damaged-"
        return try disk.list(parent).compactMap { name in
            name.hasPrefix(prefix) ? UInt64(name.dropFirst(prefix.count)) : nil
        }.sorted()
    }
}
