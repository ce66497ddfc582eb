// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Groth16
package import Ledger

/// Judges the proofs of a chunk, those under one key together.
enum ProofChecks {
    /// The proofs under one key, with their places in the chunk.
    private struct Group {
        let key: PreparedVerifyingKey
        var places: [Int] = []
        var items: [PreparedVerifyingKey.CompressedItem] = []
    }

    /// Returns the verdict on each proof, in order: what it would be for that proof alone.
    ///
    /// The factors come from the system's generator, so that whoever made the proofs of a ledger
    /// cannot know them.
    static func verdicts(_ tasks: [ProofTask]) -> [ProofFinding] {
        var verdicts = [ProofFinding](repeating: .fails, count: tasks.count)
        var groups: [Group] = []
        for (place, task) in tasks.enumerated() {
            do throws(Groth16Error) {
                let item = try read(task)
                // A ledger has few circuits, and equal keys share their memory.
                let index = groups.firstIndex { $0.key == task.key } ?? groups.count
                if index == groups.count { groups.append(Group(key: task.key)) }
                groups[index].places.append(place)
                groups[index].items.append(item)
            } catch {
                verdicts[place] = unjudged(error)
            }
        }
        var factors = SystemFactors()
        for group in groups {
            do throws(Groth16Error) {
                let answers = try group.key.verifyTogether(
                    compressed: group.items, factors: &factors)
                for (place, answer) in zip(group.places, answers) {
                    verdicts[place] = verdict(answer)
                }
            } catch {
                for place in group.places { verdicts[place] = unjudged(error) }
            }
        }
        return verdicts
    }

    /// Reads the inputs. Where their number is wrong, the proof is read first for its error; else
    /// it is read with the others.
    private static func read(
        _ task: ProofTask
    ) throws(Groth16Error) -> PreparedVerifyingKey.CompressedItem {
        let inputs = try PublicInputs.parse(littleEndian: task.inputs)
        let expected = task.key.publicInputCount
        guard inputs.count == expected else {
            _ = try Proof(compressed: task.proof)
            throw .wrongInputCount(expected: expected, actual: inputs.count)
        }
        return PreparedVerifyingKey.CompressedItem(task.proof, inputs: inputs)
    }

    private static func verdict(_ answer: PreparedVerifyingKey.Answer) -> ProofFinding {
        switch answer {
        case .success(let holds): holds ? .holds : .fails
        case .failure(let error): unjudged(error)
        }
    }

    private static func unjudged(_ error: Groth16Error) -> ProofFinding {
        .unjudged("proof or inputs that cannot be read: \(error)")
    }
}

/// What a proof says when it is verified now.
package enum ProofAnswer: Equatable, Sendable {
    /// It holds.
    case holds
    /// It does not hold.
    case fails
    /// It cannot be verified, for this reason.
    case unjudged(String)
}

extension RequestHistory {
    /// Verifies the proof of the request under the circuit's key.
    package func verifyProof() -> ProofAnswer { message.verifyProof(under: circuit) }
}

extension RequestMessage {
    /// Verifies the proof under a circuit's key; whether it is the request's circuit is not asked.
    package func verifyProof(under circuit: Circuit) -> ProofAnswer {
        let key: PreparedVerifyingKey
        do throws(Groth16Error) {
            key = PreparedVerifyingKey(try VerifyingKey(bytes: circuit.verifyingKey))
        } catch {
            return .unjudged("the verifying key cannot be read: \(error)")
        }
        let task = ProofTask(
            request: 0, key: key, proof: proof, inputs: publicInputs.map(\.bytes))
        switch ProofChecks.verdicts([task])[0] {
        case .holds: return .holds
        case .fails: return .fails
        case .unjudged(let reason): return .unjudged(reason)
        }
    }
}

/// Numbers that nobody can predict, from the generator of the system.
private struct SystemFactors: RandomNumberGenerator {
    mutating func next() -> UInt64 {
        randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
