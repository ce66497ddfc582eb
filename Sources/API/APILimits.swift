// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Glibc

/// The bounds of what strangers may have of a node over HTTP, in one place.
package struct APILimits: Sendable {
    /// Connections at once; one more is told so and closed.
    package var connectionsMax = 2_048
    /// Connections of one address.
    package var connectionsPerAddressMax = 1_024
    /// The longest from a connection, or an answer, to the end of the next head, in ms.
    package var headMilliseconds: Int64 = 15_000
    /// The longest from the end of a head to the end of its body, in ms.
    package var bodyMilliseconds: Int64 = 15_000
    /// How long a peer may take nothing of what waits for it, in ms.
    package var stallMilliseconds: Int64 = 20_000
    /// How long what a peer still sends is thrown away after its last answer, in ms.
    package var lingerMilliseconds: Int64 = 1_000
    /// Bytes of one header, and of all headers of a request.
    package var headBytesMax = 16 << 10
    /// Headers of a request.
    package var headersMax = 64
    /// Bytes of a body: as many as a message or a line of input may have.
    package var bodyBytesMax = 64 << 10
    /// Bodies of jobs, with module and input, that may be on their way or worked on at once.
    package var uploadsMax = 4
    /// Those of one address, so that none holds all places.
    package var uploadsPerAddressMax = 1
    /// The longest from the end of a head to the end of the body of a job, in ms.
    package var uploadMilliseconds: Int64 = 60_000
    /// Addresses whose rate is kept; those that did not ask lately are forgotten first.
    package var addressesMax = 4_096
    /// Streams of events at once.
    package var subscribersMax = 1_024
    /// Time between two signs of life on a stream of events, in ms.
    package var heartbeatMilliseconds: UInt64 = 15_000
    /// Those who wait for a decision at once.
    package var waitersMax = 1_024
    /// The longest that one may wait, in seconds.
    package var waitSecondsMax: UInt64 = 60
    /// How long the node has to say something of a message, in ms.
    package var answerMilliseconds: UInt64 = 5_000
    /// How long a scrape waits for what the node alone knows, in ms: less than Prometheus waits.
    package var scrapeMilliseconds: UInt64 = 1_000
    /// Messages whose first answer is waited for at once.
    package var submissionsMax = 512
    /// Questions to the disk that wait for a thread at once.
    package var readsMax = 256
    /// Questions that fold the log, of which one is worked on at a time, that wait at once.
    package var foldsMax = 8
    /// Bytes of all long answers that wait to be taken.
    package var answerBytesMax = 64 << 20
    /// Rows of an answer.
    package var rowsMax: UInt64 = 1_000
    /// Rows of an answer that says nothing of them.
    package var rowsUnlessTold: UInt64 = 100
    /// Decisions, and refusals, that are remembered for those who wait.
    package var rememberedMax = 8_192
    /// Entries of an event stream that are made at once.
    package var eventsAtOnce: UInt64 = 64
    /// Pieces of event streams that are kept for others who want the same.
    package var piecesMax = 64

    /// The bounds of a node.
    package init() {}

    /// As many connections as leave half of the files that the process may open to the ledger.
    func connectionsMax(ofOpenFiles files: Int) -> Int { min(connectionsMax, max(16, files / 2)) }

    /// The files that this process may have open.
    static var openFilesMax: Int { max(64, sysconf(Int32(_SC_OPEN_MAX))) }

    /// Stops the process where the limits contradict each other.
    func check() {
        invariant(rowsUnlessTold <= rowsMax, "more rows than an answer has")
        invariant(headMilliseconds > 0 && bodyMilliseconds > 0, "no time for a request")
        invariant(uploadsPerAddressMax > 0, "no place for the upload of an address")
        invariant(uploadMilliseconds > 0, "no time for an upload")
    }
}
