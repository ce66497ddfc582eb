// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Ledger

/// Gives payloads to peers, and fetches those that this node lacks, part by part.
///
/// What is fetched is kept only where its SHA-256 is the one asked for. What is wanted for a run
/// does not wait behind what is only to be kept. A peer is given so many bytes a second.
final class Blobs: Duty {
    struct Fetch {
        var bytesMax: Int
        var until: UInt64
        /// Who is thought to have it.
        let holders: [PublicKey]
        /// What waits for it.
        var then: [(NodeCore, Bool) throws(NodeError) -> Void]
        /// Whom to ask after `asked`, in this order, before the next pause; nil before the first is
        /// asked.
        var others: ArraySlice<PublicKey>?
        /// How often all were asked in vain.
        var passes = 0
        var asked: PublicKey?
        /// The uptime until which the one who is asked has time for all of it.
        var askedUntil: UInt64 = 0
        var wakeAt: UInt64 = 0
        var size: UInt64?
        var bytes: [UInt8] = []
        var isBeingKept = false

        /// Whether a run waits for it.
        var isForRun: Bool { !then.isEmpty }
    }

    /// Something that is to be kept, once there is room to look for it.
    private struct Later {
        let hash: Digest
        let bytesMax: Int
        let holders: [PublicKey]
    }

    let store: BlobStore
    /// Makes payloads durable.
    let keeper: BlobKeeper
    private var fetches: [Digest: Fetch] = [:]
    private var later: [Later] = []
    private var asking = AskingOrder()
    private var rate = PeerRate(perSecond: NodeLimits.blobStepsPerSecond)
    /// Those that were fetched, made or read for others last: most are asked for soon.
    private var cache = PayloadCache(
        bytesMax: NodeLimits.cachedPayloadBytesMax, countMax: NodeLimits.cachedPayloadsMax)

    init(_ home: NodeHome, _ pool: WorkerPool) {
        store = BlobStore(logDirectory: home.ledgerDirectory, disk: POSIXDisk())
        keeper = BlobKeeper(store, pool)
    }

    /// Whether something is being fetched.
    var isBusy: Bool { !fetches.isEmpty || !later.isEmpty }

    var nextWake: UInt64 {
        fetches.values.filter { !$0.isBeingKept }.map { min($0.wakeAt, $0.until) }.min() ?? .max
    }

    /// What is being fetched.
    var wanted: Dictionary<Digest, Fetch>.Keys { fetches.keys }

    /// Whether the node has a blob, as far as its name says.
    func has(_ hash: Digest) -> Bool { sizeHere(hash) != nil }

    private func sizeHere(_ hash: Digest) -> UInt64? {
        cache[hash].map { UInt64($0.count) }
            ?? POSIXDisk().size(of: "\(store.directory)/\(hash.hex)")
    }

    /// A payload that the node had in its hands lately.
    func recent(_ hash: Digest) -> [UInt8]? { cache[hash] }

    /// Takes in that the node keeps a payload with this hash.
    func note(_ hash: Digest, _ bytes: [UInt8]) { cache.insert(hash, bytes) }

    /// Takes in that the node may have these payloads no longer.
    func forget(_ hashes: some Sequence<Digest>) {
        for hash in hashes { cache.remove(hash) }
    }

    // MARK: Fetching

    /// Fetches a blob until an uptime; `then` is called once, with whether it is there now. Without
    /// `then` it is only to be kept, and its place is given up once all have been asked twice.
    func fetch(
        _ hash: Digest, bytesMax: Int, until: UInt64, from holders: [PublicKey] = [],
        _ node: NodeCore, then: ((NodeCore, Bool) throws(NodeError) -> Void)?
    ) throws(NodeError) {
        if has(hash) { return try then?(node, true) ?? () }
        // A part of no bytes says that a peer has not got it, so that of none is made here.
        if hash == Digest(hashing: []) {
            do throws(LogError) { _ = try store.put([]) } catch {
                throw .log(of: "the blobs", path: store.directory, error)
            }
            return try then?(node, true) ?? ()
        }
        if var running = fetches[hash] {
            // It goes on where it is: else whoever names one payload again and again would keep it
            // from ever coming.
            running.bytesMax = max(running.bytesMax, bytesMax)
            running.until = max(running.until, until)
            if let then { running.then.append(then) }
            fetches[hash] = running
            return
        }
        guard fetches.count < 2 * NodeLimits.fetchesMax else {
            return try then?(node, false) ?? ()
        }
        fetches[hash] = Fetch(
            bytesMax: bytesMax, until: until, holders: holders,
            then: then.map { [$0] } ?? [])
        ask(hash, node)
    }

