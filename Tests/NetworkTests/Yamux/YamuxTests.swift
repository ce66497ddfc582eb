// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Network
import TestSupport
import Testing

/// The bytes of a frame.
func frame(
    _ kind: YamuxHeader.Kind, _ flags: UInt16 = 0, _ stream: UInt32, _ length: UInt32,
    _ body: [UInt8] = []
) -> [UInt8] {
    var bytes: [UInt8] = []
    YamuxHeader(kind, flags: flags, stream: stream, length: length).append(to: &bytes)
    return bytes + body
}

@Suite("Yamux")
struct YamuxTests {
    /// Two sessions that face each other.
    struct Pair {
        var dialer = YamuxSession(role: .dialer)
        var listener = YamuxSession(role: .listener)

        /// Hands frames over, both ways, until none are left; returns what each side hears.
        mutating func settle() throws -> (
            dialer: [YamuxSession.Event], listener: [YamuxSession.Event]
        ) {
            var heard: (dialer: [YamuxSession.Event], listener: [YamuxSession.Event]) = ([], [])
            while dialer.hasFrames || listener.hasFrames {
                let (ours, first) = dialer.takeFrames(limit: 1 << 16)
                heard.dialer += first
                heard.listener += try listener.receive(ours)
                let (theirs, second) = listener.takeFrames(limit: 1 << 16)
                heard.listener += second
                heard.dialer += try dialer.receive(theirs)
            }
            return heard
        }
    }

