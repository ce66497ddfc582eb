// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger
internal import Storage

extension NodeError: CustomStringConvertible {
    /// What happened and what to do, for a person.
    package var description: String {
        switch self {
        case .configuration(let path, let error): "\(path): \(error)"
        case .disk(let error): error.words
        case .fileTooLong(let path, let max):
            "\(path) is longer than \(max) bytes, which is the most that such a file may have"
        case .homeExists(let path):
            "\(path) is there already and is left as it is; choose a new folder, or remove it if"
                + " the ledger in it is not wanted any more"
        case .notAHome(let path, let missing):
            "\(path) is not the folder of a node: \(missing) is missing; restore it from a"
                + " copy, or name another folder (`recount init` makes new ones)"
        case .notANetwork(let path):
            "there is no home of a validator in \(path); name a folder that `recount init` made"
        case .unknownName(let kind, let name, let known):
            "there is no \(kind) called \(name.prefix(80)), only "
                + "\(known.isEmpty ? "none" : known.prefix(20).joined(separator: ", "))"
                + Spelling.suggestion(for: name, among: known)
        case .otherLedger(let path, let other):
            "\(path) is of another ledger than \(other); put the right folder back"
        case .host(let path, let error): "\(path): \(error)"
        case .spoolFull(let directory):
            "\(NodeLimits.spooledFilesMax) messages, or \(NodeLimits.spooledBytesMax) bytes of"
                + " them, are the most that wait in \(directory); let the node take them first"
        case .secretExposed(let path, let mode):
            "\(path) has mode \(String(mode, radix: 8)), so others may read the secret in it;"
                + " run: chmod 600 '\(path)'"
        case .key(let path, let error): "\(path): \(Self.text(of: error))"
        case .unlockKeyMalformed(let path):
            "\(path) does not hold the sixty-four hexadecimal digits that unlock the keys; name"
                + " the right key file"
        case .emptyPassphrase:
            "the passphrase is empty; give one in RECOUNT_PASSPHRASE or at the prompt"
        case .keyMismatch(let name, let expected, let found):
            "the key file of \(name) holds \(found.hex), but the ledger names \(expected.hex);"
                + " restore the right file"
        case .configurationChanged(let what):
            "recount.toml was changed after the ledger was made: \(what) differs from the first"
                + " entry, which stands for ever; put the old value back"
        case .log(let name, let path, let error): Self.text(of: error, name, path)
        case .genesisRefused(let refusal):
            "the configuration makes no ledger: \(refusal); change it and try again"
        case .entryUnusable(let entry, let problem):
            "entry \(entry) of the ledger cannot be used: \(problem); run `recount audit`"
        case .journalBehind(let validator, let home, let request):
            "the ledger holds a vote of \(validator) on \(request.hex) that its journal lacks:"
                + " \(Self.older(home, orElse: "vote twice"))"
        case .journalLacksResult(let validator, let home, let job):
            "the ledger holds a result of \(validator) on job \(job.hex) that its journal lacks:"
                + " \(Self.older(home, orElse: "report another result"))"
        case .storage(let path, .log(let error)): Self.text(of: error, "the ledger", path)
        case .storage(_, let error): "\(error)"
        case .cosign(let validator, let refusal):
            "\(validator) does not cosign the checkpoint: \(refusal)"
        case .notOfThisLedger(let validator, let size, let held):
            "\(validator) does not cosign the checkpoint of \(size) entries: "
                + (size > held
                    ? "its ledger holds \(held) only; bring it up to date first"
                    : "its own ledger has another root there, so one of the two is a fork")
        case .cannot(let problem): problem
        case .note(let problem): "the checkpoint cannot be used: \(problem)"
        case .vault(let path, let problem):
            "the vault \(path) failed: \(problem); check the disk and start again"
        case .vaultNewer(let path, let version, let known):
            "the vault \(path) has format \(version), newer than \(known): use a newer program"
        case .vaultForeign(let path):
            "the vault \(path) belongs to another ledger; put the right file back"
        case .clockJumped(let known, let now):
            "the clock is \((now.rawValue - min(now.rawValue, known.rawValue)) / 60_000) minutes"
                + " beyond the last that is known (\(TimeText.of(known)) to \(TimeText.of(now)));"
                + " if the clock is right, because the node was off for so long, run again with"
                + " --accept-clock-jump; if not, set the clock"
        case .clockWrong(let problem): problem
        case .secretNotAFile(let path):
            "\(path) is not a plain file; a secret is read from nothing else"
        case .noProposer:
            "no validator is up that could open a batch; let at least one be online"
        case .tooManyMisbehaving(let asked, let validators):
            "\(asked) validators are to misbehave, but there are only \(validators)"
        case .input(let path, let problem): "the input \(path) cannot be read: \(problem)"
        // Requests have submitters too.
        case .job(.submitterNotNamed(let known)): "\(JobProblem.submitterNotNamed(known: known))"
        case .job(.unknownSubmitter(let name, let known)):
            "\(JobProblem.unknownSubmitter(name, known: known))"
        case .job(let problem): "the job is not submitted: \(problem)"
        case .alreadyRun: "this run is over; open the node again"
        case .node(let name, let error): "\(name): \(error)"
        case .clockAbsurd(let now):
            "the clock says \(now.rawValue) ms after 1970, beyond the year 2261; set it right"
        case .forked(let first, let second, let height):
            "\(first) and \(second) hold different ledgers from batch \(height.rawValue) on; keep"
                + " both, and compare them with `recount audit`"
        case .unknownNode(let name, let known):
            "there is no validator called \(name.prefix(80)) here"
                + Spelling.suggestion(for: name, among: known)
        case .stalled(let problem): problem
        }
    }

    /// What to do about a journal that is older than the ledger beside it.
    private static func older(_ home: String, orElse danger: String) -> String {
        "\(NodeHome.journalFolder(home)) is older than the ledger; restore the newest copy, or this"
            + " validator might \(danger); or, if there is none, begin it anew with"
            + " `recount recover \(home) --new-journals`"
    }

    private static func text(of error: LogError, _ name: String, _ path: String) -> String {
        switch error {
        case .disk(let error), .syncFailed(let error), .unusable(let error):
            "the log of \(name): \(error.words)"
        case .locked(_, let holder):
            "another process\(holder.map { " (\($0))" } ?? "") runs this node: it holds the log"
                + " of \(name) in \(path); stop it first"
        case .notALog, .damaged:
            "the log of \(name) in \(path): \(error); `recount recover --help` says how"
        default: "the log of \(name) in \(path): \(error)"
        }
    }

    private static func text(of error: SealedKeyError) -> String {
        switch error {
        case .notAuthentic: "the passphrase or key file is wrong, or the file was changed"
        case .otherProtection(let needsPassphrase):
            needsPassphrase
                ? "the key is protected by a passphrase; give it in RECOUNT_PASSPHRASE"
                : "the key is protected by a key file, not by a passphrase"
        case .wrongLength(let bytes, let expected):
            "a key file has \(expected) bytes, this one \(bytes); restore it from a copy"
        case .notAKeyFile: "this is not a key file; restore it from a copy"
        case .unknownProtection(let tag):
            "the protection \(tag) is not known; use a newer program"
        case .costOutOfRange: "this is not a key file of ours: it asks for too much work"
        case .outOfMemory(let bytes):
            "the passphrase needs \(bytes >> 20) MiB of memory, which cannot be had"
        }
    }
}
