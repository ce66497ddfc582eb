// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger

/// Removes payloads that nothing refers to.
///
/// What stays: module, input and results of every open job; module, input and output of every job
/// with an agreed result, so that an audit can run it again; module and input of the newest jobs
/// that were closed without one, as many as `NodeLimits.unagreedJobsMax` and
/// `NodeLimits.unagreedBytesMax` admit; what clients of this node have handed in. A file that two
/// looks in a row find to be none of that is removed: outputs that were not agreed on, and what an
/// interrupted write left. Payloads of jobs that were refused go at once.
final class Pruning: Duty {
    /// A job that was closed without an agreed result.
    private struct Unagreed {
        let entry: EntryIndex
        let payloads: [Digest]
        let bytes: UInt64
    }

    private let blobs: Blobs
    private let everyMilliseconds: UInt64
    /// Payloads of jobs with an agreed result.
    private var agreed: Set<Digest> = []
    /// In the order of their entries.
    private var unagreed: [Unagreed] = []
    private var open: [EntryIndex: JobSubmitted] = [:]
    /// Jobs that were closed before the node began, and are still to be read.
    private var unread: [JobDecided] = []
    /// Files that the last look found to be nobody's.
    private var suspects: Set<String> = []
    /// Payloads of jobs that were not taken.
    private var dropped: [Digest] = []
    private var lookAt: UInt64 = 0
    private var isLooking = false

    init(_ blobs: Blobs, everyMilliseconds: UInt64) {
        self.blobs = blobs
        self.everyMilliseconds = everyMilliseconds
    }

    var nextWake: UInt64 {
        if !dropped.isEmpty { return 0 }
        return isLooking ? .max : lookAt
    }

    func start(_ node: NodeCore) throws(NodeError) {
        lookAt = node.uptime + everyMilliseconds
        let state = node.state
        for entry in state.openJobs { open[entry] = state.job(at: entry)?.submitted }
        let closed = state.closedJobs
        unread = closed.filter { $0.decision == .agreed }
        unread += closed.filter { $0.decision != .agreed }.suffix(NodeLimits.unagreedJobsMax)
    }

    func hear(_ batch: NodeBatch, _ node: NodeCore) throws(NodeError) {
        for (entry, event) in batch.entries {
            switch event {
            case .jobSubmitted(let job): open[entry] = job
            case .roundClosed(let close):
                guard let job = open.removeValue(forKey: close.about),
                    let closed = node.state.closedJob(at: close.about)
                else { continue }
                note(job, closed.decision)
            default: break
            }
        }
    }

    /// Takes in a job that is closed.
    private func note(_ job: JobSubmitted, _ decision: JobDecided) {
        guard decision.decision != .agreed else {
            agreed.formUnion([job.module, job.input, decision.output])
            return
        }
        // Sizes are the submitter's word, which a validator holds payloads to.
        let (sum, isBeyond) = job.moduleBytes.addingReportingOverflow(job.inputBytes)
        let place = unagreed.firstIndex { $0.entry > decision.job } ?? unagreed.count
        unagreed.insert(
            Unagreed(
                entry: decision.job, payloads: [job.module, job.input],
                bytes: isBeyond ? .max : sum), at: place)
        var bytes: UInt64 = 0
        let first = unagreed.lastIndex { job in
            let (sum, isBeyond) = bytes.addingReportingOverflow(job.bytes)
            bytes = sum
            return isBeyond || sum > NodeLimits.unagreedBytesMax
        }
        if let first { unagreed.removeFirst(first + 1) }
        unagreed.removeFirst(max(0, unagreed.count - NodeLimits.unagreedJobsMax))
    }

    // MARK: Refused jobs

    /// Has payloads removed that nothing else refers to, once the batch at hand is taken in.
    ///
    /// Those beyond the bound are left to the looks.
    func drop(_ payloads: [Digest]) {
        if dropped.count < NodeLimits.suspectsMax { dropped += payloads }
    }

