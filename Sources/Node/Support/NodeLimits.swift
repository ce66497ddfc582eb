// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import Ledger

/// The bounds of the node's queues, files and messages, in one place.
package enum NodeLimits {
    /// Rounds that may be open at once unless told otherwise.
    package static let openRoundsMax = 256
    /// Parsed requests that wait for their batch; the reader of the input waits when it is full.
    package static let waitingRequestsMax = 256
    /// Lines that wait for the decision of a request that is in the ledger already; one more is
    /// answered at once, without a result.
    package static let waitingAnswersMax = 1024
    /// Bytes of one line of input, its end not counted.
    package static let lineBytesMax = 64 << 10
    /// Levels of nesting in one line of input.
    package static let nestingMax = 16
    /// Bytes of a configuration file.
    package static let configurationBytesMax = 1 << 20
    /// Bytes of a verifying key in its JSON form.
    package static let verifyingKeyJSONBytesMax = 1 << 20
    /// Requests that one verification task takes, so that all cores share a batch.
    package static let verificationChunk = 8
    /// Settlements that one visit to the bridge takes.
    package static let settlementsPerVisitMax = 256
    /// How far the clock may run ahead of what is known without the operator's word, in ms.
    package static let clockJumpMilliseconds: UInt64 = 3_600_000
    /// How far the clock may fall behind what is known before somebody is told, in ms.
    package static let clockStepMilliseconds: UInt64 = 1_000
    /// The longest time for which a node sleeps without looking up, in ms.
    package static let pauseMillisecondsMax: UInt64 = 1000

    /// Bytes of one submitted job in the spool.
    package static let spooledJobBytesMax = 1 << 10
    /// Submitted jobs that may wait in the spool; one more is not taken.
    package static let spooledJobsMax = 10_000
    /// Bytes of one message in the spool: as many as an entry may have.
    package static let spooledMessageBytesMax = Limits.entryBytesMax
    /// Messages that may wait in the spool; one more is not taken.
    package static let spooledFilesMax = 10_000
    /// Bytes of all messages that may wait in the spool.
    package static let spooledBytesMax: UInt64 = 64 << 20
    /// Messages whose refusal the spool remembers for their clients.
    package static let keptRefusalsMax = 1_000
    /// Bytes of the words of one refusal.
    package static let refusalBytesMax = 4_096
    /// Real milliseconds between two looks at whether something new is in the spool, where nothing
    /// else tells.
    package static let spoolMilliseconds: UInt64 = 20
    /// Real milliseconds between two looks where the system tells, and until a message that was
    /// turned away is tried again.
    package static let spoolAgainMilliseconds: UInt64 = 900
    /// Submitted jobs that wait in memory for their batch; the rest wait in the spool.
    package static let waitingJobsMax = 256
    /// Bytes that the modules, inputs and outputs may have of the jobs that a validator has read
    /// and whose outputs are not kept yet.
    package static let loadedBytesMax: UInt64 = 512 << 20
    /// The most by which a run ends before the deadline of its job, in ms.
    package static let jobMarginMilliseconds: UInt64 = 2_000

    /// The newest entries of a ledger that are compared with journals and vault at opening: an
    /// older copy of either lacks the newest first.
    package static let comparedEntriesMax: UInt64 = 200_000
    /// Entries between two snapshots unless told otherwise.
    package static let snapshotEntries: UInt64 = 100_000
    /// Snapshots that stay unless told otherwise.
    package static let snapshotsKept: UInt64 = 2
    /// Seconds between two checkpoints unless told otherwise.
    package static let checkpointSeconds: UInt64 = 10
    /// Messages of one peer that wait to be looked at; one more is dropped.
    package static let peerMessagesMax = 8_192
    /// Bytes of them, but of a single message.
    package static let peerBytesMax = 16 << 20
    /// Parties whose messages wait at once.
    package static let sendersMax = 1_024
    /// Observers whose budgets are remembered; one more is not answered.
    package static let observersMax = 1_024
    /// Bytes that an observer is answered with in a second.
    package static let observerBytesPerSecond = 4 << 20
    /// Bytes that all of them together are answered with in a second.
    package static let observersBytesPerSecond = 8 << 20
    /// Bytes that a question of an observer counts for by itself.
    package static let observerQuestionBytes = 64 << 10
    /// How long an observer that lacks the newest batch alone is left to gossip, in ms.
    package static let observerPatienceMilliseconds: UInt64 = 1_000
    /// Messages of one peer that are looked at in its turn.
    package static let messagesPerTurn = 16
    /// Messages of peers that are looked at before anything else is.
    package static let messagesAtOnce = 256
    /// Messages of clients that a node has under way; one more is turned away.
    package static let clientMessagesMax = 2_048
    /// Time until a client's message that nothing has become of is handed in again, in ms.
    package static let handInAgainMilliseconds: UInt64 = 30_000
    /// How long a client's message may wait for its refusal to be recorded, in ms.
    package static let refusalMilliseconds: UInt64 = 3_000
    /// The latest time that a clock may say: the end of the year 2261, in ms.
    package static let timeMax: UInt64 = 9_214_646_400_000
    /// Orders that one message to the bridge carries.
    package static let ordersPerMessageMax = 64
    /// Changes that one message to the bridge carries.
    package static let changesPerMessageMax = 16
    /// Time between two answers to the bridge's question for changes, in ms.
    package static let changesAgainMilliseconds: UInt64 = 250
    /// Entries of the log that are looked through for them in one turn.
    package static let entriesScannedAtOnce: UInt64 = 2_048
    /// The longest time until an order is sent again, in ms.
    package static let orderMillisecondsMax: UInt64 = 60_000
    /// How long a node looks for a payload of a job that is decided, once its turn has come, in ms.
    package static let payloadMilliseconds: UInt64 = 10_000
    /// Time until peers that lacked a blob are asked again, in ms.
    package static let blobAgainMilliseconds: UInt64 = 300
    /// How often all are asked for a payload that is only to be kept.
    package static let keptPassesMax = 2
    /// How long a peer that let a question for a blob run out is asked last, in ms.
    package static let peerDoubtedMilliseconds: UInt64 = 30_000
    /// Time between two looks for payloads that nothing refers to, in ms.
    package static let pruningMilliseconds: UInt64 = 60_000
    /// Jobs closed without an agreed result whose module and input stay.
    package static let unagreedJobsMax = 64
    /// Bytes of those, as the jobs say.
    package static let unagreedBytesMax: UInt64 = 256 << 20
    /// Closed jobs that a node reads again at one time when it begins.
    package static let jobsReadAtOnce = 16
    /// Files that one look finds to be nobody's and that the next may remove.
    package static let suspectsMax = 65_536
    /// Blobs that a node looks for at once, those that it only keeps; as many more may be wanted
    /// for what it runs.
    package static let fetchesMax = 64
    /// Bytes of the payloads that a node is fetching to keep them, and as many of those that its
    /// runs need.
    package static let fetchedBytesMax: UInt64 = 64 << 20
    /// Jobs whose payloads a validator looks for before it can run them; one of two at a time.
    package static let runsFetchedAhead = 64
    /// Jobs of which it is remembered who passed them on.
    package static let passedJobsMax = 1_024
    /// Blobs that wait until it looks for them to keep them; one more is let go.
    package static let fetchesWaitingMax = 8_192
    /// Time until an order that the bridge has not answered is sent again, in ms.
    package static let orderMilliseconds: UInt64 = 2_000
    /// Threads of a process for what waits for a disk; such a wait takes no core.
    package static let poolThreads = 8
    /// Blobs that are made durable together.
    package static let blobsKeptTogether = 256
    /// Bytes of blobs that are made durable together, but for one that alone has more.
    package static let blobBytesKeptTogether = 16 << 20
    /// Payloads that a node keeps in memory, those that it had in its hands last.
    package static let cachedPayloadsMax = 1_024
    /// Bytes of them.
    package static let cachedPayloadBytesMax = 16 << 20
    /// Bytes of a payload that the node's own thread hashes.
    package static let hashedAtOnceMax: UInt64 = 16 << 10
    /// Bytes of a part of a blob.
    package static let blobPartBytes = 1 << 20
    /// How long a peer that is asked for a part of a blob has, in ms.
    package static let blobMilliseconds: UInt64 = 700
    /// How long a peer that is asked for a blob has for all of it, in ms; twice as long after each
    /// time that all were asked in vain.
    package static let blobPeerMilliseconds: UInt64 = 3_000
    /// What a peer is given of blobs at once, and in a second: 64 MiB, in `blobStepBytes`. Each
    /// question costs one besides.
    package static let blobStepsPerSecond: UInt64 = 4_096
    /// Bytes of a blob that cost a peer one.
    package static let blobStepBytes: UInt64 = 16 << 10
    /// Checkpoints whose cosignatures are being collected.
    package static let checkpointsUnderWayMax = 8
    /// Checkpoints that one peer brings and that are looked at at once, and in a second.
    package static let notesPerSecond: UInt64 = 32
    /// Lines of a note that a member sends: a signature as the log and a cosignature, its own and
    /// those of the member whom it answers.
    package static let linesOfNoteMax = 4
    /// Sizes at which the signatures of a validator are compared.
    package static let headsComparedMax = 64
    /// Jobs whose results are compared with what comes later.
    package static let jobsComparedMax = 1_024
    /// How long cosignatures are waited for where T are there, in ms.
    package static let cosigningMilliseconds: UInt64 = 500
    /// How long they are waited for where fewer are there, in ms.
    package static let cosigningMillisecondsMax: UInt64 = 3_000
    /// Bytes of a message between nodes about their duties.
    package static let dutyMessageBytesMax = 8 << 20
    /// Seconds that the end of a run waits for the projections.
    package static let projectionsSecondsMax = 30
    /// Checkpoints that stay unless told otherwise.
    package static let checkpointsKept: UInt64 = 64

    /// Bytes without which a disk is as good as full: two frames of a log.
    package static let freeBytesMin: UInt64 = 128 << 20
    /// Bytes below which a person should look at the disk.
    package static let freeBytesLow: UInt64 = 1 << 30

    /// How long a run waits for what a validator announces, in ms.
    package static let announcingMilliseconds: UInt64 = 10_000
    /// The version of the program, as validators announce it.
    package static let programVersion = "1.0.0"

    /// Stops the process where the limits contradict each other.
    static func check() {
        invariant(
            1 + UInt64(blobPartBytes) / blobStepBytes <= blobStepsPerSecond,
            "a part of a blob costs more than a peer has")
        invariant(
            runsFetchedAhead + fetchesMax <= 2 * fetchesMax,
            "a run finds no room to look for what it needs")
        invariant(
            max(EngineLimits.inputBytesMax, EngineLimits.outputBytesMax) <= fetchedBytesMax,
            "a payload that there is never room for")
        invariant(spoolMilliseconds <= pauseMillisecondsMax, "the spool is looked at too seldom")
        invariant(lineBytesMax >= Limits.publicInputsMax * 80, "a line cannot hold its inputs")
    }
}
