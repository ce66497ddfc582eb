// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
internal import Cryptography
package import EventLog
internal import Foundation
internal import Groth16
package import Ledger
internal import Synchronization

/// What became of proofs, and how long one took, its share of those verified together.
package struct ProofCounts: Sendable, Equatable {
    /// By verdict.
    package fileprivate(set) var verdicts: [Vote: UInt64] = [:]
    /// How long each took.
    package fileprivate(set) var durations = Durations()
}

/// Verifies the proofs of all nodes of a process, which share its cores.
///
/// What waits for one circuit is verified together, in chunks of up to 64. The queue has no bound
/// of its own: a replica has a bounded number of verifications out.
package final class ProofVerifier: Sendable {
    /// Where the vote goes that a proof comes to.
    package typealias Delivery = @Sendable (RequestID, Vote, VoteReason) -> Void

    private struct Task: Sendable {
        let circuit: CircuitID
        let id: RequestID
        let proof: [UInt8]
        let inputs: [Bytes32]
        let deliver: Delivery
    }

    private struct Contents {
        var tasks: [Task] = []
        var isStopped = false
        var running = 0
        /// By circuit; nil for a key that cannot be prepared.
        var keys: [CircuitID: PreparedVerifyingKey?] = [:]
    }

    private static let chunkMax = 64

    private let monitor = Monitor()
    private let contents = Mutex(Contents())
    private let counted = Mutex(ProofCounts())
    private let threads: Int

    /// Starts as many threads as there are cores, unless told otherwise.
    package init(threads: Int = ProcessInfo.processInfo.activeProcessorCount) {
        self.threads = max(1, threads)
        contents.withLock { $0.running = max(1, threads) }
        for number in 0..<max(1, threads) {
            let thread = Thread { [self] in work() }
            thread.name = "recount-proof-\(number)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    /// What became of proofs so far.
    package var counts: ProofCounts { counted.withLock { $0 } }

    /// Proofs that wait for a thread.
    package var waitingCount: Int { contents.withLock { $0.tasks.count } }

    /// Verifies the proof of a request and gives the verdict on a thread of its own.
    ///
    /// Only a proof that was verified and does not hold is a rejection; whatever fails on the
    /// validator's side is an abstention with a reason. `circuit` is the one that the ledger has.
    package func verify(
        _ request: RequestMessage, _ id: RequestID, circuit: Circuit?, deliver: @escaping Delivery
    ) {
        guard let circuit else { return deliver(id, .abstain, .keyUnavailable) }
        let task = Task(
            circuit: request.circuit, id: id, proof: request.proof, inputs: request.publicInputs,
            deliver: deliver)
        let isKnown = contents.withLock { $0.keys[request.circuit] != nil }
        let prepared = isKnown ? nil : Self.prepare(circuit)
        monitor.locked {
            contents.withLock { contents in
                if contents.keys[request.circuit] == nil {
                    contents.keys[request.circuit] = .some(prepared)
                }
                contents.tasks.append(task)
            }
            monitor.wakeAll()
        }
    }

    /// Drops what waits, and returns when no thread is left.
    package func stop() {
        monitor.locked {
            contents.withLock { contents in
                contents.isStopped = true
                contents.tasks = []
            }
            monitor.wakeAll()
            while contents.withLock({ $0.running }) > 0 { monitor.wait() }
        }
    }

    private static func prepare(_ circuit: Circuit) -> PreparedVerifyingKey? {
        do throws(Groth16Error) {
            return PreparedVerifyingKey(try VerifyingKey(bytes: circuit.verifyingKey))
        } catch { return nil }
    }

    // MARK: Threads

    private func work() {
        while let (tasks, key) = popTasks() {
            let start = MonotonicTime.nanoseconds()
            judge(tasks, key)
            let passed = MonotonicTime.nanoseconds() - start
            counted.withLock {
                $0.durations.add(
                    nanoseconds: passed / UInt64(tasks.count), count: UInt64(tasks.count))
            }
        }
        monitor.locked {
            contents.withLock { $0.running -= 1 }
            monitor.wakeAll()
        }
    }

    /// A share of what waits for the circuit of the first that does, once something does.
    private func popTasks() -> (tasks: [Task], key: PreparedVerifyingKey?)? {
        monitor.locked {
            while true {
                let (tasks, key, isStopped) = contents.withLock {
                    contents -> ([Task], PreparedVerifyingKey?, Bool) in
                    guard let circuit = contents.tasks.first?.circuit else {
                        return ([], nil, contents.isStopped)
                    }
                    let share = (contents.tasks.count + threads - 1) / threads
                    let countMax = min(Self.chunkMax, share)
                    var taken: [Task] = []
                    var rest: [Task] = []
                    for task in contents.tasks {
                        if taken.count < countMax, task.circuit == circuit {
                            taken.append(task)
                        } else {
                            rest.append(task)
                        }
                    }
                    contents.tasks = rest
                    return (taken, contents.keys[circuit] ?? nil, contents.isStopped)
                }
                if !tasks.isEmpty { return (tasks, key) }
                if isStopped { return nil }
                monitor.wait()
            }
        }
    }

    private func give(_ vote: Vote, _ reason: VoteReason, _ task: Task) {
        counted.withLock { $0.verdicts[vote, default: 0] += 1 }
        task.deliver(task.id, vote, reason)
    }

    private func judge(_ tasks: [Task], _ key: PreparedVerifyingKey?) {
        guard let key else {
            for task in tasks { give(.abstain, .keyUnavailable, task) }
            return
        }
        var items: [PreparedVerifyingKey.CompressedItem] = []
        var judged: [Task] = []
        for task in tasks {
            // The ledger refuses inputs that are not canonical, so that is its doing or ours.
            let inputs = task.inputs.compactMap { Fr(littleEndian: $0.bytes) }
            guard inputs.count == task.inputs.count else {
                give(.abstain, .localError, task)
                continue
            }
            guard inputs.count == key.publicInputCount else {
                give(.reject, .wrongInputCount, task)
                continue
            }
            items.append(.init(task.proof, inputs: inputs))
            judged.append(task)
        }
        do throws(Groth16Error) {
            // Nobody who makes proofs can predict these factors.
            var factors = SystemRandomNumberGenerator()
            let answers = try key.verifyTogether(compressed: items, factors: &factors)
            for (task, answer) in zip(judged, answers) {
                switch answer {
                case .success(true): give(.approve, .proofHolds, task)
                case .success(false): give(.reject, .proofFails, task)
                case .failure: give(.abstain, .localError, task)
                }
            }
        } catch {
            for task in judged { give(.abstain, .localError, task) }
        }
    }
}
