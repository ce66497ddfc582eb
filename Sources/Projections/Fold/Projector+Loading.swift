// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import GRDB
internal import Ledger

extension Projector {
    /// Takes up the fold where the tables stand.
    ///
    /// Nil where they hold what was never written; the position row is the caller's to check.
    convenience init?(_ database: Database, at position: ProjectionsPosition) throws {
        try self.init(database)
        ledger = position.ledger
        entries = position.entries
        sealedEntries = position.entries
        guard let known = try parameters(upTo: .max) else { return nil }
        parameters = known
        guard try loadValidators(), try loadNames(), try loadTallies(position.height.rawValue)
        else { return nil }
    }

    /// The parameters after an entry; nil where they are none.
    func parameters(upTo entry: Int64) throws -> Parameters? {
        guard
            let row = try Row.fetchOne(
                database,
                sql: "SELECT * FROM parameters WHERE entry <= ? ORDER BY entry DESC LIMIT 1",
                arguments: [entry])
        else { return nil }
        func number(_ column: Int) -> UInt64 { row.unsigned(column) ?? 0 }
        guard
            let normalisation = [Normalisation.share, .raw].first(where: { known in
                row[9] as String == known.jsonName
            })
        else { return nil }
        let parameters = Parameters(
            threshold: UInt32(clamping: number(1)), verificationMilliseconds: number(2),
            jobMilliseconds: number(3), settlementMilliseconds: number(4),
            reputationMin: Reputation(number(5)), reputationMax: Reputation(number(6)),
            stakeWeight: UInt32(clamping: number(7)), reputationWeight: UInt32(clamping: number(8)),
            normalisation: normalisation, unclosedMax: UInt32(clamping: number(10)),
            refusalsPerMinute: UInt32(clamping: number(11)), jobFuelMax: number(12),
            jobMemoryBytesMax: number(13), jobInputBytesMax: number(14),
            jobModuleBytesMax: number(15), jobMillisecondsMin: number(16))
        return parameters.fault == nil ? parameters : nil
    }

    private func loadValidators() throws -> Bool {
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT number, key, stake, reputation, is_member, name FROM validator
                ORDER BY number
                """)
        for row in rows {
            guard row[0] as Int == validators.count, let key = row.bytes32(1),
                let stake = row.unsigned(2), let reputation = row.unsigned(3)
            else { return false }
            validatorNumbers[PublicKey(key)] = validators.count
            validators.append(
                Validator(
                    key: PublicKey(key), name: row[5], stake: stake, reputation: reputation,
                    isMember: row[4]))
        }
        return !validators.isEmpty
    }

    private func loadNames() throws -> Bool {
        for row in try Row.fetchAll(
            database, sql: "SELECT number, key FROM submitter ORDER BY number")
        {
            guard row[0] as Int == submitters.count, let key = row.bytes32(1) else { return false }
            submitterNumbers[PublicKey(key)] = submitters.count
            submitters.append(PublicKey(key))
        }
        for row in try Row.fetchAll(database, sql: "SELECT number, id FROM circuit ORDER BY number")
        {
            guard row[0] as Int == circuits.count, let id = row.digest(1) else { return false }
            circuits.append(CircuitID(id))
        }
        return true
    }
}
