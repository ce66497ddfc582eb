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

extension ClosedEdge {
    /// Stops the process where the edge is read as another, or does not count beside the mark.
    func checkAgain(beside mark: EndMark) {
        guard let read = ClosedEdge(encoded.span) else {
            fatalError("an edge of \(tiles.count) tiles that could not be read again")
        }
        invariant(read.belongs(to: mark), "the edge of \(read.size) entries beside \(mark.size)")
        invariant(read.tiles == tiles, "the roots of \(tiles.count) tiles are read as others")
        invariant(read.leaves == leaves, "\(leaves.count) leaves are read as others")
    }
}

extension SignedCheckpoint {
    /// Stops the process where the note is read as another, or not at all.
    func checkAgain() {
        do throws(NoteError) {
            let read = try SignedCheckpoint(bytes)
            invariant(read == self, "the note of size \(checkpoint.size) is read as another")
        } catch { fatalError("a note that could not be read again: \(error)") }
    }
}

extension SegmentFooter {
    /// Stops the process where these bytes, which are to stand at `offset`, are read as another
    /// footer.
    func checkAgain(_ bytes: [UInt8], at offset: UInt64, salt: UInt64) {
        invariant(
            SegmentFooter.length(trailer: bytes.span.extracting(last: Self.trailerBytes))
                == UInt64(bytes.count),
            "a footer of \(bytes.count) bytes says another length")
        do throws(FrameProblem) {
            let read = try SegmentFooter(bytes.span, at: offset, salt: salt)
            invariant(
                read.firstIndex == firstIndex && read.endIndex == endIndex,
                "the footer of \(firstIndex) to \(endIndex) is read as another")
            invariant(read.root == root, "a footer with another root")
            invariant(read.lastChecksum == lastChecksum, "a footer behind another frame")
            invariant(
                read.frames == frames, "the places of \(frames.count) frames are read as others")
            invariant(
                read.tiles == tiles, "the roots of \(tiles.count) tiles are read as others")
        } catch { fatalError("a footer that could not be read again: \(error)") }
    }

    /// The bytes, read again before they are written at `offset`.
    func encodedAndChecked(at offset: UInt64, salt: UInt64) -> [UInt8] {
        let bytes = encoded(salt: salt)
        checkAgain(bytes, at: offset, salt: salt)
        return bytes
    }
}
