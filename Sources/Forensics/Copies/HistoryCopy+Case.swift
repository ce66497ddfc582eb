// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import EventLog
internal import Hosting
internal import Ledger
internal import Replication

/// A side of a case is a copy that begins with the batch in dispute.
extension HistoryCopy {
    /// Whether a file is a case.
    package static func isCase(_ path: String, disk: any Disk = POSIXDisk()) -> Bool {
        do throws(DiskError) {
            return try disk.contents(of: path, max: CaseFile.magic.count)
                .starts(with: CaseFile.magic)
        } catch {
            return false
        }
    }

    /// Both sides of a case: what T validators decided on, and what the node derived; and why that
    /// took an input no more, where it did not take all.
    static func sides(
        ofCase path: String, disk: any Disk
    ) throws(CopyError) -> (sides: [HistoryCopy], stopped: String?) {
        let found = try load(path, disk)
        let sides = [
            try decided(found, "the decided side", path, disk),
            try side(found, found.own, "the derived side", path, disk, certificate: nil),
        ]
        return (sides, found.ownStopped)
    }

    /// What T validators decided on, by a case.
    static func decided(
        inCase path: String, name: String, disk: any Disk
    ) throws(CopyError) -> HistoryCopy {
        try decided(try load(path, disk), name, path, disk)
    }

    private static func load(
        _ path: String, _ disk: any Disk
    ) throws(CopyError) -> DivergenceCase {
        let found: DivergenceCase
        do throws(CaseFault) { found = try CaseFile.load(path, disk: disk) } catch {
            throw .brokenCase(path: path, error)
        }
        // What does not hold together says nothing of anybody.
        if let wrong = CaseCheck(found).lines.first(where: { $0.holds == false }) {
            throw .unboundCase(path: path, problem: "\(wrong.check): \(wrong.detail)")
        }
        return found
    }

    private static func decided(
        _ found: DivergenceCase, _ name: String, _ path: String, _ disk: any Disk
    ) throws(CopyError) -> HistoryCopy {
        guard case .history = found.divergence,
            case .batchOpened(let opened)? = found.batch.events.first
        else {
            return try side(
                found, found.batch.entries, name, path, disk,
                certificate: found.batch.precommits)
        }
        // The batch follows a log of which the case has the root alone.
        let head = TreeHead(size: found.frontier.count, root: opened.previousRoot)
        return HistoryCopy(name, .case, head, .roots([]), disk: disk)
    }

    private static func side(
        _ found: DivergenceCase, _ entries: [EntryBytes], _ name: String, _ path: String,
        _ disk: any Disk, certificate: Precommits?
    ) throws(CopyError) -> HistoryCopy {
        let roll: PartyRoll
        do throws(SnapshotError) {
            roll = try PartyRoll(fixed: found.excerpt.fixed)
        } catch {
            throw .unboundCase(path: path, problem: "its state: \(error)")
        }
        guard roll.ledger == found.ledger, roll.holds(components: found.components) else {
            throw .unboundCase(path: path, problem: "its parties are not those that were sealed")
        }
        let edge = LogEdge(after: found.frontier, entries)
        let head = TreeHead(size: edge.head.size, root: edge.head.root)
        return HistoryCopy(
            name, .case, head, .edge(edge), disk: disk, parties: roll, certificate: certificate)
    }
}
