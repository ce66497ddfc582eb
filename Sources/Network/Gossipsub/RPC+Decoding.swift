// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The most of each that an RPC may hold. Whoever sends more sends junk.
package enum RPCLimits {
    /// Subscriptions.
    package static let subscriptions = 512
    /// Messages.
    package static let messages = 4096
    /// Entries of IHAVE, IWANT, GRAFT and PRUNE, each.
    package static let controlEntries = 512
    /// Message ids in all entries of IHAVE, and in all of IWANT.
    package static let ids = 10_000
    /// Peers in all entries of PRUNE.
    package static let peerHints = 512
    /// Bytes of the name of a topic.
    package static let topicBytes = 256
    /// Bytes of a message id.
    package static let idBytes = 128
    /// Bytes of an author, a number, a signature or a key.
    package static let fieldBytes = 1024
    /// Bytes of a signed record.
    package static let recordBytes = 4 << 10
}

extension RPC {
    /// Reads the bytes of an RPC, whose length the caller has bounded.
    ///
    /// Unknown fields are skipped, but those of a message are kept. Of a field that is there twice
    /// the last counts, but a message of two topics is refused.
    /// - Throws: what `ProtobufReader` throws, and `tooMany`, `tooLong`, `missing`, `content`.
    package init(bytes: ArraySlice<UInt8>) throws(WireError) {
        self.init()
        var counts = Counts()
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                try limit(subscriptions.count, RPCLimits.subscriptions, of: 1)
                subscriptions.append(try Self.subscription(try field.bytes()))
            case 2:
                try limit(messages.count, RPCLimits.messages, of: 2)
                messages.append(try GossipMessage(bytes: try field.bytes()))
            case 3: try readControl(try field.bytes(), &counts)
            default: break
            }
        }
    }

    /// What is counted over all entries of a kind.
    private struct Counts {
        var have = 0
        var want = 0
        var hints = 0
    }

    private func limit(_ count: Int, _ limit: Int, of field: UInt32) throws(WireError) {
        guard count < limit else { throw .tooMany(field: field, limit: limit) }
    }

    private static func subscription(
        _ bytes: ArraySlice<UInt8>
    ) throws(WireError) -> Subscription {
        var joins = false
        var topic: Topic?
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: joins = try field.varint() != 0
            case 2: topic = try Topic(field: field)
            default: break
            }
        }
        guard let topic else { throw .missing(field: 2) }
        return Subscription(joins: joins, topic: topic)
    }

    private mutating func readControl(
        _ bytes: ArraySlice<UInt8>, _ counts: inout Counts
    ) throws(WireError) {
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            let most = RPCLimits.controlEntries
            switch field.number {
            case 1:
                try limit(haves.count, most, of: 1)
                haves.append(try Self.have(try field.bytes(), &counts.have))
            case 2:
                try limit(wants.count, most, of: 2)
                wants.append(try Self.ids(try field.bytes(), field: 1, &counts.want))
            case 3:
                try limit(grafts.count, most, of: 3)
                grafts.append(try Self.topic(try field.bytes()))
            case 4:
                try limit(prunes.count, most, of: 4)
                prunes.append(try Self.prune(try field.bytes(), &counts.hints))
            default: break
            }
        }
    }

    private static func have(
        _ bytes: ArraySlice<UInt8>, _ count: inout Int
    ) throws(WireError) -> Have {
        Have(topic: try topic(bytes), ids: try ids(bytes, field: 2, &count))
    }

    private static func topic(_ bytes: ArraySlice<UInt8>) throws(WireError) -> Topic {
        var topic: Topic?
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            guard field.number == 1 else { continue }
            topic = try Topic(field: field)
        }
        guard let topic else { throw .missing(field: 1) }
        return topic
    }

    private static func ids(
        _ bytes: ArraySlice<UInt8>, field number: UInt32, _ count: inout Int
    ) throws(WireError) -> [MessageID] {
        var ids: [MessageID] = []
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            guard field.number == number else { continue }
            count += 1
            guard count <= RPCLimits.ids else {
                throw .tooMany(field: number, limit: RPCLimits.ids)
            }
            ids.append(MessageID(bytes: Array(try field.bytes(limit: RPCLimits.idBytes))))
        }
        return ids
    }

    private static func prune(
        _ bytes: ArraySlice<UInt8>, _ count: inout Int
    ) throws(WireError) -> Prune {
        var hints: [PeerHint] = []
        var backoff: UInt64?
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 2:
                count += 1
                guard count <= RPCLimits.peerHints else {
                    throw .tooMany(field: 2, limit: RPCLimits.peerHints)
                }
                hints.append(try hint(try field.bytes()))
            case 3: backoff = try field.varint()
            default: break
            }
        }
        return Prune(topic: try topic(bytes), peers: hints, backoffSeconds: backoff)
    }

    private static func hint(_ bytes: ArraySlice<UInt8>) throws(WireError) -> PeerHint {
        var peer: [UInt8] = []
        var record: [UInt8]?
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: peer = Array(try field.bytes(limit: RPCLimits.idBytes))
            case 2: record = Array(try field.bytes(limit: RPCLimits.recordBytes))
            default: break
            }
        }
        return PeerHint(peer: peer, record: record)
    }
}

extension GossipMessage {
    /// Reads the bytes of a message, whose length the caller has bounded.
    /// - Throws: what `ProtobufReader` throws, and `tooMany`, `tooLong`, `missing`.
    package init(bytes: ArraySlice<UInt8>) throws(WireError) {
        var (data, topic): (ArraySlice<UInt8>?, Topic?) = (nil, nil)
        self.init(topic: Topic(""), data: [])
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch field.number {
            case 1: author = Array(try field.bytes(limit: RPCLimits.fieldBytes))
            case 2: data = try field.bytes()
            case 3: sequence = Array(try field.bytes(limit: RPCLimits.fieldBytes))
            case 4:
                guard topic == nil else { throw .tooMany(field: 4, limit: 1) }
                topic = try Topic(field: field)
            case 5: signature = Array(try field.bytes(limit: RPCLimits.fieldBytes))
            case 6: key = Array(try field.bytes(limit: RPCLimits.fieldBytes))
            default: unknown += field.raw
            }
        }
        guard let topic else { throw .missing(field: 4) }
        self.topic = topic
        self.data = Array(data ?? [])
        omitsData = data == nil
    }
}

extension Topic {
    /// Reads the name of a topic.
    /// - Throws: `unexpectedType`, `tooLong`.
    fileprivate init(field: ProtobufField) throws(WireError) {
        self.init(bytes: Array(try field.bytes(limit: RPCLimits.topicBytes)))
    }
}
