// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import EventLog
import Foundation
import Testing

@Suite("files that are there whole, and replace nothing unasked")
struct WholeFileTests {
    private final class Folder {
        let path = NSTemporaryDirectory() + "recount-whole-\(UUID().uuidString)"

        init() throws {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        }

        deinit {
            do { try FileManager.default.removeItem(atPath: path) } catch { print(error) }
        }

        var names: [String] {
            get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
        }
    }

    private func contents(_ path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test("a new file holds the bytes, and nothing is left beside it")
    func new() throws {
        let folder = try Folder()
        try WholeFile.write(Array("one".utf8), to: folder.path + "/a", replaces: false)
        #expect(try contents(folder.path + "/a") == "one")
        #expect(try folder.names == ["a"])
    }

    @Test("a file is replaced where that is asked for, and else is as it was")
    func replaced() throws {
        let folder = try Folder()
        let file = folder.path + "/a"
        try WholeFile.write(Array("one".utf8), to: file, replaces: false)
        #expect(throws: WholeFileError.taken(.file)) {
            try WholeFile.write(Array("two".utf8), to: file, replaces: false)
        }
        #expect(try contents(file) == "one")
        try WholeFile.write(Array("two".utf8), to: file, replaces: true)
        #expect(try contents(file) == "two")
        #expect(try folder.names == ["a"])
    }

    @Test("a link gives way to a file, and what it points at stays")
    func link() throws {
        let folder = try Folder()
        let (file, link) = (folder.path + "/a", folder.path + "/b")
        try WholeFile.write(Array("one".utf8), to: file, replaces: false)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file)
        #expect(throws: WholeFileError.taken(.link)) {
            try WholeFile.write(Array("two".utf8), to: link, replaces: false)
        }
        try WholeFile.write(Array("two".utf8), to: link, replaces: true)
        #expect(try contents(file) == "one")
        #expect(try contents(link) == "two")
        #expect(try WholeFile.kind(of: link) == .file)
    }

    @Test("a link to nothing is in the way too")
    func danglingLink() throws {
        let folder = try Folder()
        let link = folder.path + "/b"
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: folder.path + "/absent")
        #expect(throws: WholeFileError.taken(.link)) {
            try WholeFile.write([1], to: link, replaces: false)
        }
        #expect(try folder.names == ["b"])
    }

    @Test("a device is never replaced, and is written into where that is asked for")
    func device() throws {
        #expect(throws: WholeFileError.taken(.device)) {
            try WholeFile.write([1], to: "/dev/null", replaces: false)
        }
        try WholeFile.write([1], to: "/dev/null", replaces: true)
        #expect(try WholeFile.kind(of: "/dev/null") == .device)
        #expect(throws: WholeFileError.self) {
            try WholeFile.write([1], to: "/dev/full", replaces: true)
        }
    }

    @Test("a folder is never replaced")
    func folder() throws {
        let folder = try Folder()
        for replaces in [false, true] {
            #expect(throws: WholeFileError.taken(.folder)) {
                try WholeFile.write([1], to: folder.path, replaces: replaces)
            }
        }
    }

    @Test("where there is no such folder the disk says so")
    func nowhere() throws {
        let folder = try Folder()
        let path = folder.path + "/absent/a"
        #expect(throws: WholeFileError.disk(.notFound(path: path))) {
            try WholeFile.write([1], to: path, replaces: false)
        }
    }
}

@Suite("standard streams that are closed")
struct ClosedStreamTests {
    @Test("their numbers are given to no file that is opened, and writing fails as before")
    func numbers() async {
        await #expect(processExitsWith: .success) {
            for descriptor in [Int32(0), 1, 2] { close(descriptor) }
            ForeignOutput.holdStandardStreams()
            let next = dup(0)
            let isWritten = ForeignOutput(descriptor: 2).write([1]) == 1
            exit(next > 2 && !isWritten ? 0 : 1)
        }
    }
}
