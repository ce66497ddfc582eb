// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// A line of input.
package struct SourceLine: Sendable, Equatable {
    /// Its number, from 1.
    package let number: Int
    /// Its bytes without the end; of a line that is too long only what shows that it is.
    package let bytes: [UInt8]

    /// The line of this number, from 1, without its end.
    package init(number: Int, bytes: [UInt8]) {
        self.number = number
        self.bytes = bytes
    }
}

/// Where requests come from, line by line.
package protocol LineSource: Sendable {
    /// Waits for the next line that is not empty; nil at the end, or after `stop`.
    ///
    /// Called on a thread of its own.
    func next() throws(NodeError) -> SourceLine?

    /// Makes `next` return nil soon, whatever it waits for.
    func stop()
}

/// Lines from memory.
package final class ArrayLineSource: LineSource {
    private let lines: [String]
    private let position = Mutex(0)

    /// Gives these lines, in order.
    package init(_ lines: [String]) { self.lines = lines }

    package func next() throws(NodeError) -> SourceLine? {
        let number = position.withLock { position -> Int in
            position += 1
            return position
        }
        guard number <= lines.count else { return nil }
        return SourceLine(number: number, bytes: Array(lines[number - 1].utf8))
    }

    package func stop() { position.withLock { $0 = lines.count } }
}

/// Lines from a file or from standard input.
package final class FileLineSource: LineSource {
    private struct Progress {
        var isBegun = false
        var number = 0
        var buffer: [UInt8] = []
        var start = 0
        var isAtEnd = false
    }

    private let path: String
    private let descriptor: Int32
    private let progress = Mutex(Progress())
    private let isStopped = Atomic(false)
    private static let readBytes = 64 << 10
    private static let pollMilliseconds: Int32 = 200

    /// Opens a file of JSON Lines; `-` is standard input. One in another encoding than UTF-8, or
    /// with a byte order mark, is refused at its first bytes.
    package init(path: String) throws(NodeError) {
        self.path = path
        guard path != "-" else {
            descriptor = 0
            return
        }
        // SAFETY: the path ends in zero and lives for the call.
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .input(path: path, problem: Self.words(errno)) }
    }

    deinit { if descriptor > 0 { close(descriptor) } }

    package func stop() { isStopped.store(true, ordering: .relaxed) }

    package func next() throws(NodeError) -> SourceLine? {
        let result = progress.withLock { progress in
            Result { () throws(NodeError) in try advance(&progress) }
        }
        return try result.get()
    }

    private func advance(_ progress: inout Progress) throws(NodeError) -> SourceLine? {
        var line: [UInt8] = []
        while !isStopped.load(ordering: .relaxed) {
            let rest = progress.buffer[progress.start...]
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                Self.add(rest[..<end], to: &line)
                progress.start = end + 1
                progress.number += 1
                if Self.isBlank(line) {
                    line = []
                    continue
                }
                return SourceLine(number: progress.number, bytes: line)
            }
            Self.add(rest, to: &line)
            progress.buffer = []
            progress.start = 0
            if progress.isAtEnd {
                guard !Self.isBlank(line) else { return nil }
                return SourceLine(number: progress.number + 1, bytes: line)
            }
            guard let bytes = try read() else { continue }
            if !progress.isBegun, let problem = TextEncoding.problem(in: bytes) {
                throw .input(path: path, problem: "\(problem)")
            }
            progress.isBegun = true
            progress.buffer = bytes
            progress.isAtEnd = bytes.isEmpty
        }
        return nil
    }

    /// Keeps one byte more than a line may have: enough to see that it is too long.
    private static func add(_ bytes: ArraySlice<UInt8>, to line: inout [UInt8]) {
        line += bytes.prefix(NodeLimits.lineBytesMax + 1 - line.count)
    }

    private static func isBlank(_ line: [UInt8]) -> Bool {
        line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
    }

    /// Returns what is there, nothing at the end, or nil where nothing came in time.
    private func read() throws(NodeError) -> [UInt8]? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // SAFETY: one structure that lives for the call.
        let ready = unsafe poll(&waiting, 1, Self.pollMilliseconds)
        if ready == 0 || (ready < 0 && errno == EINTR) { return nil }
        guard ready > 0 else { throw .input(path: path, problem: Self.words(errno)) }
        var buffer = [UInt8](repeating: 0, count: Self.readBytes)
        // SAFETY: the buffer has room for as many bytes as are asked for.
        #if canImport(Darwin)
            let count = unsafe Darwin.read(descriptor, &buffer, buffer.count)
        #else
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
        #endif
        if count < 0 {
            guard errno == EINTR || errno == EAGAIN else {
                throw .input(path: path, problem: Self.words(errno))
            }
            return nil
        }
        return Array(buffer.prefix(count))
    }

    private static func words(_ code: Int32) -> String {
        switch code {
        case ENOENT: "there is no such file"
        case EACCES: "this user may not read it"
        case EISDIR: "it is a folder"
        default: "error \(code)"
        }
    }
}
