// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Network
import Synchronization
import TestSupport
import Testing

/// A peer of another implementation, run by a script of `Tools/peers`, that does what it is told.
final class ForeignPeer: Sendable {
    /// Which implementation.
    enum Kind: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case python = "py-libp2p"
        case go = "go-libp2p"

        var testDescription: String { rawValue }
    }

    /// A line that the script wrote.
    struct Line: Decodable, Sendable {
        var id: Int?
        var event: String?
        var error: String?
        var peer: String?
        var addresses: [String]?
        var agent: String?
        var protocols: [String]?
        var record: String?
        var size: Int?
        var digest: String?
        var topic: String?
        var source: String?
        var sequence: String?
        var connected: [String]?
        var mesh: [String]?
    }

    /// All lines so far.
    private final class Output: Sendable {
        let lines = Mutex<[Line]>([])
    }

    /// The folder that `Tools/peers/setup` fills.
    static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["RECOUNT_PEERS"] {
            return URL(fileURLWithPath: path)
        }
        return Vectors.repository.appendingPathComponent(".build/peers")
    }()

    static let areThere = ["python/bin/python", "p2pd"].allSatisfy {
        FileManager.default.isExecutableFile(atPath: folder.appendingPathComponent($0).path)
    }
    static let missing: Comment = "no foreign peers: run Tools/peers/setup"

    private let process = Process()
    private let input = Pipe()
    private let output = Output()
    private let nextID = Mutex(1)

    /// Starts a peer and waits until it is up.
    static func with<T>(
        _ kind: Kind, _ options: [String] = [], body: (ForeignPeer) async throws -> T
    ) async throws -> T {
        let peer = try ForeignPeer(kind, options)
        defer { peer.stop() }
        try await wait(for: "the peer to be up") {
            peer.line { $0.event == "up" } != nil
        }
        return try await body(peer)
    }

    private init(_ kind: Kind, _ options: [String]) throws {
        let scripts = Vectors.repository.appendingPathComponent("Tools/peers")
        let python = Self.folder.appendingPathComponent("python/bin/python")
        process.executableURL = python
        switch kind {
        case .python:
            process.arguments = [scripts.appendingPathComponent("python_peer.py").path] + options
        case .go:
            process.arguments =
                [
                    scripts.appendingPathComponent("go_peer.py").path, "--daemon",
                    Self.folder.appendingPathComponent("p2pd").path,
                ] + options
        }
        let pipe = Pipe()
        process.standardInput = input
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
        let reader = Thread { [output] in
            var rest = Data()
            while case let part = pipe.fileHandleForReading.availableData, !part.isEmpty {
                rest += part
                while let end = rest.firstIndex(of: 0x0A) {
                    let text = rest[rest.startIndex..<end]
                    rest = rest[(end + 1)...]
                    guard let line = try? JSONDecoder().decode(Line.self, from: Data(text))
                    else { continue }
                    output.lines.withLock { $0.append(line) }
                }
            }
        }
        reader.start()
    }

    private func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// The first line for which `holds` is true.
    func line(_ holds: @Sendable (Line) -> Bool) -> Line? {
        output.lines.withLock { lines in lines.first { holds($0) } }
    }

    /// The messages that came on a topic, in order.
    func messages(_ topic: String) -> [Line] {
        output.lines.withLock { lines in lines.filter { $0.event == "message" && $0.topic == topic }
        }
    }

    /// The peer's name.
    func peer() throws -> PeerID {
        let text = try #require(line { $0.event == "up" }?.peer)
        return try PeerID(text: text)
    }

    /// Where the peer listens, with its name.
    func address() throws -> Multiaddr {
        let texts = try #require(line { $0.event == "up" }?.addresses)
        return try Multiaddr(text: try #require(texts.first { $0.hasPrefix("/ip4/") }))
    }

    /// Tells the peer what to do and waits for its answer.
    func ask(_ what: String, _ values: [String: String] = [:]) async throws -> Line {
        let id = nextID.withLock { id in
            id += 1
            return id
        }
        var command: [String: Any] = values
        command["id"] = id
        command["do"] = what
        var bytes = try JSONSerialization.data(withJSONObject: command)
        bytes.append(0x0A)
        try input.fileHandleForWriting.write(contentsOf: bytes)
        try await wait(for: "the peer to \(what)") {
            self.line { $0.id == id } != nil
        }
        return try #require(line { $0.id == id })
    }

    /// Tells the peer what to do, which must work.
    @discardableResult
    func tell(_ what: String, _ values: [String: String] = [:]) async throws -> Line {
        let answer = try await ask(what, values)
        #expect(answer.error == nil)
        return answer
    }
}
