// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Testing

@Suite("directories of the simulated disk")
struct SimulatedDirectoryTests {
    private func write(_ path: String, _ disk: SimulatedDisk) throws {
        let file = try disk.open(path, .create)
        try file.write([1], at: 0)
        try file.sync()
    }

    @Test("a file that is durable is lost with a directory whose name is not")
    func orphans() throws {
        let disk = SimulatedDisk()
        try disk.createDirectory("/a")
        try disk.createDirectory("/a/b")
        try write("/a/b/file", disk)
        try disk.syncDirectory("/a/b")
        try disk.syncDirectory("/")
        disk.restart(seed: 0)
        #expect(try disk.list("/a").isEmpty)
        #expect(disk.files.isEmpty)
        try disk.createDirectory("/a/b")
        #expect(try disk.list("/a/b").isEmpty)
    }

    @Test("what gets the name that it has stays", arguments: [false, true])
    func sameName(isDirectory: Bool) throws {
        let disk = SimulatedDisk()
        if isDirectory { try disk.createDirectory("/a") } else { try write("/a", disk) }
        try disk.rename("/a", to: "/a")
        #expect(try disk.list("/") == ["a"])
        try disk.syncDirectory("/")
        disk.restart(seed: 0)
        #expect(try disk.list("/") == ["a"])
        #expect(throws: DiskError.notFound(path: "/b")) { try disk.rename("/b", to: "/b") }
    }

    @Test("a lock that was given up does not give up the next one when it goes")
    func locks() throws {
        let disk = SimulatedDisk()
        var first: EventLog? = try EventLog.create(directory: "/log", disk: disk)
        try first?.close()
        let second = try EventLog.open(directory: "/log", disk: disk)
        first = nil
        #expect(throws: LogError.locked(path: "/log/LOCK", holder: 1)) {
            try EventLog.open(directory: "/log", disk: disk)
        }
        #expect(second.size == 0)
    }
}
