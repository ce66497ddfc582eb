// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import Cryptography
internal import EventLog
internal import Foundation
internal import Hosting
package import Ledger
internal import Storage

/// How the home of a validator or an observer is, as far as can be seen without changing anything.
///
/// It is read as any reader does while a node may write it: no lock is taken, nothing is cut,
/// written or removed, and nobody but the disk is asked.
package struct HomeHealth: Sendable {
    /// The folder.
    package let home: String
    /// Whose it is; nil where the configuration cannot be read.
    package private(set) var name: String?
    /// Whether it is an observer's.
    package private(set) var isObserver = false
    /// The ledger; nil where it cannot be read.
    package private(set) var ledger: LedgerID?
    /// Its last batch; nil where it cannot be read.
    package private(set) var height: Height?
    /// Its entries; nil where it cannot be read.
    package private(set) var size: UInt64?
    /// The root of its log; nil where it cannot be read.
    package private(set) var root: String?
    /// Validators in office, of whom `threshold` decide; nil where it cannot be read.
    package private(set) var members: Int?
    /// How many decide; nil where it cannot be read.
    package private(set) var threshold: UInt32?
    /// The process that runs it; nil where none does.
    package private(set) var process: Int32?
    /// Where its peers listen, as its configuration says.
    package private(set) var peers: [String] = []
    /// Where it answers over HTTP, as its configuration says.
    package private(set) var api: String?
    /// What was looked at, in a fixed order.
    package private(set) var checks: [HealthCheck] = []

    /// Whether a node would start on it, as far as can be seen.
    package var wouldStart: Bool {
        let parts: Set<HealthCheck.Subject> = [.configuration, .keys, .ledger, .journal, .clock]
        return !checks.contains { $0.health == .bad && parts.contains($0.subject) }
    }

    /// Looks at a home.
    ///
    /// - Parameter protection: What unlocks its keys; nil where they are not to be tried.
    package static func examine(
        _ path: String, protection: HomeProtection?, clock: any NodeClock = SystemClock()
    ) -> HomeHealth {
        var health = HomeHealth(home: Files.absolute(path))
        health.process = LockHolder.of("\(NodeHome.ledgerFolder(health.home))/LOCK")
        let configuration = health.examineConfiguration()
        let opened = health.examineLedger(configuration)
        if let configuration {
            health.examineKeys(configuration, protection, opened?.state)
        } else {
            health.examinePart(.keys, .keys)
        }
        let silentUntil = health.examineJournal()
        let waiting = health.examineWaiting()
        let open = health.examineCases()
        health.examineClock(clock, opened?.state)
        health.examineDisk()
        let announces = health.examineVersions(opened?.state)
        health.examineRestart(
            Restart(
                opened: opened, now: clock.now(), silentUntil: silentUntil, waiting: waiting,
                openCase: open, announces: announces))
        return health
    }

    private init(home: String) { self.home = home }

    mutating func add(
        _ subject: HealthCheck.Subject, _ health: HealthCheck.Health, _ finding: String,
        advice: String? = nil
    ) {
        checks.append(HealthCheck(subject, health, finding, advice: advice))
    }

    // MARK: The parts of a home

    private mutating func examineConfiguration() -> Configuration? {
        do throws(NodeError) {
            let configuration = try NodeHome.configuration(of: home)
            let name = try NodeHome.name(in: configuration, of: home)
            self.name = name
            isObserver = configuration.observer != nil
            peers = configuration.network.peers
            api = configuration.api.listen
            add(
                .configuration, .good,
                "the home of \(name)\(isObserver ? ", an observer" : ""), which listens at"
                    + " \(configuration.network.listen.joined(separator: ", "))")
            return configuration
        } catch {
            add(.configuration, .bad, "\(error)")
            return nil
        }
    }

    /// Says whether a part is there, where no more of it can be judged.
    private mutating func examinePart(_ part: HomePart, _ subject: HealthCheck.Subject) {
        do throws(NodeError) {
            try part.check(in: home)
            add(subject, .unknown, "\(part.path(in: home)) is there")
        } catch {
            add(subject, .bad, "\(error)")
        }
    }

    private mutating func examineLedger(_ configuration: Configuration?) -> OpenedLedger? {
        guard NodeHome.hasLedger(home) else {
            add(.ledger, .bad, "\(HomePart.ledger.loss(in: home))")
            return nil
        }
        let directory = NodeHome.ledgerFolder(home)
        let opened: OpenedLedger
        do throws(StorageError) {
            opened = try LedgerStore.open(
                directory: directory, disk: POSIXDisk(), access: .readOnly)
        } catch {
            add(
                .ledger, .bad, "\(directory): \(error)",
                advice: "keep it as it is, and rebuild it from another validator's: recount"
                    + " recover --help")
            return nil
        }
        ledger = opened.state.ledger
        height = opened.state.height
        size = opened.state.size
        root = opened.log.root.hex
        members = opened.state.members.count
        threshold = opened.state.parameters.threshold
        for notice in opened.notices { add(.ledger, .warning, notice) }
        if let configuration {
            do throws(NodeError) {
                try FirstEntry.check(configuration, try FirstEntry.read(directory))
            } catch { add(.ledger, .bad, "\(error)") }
        }
        let torn = opened.log.recovery.tornBytes
        add(
            .ledger, .good,
            "\(opened.state.size) entries to batch \(opened.state.height.rawValue) of"
                + " \(TimeText.of(opened.state.time))"
                + (torn > 0 && process == nil
                    ? ", and \(torn) bytes of a commit that was cut off and never acknowledged"
                    : ""))
        return opened
    }

    private mutating func examineKeys(
        _ configuration: Configuration, _ protection: HomeProtection?, _ state: LedgerState?
    ) {
        let keys = KeyFolder(home: home)
        do throws(NodeError) { try HomePart.keys.check(in: home) } catch {
            return add(.keys, .bad, "\(error)")
        }
        var protection = protection
        if case .keyFile(nil)? = protection, !Files.exists(keys.unlockFile) { protection = nil }
        let names = (isObserver ? [] : [name].compactMap(\.self)) + [KeyFolder.transportName]
        var good: [String] = []
        for name in names {
            do throws(NodeError) {
                guard Files.exists(keys.file(name)) else {
                    throw .cannot(
                        "\(keys.file(name)) is missing: a key that nobody can make again; find a"
                            + " copy of it")
                }
                try Files.checkSecret(keys.file(name))
                if let protection {
                    let key = try keys.open(name, protection)
                    if name == self.name { try Self.check(key.publicKey, name, state) }
                }
                good.append(name)
            } catch { add(.keys, .bad, "\(error)") }
        }
        guard good.count == names.count else { return }
        guard let protection else {
            return add(
                .keys, .unknown, "\(good.joined(separator: " and ")) are there, and not unlocked",
                advice: "to have them tried name the file that unlocks them (--key-file), or set"
                    + " RECOUNT_PASSPHRASE")
        }
        let isNamed = state != nil && !isObserver
        add(
            .keys, .good,
            "\(good.joined(separator: " and ")) can be unlocked"
                + (isNamed ? ", and the first is the ledger's" : ""))
        if let notice = keys.notice(protection) { add(.keys, .warning, notice) }
    }

    /// Throws where a ledger knows the validator by another key.
    private static func check(
        _ key: PublicKey, _ name: String, _ state: LedgerState?
    ) throws(NodeError) {
        guard let known = state?.validators.first(where: { $0.name == name })?.key, known != key
        else { return }
        throw .keyMismatch(name: name, expected: known, found: key)
    }

    /// Returns until when the validator says nothing, where its journal was begun anew.
    private mutating func examineJournal() -> Time? {
        let directory = NodeHome.journalFolder(home)
        guard Files.exists(directory) else {
            add(.journal, .bad, "\(HomePart.journal.loss(in: home))")
            return nil
        }
        do {
            let log = try EventLog.open(
                directory: directory, disk: POSIXDisk(), access: .readOnly)
            let until = try VoteJournal.silence(in: directory, disk: POSIXDisk())
            add(.journal, .good, "\(log.size) entries of what was signed")
            return until
        } catch {
            add(
                .journal, .bad, "\(directory): \(error)",
                advice: "restore the newest copy of it, or begin it anew: recount recover --help")
            return nil
        }
    }

    /// Returns how many messages wait.
    private mutating func examineWaiting() -> Int {
        guard let ledger, Files.exists(NodeHome.spoolFolder(home)) else { return 0 }
        do throws(NodeError) {
            let all = try Spool(home: home).readAll(in: ledger)
            for case let problem? in all.map(\.problem) { add(.waiting, .warning, problem) }
            let count = all.count { $0.message != nil }
            add(.waiting, .good, "\(count) messages of clients wait to be handed in")
            return count
        } catch {
            add(.waiting, .warning, "\(error)")
            return 0
        }
    }

    /// Returns the path of the last case that nobody has released and no batch has closed.
    private mutating func examineCases() -> String? {
        let store = CaseStore(home: home, disk: POSIXDisk())
        do throws(DiskError) {
            guard let open = try store.all().last(where: { $0.status == .open }) else {
                add(.cases, .good, "none is open")
                return nil
            }
            let path = store.path(open.name)
            add(
                .cases, .bad,
                "the node signs nothing: it differs from what was agreed on in batch"
                    + " \(open.height.rawValue)", advice: "recount case show \(path)")
            return path
        } catch {
            add(.cases, .warning, "\(store.directory) cannot be read: \(error)")
            return nil
        }
    }
}
