// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
package import Ledger

/// A file of the spool: a job, or what is wrong with the file.
package struct SpooledJob: Sendable {
    /// The file.
    package let path: String
    /// What is in it.
    package let content: Result<JobMessage, SpoolProblem>
    /// The identity of the job; nil where the file is damaged.
    package let id: JobID?

    /// The name of the file, without its folder.
    var name: String { path.split(separator: "/").last.map { String($0) } ?? path }

    /// The job; nil where the file is damaged.
    package var message: JobMessage? {
        if case .success(let message) = content { message } else { nil }
    }

    /// What is wrong with the file, for a person; nil where nothing is.
    package var problem: String? {
        if case .failure(let problem) = content { "\(path): \(problem)" } else { nil }
    }
}

/// Jobs that are submitted and not yet in the ledger: `HOME/jobs/<64 hexadecimal digits>.job`.
///
/// A file holds the Borsh of a signed `JobMessage` and is named for its identity. It is there
/// whole or not at all, and durable when `put` returns; module and input are in the blob store
/// before it. Submitters and a running node share it without a lock: files come by a rename and
/// go when the ledger holds the job or its refusal.
package struct JobSpool: Sendable {
    /// The folder.
    package let directory: String
    private let disk = POSIXDisk()
    private static let suffix = ".job"

    /// The spool of the node in the folder `path`. The first `put` makes it.
    package init(home path: String) { directory = "\(path)/jobs" }

    /// Adds a job, or leaves it as it is where it is there, and returns its identity.
    ///
    /// Throws `.job(.spoolFull)` where as many wait as may, or `.disk`.
    package func put(_ message: JobMessage, in ledger: LedgerID) throws(NodeError) -> JobID {
        let id = message.id(in: ledger)
        do throws(DiskError) { _ = try disk.makeDirectory(directory) } catch { throw .disk(error) }
        let names = try names()
        guard names.count < NodeLimits.spooledJobsMax || names.contains(name(id)) else {
            throw .job(.spoolFull(directory: directory, max: NodeLimits.spooledJobsMax))
        }
        // Unique, so that two who submit the same do not write over each other.
        let temporary = "\(directory)/\(id.hex).\(randomBytes(8).hex).tmp"
        do throws(DiskError) {
            let file = try disk.open(temporary, .create)
            try file.write(message.encoded, at: 0)
            try file.sync()
            try disk.rename(temporary, to: path(id))
            try disk.syncDirectory(directory)
        } catch {
            throw .disk(error)
        }
        return id
    }

    /// Reads all that is there: jobs by timestamp, then identity; then damaged files, by name.
    package func list(in ledger: LedgerID) throws(NodeError) -> [SpooledJob] {
        Self.ordered(try names().map { read($0, in: ledger) })
    }

    /// Removes a job, where it is there; not durable, since what has gone may come again.
    package func remove(_ id: JobID) throws(NodeError) { try remove(file: name(id)) }

    /// Removes a file, where it is there.
    func remove(file name: String) throws(NodeError) {
        do throws(DiskError) { try disk.remove("\(directory)/\(name)") } catch {
            if case .notFound = error { return }
            throw .disk(error)
        }
    }

    /// The names of the files, in order; those under temporary names are passed over.
    func names() throws(NodeError) -> [String] {
        do throws(DiskError) {
            return try disk.list(directory).filter { $0.hasSuffix(Self.suffix) }
        } catch {
            if case .notFound = error { return [] }
            throw .disk(error)
        }
    }

    /// Reads one file.
    func read(_ name: String, in ledger: LedgerID) -> SpooledJob {
        let path = "\(directory)/\(name)"
        do throws(SpoolProblem) {
            let (id, message) = try job(name, path, ledger)
            return SpooledJob(path: path, content: .success(message), id: id)
        } catch {
            return SpooledJob(path: path, content: .failure(error), id: nil)
        }
    }

    /// Jobs by timestamp, then identity; then what is damaged, in the order given.
    static func ordered(_ files: [SpooledJob]) -> [SpooledJob] {
        let jobs = files.compactMap { file in
            if let id = file.id, let message = file.message {
                (message.timestamp, id, file)
            } else {
                nil
            }
        }
        return jobs.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2) + files.filter { $0.id == nil }
    }

    /// Checks, in order: name, length, encoding, identity, signature.
    private func job(
        _ name: String, _ path: String, _ ledger: LedgerID
    ) throws(SpoolProblem) -> (JobID, JobMessage) {
        let digits = String(name.dropLast(Self.suffix.count))
        guard let named = Bytes32(hex: digits), named.hex == digits else { throw .notNamed }
        let bytes: [UInt8]
        do throws(DiskError) {
            bytes = try disk.contents(of: path, max: NodeLimits.spooledJobBytesMax)
        } catch {
            throw .unreadable("\(error)")
        }
        guard bytes.count <= NodeLimits.spooledJobBytesMax else {
            throw .tooLong(max: NodeLimits.spooledJobBytesMax)
        }
        let message: JobMessage
        do throws(DecodingError) { message = try JobMessage(decoding: bytes) } catch {
            throw .undecodable(error)
        }
        let id = message.id(in: ledger)
        guard id.digest == Digest(named) else { throw .otherMessage(id.digest) }
        guard message.isSigned(in: ledger) else { throw .notSigned }
        return (id, message)
    }

    private func name(_ id: JobID) -> String { "\(id.hex)\(Self.suffix)" }

    private func path(_ id: JobID) -> String { "\(directory)/\(name(id))" }
}
