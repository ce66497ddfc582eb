// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The tables of a text while it is read, with the rules by which they may be added to.
///
/// Source: TOML 1.0, sections "Keys", "Table", "Inline Table" and "Array of Tables".
final class TOMLTable {
    /// How a table came to be, which decides what may be added to it.
    enum Origin {
        /// As the parent of a header that is named deeper: a header may still define it.
        case implied
        /// By its own header.
        case header
        /// By a dotted key: others of the same section may add to it, and no header.
        case dotted
        /// Between braces: nothing is added any more.
        case inline
    }

    /// What stands under a name.
    enum Entry {
        case value(TOMLValue)
        case table(TOMLTable)
        /// `[[name]]`, the last of which is added to.
        case tables([TOMLTable])
    }

    var origin: Origin
    private var entries: [String: Entry] = [:]

    init(_ origin: Origin) { self.origin = origin }

    /// The table that a header `[path]` or `[[path]]` begins; nil, with what is wrong.
    func begin(
        _ path: [String], isList: Bool
    ) throws(TOMLTableProblem) -> TOMLTable {
        var table = self
        for name in path.dropLast() { table = try table.parent(name) }
        let name = path[path.count - 1]
        return isList ? try table.appended(name) : try table.defined(name)
    }

    private func parent(_ name: String) throws(TOMLTableProblem) -> TOMLTable {
        switch entries[name] {
        case nil:
            let table = TOMLTable(.implied)
            entries[name] = .table(table)
            return table
        case .table(let table) where table.origin != .inline: return table
        case .tables(let tables): return tables[tables.count - 1]
        case .table, .value: throw .closed(name)
        }
    }

    private func defined(_ name: String) throws(TOMLTableProblem) -> TOMLTable {
        switch entries[name] {
        case nil:
            let table = TOMLTable(.header)
            entries[name] = .table(table)
            return table
        case .table(let table) where table.origin == .implied:
            table.origin = .header
            return table
        default: throw .twice(name)
        }
    }

    private func appended(_ name: String) throws(TOMLTableProblem) -> TOMLTable {
        let table = TOMLTable(.header)
        switch entries[name] {
        case nil: entries[name] = .tables([table])
        case .tables(let tables): entries[name] = .tables(tables + [table])
        default: throw .twice(name)
        }
        return table
    }

    /// Puts a value under a key, whose parts but the last are tables.
    func put(_ value: Entry, at path: [String]) throws(TOMLTableProblem) {
        var table = self
        for name in path.dropLast() {
            switch table.entries[name] {
            case nil:
                let next = TOMLTable(.dotted)
                table.entries[name] = .table(next)
                table = next
            case .table(let next) where next.origin == .dotted: table = next
            default: throw .closed(name)
            }
        }
        let name = path[path.count - 1]
        guard table.entries[name] == nil else { throw .twice(name) }
        table.entries[name] = value
    }

    /// What was read.
    var value: TOMLValue {
        .table(
            entries.mapValues { entry in
                switch entry {
                case .value(let value): value
                case .table(let table): table.value
                case .tables(let tables): .array(tables.map(\.value))
                }
            })
    }
}

/// Why something cannot be added to a table.
enum TOMLTableProblem: Error {
    /// The name is taken.
    case twice(String)
    /// What has the name can have nothing added to it from here.
    case closed(String)

    /// What is wrong, for a person.
    var words: String {
        switch self {
        case .twice(let name): "\(name.prefix(80).debugDescription) stands here a second time"
        case .closed(let name):
            "nothing can be added here to \(name.prefix(80).debugDescription), which stands before"
        }
    }
}
