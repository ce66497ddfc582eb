// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Checks many signatures of few keys several times as fast as one by one, with the same verdicts.
///
/// The verdict on each is that of `PublicKey.verifies`. A key that signed often gets a table of its
/// multiples (`KeyTable`); signatures of others, of keys that are not valid, and of those above
/// `tablesMax`, are left to libsodium. So are all that the tables refuse and one in a thousand that
/// they accept, once more: two verdicts that differ stop the process.
///
/// May be used from several threads at once; they share the tables.
package final class SignatureChecker: Sendable {
    /// Tables are made for this many keys; 3 MB each. A chunk is sorted by key, so that it works on
    /// two tables at a time, the key's and the generator's; of more keys, each has fewer signatures
    /// in a chunk, and what is gained falls towards what fetching the table costs.
    package static let tablesMax = 64

    /// A table is made after this many signatures of its key: about what making it costs.
    package static let signaturesBeforeTable = 200

    /// A thread that has so many signatures of a key waits for its table, if another makes it.
    private static let signaturesWorthWaiting = 64

    /// Bytes of one table in memory.
    package static let tableBytes = KeyTable.byteCount

    /// One accepted signature in so many is checked again.
    package static let acceptedPerCheck: UInt64 = 1000

    /// What is known of a key.
    private enum Known {
        /// It signed so many; it may have a table when it signed more.
        case seen(Int)
        /// A thread makes its table.
        case inTheMaking(Making)
        /// It has a table.
        case table(KeyTable)
        /// It never gets one: it is not valid, or there are enough tables.
        case without
    }

    /// A table that a thread makes, which holds the lock meanwhile; nil where it is not valid.
    private final class Making: Sendable {
        let table = Mutex<KeyTable?>(nil)
    }

    private struct Keys {
        var known: [PublicKey: Known] = [:]
        var tables = 0
    }

    private let tablesMax: Int
    private let signaturesBeforeTable: Int
    private let isInLanes: Bool
    private let keys = Mutex(Keys())
    private let accepted = Atomic<UInt64>(0)

    /// Whether signatures are computed eight at a time, for which the processor has instructions of
    /// its own (`SignatureLanes`).
    package static var hasLanes: Bool { SignatureLanes.areThere }

    /// Starts without tables; computes one signature after the other where `isPortable` says so, as
    /// it does everywhere where there are no lanes.
    package init(
        tablesMax: Int = SignatureChecker.tablesMax,
        signaturesBeforeTable: Int = SignatureChecker.signaturesBeforeTable,
        isPortable: Bool = false
    ) {
        self.tablesMax = tablesMax
        self.signaturesBeforeTable = signaturesBeforeTable
        isInLanes = SignatureLanes.areThere && !isPortable
    }

    /// How many tables there are.
    package var tableCount: Int { keys.withLock { $0.tables } }

    /// Makes the tables of keys that will sign often now, so that no signature waits for one later;
    /// takes milliseconds a key.
    package func prepare(_ keys: [PublicKey]) {
        _ = KeyTable.generator
        for key in keys { makeTable(of: key, used: signaturesBeforeTable) }
    }

    /// Returns for each signature whether it is its key's on its message, by `PublicKey.verifies`.
    ///
    /// Fastest with hundreds at once, of which many are of one key.
    package func verdicts(_ checks: [SignatureCheck]) -> [Bool] {
        let encodings = sums(checks)
        let verdicts = zip(checks, encodings).map { check, encoding in
            guard let encoding else { return check.holds }
            return encoding == Words256(check.signature.r) && !encoding.isOfSmallOrder
        }
        checkAgain(checks, verdicts, at: encodings.indices.filter { encodings[$0] != nil })
        return verdicts
    }

    /// Returns for each signature the encoding of S*B - k*A, which must be R; nil for a key without
    /// a table, and where S is not below the group's order.
    package func encodings(_ checks: [SignatureCheck]) -> [Bytes32?] {
        sums(checks).map { $0?.bytes }
    }

    private func sums(_ checks: [SignatureCheck]) -> [Words256?] {
        var tabled: [TabledCheck] = []
        tabled.reserveCapacity(checks.count)
        let groups = Self.placesByKey(checks)
        // What nobody makes yet is made before anybody is waited for.
        for (key, places) in groups { makeTable(of: key, used: places.count) }
        for (key, places) in groups {
            guard let table = table(of: key, for: places.count) else { continue }
            for place in places {
                guard let scalar = GroupScalar(checks[place].signature.s) else { continue }
                tabled.append(TabledCheck(place: place, table: table, scalar: scalar))
            }
        }
        var sums = [Words256?](repeating: nil, count: checks.count)
        let most = isInLanes ? SignatureLanes.countMax : TableBatch.countMax
        var start = 0
        while start < tabled.count {
            let batch = tabled[start..<min(start + most, tabled.count)]
            let encodings =
                isInLanes
                ? SignatureLanes.encodings(checks, batch) : TableBatch.encodings(checks, batch)
            for (tabled, encoding) in zip(batch, encodings) { sums[tabled.place] = encoding }
            start = batch.endIndex
        }
        return sums
    }

    /// The places of each key's signatures, keys in the order in which they come.
    private static func placesByKey(
        _ checks: [SignatureCheck]
    ) -> [(key: PublicKey, places: [Int])] {
        var groups: [(key: PublicKey, places: [Int])] = []
        var numbers: [PublicKey: Int] = [:]
        for (place, check) in checks.enumerated() {
            if let number = numbers[check.key] {
                groups[number].places.append(place)
            } else {
                numbers[check.key] = groups.count
                groups.append((check.key, [place]))
            }
        }
        return groups
    }

    /// Has the table of a key made that is about to be used so many times, where it is due.
    private func makeTable(of key: PublicKey, used count: Int) {
        let making: Making? = keys.withLock { keys in
            guard case .seen(let before) = keys.known[key] ?? .seen(0), keys.tables < tablesMax
            else { return nil }
            guard before + count >= signaturesBeforeTable else {
                // Keys that signed little are forgotten rather than held without bound.
                if keys.known.count < 16 * tablesMax + 1024 {
                    keys.known[key] = .seen(before + count)
                }
                return nil
            }
            let making = Making()
            keys.tables += 1
            keys.known[key] = .inTheMaking(making)
            return making
        }
        guard let making else { return }
        let made = making.table.withLock { table in
            table = key.isValid ? KeyTable(oppositeOf: key) : nil
            return table
        }
        keys.withLock { keys in
            if let made {
                keys.known[key] = .table(made)
            } else {
                keys.known[key] = .without
                keys.tables -= 1
            }
        }
    }

    /// The table of a key for so many signatures; nil where it has none, or none yet and they are
    /// too few to wait for it.
    private func table(of key: PublicKey, for count: Int) -> KeyTable? {
        switch keys.withLock({ $0.known[key] }) {
        case .table(let table): table
        case .inTheMaking(let making) where count >= Self.signaturesWorthWaiting:
            making.table.withLock { $0 }
        case .inTheMaking, .seen, .without, nil: nil
        }
    }

    /// Asks libsodium about every refusal and one acceptance in a thousand.
    private func checkAgain(_ checks: [SignatureCheck], _ verdicts: [Bool], at places: [Int]) {
        let count = UInt64(places.count { verdicts[$0] })
        var number = accepted.wrappingAdd(count, ordering: .relaxed).oldValue
        for place in places {
            if verdicts[place] {
                number &+= 1
                guard number.isMultiple(of: Self.acceptedPerCheck) else { continue }
            }
            let check = checks[place]
            invariant(
                check.holds == verdicts[place],
                "the table of key \(check.key.hex) \(verdicts[place] ? "accepts" : "refuses")"
                    + " signature \(check.signature.hex) of \(check.message.hex), libsodium not")
        }
    }
}
