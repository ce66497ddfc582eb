// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import EventLog
package import Hosting
package import Ledger
package import Storage

/// Why the node cannot do what it was asked to. The description says what to do about it.
package enum NodeError: Error, Sendable {
    /// The configuration in the file `path` cannot be used.
    case configuration(path: String, ConfigurationError)
    /// A file could not be read or written.
    case disk(DiskError)
    /// A file is longer than its kind may be.
    case fileTooLong(path: String, max: Int)
    /// A node was to be made where something is already.
    case homeExists(path: String)
    /// There is no node in the folder: `missing` is not there.
    case notAHome(path: String, missing: String)
    /// There is no home of a validator in the folder.
    case notANetwork(path: String)
    /// There is nobody, and nothing, of that name.
    case unknownName(kind: String, String, known: [String])
    /// Two homes of one network are of different ledgers.
    case otherLedger(path: String, than: String)
    /// A validator's replica on its disk cannot be made, opened or carried on.
    case host(path: String, HostError)
    /// As many messages, or bytes of them, wait as may.
    case spoolFull(directory: String)
    /// Others may read a file that holds a secret.
    case secretExposed(path: String, mode: Int)
    /// A key file cannot be opened.
    case key(path: String, SealedKeyError)
    /// The file that unlocks the keys does not hold sixty-four hexadecimal digits.
    case unlockKeyMalformed(path: String)
    /// A passphrase was to protect keys, and it is empty.
    case emptyPassphrase
    /// The keys in the folder are not those that the ledger names.
    case keyMismatch(name: String, expected: PublicKey, found: PublicKey)
    /// `recount.toml` no longer says what the ledger was opened with.
    case configurationChanged(what: String)
    /// The log of the ledger or of a validator's votes failed.
    case log(of: String, path: String, LogError)
    /// The ledger refuses its own first entry.
    case genesisRefused(Refusal)
    /// An entry of the ledger cannot be what follows, in this version.
    case entryUnusable(entry: UInt64, problem: String)
    /// The ledger holds a vote of the validator that its journal lacks.
    case journalBehind(validator: String, home: String, request: RequestID)
    /// The ledger holds a result of the validator that its journal lacks.
    case journalLacksResult(validator: String, home: String, job: JobID)
    /// The ledger cannot be opened.
    case storage(path: String, StorageError)
    /// A validator refuses to cosign a checkpoint.
    case cosign(validator: String, CosignRefusal)
    /// A checkpoint is not one of the ledger that the validator holds.
    case notOfThisLedger(validator: String, size: UInt64, held: UInt64)
    /// What was asked for cannot be done; the text says why and what to do.
    case cannot(String)
    /// A checkpoint or its signatures cannot be used.
    case note(String)
    /// The vault's database failed.
    case vault(path: String, problem: String)
    /// A newer version of this program made the vault.
    case vaultNewer(path: String, version: Int, known: Int)
    /// The vault belongs to another ledger or bridge key.
    case vaultForeign(path: String)
    /// The clock is more than an hour beyond what is known.
    case clockJumped(known: Time, now: Time)
    /// The clock says a time that cannot be.
    case clockWrong(String)
    /// A file with a secret is a folder or a pipe.
    case secretNotAFile(path: String)
    /// No validator is up that could open a batch.
    case noProposer
    /// More validators are to misbehave than there are.
    case tooManyMisbehaving(asked: Int, validators: Int)
    /// The input cannot be read.
    case input(path: String, problem: String)
    /// A job cannot be submitted.
    case job(JobProblem)
    /// The run is over; open the nodes again.
    case alreadyRun
    /// A node stopped.
    case node(name: String, HostError)
    /// The clock says what no clock can say.
    case clockAbsurd(Time)
    /// Nodes of one run hold different ledgers.
    case forked(first: String, second: String, height: Height)
    /// No node of that name is there.
    case unknownNode(String, known: [String])
    /// The nodes that run are too few, or hold too little, to go on.
    case stalled(String)
}
