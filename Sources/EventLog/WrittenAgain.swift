// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

// What is about to be written is read again first, as whoever opens the log will read it: a
// structure that its own reader refuses is a bug of ours, and does not reach the disk.

extension FrameHeader {
    /// Stops the process where these bytes, of a whole frame, do not begin with this header.
    func checkAgain(_ bytes: Span<UInt8>, salt: UInt64) {
        invariant(UInt64(bytes.count) == frameBytes, "a frame of \(bytes.count) bytes")
        do throws(FrameProblem) {
            let read = try FrameHeader(bytes.extracting(0..<Self.bytesCount), salt: salt)
            invariant(read.firstIndex == firstIndex, "a frame of another index")
            invariant(read.count == count, "a frame of another number of entries")
            invariant(read.previous == previous, "a frame behind another")
            invariant(read.checksum == checksum, "a frame with another checksum")
        } catch { fatalError("a frame that could not be read again: \(error)") }
    }
}

extension SegmentHeader {
    /// Stops the process where the header is read as another.
    func checkAgain() {
        do throws(FrameProblem) {
            let read = try SegmentHeader(encoded.span)
            invariant(read == self, "the header of a segment is read as another")
        } catch { fatalError("a header that could not be read again: \(error)") }
    }
}

extension EndMark {
    /// Stops the process where the mark is read as another.
    func checkAgain() {
        do throws(FrameProblem) {
            let read = try EndMark(encoded.span)
            invariant(read == self, "an end mark is read as another")
        } catch { fatalError("an end mark that could not be read again: \(error)") }
    }
}
