// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import TestSupport
import Testing

/// A checker of notes and tiles that is built on code that is not ours (Debian's
/// `golang-golang-x-mod-dev`), from `Tools/interop/notecheck.go`.
private enum NoteChecker {
    static let gopath = "/usr/share/gocode"
    static let go = ["/usr/bin/go", "/usr/local/go/bin/go"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static var isAvailable: Bool {
        let package = "\(gopath)/src/golang.org/x/mod/sumdb/tlog/tlog.go"
        return go != nil && FileManager.default.fileExists(atPath: package)
    }

    /// Where Go keeps what it compiled: its own place, unless it has none.
    private static func cache(in directory: String) -> [String: String] {
        let names = ["HOME", "XDG_CACHE_HOME", "GOCACHE"]
        let isKnown = names.contains { ProcessInfo.processInfo.environment[$0] != nil }
        return isKnown ? [:] : ["GOCACHE": "\(directory)/cache"]
    }

    /// Builds the program into a directory, and returns its path.
    static func build(in directory: String) throws -> String {
        let source = Vectors.repository.appendingPathComponent("Tools/interop/notecheck.go").path
        let program = "\(directory)/notecheck"
        let result = try run(
            try #require(go), ["build", "-o", program, source],
            ["GO111MODULE": "off", "GOPATH": gopath, "CGO_ENABLED": "0"].merging(
                cache(in: directory)
            ) { $1 })
        try #require(result.status == 0, "\(result.errors)")
        return program
    }

    /// Runs a program to its end; what it writes is short.
    static func run(
        _ program: String, _ arguments: [String], _ settings: [String: String] = [:]
    ) throws -> (status: Int32, output: String, errors: String) {
        let process = Process()
        let output = Pipe()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .merging(settings) { _, new in new }
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let read = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: read, as: UTF8.self),
            String(decoding: complaint, as: UTF8.self)
        )
    }
}

@Suite struct InteroperabilityTests {
    @Test(
        .enabled(
            if: NoteChecker.isAvailable, "no Go, or no golang.org/x/mod under /usr/share/gocode"))
    func codeThatIsNotOursChecksNotesAndTiles() throws {
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("recount-tiles-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let program = try NoteChecker.build(in: directory.path)
        let tiles = directory.appendingPathComponent("tiles").path
        let made = try NumberedLog.large.get()
        let logKey = try Checkpoint.logKey(origin: origin, publicKey: key(0).publicKey)
        let cosigners = try [UInt8(1), 2].map {
            try Checkpoint.cosignerKey(origin: origin, publicKey: key($0).publicKey)
        }
        var keys = ["-key", logKey.vkey]
        for cosigner in cosigners { keys += ["-cosigner", cosigner.vkey] }

        var older: [String] = []
        for (size, every) in [(1, 1), (255, 1), (256, 1), (257, 1), (65_537, 997), (70_000, 499)] {
            let signed = try made.checkpoint(size, cosigners: [1, 2])
            _ = try TileExport.run(made.log, upTo: signed, to: tiles, disk: POSIXDisk())
            let result = try NoteChecker.run(
                program, keys + ["-every", "\(every)"] + older + [tiles])
            #expect(result.status == 0, "size \(size): \(result.errors)")
            #expect(
                result.output.hasPrefix("size \(size), signatures 3, entries "), "\(result.output)")
            #expect(result.output.hasSuffix("older trees \(older.count / 2)\n"))
            older += ["-old", "\(size):\(signed.head.root.hex)"]
        }
        // The checker is not content with everything. Entry 5 * 5171 is the last of its bundle.
        for name in ["checkpoint", "tile/0/000", "tile/1/001.p/17", "tile/entries/100"] {
            let file = URL(fileURLWithPath: "\(tiles)/\(name)")
            let good = try Data(contentsOf: file)
            var bad = good
            bad[good.count - 9] ^= 1
            try bad.write(to: file)
            let result = try NoteChecker.run(program, keys + ["-every", "5171", tiles])
            #expect(result.status == 1, "\(name): \(result.output)")
            try good.write(to: file)
        }
        let wrong = ["-old", "256:\(Digest.zero.hex)"]
        #expect(try NoteChecker.run(program, keys + wrong + ["-every", "9999", tiles]).status == 1)
    }
}