    /// Fetches a blob to keep it, once fewer than so many are looked for.
    func keep(
        _ hash: Digest, bytesMax: Int, from holders: [PublicKey], _ node: NodeCore
    ) throws(NodeError) {
        guard later.count < NodeLimits.fetchesWaitingMax else { return }
        later.append(Later(hash: hash, bytesMax: bytesMax, holders: holders))
        try startLater(node)
    }

    private func startLater(_ node: NodeCore) throws(NodeError) {
        let until = node.uptime + NodeLimits.payloadMilliseconds
        var count = 0
        while count < later.count, fetches.count < NodeLimits.fetchesMax {
            let next = later[count]
            count += 1
            try fetch(
                next.hash, bytesMax: next.bytesMax, until: until, from: next.holders, node,
                then: nil)
        }
        later.removeFirst(count)
    }

    private func ask(_ hash: Digest, _ node: NodeCore) {
        guard var fetch = fetches[hash] else { return }
        if fetch.asked == nil {
            fetch.bytes = []
            fetch.size = nil
            var others = fetch.others ?? ordered(fetch.holders, node)[...]
            guard let next = others.popFirst() else {
                // Nobody has it yet.
                fetch.others = nil
                fetch.passes += 1
                let isGivenUp = !fetch.isForRun && fetch.passes >= NodeLimits.keptPassesMax
                if isGivenUp { fetch.until = node.uptime }
                fetch.wakeAt = node.uptime + NodeLimits.blobAgainMilliseconds
                fetches[hash] = fetch
                return
            }
            fetch.others = others
            fetch.asked = next
            // Longer after each pass in vain, for those whose lines are all slow.
            fetch.askedUntil = node.uptime + NodeLimits.blobPeerMilliseconds << min(fetch.passes, 4)
        }
        fetch.wakeAt = min(node.uptime + NodeLimits.blobMilliseconds, fetch.askedUntil)
        fetches[hash] = fetch
        guard let peer = fetch.asked else { return }
        node.send(.wantBlob(hash, offset: UInt64(fetch.bytes.count)), to: peer)
    }

    /// The other members in the order in which they are asked; alike, those after this node in
    /// number come first, so that not all nodes ask the same one.
    private func ordered(_ holders: [PublicKey], _ node: NodeCore) -> [PublicKey] {
        let (members, own) = (node.state.members, node.index)
        let start = members.firstIndex { $0 > own ?? ValidatorIndex(0) } ?? 0
        let others = (members[start...] + members[..<start]).filter { $0 != own }
            .compactMap { node.state.validator($0)?.key }
        return asking.order(of: others, holders: holders, at: node.uptime)
    }

    /// Asks somebody else than the one who was asked, and him last for a while.
    private func askAnother(_ hash: Digest, _ node: NodeCore) {
        if let asked = fetches[hash]?.asked { asking.note(failed: asked, at: node.uptime) }
        fetches[hash]?.asked = nil
        ask(hash, node)
    }

    /// Whether the bytes of a payload have room beside those that are being fetched to the same
    /// end: what runs need does not wait for what is only to be kept.
    private func hasRoom(for size: UInt64, _ fetch: Fetch) -> Bool {
        let held = fetches.values.reduce(0) { sum, other in
            other.isForRun == fetch.isForRun ? sum + (other.size ?? 0) : sum
        }
        return held + size <= NodeLimits.fetchedBytesMax
    }

    /// Asks the same peer again in a while, which is not its fault.
    private func postpone(_ hash: Digest, _ node: NodeCore) {
        guard var fetch = fetches[hash], let asked = fetch.asked else { return }
        fetch.others = [asked] + (fetch.others ?? [])
        fetch.asked = nil
        fetch.wakeAt = node.uptime + NodeLimits.blobAgainMilliseconds
        fetches[hash] = fetch
    }

    func attend(_ node: NodeCore) throws(NodeError) {
        let uptime = node.uptime
        guard uptime >= nextWake else { return }
        for hash in fetches.keys.sorted() {
            guard let fetch = fetches[hash], !fetch.isBeingKept else { continue }
            if uptime >= fetch.until {
                try finish(hash, false, node)
            } else if uptime >= fetch.wakeAt {
                askAnother(hash, node)
            }
        }
    }

    private func finish(_ hash: Digest, _ isThere: Bool, _ node: NodeCore) throws(NodeError) {
        guard let fetch = fetches.removeValue(forKey: hash) else { return }
        for then in fetch.then { try then(node, isThere) }
        try startLater(node)
    }