    private func removeDropped(_ node: NodeCore) {
        let payloads = Set(dropped)
        dropped = []
        guard unread.isEmpty, !node.host.isBackfilling, !node.host.isJoining else { return }
        let recent = recent(node)
        let free = payloads.filter { !agreed.contains($0) && !recent.contains($0) }
        guard !free.isEmpty else { return }
        do throws(NodeError) {
            // What a client has handed in and nobody has read may name any of them.
            let read = read(node)
            guard try Spool(home: node.home.path).names().allSatisfy(read.contains) else { return }
            do throws(LogError) {
                blobs.forget(free)
                for hash in free.sorted() { try blobs.store.remove(hash.hex) }
            } catch { throw .log(of: "the blobs", path: blobs.store.directory, error) }
        } catch {
            node.tell(.warning("\(node.name): payloads that nobody needs stay: \(error)"))
        }
    }

    /// The files of the spool that were read.
    private func read(_ node: NodeCore) -> Set<String> {
        node.duties.compactMap { ($0 as? Spooling)?.known }.first ?? []
    }

    // MARK: Looks

    func attend(_ node: NodeCore) throws(NodeError) {
        if !dropped.isEmpty { removeDropped(node) }
        guard !isLooking, node.uptime >= lookAt else { return }
        guard !node.host.isBackfilling, !node.host.isJoining else {
            lookAt = node.uptime + everyMilliseconds
            return
        }
        if !unread.isEmpty {
            for _ in 0..<NodeLimits.jobsReadAtOnce {
                guard let decision = unread.popLast() else { break }
                guard case .jobSubmitted(let job)? = try node.event(at: decision.job.rawValue)
                else { continue }
                note(job, decision)
            }
            lookAt = node.uptime + 1
            return
        }
        look(node)
    }

    /// Has those forgotten that a look removes.
    private func forgetSuspects() {
        blobs.forget(suspects.compactMap { Bytes32(hex: $0).map(Digest.init) })
    }

    private func look(_ node: NodeCore) {
        isLooking = true
        forgetSuspects()
        lookAt = node.uptime + everyMilliseconds
        let named = Set(named(node).map(\.hex))
        let read = read(node)
        let (store, spool, suspects, inbox) = (
            blobs.store, Spool(home: node.home.path), suspects, node.inbox
        )
        node.share.pool.submit {
            let result = Result { () throws(NodeError) -> Set<String> in
                let names = try spool.names()
                do throws(LogError) {
                    let free = Set(try store.names().filter { !named.contains($0) })
                    // What a client has handed in and nobody has read may name any of them.
                    guard names.allSatisfy(read.contains) else { return suspects }
                    for name in free where suspects.contains(name) { try store.remove(name) }
                    return free.subtracting(suspects)
                } catch {
                    throw .log(of: "the blobs", path: store.directory, error)
                }
            }
            inbox.put { (node) throws(NodeError) in
                for case let duty as Pruning in node.duties { duty.receive(result, node) }
            }
        }
    }

    /// What is named by jobs that are open, agreed on, lately closed, or on their way.
    private func named(_ node: NodeCore) -> Set<Digest> { agreed.union(recent(node)) }

    /// The same without those of agreed jobs, which are without bound.
    private func recent(_ node: NodeCore) -> Set<Digest> {
        var result = Set(unagreed.flatMap(\.payloads))
        for (entry, job) in open {
            result.formUnion([job.module, job.input])
            guard let held = node.state.job(at: entry) else { continue }
            result.formUnion(held.results.compactMap { $0?.event.output })
            if let own = node.host.report(on: held.id) { result.insert(own.output) }
        }
        return result.union(node.clients.payloads).union(blobs.wanted)
    }

    private func receive(_ result: Result<Set<String>, NodeError>, _ node: NodeCore) {
        isLooking = false
        forgetSuspects()
        switch result {
        case .success(let free): suspects = Set(free.sorted().prefix(NodeLimits.suspectsMax))
        case .failure(let error):
            suspects = []
            node.tell(.warning("\(node.name): payloads that nobody needs stay: \(error)"))
        }
    }
}
