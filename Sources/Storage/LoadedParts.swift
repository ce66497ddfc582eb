// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Dispatch
internal import Ledger
internal import Synchronization

/// Work on all cores.
enum Cores {
    /// Runs `body` for each number below `count`, the lowest first; returns what each gave.
    static func map<T: Sendable>(_ count: Int, _ body: @Sendable (Int) -> T) -> [T] {
        let results = Mutex<[T?]>(Array(repeating: nil, count: count))
        DispatchQueue.concurrentPerform(iterations: count) { number in
            let result = body(number)
            results.withLock { $0[number] = result }
        }
        return results.withLock { $0 }.map { result in
            guard let result else { fatalError("a core has left its work") }
            return result
        }
    }
}

/// What a snapshot stands for, computed on all cores: the tables side by side with the trees, of
/// which each chunk of records is hashed by itself.
struct LoadedParts {
    /// The state, whose roots nobody has compared yet.
    let state: Result<LedgerState, SnapshotError>
    /// The tree of each store of records.
    let trees: [MerkleFrontier]

    private enum Part: Sendable {
        case table(Result<NullifierTable, SnapshotError>)
        case state(Result<LedgerState, SnapshotError>)
        case run(MerkleRun)
    }

    init(of snapshot: StateSnapshot) {
        let stores = snapshot.records
        let chunks = stores.indices.flatMap { store in
            stores[store].chunks.indices.map { (store: store, chunk: $0) }
        }
        // The longest pieces of work come first, and the chunks fill what they leave.
        let parts = Cores.map(chunks.count + 2) { number -> Part in
            switch number {
            case 0:
                return .state(
                    Result { () throws(SnapshotError) in
                        try LedgerState(lackingNullifiers: snapshot)
                    })
            case 1:
                return .table(Result { () throws(SnapshotError) in try NullifierTable(snapshot) })
            default:
                let place = chunks[number - 2]
                return .run(stores[place.store].run(ofChunk: place.chunk))
            }
        }
        var trees = stores.map { _ in MerkleFrontier() }
        var state: Result<LedgerState, SnapshotError>?
        var table: Result<NullifierTable, SnapshotError>?
        for (number, part) in parts.enumerated() {
            switch part {
            case .state(let made): state = made
            case .table(let made): table = made
            case .run(let run): trees[chunks[number - 2].store].append(run)
            }
        }
        self.trees = trees
        guard let state, let table else { fatalError("a state was neither made nor refused") }
        self.state = Result { () throws(SnapshotError) in
            var whole = try state.get()
            whole.adopt(try table.get())
            return whole
        }
    }
}
