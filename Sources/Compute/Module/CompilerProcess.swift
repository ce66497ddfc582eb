// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Why a compiler gave no answer.
enum CompilerFailure: Error, CustomStringConvertible {
    /// It could not be started.
    case notStarted(String)
    /// It took too long.
    case timedOut
    /// It ended early, or closed its side.
    case ended
    /// Its answer is too large.
    case answerTooLarge

    var description: String {
        switch self {
        case .notStarted(let problem): "the compiler could not be started: \(problem)"
        case .timedOut:
            "the module was not compiled within \(EngineLimits.compilationSecondsMax) s"
        case .ended:
            "the compiler ended early: the module takes more than"
                + " \(EngineLimits.compilationCPUSecondsMax) s of a processor's time or"
                + " \(EngineLimits.compilationBytesMax >> 20) MiB, or breaks it"
        case .answerTooLarge:
            "the compiled module has more than \(EngineLimits.compiledBytesMax) bytes"
        }
    }
}

/// A process that is asked once and answers once, over a pair of sockets.
enum CompilerProcess {
    /// Starts the program, gives it `question`, and returns all that it writes until it ends.
    ///
    /// The program has ended when this returns.
    static func answer(
        to question: [UInt8], executable: String, arguments: [String]
    ) throws(CompilerFailure) -> [UInt8] {
        var ends: [Int32] = [-1, -1]
        #if canImport(Darwin)
            let kind = SOCK_STREAM
        #else
            let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        #endif
        // SAFETY: the array has room for two descriptors.
        guard unsafe socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw .notStarted("no sockets (error \(errno))")
        }
        let (ours, theirs) = (ends[0], ends[1])
        defer { close(ours) }
        #if canImport(Darwin)
            _ = fcntl(ours, F_SETFD, FD_CLOEXEC)
            var isOn: Int32 = 1
            unsafe setsockopt(ours, SOL_SOCKET, SO_NOSIGPIPE, &isOn, socklen_t(4))
        #endif
        let child: pid_t
        do throws(CompilerFailure) {
            child = try spawn(executable, arguments, theirs)
        } catch {
            close(theirs)
            throw error
        }
        close(theirs)
        defer {
            kill(child, SIGKILL)
            var status: Int32 = 0
            // SAFETY: the child is ours, and the status has its room.
            while unsafe waitpid(child, &status, 0) < 0, errno == EINTR {}
        }
        let end = ContinuousClock.now + .seconds(EngineLimits.compilationSecondsMax)
        try send(question, ours, until: end)
        shutdown(ours, Int32(SHUT_WR))
        return try receive(ours, until: end)
    }

    private static func spawn(
        _ executable: String, _ arguments: [String], _ socket: Int32
    ) throws(CompilerFailure) -> pid_t {
        // SAFETY: what is made here is destroyed here; the strings live for the call.
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            var actions = unsafe posix_spawn_file_actions_t()
        #endif
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, 1)
        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        var argv = unsafe ([executable] + arguments).map { unsafe strdup($0) } + [nil]
        var envp = unsafe environment.sorted().map { unsafe strdup($0) } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var child: pid_t = 0
        let status = unsafe posix_spawn(&child, executable, &actions, nil, &argv, &envp)
        guard status == 0 else { throw .notStarted("\(executable) (error \(status))") }
        return child
    }

    /// Waits until the socket is ready for one of `events`.
    private static func wait(
        _ socket: Int32, _ events: Int32, until end: ContinuousClock.Instant
    ) throws(CompilerFailure) {
        while true {
            let left = ContinuousClock.now.duration(to: end) / .milliseconds(1)
            guard left > 0 else { throw .timedOut }
            var polled = pollfd(fd: socket, events: Int16(events), revents: 0)
            // SAFETY: one structure, for the call.
            let ready = unsafe poll(&polled, 1, Int32(left.rounded(.up)))
            if ready > 0 { return }
            guard ready == 0 || errno == EINTR else { throw .ended }
        }
    }

    private static func send(
        _ bytes: [UInt8], _ socket: Int32, until end: ContinuousClock.Instant
    ) throws(CompilerFailure) {
        #if canImport(Darwin)
            let flags = MSG_DONTWAIT
        #else
            let flags = Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        #endif
        var offset = 0
        while offset < bytes.count {
            try wait(socket, Int32(POLLOUT), until: end)
            // SAFETY: the range lies in the array.
            let sent = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Foundation.send(
                    socket, buffer.baseAddress.map { unsafe $0 + offset }, bytes.count - offset,
                    flags)
            }
            if sent > 0 { offset += sent }
            guard sent >= 0 || errno == EINTR || errno == EAGAIN else { throw .ended }
        }
    }

    private static func receive(
        _ socket: Int32, until end: ContinuousClock.Instant
    ) throws(CompilerFailure) -> [UInt8] {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            try wait(socket, Int32(POLLIN), until: end)
            // SAFETY: the buffer has room for as many bytes as are asked for.
            let count = unsafe recv(socket, &chunk, chunk.count, 0)
            if count == 0 { break }
            guard count > 0 || errno == EINTR else { throw .ended }
            answer += chunk.prefix(max(0, count))
            guard answer.count <= EngineLimits.compiledBytesMax else { throw .answerTooLarge }
        }
        guard !answer.isEmpty else { throw .ended }
        return answer
    }
}
