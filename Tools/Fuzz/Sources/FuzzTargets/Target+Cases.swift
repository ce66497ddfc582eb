// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Hosting
import Ledger
import Replication

extension FuzzTarget {
    /// The contents of a case, which whoever forges them gives the right hash, and roots that the
    /// state in them has.
    static let cases = FuzzTarget(
        name: "cases",
        about: "the contents of a case; what decodes is written alike, and can be derived again",
        bytesMax: 16_384,
        seeds: {
            let ledger = try LedgerSeeds()
            return try ledger.tails.enumerated().map { number, tail in
                Seed(name: "case-\(number)", bytes: try makeCase(ledger.scenario, tail).encoded)
            }
        },
        run: { bytes in
            var found: DivergenceCase
            do throws(Ledger.DecodingError) {
                found = try DivergenceCase(decoding: bytes)
            } catch { return }
            law(found.encoded == bytes, "a case has one encoding")
            do throws(CaseFault) {
                law(
                    try CaseFile.decode(CaseFile.encoded(found)) == found,
                    "a file holds the case that was written")
            } catch { law(false, "a file of a case cannot be read: \(error)") }
            _ = (found.answer, found.voters.count, found.ownRoot)
            found.components = roots(of: found)
            found.derive(
                again: .freshProcess, ledgerDirectory: nil, disk: SimulatedDisk(),
                versions: found.versions)
            law(!found.repeats.isEmpty, "what is derived again is noted")
        })

    /// The roots that the state in a case has, as far as it is one.
    private static func roots(of found: DivergenceCase) -> [Digest] {
        var copy = found
        for _ in StateComponent.allCases {
            do throws(SnapshotError) {
                _ = try copy.state()
                break
            } catch {
                guard case .root(let label, _, let computed) = error,
                    let place = StateComponent.allCases.firstIndex(where: { $0.label == label })
                else { break }
                copy.components[place] = computed
            }
        }
        return copy.components
    }

    private static func makeCase(
        _ scenario: LedgerScenario, _ tail: [Event]
    ) throws -> DivergenceCase {
        var before = MerkleFrontier()
        for event in scenario.log.dropLast() { before.append(leaf: event.encoded) }
        let seal = DivergenceCase.LastSeal(
            before: before, entry: EntryBytes(scenario.log.last?.encoded ?? []))
        let height = Height(scenario.state.height.rawValue + 1)
        let batch = DecidedBatch(
            precommits: Precommits(
                height: height, round: 0, root: scenario.frontier.root,
                signatures: [IndexedSignature(validator: ValidatorIndex(0), signature: .zero)]),
            entries: tail.map { EntryBytes($0.encoded) })
        return DivergenceCase(
            .entry(height, EntryIndex(scenario.state.size), decided: "one", derived: "another"),
            batch, on: scenario.state, scenario.frontier, seal: seal,
            validator: Fixture.key(3).publicKey, versions: ProgramVersions(program: "1"),
            time: scenario.state.time)
    }
}
