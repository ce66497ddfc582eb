// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Ledger

/// What a bridge knows of a log up to a batch: enough to go on, to find the payments that are
/// ordered and not reported, and to write requests as their submitters signed them.
///
/// The frontier binds all of it to the entries that were read: a root that T validators signed is
/// theirs, or it is the root of other entries.
struct ReadLog: BorshCodable, Sendable {
    /// A payment that is ordered.
    struct Order: BorshCodable, Equatable, Sendable {
        /// The entry of the request.
        let request: EntryIndex
        /// The entry of the order.
        let ordered: EntryIndex

        init(request: EntryIndex, ordered: EntryIndex) {
            self.request = request
            self.ordered = ordered
        }

        init(from reader: inout BorshReader) throws(DecodingError) {
            request = try EntryIndex(from: &reader)
            ordered = try EntryIndex(from: &reader)
        }

        func encode(to writer: inout BorshWriter) {
            writer.write(request)
            writer.write(ordered)
        }
    }

    /// More are ordered at once than a ledger lets be open.
    static let ordersMax = 1 << 20
    private static let partiesMax = 1 << 20

    /// The tree over the entries that were read.
    private(set) var frontier = MerkleFrontier()
    /// The circuits, by number.
    private(set) var circuits: [CircuitID] = []
    /// The submitters, by number.
    private(set) var submitters: [PublicKey] = []
    /// The orders without a report, in the order of the log.
    private(set) var orders: [Order] = []

    /// Nothing is read yet.
    init() {}

    init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        let count = try reader.integer(UInt64.self)
        let subtrees = try reader.list32(of: "subtrees", bound: 64).map { Digest($0) }
        guard let frontier = MerkleFrontier(count: count, subtrees: subtrees) else {
            throw .unknownTag(type: "MerkleFrontier", tag: 0, offset: start)
        }
        self.frontier = frontier
        circuits = try reader.list(bound: Self.partiesMax)
        submitters = try reader.list32(of: "submitters", bound: Self.partiesMax)
            .map { PublicKey($0) }
        orders = try reader.list(bound: Self.ordersMax)
    }

    func encode(to writer: inout BorshWriter) {
        writer.write(frontier.count)
        writer.write(frontier.subtrees.map(\.value))
        writer.write(circuits)
        writer.write(submitters.map(\.value))
        writer.write(orders)
    }

    /// Folds the next entry.
    mutating func fold(_ entry: Entry) {
        let index = EntryIndex(frontier.count)
        frontier.append(leafHash: entry.leafHash)
        switch entry.event {
        case .ledgerOpened(let opened):
            circuits = opened.circuits.map(\.circuit.id)
            submitters = opened.submitters.map(\.key)
        case .governanceApproved(let approved): fold(approved.change)
        case .settlementOrdered(let order):
            orders.append(Order(request: order.request, ordered: index))
        case .settlementReported(let report): orders.removeAll { $0.request == report.request }
        default: break
        }
    }

    private mutating func fold(_ change: Change) {
        switch change {
        case .circuitRegistered(let circuit): circuits.append(circuit.id)
        case .submitterListed(let key, _, _):
            if !submitters.contains(key) { submitters.append(key) }
        default: break
        }
    }

    /// The message behind an entry; nil where it is no request, or names what is not there.
    func message(of event: Event) -> RequestMessage? {
        guard case .requestSubmitted(let event) = event,
            circuits.indices.contains(Int(event.circuit.rawValue)),
            submitters.indices.contains(Int(event.submitter.rawValue))
        else { return nil }
        return RequestMessage(
            circuit: circuits[Int(event.circuit.rawValue)], nullifiers: event.nullifiers,
            amount: event.amount, recipient: event.recipient, proof: event.proof,
            publicInputs: event.publicInputs, timestamp: event.timestamp,
            submitter: submitters[Int(event.submitter.rawValue)], signature: event.signature)
    }
}
