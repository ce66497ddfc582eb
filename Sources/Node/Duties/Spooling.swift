// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// Takes in what clients hand in through the spool of the home, soon after it is there.
///
/// A file goes when the ledger holds its message; where it is refused, word of that stays.
final class Spooling: Duty {
    private let spool: Spool
    /// The files that are not to be read again: those at hand, and damaged ones.
    private(set) var known: Set<String> = []
    /// The files whose messages are under way; there is room for so many.
    private var underWay: Set<String> = []
    /// The files that are being removed.
    private var leaving: Set<String> = []
    private var lookAt: UInt64 = 0
    private var isLooking = false
    /// When the folder was changed last before the last look; nil where a change since then might
    /// bear the same time.
    private var seenChange: Int64?
    /// Whether a look that began since the last change found nothing new.
    private var isClear = false
    private var isFailureTold = false
    /// Wakes it where the system can; without it, it looks more often.
    private var watch: FolderWatch?

    init(_ home: NodeHome) { spool = Spool(home: home.path) }

    /// Whether something is in the spool, or may be.
    var isBusy: Bool { !isClear || !underWay.isEmpty || !leaving.isEmpty }

    var nextWake: UInt64 { isLooking ? .max : lookAt }

    /// Looks at once.
    func look() {
        lookAt = 0
        seenChange = nil
        isClear = false
    }

    func start(_ node: NodeCore) throws(NodeError) {
        let inbox = node.inbox
        watch = FolderWatch(spool.directory) {
            inbox.put { (node) throws(NodeError) in
                for case let duty as Spooling in node.duties { duty.lookAt = 0 }
            }
        }
    }

    func end(_ node: NodeCore) throws(NodeError) { watch?.stop() }

    func attend(_ node: NodeCore) throws(NodeError) {
        guard !isLooking else { return }
        lookAt =
            node.uptime
            + (watch == nil
                ? NodeLimits.spoolMilliseconds : NodeLimits.spoolAgainMilliseconds)
        let change = spool.lastChange
        // Where nothing new is there, finding out costs one look at the folder itself.
        guard seenChange == nil || change?.time != seenChange else { return }
        seenChange = change.flatMap { $0.isSettled ? $0.time : nil }
        isLooking = true
        let (spool, known, ledger, inbox) = (spool, known, node.ledger, node.inbox)
        let room = max(0, NodeLimits.waitingJobsMax - underWay.count)
        node.share.pool.submit {
            let result = Result { () throws(NodeError) in
                let names = try spool.names().filter { !known.contains($0) }
                return names.prefix(room).map { spool.read($0, in: ledger) }
            }
            inbox.put { (node) throws(NodeError) in
                for case let duty as Spooling in node.duties {
                    try duty.receive(result, hasMore: room == 0, node)
                }
            }
        }
    }

    private func receive(
        _ result: Result<[SpooledMessage], NodeError>, hasMore: Bool, _ node: NodeCore
    ) throws(NodeError) {
        isLooking = false
        switch result {
        case .failure(let error):
            isClear = true
            seenChange = nil
            lookAt = node.uptime + NodeLimits.spoolAgainMilliseconds
            if !isFailureTold {
                node.tell(.warning("\(node.name): nothing can be taken from the spool: \(error)"))
            }
            isFailureTold = true
        case .success(let files):
            isFailureTold = false
            isClear = files.isEmpty && !hasMore
            // What there was no room for is looked at once there is (`clear`).
            if !files.isEmpty { (lookAt, seenChange) = (0, nil) }
            for file in files { try handIn(file, node) }
        }
    }

    private func handIn(_ file: SpooledMessage, _ node: NodeCore) throws(NodeError) {
        known.insert(file.name)
        if let problem = file.problem { return node.tell(.warning(problem)) }
        guard let message = file.message else { return }
        underWay.insert(file.name)
        let inbox = node.inbox
        try node.clients.handIn(message, node) { answer in
            // The answer may come within a call of the host.
            inbox.put { (node) throws(NodeError) in
                for case let duty as Spooling in node.duties {
                    duty.end(file.name, message, answer, node)
                }
            }
        }
    }

    private func end(
        _ name: String, _ message: Message, _ answer: ClientAnswer, _ node: NodeCore
    ) {
        switch answer {
        case .taken: return
        case .busy:
            underWay.remove(name)
            known.remove(name)
            lookAt = node.uptime + NodeLimits.spoolAgainMilliseconds
            seenChange = nil
        case .known, .recorded: clear(name, nil, node)
        case .refused(let refusal):
            switch message {
            case .request(let request):
                node.tell(
                    .refused(
                        line: nil, request: request.id(in: node.ledger), reason: refusal.jsonName,
                        detail: "\(refusal)"))
            case .job(let job):
                node.tell(
                    .jobRefused(
                        job: job.id(in: node.ledger), reason: refusal.jsonName,
                        detail: refusal == .unknownSubmitter
                            ? "\(refusal): only listed submitters are served" : "\(refusal)"))
            default: node.tell(.warning("a change is refused: \(refusal)"))
            }
            clear(name, "\(refusal)", node)
        }
    }

    private func clear(_ name: String, _ reason: String?, _ node: NodeCore) {
        underWay.remove(name)
        leaving.insert(name)
        if !isClear { (lookAt, seenChange) = (0, nil) }
        let (spool, inbox) = (spool, node.inbox)
        node.share.pool.submit {
            let result = Result { () throws(NodeError) in
                if let reason {
                    try spool.refuse(name, because: reason)
                } else {
                    try spool.remove(name)
                }
            }
            inbox.put { (node) throws(NodeError) in
                for case let duty as Spooling in node.duties { duty.cleared(name, result, node) }
            }
        }
    }

    private func cleared(_ name: String, _ result: Result<Void, NodeError>, _ node: NodeCore) {
        leaving.remove(name)
        switch result {
        case .success: known.remove(name)
        case .failure(let error):
            // It stays known: the ledger would only say again what it has said.
            node.tell(.warning("a message that is done with stays in the spool: \(error)"))
        }
    }
}
