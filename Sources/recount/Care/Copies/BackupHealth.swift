// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import Storage

/// Whether the copies of a ledger that are kept would serve.
struct BackupHealth {
    /// The folder of a copy that holds what is kept of a home beside its ledger.
    static let kept = "home"

    private let homes: [DoctorReport.Home]
    private let folder: String?
    /// A copy that is older should be looked at, in seconds: a week.
    private static let ageMax: TimeInterval = 7 * 86_400

    init(_ homes: [DoctorReport.Home], _ folder: String?) {
        self.homes = homes
        self.folder = folder
    }

    /// Looks at the newest whole copy of the ledger.
    func checks() -> [HealthCheck] {
        guard let folder else {
            return [
                HealthCheck(
                    .backups, .unknown, "no copy was named",
                    advice: "name one, or a folder of them, with --backups; recount backup makes"
                        + " them")
            ]
        }
        let known = homes.filter { $0.ledgerID != nil }
        guard let home = known.max(by: { $0.entries ?? 0 < $1.entries ?? 0 }) else {
            return [HealthCheck(.backups, .unknown, "there is no ledger to compare copies with")]
        }
        guard let newest = Self.newest(in: folder, of: home.ledgerID ?? "") else {
            return [
                HealthCheck(
                    .backups, .bad, "there is no whole copy of this ledger in \(folder)",
                    advice: "recount backup \(home.path) \(folder) --keep 7")
            ]
        }
        return [age(newest, home), content(newest), place(newest, home)].compactMap(\.self)
    }

    /// The newest whole copy of a ledger: what is named, or the newest in it.
    static func newest(in folder: String, of ledger: String) -> String? {
        let isCopy = FileManager.default.fileExists(atPath: folder + "/segments")
        let paths = isCopy ? [folder] : DatedCopies.names(in: folder).map { "\(folder)/\($0)" }
        return paths.last { path in
            guard DatedCopies.isWhole(path) else { return false }
            do throws(LogError) {
                return try LedgerStore.identity(of: path, disk: POSIXDisk()).hex == ledger
            } catch { return false }
        }
    }

    private func age(_ copy: String, _ home: DoctorReport.Home) -> HealthCheck {
        let size: UInt64
        do throws(LogError) {
            size = try EventLog.open(directory: copy, disk: POSIXDisk(), access: .readOnly).size
        } catch {
            return HealthCheck(.backups, .bad, "\(copy) cannot be read: \(error)")
        }
        let behind = (home.entries ?? 0) - min(home.entries ?? 0, size)
        let finding =
            "\(copy) holds \(Text.count(size, "entry", "entries")), \(Text.grouped(behind)) fewer"
            + " than the ledger"
        guard let made = Self.made(copy) else { return HealthCheck(.backups, .good, finding) }
        let seconds = max(0, Date().timeIntervalSince(made))
        let days = Int(seconds / 86_400)
        guard behind > 0, seconds > Self.ageMax else {
            return HealthCheck(.backups, .good, finding)
        }
        return HealthCheck(
            .backups, .warning, "\(finding), and is \(days) days old",
            advice: "have copies made by a timer")
    }

    private static func made(_ copy: String) -> Date? {
        do {
            let found = try FileManager.default.attributesOfItem(atPath: copy + "/END")
            return found[.modificationDate] as? Date
        } catch { return nil }
    }

    private func content(_ copy: String) -> HealthCheck? {
        guard !FileManager.default.fileExists(atPath: "\(copy)/\(Self.kept)/recount.toml")
        else {
            return nil
        }
        return HealthCheck(
            .backups, .warning, "\(copy) is of a ledger alone, without the configuration of a home",
            advice: "copy the home, not its ledger")
    }

    private func place(_ copy: String, _ home: DoctorReport.Home) -> HealthCheck? {
        guard let own = Self.disk(of: home.path), own == Self.disk(of: copy) else { return nil }
        return HealthCheck(
            .backups, .warning, "\(copy) is on the same disk as \(home.path), and lost with it",
            advice: "keep copies on another")
    }

    private static func disk(of path: String) -> Int? {
        do {
            let found = try FileManager.default.attributesOfItem(atPath: path)
            return (found[.systemNumber] as? NSNumber)?.intValue
        } catch { return nil }
    }
}
