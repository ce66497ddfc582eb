// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The bounds of everything that grows or arrives, in one place.
package enum Limits {
    /// Bytes of one entry.
    package static let entryBytesMax = 65_535
    /// Commands of one batch.
    package static let commandsPerBatchMax = 1000
    /// Bytes of the commands of one batch.
    package static let commandBytesPerBatchMax = 4 << 20
    /// Votes of one list.
    package static let votesPerListMax = 256
    /// Hashes on the way from a vote to the root of its list: the logarithm of their number.
    package static let votePathMax = 8
    /// What the decisions of one batch may write before a list of votes is taken, with what its
    /// votes may decide, reckoned by `decisionBytes`.
    package static let decisionBytesPerBatchMax = 1 << 20
    /// Members at once, so that leader weights fit 128 bits.
    package static let membersMax = 1000
    /// Keys that were ever members: what a `ValidatorIndex` can tell apart.
    package static let validatorsMax = 65_535
    /// Times that a key was a validator of which the state knows.
    package static let termsMax = 8
    /// Upper reputation bound, in thousandths of a point, so that leader weights fit 128 bits.
    package static let reputationMax = Reputation(100_000_000)
    /// The reputation of a new validator, in thousandths of a point.
    package static let reputationAtJoining = Reputation(1_000_000)
    /// Milliseconds by which a vote's timestamp may differ from batch time.
    package static let voteLifeMilliseconds: UInt64 = 60_000
    /// Days that one batch may advance; a longer silence takes several batches.
    package static let daysPerBatchMax: UInt64 = 3_660
    /// Circuits of a ledger.
    package static let circuitsMax = 256
    /// Public inputs of a circuit.
    package static let publicInputsMax = 64
    /// Nullifiers of a request.
    package static let nullifiersMax = 16
    /// Bytes of a verifying key.
    package static let verifyingKeyBytesMax = 8_192
    /// Bytes of a proof as submitted; a well-formed one has 128.
    package static let proofBytesMax = 512
    /// Roots that the first entry may publish for a circuit.
    package static let genesisRootsMax = 1024
    /// The version of the format: what `LedgerOpened` begins with.
    package static let formatVersion: UInt32 = 1
    /// Bytes of a ledger's name and of what an engine or a program is called.
    package static let nameBytesMax = 64
    /// Characters of the name of a validator, submitter or circuit.
    package static let partyNameBytesMax = 32
    /// Submitters of a ledger.
    package static let submittersMax = 10_000
    /// T: as many precommits as a `BatchOpened` can carry, whose other fields take 127 bytes.
    package static let thresholdMax = UInt32((entryBytesMax - 127) / IndexedSignature.byteCount)
    /// Bytes of a whole batch, so that it fits one message and one frame: 4 MiB of commands with
    /// what follows from them at once, what its closes write, and what one approval ends.
    package static let batchBytesMax = 32 << 20
    /// What the closes of one batch may write, reckoned by `closeBytes`; the rest is closed in the
    /// next batch.
    package static let closeBytesPerBatchMax = 6 << 20
    /// What the end of all conflicting requests, by one approval, may write; see `conflictBytes`.
    package static let conflictBytesMax = 20 << 20
    /// Bytes of a job's module that the parameters may admit. Its fuel has no bound but theirs,
    /// `Parameters.jobFuelMax`.
    package static let jobModuleBytesMax: UInt64 = 64 << 20
    /// Bytes of a job's input that the parameters may admit.
    package static let jobInputBytesMax: UInt64 = 64 << 20
    /// Bytes of a job's memory that the parameters may admit: what WebAssembly can address.
    package static let jobMemoryBytesMax: UInt64 = 4 << 30
    /// Highest `unclosedMax` and quota that the parameters may set.
    package static let unclosedMax: UInt32 = 100_000
    /// Different senders whose refused messages one minute may record.
    package static let refusedSendersMax = 1000
    /// Bytes of a bridge's reference to a payment.
    package static let referenceBytesMax = 128
    /// Validators that run a job.
    package static let jobValidators = 3
    /// Equal results that decide a job.
    package static let jobAgreement = 2
    /// Longest time of a round, job or settlement turn, in milliseconds: one day.
    package static let timeoutMillisecondsMax: UInt64 = 86_400_000

    /// The most bytes that the close of a round of so many validators writes: two changes of
    /// reputation for each, its place in the disagreement, outcome, close, and lengths.
    package static func closeBytes(validators: Int) -> Int { 66 * validators + 128 }

    /// The most bytes that the decision of a request with so many nullifiers writes: outcome,
    /// nullifiers, settlement.
    package static func decisionBytes(nullifiers: Int) -> Int { 41 * nullifiers + 96 }

    /// The most bytes that a conflicting request's end writes: no reputation moves.
    package static func conflictBytes(validators: Int) -> Int { 2 * validators + 84 }
}
