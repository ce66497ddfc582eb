// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication
internal import Storage

/// Whom two decisions at one height convict.
package struct ForkAccount: Codable, Equatable, Sendable {
    /// A validator that is convicted by its own signatures.
    package struct Guilty: Codable, Equatable, Sendable {
        /// Its number in the ledger.
        package let validator: UInt16
        /// Whether strategies spoke for it.
        package let isLiar: Bool
        /// `proposal`, `prevote`, `precommit`, `amnesia`.
        package let offences: [String]
    }

    /// The height: how many batches came before it.
    package let height: UInt64
    /// T of that height.
    package let threshold: Int
    /// How many ordered it.
    package let members: Int
    /// By number.
    package let guilty: [Guilty]
}

extension Simulator {
    /// Traces the fork that has ended the run, by the certificates of both decisions and the
    /// journal of one honest precommitter of each; nil where there is none, or not both are there.
    func traceFork() -> ForkAccount? {
        for violation in violations where violation.property == .agreement {
            guard let height = violation.height.map({ Height($0) }), let number = violation.node,
                height.rawValue < UInt64(chain.batches.count)
            else { continue }
            let first = chain.batches[Int(height.rawValue)].node
            guard let sealed = nodes[number].host?.state, sealed.height == height,
                let one = precommits(nodes[first], height),
                let other = precommits(nodes[number], height), one.root != other.root
            else { continue }
            let ordering = sealed.sealedBefore
            let keys = Dictionary(
                uniqueKeysWithValues: ordering.members.map { ($0.index, $0.key) })
            let statements = [one, other].flatMap { certificate in
                TracedStatement.precommits(certificate) + testimony(certificate)
            }
            let trace = ForkTrace(
                of: statements, height: height, keys: keys,
                threshold: Int(ordering.parameters.threshold), ledger: ledger)
            return ForkAccount(
                height: height.rawValue, threshold: Int(ordering.parameters.threshold),
                members: ordering.members.count,
                guilty: trace.guilty.map { guilty in
                    ForkAccount.Guilty(
                        validator: guilty.validator.rawValue,
                        isLiar: node(of: guilty.validator)?.isLiar ?? false,
                        offences: guilty.offences.map { "\($0.kind)" })
                })
        }
        return nil
    }

    private func precommits(_ node: SimulatedNode, _ height: Height) -> Precommits? {
        let store = PrecommitStore(
            ledgerDirectory: "\(SimulatedNode.directory)/ledger", disk: node.disk)
        do throws(PrecommitStoreError) { return try store.load(height) } catch { return nil }
    }

    /// What the journal of an honest signer of a certificate holds of its height.
    private func testimony(_ certificate: Precommits) -> [TracedStatement] {
        for signature in certificate.signatures {
            guard let node = node(of: signature.validator), node.isHonest else { continue }
            var statements: [TracedStatement] = []
            let collect = { (item: JournalItem) in
                if item.height == certificate.height {
                    statements += [TracedStatement(item, of: signature.validator)].compactMap { $0 }
                }
            }
            do throws(JournalError) {
                try VoteJournal.forEachItem(
                    in: "\(SimulatedNode.directory)/journal", disk: node.disk, collect)
            } catch { continue }
            return statements
        }
        return []
    }
}
