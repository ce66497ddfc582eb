// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Compute
internal import EventLog
internal import Foundation
internal import Ledger
internal import Storage

/// What a home stands on: clock, disk and program; and what a restart would do.
extension HomeHealth {
    /// What a restart depends on.
    struct Restart {
        let opened: OpenedLedger?
        let now: Time
        let silentUntil: Time?
        let waiting: Int
        let openCase: String?
        let announces: Bool
    }

    mutating func examineClock(_ clock: any NodeClock, _ state: LedgerState?) {
        let now: Time
        do throws(NodeError) { now = try clock.checked() } catch {
            return add(.clock, .bad, "\(error)")
        }
        if let state, now.adding(milliseconds: NodeLimits.clockStepMilliseconds) < state.time {
            return add(
                .clock, .bad,
                "it says \(TimeText.of(now)), and the last batch is of"
                    + " \(TimeText.of(state.time)): a node with it votes for nothing",
                advice: "set the clock right")
        }
        switch ClockSteering.isSteered() {
        case true?: add(.clock, .good, "\(TimeText.of(now)), kept right by the system")
        case nil: add(.clock, .good, TimeText.of(now))
        case false?:
            add(
                .clock, .warning,
                "\(TimeText.of(now)), and the system says that nothing keeps it right",
                advice: "have the machine follow NTP: batches of a clock that is more than half a"
                    + " second wrong are refused")
        }
    }

    mutating func examineDisk() {
        do {
            let found = try FileManager.default.attributesOfFileSystem(forPath: home)
            guard let free = (found[.systemFreeSize] as? NSNumber)?.uint64Value else {
                return add(.disk, .unknown, "what is free cannot be told")
            }
            let health: HealthCheck.Health =
                free < NodeLimits.freeBytesMin
                ? .bad : free < NodeLimits.freeBytesLow ? .warning : .good
            add(
                .disk, health, "\(free >> 20) MiB are free",
                advice: health == .good
                    ? nil : "free some: a node whose disk is full stops, and loses nothing")
            if !FileManager.default.isWritableFile(atPath: home) {
                add(
                    .disk, .warning, "whoever asks may not write to \(home)",
                    advice: "ask as the user that runs the node")
            }
        } catch {
            add(.disk, .unknown, "what is free cannot be told: \(error.localizedDescription)")
        }
    }

    /// Returns whether a start says in the ledger what the validator runs now.
    mutating func examineVersions(_ state: LedgerState?) -> Bool {
        if let problem = Self.engineProblem {
            add(.versions, .warning, "jobs cannot be run here: \(problem)")
        } else {
            add(.versions, .good, "\(ComputeEngine.name) \(ComputeEngine.version) runs jobs")
        }
        guard let state else { return false }
        let own = state.validators.first { $0.name == name }
        let others = state.members.compactMap { state.validator($0) }.filter {
            $0.name != name && $0.announced.map { !Self.isThis($0) } ?? false
        }
        if others.isEmpty {
            add(
                .versions, .good,
                "no other validator has announced anything but \(NodeLimits.programVersion)")
        } else {
            let words = others.map { other in
                let said = other.announced?.announcement
                return "\(other.name) \(said?.program ?? "") with \(said?.engineVersion ?? "")"
            }
            add(
                .versions, .warning, "others run other versions: \(words.joined(separator: ", "))",
                advice: "bring all to one version, one after the other")
        }
        guard let own, own.isMember else { return false }
        return own.announced.map { !Self.isThis($0) } ?? true
    }

    /// Why jobs cannot be run on this machine; nil where they can. It is looked at once.
    private static let engineProblem: String? = {
        do throws(ComputeError) {
            _ = try ComputeEngine.load()
            return nil
        } catch { return "\(error)" }
    }()

    private static func isThis(_ said: RecordedAnnouncement) -> Bool {
        said.announcement.program == NodeLimits.programVersion
            && said.announcement.engine == ComputeEngine.name
            && said.announcement.engineVersion == ComputeEngine.version
    }

    mutating func examineRestart(_ restart: Restart) {
        if let process { add(.restart, .good, "process \(process) runs the node now") }
        guard wouldStart, let opened = restart.opened else {
            return add(
                .restart, .bad, "a node would not start: see what is wrong above")
        }
        let state = opened.state
        add(
            .restart, .good,
            opened.snapshot.map {
                "it takes the state from the snapshot of batch \($0.height.rawValue), and folds"
                    + " \(opened.folded) entries"
            } ?? "it folds all \(opened.folded) entries, for there is no snapshot")
        if opened.log.recovery.tornBytes > 0, process == nil {
            add(.restart, .good, "it cuts the commit that was cut off, and keeps its bytes aside")
        }
        let latest = state.time.adding(milliseconds: NodeLimits.clockJumpMilliseconds)
        if restart.now > latest {
            let hours = (restart.now.rawValue - state.time.rawValue) / 3_600_000
            add(
                .restart, .warning,
                "the last batch is \(hours == 1 ? "an hour" : "\(hours) hours") old: unless the"
                    + " others go on, it proposes nothing and votes for nothing before somebody"
                    + " says that the clock is right",
                advice: "where it is, start with --accept-clock-jump")
        }
        if let until = restart.silentUntil, state.time <= until {
            add(
                .restart, .warning,
                "its journal was begun anew: it says nothing until ledger time has passed"
                    + " \(TimeText.of(until))")
        }
        if let path = restart.openCase {
            add(.restart, .bad, "it signs nothing, for the case \(path) is open")
        }
        if restart.waiting > 0 {
            add(.restart, .good, "it hands in the messages that wait")
        }
        if restart.announces {
            add(
                .restart, .good,
                "it announces in the ledger that it runs \(NodeLimits.programVersion)")
        }
    }
}