    @Test("A head has the layout of the specification")
    func layout() {
        #expect(
            frame(.windowUpdate, 0x0102, 0x0304_0506, 0x0708_090A).hex
                == "00010102030405060708090a")
    }

    @Test("A stream is opened, carries bytes both ways and ends from both sides")
    func life() throws {
        var pair = Pair()
        #expect(pair.dialer.open() == 1)
        #expect(pair.dialer.write([1, 2, 3], to: 1) == true)
        #expect(try pair.settle().listener == [.opened(1), .data(1, [1, 2, 3])])
        #expect(pair.listener.write([4], to: 1) == true)
        pair.listener.finish(1)
        #expect(try pair.settle().dialer == [.data(1, [4]), .remoteFinished(1)])
        #expect(pair.listener.write([5], to: 1) == false)
        #expect(pair.dialer.write([6], to: 1) == true)
        pair.dialer.finish(1)
        let heard = try pair.settle()
        #expect(heard.dialer == [.closed(1, wasReset: false)])
        #expect(
            heard.listener
                == [.data(1, [6]), .remoteFinished(1), .closed(1, wasReset: false)])
        #expect(pair.dialer.streamCount == 0)
        #expect(pair.listener.streamCount == 0)
        #expect(pair.listener.open() == 2)
    }

    @Test("No more than the window is under way, and consuming opens it again")
    func flowControl() throws {
        var pair = Pair()
        _ = pair.dialer.open()
        let text = [UInt8](repeating: 7, count: 300 << 10)
        #expect(pair.dialer.write(text, to: 1) == true)
        var count = 0
        for case .data(1, let bytes) in try pair.settle().listener { count += bytes.count }
        #expect(count == 256 << 10)
        pair.listener.consume(127 << 10, of: 1)
        #expect(try pair.settle().listener == [])
        pair.listener.consume(1 << 10, of: 1)
        for case .data(1, let bytes) in try pair.settle().listener { count += bytes.count }
        #expect(count == 300 << 10)
        #expect(pair.dialer.pendingBytes(1) == 0)
    }

    @Test("A window that the peer grows is used")
    func grownWindow() throws {
        var session = YamuxSession(role: .listener)
        _ = try session.receive(frame(.windowUpdate, YamuxHeader.syn, 1, 768 << 10))
        #expect(session.write([UInt8](repeating: 0, count: 1 << 20), to: 1) == true)
        let frames = session.takeFrames(limit: .max).frames
        #expect(frames.count == (1 << 20) + 64 * 12)
        #expect(!session.hasFrames)
    }

    @Test("A writer is refused above the bound and told when half of it is gone")
    func backpressure() throws {
        var pair = Pair()
        _ = pair.dialer.open()
        let chunk = [UInt8](repeating: 1, count: 512 << 10)
        #expect(pair.dialer.write(chunk, to: 1) == true)
        #expect(pair.dialer.write(chunk, to: 1) == true)
        #expect(pair.dialer.write([1], to: 1) == false)
        #expect(try pair.settle().dialer == [])
        pair.listener.consume(256 << 10, of: 1)
        #expect(try pair.settle().dialer == [.writable(1)])
        #expect(pair.dialer.write([1], to: 1) == true)
    }

    @Test("Streams take turns, a frame each")
    func fairness() throws {
        var pair = Pair()
        for number: UInt32 in [1, 3] {
            #expect(pair.dialer.open() == number)
            #expect(pair.dialer.write([UInt8](repeating: 0, count: 100_000), to: number) == true)
        }
        let frames = pair.dialer.takeFrames(limit: 2 * (16 << 10)).frames
        var listener = YamuxSession(role: .listener)
        var counts: [UInt32: Int] = [:]
        for case .data(let number, let bytes) in try listener.receive(frames) {
            counts[number, default: 0] += bytes.count
        }
        #expect(counts == [1: 16 << 10, 3: 16 << 10])
    }

    @Test("Flags count on frames of either kind")
    func flags() throws {
        var session = YamuxSession(role: .listener)
        #expect(try session.receive(frame(.data, YamuxHeader.syn, 1, 0)) == [.opened(1)])
        #expect(
            try session.receive(frame(.data, YamuxHeader.syn | YamuxHeader.fin, 3, 1, [9]))
                == [.opened(3), .data(3, [9]), .remoteFinished(3)])
        #expect(
            try session.receive(frame(.windowUpdate, YamuxHeader.fin, 1, 0))
                == [.remoteFinished(1)])
        #expect(
            try session.receive(frame(.data, YamuxHeader.rst, 1, 0))
                == [.closed(1, wasReset: true)])
        #expect(
            try session.receive(frame(.windowUpdate, YamuxHeader.rst, 3, 0))
                == [.closed(3, wasReset: true)])
        #expect(session.streamCount == 0)
    }

    @Test("Frames may be cut anywhere, and data is handed on as it comes")
    func pieces() throws {
        let bytes =
            frame(.data, YamuxHeader.syn, 1, 3, [1, 2, 3])
            + frame(.ping, YamuxHeader.syn, 0, 77) + frame(.data, YamuxHeader.fin, 1, 1, [4])
        var session = YamuxSession(role: .listener)
        var read: [UInt8] = []
        for byte in bytes {
            for case .data(1, let part) in try session.receive([byte]) { read += part }
        }
        #expect(read == [1, 2, 3, 4])
        let answers = session.takeFrames(limit: .max).frames
        #expect(answers.prefix(12).elementsEqual(frame(.ping, YamuxHeader.ack, 0, 77)))
    }

    @Test("The rest of a stream that was reset is passed over")
    func afterReset() throws {
        var session = YamuxSession(role: .listener)
        _ = try session.receive(frame(.data, YamuxHeader.syn, 1, 0))
        session.reset(1)
        #expect(
            session.takeFrames(limit: .max).frames
                == frame(.windowUpdate, YamuxHeader.rst, 1, 0))
        #expect(try session.receive(frame(.data, 0, 1, 2, [1, 2])) == [])
        #expect(try session.receive(frame(.windowUpdate, 0, 1, 2)) == [])
        #expect(
            try session.receive(frame(.data, YamuxHeader.syn, 3, 1, [9]))
                == [.opened(3), .data(3, [9])])
    }

    @Test("A ping is answered, and an answer is told of")
    func ping() throws {
        var pair = Pair()
        pair.dialer.ping(99)
        #expect(try pair.settle().dialer == [.pong(99)])
    }

    @Test("After a farewell no stream is opened, and those of the peer are refused")
    func goAway() throws {
        var pair = Pair()
        pair.dialer.goAway(code: 0)
        #expect(try pair.settle().listener == [.goAway(code: 0)])
        #expect(pair.listener.open() == nil)
        #expect(pair.dialer.open() == nil)
        _ = try pair.dialer.receive(frame(.data, YamuxHeader.syn, 2, 0))
        #expect(
            pair.dialer.takeFrames(limit: .max).frames
                == frame(.windowUpdate, YamuxHeader.rst, 2, 0))
    }

    @Test("At most 256 streams wait for the peer's acceptance")
    func backlog() throws {
        var pair = Pair()
        for _ in 0..<YamuxSession.backlogMax { #expect(pair.dialer.open() != nil) }
        #expect(pair.dialer.open() == nil)
        _ = try pair.settle()
        #expect(pair.dialer.open() != nil)
    }

    static let syn = YamuxHeader.syn

    @Test(
        "A peer that breaks the rules is cut off",
        arguments: [
            ("version", [1] + [UInt8](repeating: 0, count: 11), YamuxError.version(1)),
            ("kind", [0, 4] + [UInt8](repeating: 0, count: 10), .kind(4)),
            ("data for the session", frame(.data, 0, 0, 1), .wrongStream(0)),
            ("window of the session", frame(.windowUpdate, 0, 0, 1), .wrongStream(0)),
            ("ping on a stream", frame(.ping, syn, 3, 1), .wrongStream(3)),
            ("farewell on a stream", frame(.goAway, 0, 3, 1), .wrongStream(3)),
            ("our number", frame(.data, syn, 2, 0), .streamNumber(2)),
            ("a number again", frame(.data, syn, 1, 0), .streamNumber(1)),
            ("never opened", frame(.data, 0, 5, 0), .streamNumber(5)),
            ("never opened here", frame(.data, 0, 2, 0), .streamNumber(2)),
            (
                "overrun", frame(.data, 0, 1, 262145),
                .windowOverrun(stream: 1, bytes: 262145, window: 262144)
            ),
            (
                "length lie", frame(.data, 0, 1, .max),
                .windowOverrun(stream: 1, bytes: .max, window: 262144)
            ),
            (
                "overrun of a new stream", frame(.data, syn, 3, 262145),
                .windowOverrun(stream: 3, bytes: 262145, window: 262144)
            ),
            (
                "window overflow",
                frame(.windowUpdate, 0, 1, .max), .windowOverflow(stream: 1)
            ),
            (
                "data after the end", frame(.data, YamuxHeader.fin, 1, 0) + frame(.data, 0, 1, 1),
                .dataAfterEnd(stream: 1)
            ),
        ] as [(String, [UInt8], YamuxError)])
    func broken(name: String, bytes: [UInt8], error: YamuxError) throws {
        var session = YamuxSession(role: .listener)
        _ = try session.receive(frame(.data, YamuxHeader.syn, 1, 0))
        #expect(throws: error) { try session.receive(bytes) }
    }

    @Test("A window is overrun by the byte that was not given back")
    func overrunByOne() throws {
        var session = YamuxSession(role: .listener)
        let chunk = [UInt8](repeating: 0, count: 128 << 10)
        _ = try session.receive(frame(.data, Self.syn, 1, 128 << 10, chunk))
        session.consume(128 << 10, of: 1)
        _ = session.takeFrames(limit: .max)
        _ = try session.receive(frame(.data, 0, 1, 128 << 10, chunk))
        _ = try session.receive(frame(.data, 0, 1, 128 << 10, chunk))
        #expect(throws: YamuxError.windowOverrun(stream: 1, bytes: 1, window: 0)) {
            try session.receive(frame(.data, 0, 1, 1, [1]))
        }
    }

    @Test("Streams without number are refused, and then the session ends")
    func manyStreams() throws {
        var session = YamuxSession(role: .listener)
        var opened = 0
        #expect(throws: YamuxError.tooManyStreams) {
            for place in UInt32(0)... {
                opened += try session.receive(frame(.data, Self.syn, 2 * place + 1, 0)).count
            }
        }
        #expect(opened == YamuxSession.streamsMax)
        #expect(session.takeFrames(limit: .max).frames.count < 1 << 16)
    }

    @Test("Pings whose answers are not read end the session")
    func manyPings() {
        var session = YamuxSession(role: .listener)
        #expect(throws: YamuxError.tooManyAnswers(bytes: 65544)) {
            while true { _ = try session.receive(frame(.ping, Self.syn, 0, 1)) }
        }
    }

    @Test("Frames at random never trap", arguments: 0..<8)
    func randomFrames(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for _ in 0..<300 {
            var session = YamuxSession(role: random.next() % 2 == 0 ? .dialer : .listener)
            _ = session.open()
            do throws(YamuxError) {
                for _ in 0..<40 {
                    let kind = YamuxHeader.Kind(rawValue: UInt8(random.next() % 4)) ?? .data
                    let length = UInt32(random.next() % 40)
                    let bytes = frame(
                        kind, UInt16(random.next() % 16), UInt32(random.next() % 6), length,
                        kind == .data ? random.bytes(Int(length)) : [])
                    for case .data(let number, let part) in try session.receive(bytes) {
                        session.consume(part.count, of: number)
                    }
                    if random.next() % 4 == 0 { _ = session.takeFrames(limit: 100) }
                }
            } catch { continue }
        }
    }
}