    private func receive(
        _ hash: Digest, _ size: UInt64, _ offset: UInt64, _ bytes: [UInt8],
        from sender: PublicKey, _ node: NodeCore
    ) {
        guard var fetch = fetches[hash], fetch.asked == sender, !fetch.isBeingKept,
            offset == UInt64(fetch.bytes.count)
        else { return }
        if size == 0, bytes.isEmpty {
            // Whoever has not got it says so.
            fetches[hash]?.asked = nil
            return ask(hash, node)
        }
        // Whole parts: whoever gave a byte at a time would hold it up to its end.
        guard size > 0, size <= UInt64(fetch.bytesMax), fetch.size ?? size == size,
            UInt64(bytes.count) == min(UInt64(NodeLimits.blobPartBytes), size - offset),
            !bytes.isEmpty
        else { return askAnother(hash, node) }
        guard fetch.size != nil || hasRoom(for: size, fetch) else { return postpone(hash, node) }
        fetch.size = size
        fetch.bytes += bytes
        fetches[hash] = fetch
        guard UInt64(fetch.bytes.count) == size else { return ask(hash, node) }
        // A small one is not worth the way to another thread.
        let isSmall = size <= NodeLimits.hashedAtOnceMax
        guard !isSmall || Digest(hashing: fetch.bytes) == hash else {
            return askAnother(hash, node)
        }
        fetches[hash]?.isBeingKept = true
        let (keeper, whole, inbox) = (keeper, fetch.bytes, node.inbox)
        @Sendable func deliver(_ isRight: Bool, _ result: Result<Void, LogError>) {
            inbox.put { (node) throws(NodeError) in
                for case let duty as Blobs in node.duties {
                    try duty.kept(hash, isRight, result, node)
                }
            }
        }
        if isSmall { return keeper.keep(whole) { deliver(true, $0) } }
        node.share.pool.submit {
            guard Digest(hashing: whole) == hash else { return deliver(false, .success(())) }
            keeper.keep(whole) { deliver(true, $0) }
        }
    }

    private func kept(
        _ hash: Digest, _ isRight: Bool, _ result: Result<Void, LogError>, _ node: NodeCore
    ) throws(NodeError) {
        guard fetches[hash] != nil else { return }
        if case .failure(let error) = result {
            node.tell(.warning("\(node.name): a payload could not be kept: \(error)"))
            return try finish(hash, false, node)
        }
        guard !isRight else {
            if let fetch = fetches[hash] {
                if let asked = fetch.asked { asking.note(gave: asked) }
                cache.insert(hash, fetch.bytes)
            }
            return try finish(hash, true, node)
        }
        fetches[hash]?.isBeingKept = false
        askAnother(hash, node)
    }

    // MARK: Giving

    func receive(
        _ message: DutyMessage, from sender: PublicKey, _ node: NodeCore
    ) throws(NodeError) {
        switch message {
        case .wantBlob(let hash, let offset):
            give(hash, offset, to: sender, node)
        case .blobPart(let hash, let size, let offset, let bytes):
            receive(hash, size, offset, bytes, from: sender, node)
        default: break
        }
    }

    private func give(_ hash: Digest, _ offset: UInt64, to peer: PublicKey, _ node: NodeCore) {
        guard rate.takes(peer, at: node.uptime) else { return }
        let size = sizeHere(hash) ?? 0
        let bytes = min(size - min(offset, size), UInt64(NodeLimits.blobPartBytes))
        let cost = bytes / NodeLimits.blobStepBytes
        guard rate.takes(peer, costing: cost, at: node.uptime) else { return }
        if let bytes = cache[hash] { return send(bytes, hash, offset, to: peer, node) }
        guard size > 0 else { return send([], hash, offset, to: peer, node) }
        let (store, inbox) = (store, node.inbox)
        node.share.pool.submit {
            let bytes: [UInt8]
            do throws(LogError) { bytes = try store.get(hash) } catch { bytes = [] }
            inbox.put { (node) throws(NodeError) in
                for case let duty as Blobs in node.duties {
                    if !bytes.isEmpty { duty.cache.insert(hash, bytes) }
                    duty.send(bytes, hash, offset, to: peer, node)
                }
            }
        }
    }

    private func send(
        _ bytes: [UInt8], _ hash: Digest, _ offset: UInt64, to peer: PublicKey, _ node: NodeCore
    ) {
        let first = Int(clamping: min(offset, UInt64(bytes.count)))
        let last = min(bytes.count, first + NodeLimits.blobPartBytes)
        node.send(
            .blobPart(
                hash, size: UInt64(bytes.count), offset: offset, bytes: Array(bytes[first..<last])),
            to: peer)
    }
}
