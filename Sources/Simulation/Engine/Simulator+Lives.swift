// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication

/// How nodes begin, end, and begin again.
extension Simulator {
    /// How long what went wrong around a node may still show.
    static let aftermathMilliseconds: UInt64 = 10_000

    // MARK: Beginning

    /// Makes the files of a node.
    func create(_ node: SimulatedNode) {
        do throws(HostError) {
            try ReplicaHost.create(
                directory: SimulatedNode.directory, disk: node.disk, opened: opened)
        } catch {
            report(
                Violation(.durability, node: node.number, "a new ledger is refused: \(error)"))
        }
    }

    /// Starts a node with what is on its disk.
    func start(_ node: SimulatedNode) {
        guard !node.isUp, violations.isEmpty else { return }
        node.clock.boot(at: now, base: chance.below(1 << 32))
        node.life += 1
        node.verifierFree = now
        node.unverified = []
        var weakening = Weakening()
        weakening.quorum = options.quorum
        weakening.keepsLocks = options.keepsLocks
        weakening.countsGrounds = options.countsGrounds
        do throws(HostError) {
            let host = try ReplicaHost(
                directory: SimulatedNode.directory, disk: node.disk, key: node.key,
                settings: options.settings, snapshotEntries: 2_000,
                // So that it is cut, and crashes meet that.
                journalBound: JournalGrowth(entries: 400, bytes: 1 << 20), weakening: weakening,
                memory: memory, at: instant(of: node))
            node.host = host
        } catch {
            fail(node, error)
            return
        }
        guard node.host?.stopped == nil else { return release(node) }
        begin(node)
    }

    /// A person looks at the case that keeps a node from going on, and releases it.
    private func release(_ node: SimulatedNode) {
        node.host = nil
        let store = CaseStore(home: SimulatedNode.directory, disk: node.disk)
        do {
            for one in try store.all() where one.status == .open {
                try store.note(.released, of: one.name)
                timeline.add(now, events, .life, node.number, "is released from \(one.name)")
            }
        } catch { report(Violation(.durability, node: node.number, "a case is lost: \(error)")) }
        queue.add(
            .start(node: node.number), at: now.adding(milliseconds: node.downMilliseconds))
    }

    private func begin(_ node: SimulatedNode) {
        guard let host = node.host else { return }
        let height = host.state.height.rawValue
        timeline.add(now, events, .life, node.number, "is up at height \(height)")
        if node.isHonest {
            report(durability.check(node: node.number, startedAt: height))
            if height > chain.height || chain.batches.isEmpty { catchUp(with: host, node) }
            report(
                chain.compare(height: height, root: host.log.root, seal: nil, node: node.number))
            durability.note(node: node.number, committed: height)
        } else if node.life == 1 {
            prepareLies(of: node)
        }
        if node.isLiar { refresh(node) }
        touch(node)
        run(node) { (host, at) throws(HostError) in try host.start(at: at) }
    }

    private func prepareLies(of node: SimulatedNode) {
        let all = Byzantine.catalogue.filter {
            options.strategies.isEmpty || options.strategies.contains($0.name)
        }
        let fellows = nodes.filter { $0.isLiar && $0.number != node.number }.map {
            Liar(index: ValidatorIndex(UInt16($0.number)), key: $0.key)
        }
        node.drawStrategies(
            from: all, fellows: fellows, accomplices: [workload.accomplice], ledger: ledger,
            seed: options.seed)
        timeline.add(
            now, events, .fault, node.number, "lies: \(node.names.joined(separator: ", "))")
        queue.add(.idle(node: node.number), at: now.adding(milliseconds: chance.below(250)))
    }

    func refresh(_ node: SimulatedNode) { node.refreshContext() }

    // MARK: Ending

    /// Takes a node down whose host has thrown, and says so where that is nobody's doing.
    func fail(_ node: SimulatedNode, _ error: HostError) {
        node.host = nil
        touch(node)
        if node.isCutArmed, isOff(node.disk) {
            timeline.add(now, events, .fault, node.number, "loses power")
            cutPower(node)
            return
        }
        if let file = node.damagedFile {
            replaceDamaged(node, file, error)
            return
        }
        timeline.add(now, events, .fault, node.number, "stops: \(error)")
        if node.isFlipped, case .diverged(_, case: let path) = error {
            return judgeCase(path, of: node)
        }
        guard node.isHonest else { return }
        let property: Property
        if case .diverged = error { property = .agreement } else { property = .durability }
        report(
            Violation(
                property, node: node.number, height: durability.committedHeight(of: node.number),
                "stops: \(error)"))
    }

    /// The case of a node whose memory failed must say so; the node is started again, in vain.
    private func judgeCase(_ path: String?, of node: SimulatedNode) {
        node.isFlipped = false
        do throws(CaseFault) {
            let answer = try path.map { path throws(CaseFault) in
                try CaseFile.load(path, disk: node.disk).answer
            }
            cases += 1
            if answer != .memory {
                report(
                    Violation(
                        .accountability, node: node.number,
                        "its memory failed, and its case says \(answer?.rawValue ?? "nothing")"))
            }
        } catch {
            report(Violation(.durability, node: node.number, "its case is unreadable: \(error)"))
        }
        queue.add(
            .start(node: node.number), at: now.adding(milliseconds: node.downMilliseconds))
    }

    /// Starts the disk again with what the power cut left, and the node a while later.
    func cutPower(_ node: SimulatedNode) {
        node.host = nil
        node.isCutArmed = false
        node.disk.healFaults()
        node.disk.restart(seed: chance.next())
        queue.add(
            .start(node: node.number), at: now.adding(milliseconds: node.downMilliseconds))
    }

    private func isOff(_ disk: SimulatedDisk) -> Bool {
        do throws(DiskError) {
            _ = try disk.list("/")
            return false
        } catch { return error == .powerCut }
    }

    /// Stops a node in order; false where the power went meanwhile.
    func stop(_ node: SimulatedNode) -> Bool {
        guard let host = node.host else { return false }
        do throws(HostError) {
            try host.close()
        } catch {
            fail(node, error)
            return false
        }
        node.host = nil
        node.disk.healFaults()
        node.isCutArmed = false
        touch(node)
        return true
    }

    // MARK: Disks that are damaged or lost

    /// Changes a byte of a file of the ledger or the journal.
    func damage(_ node: SimulatedNode) {
        let files = node.disk.files.filter {
            $0.contains("/segments/") && !(node.disk.bytes(of: $0) ?? []).isEmpty
        }
        guard let file = chance.pick(files), var bytes = node.disk.bytes(of: file) else { return }
        let place = chance.below(bytes.count)
        bytes[place] ^= UInt8(1 + chance.below(255))
        node.disk.replace(file, with: bytes)
        timeline.add(
            now, events, .fault, node.number, "byte \(place) of \(file) changes on its disk")
        node.damagedFile = file
    }

    /// A node has refused to start on a damaged disk, as it should: it is given another disk.
    private func replaceDamaged(_ node: SimulatedNode, _ file: String, _ error: HostError) {
        timeline.add(now, events, .fault, node.number, "refuses to start: \(error)")
        let name = String(file.split(separator: "/").last ?? "")
        node.damagedFile = nil
        if !"\(error)".contains(name) {
            report(
                Violation(
                    .durability, node: node.number,
                    "does not name the damaged file \(name): \(error)"))
        }
        node.frailty = .forgetful
        loseDisk(node)
        queue.add(
            .start(node: node.number), at: now.adding(milliseconds: node.downMilliseconds))
    }

    /// Gives a node an empty disk, with the ledger's first entry and a journal begun anew.
    func loseDisk(_ node: SimulatedNode) {
        node.host = nil
        node.disk = SimulatedDisk()
        node.isCutArmed = false
        durability.noteLostDisk(of: node.number)
        timeline.add(now, events, .fault, node.number, "has a new disk, and no journal")
        do {
            try ReplicaHost.createLedger(
                directory: SimulatedNode.directory, disk: node.disk, opened: opened)
            // What the operator learns from the others: how far the ledger is.
            let time = max(node.clock.instant(at: now).time, chain.state.time)
            try VoteJournal.beginAnew(
                directory: "\(SimulatedNode.directory)/journal", disk: node.disk, votes: [],
                at: time, silentThrough: Height(chain.height + 1))
        } catch {
            report(
                Violation(.durability, node: node.number, "cannot begin anew: \(error)"))
        }
    }

    // MARK: What counts as trouble

    /// Notes that something is wrong around a node now.
    func touch(_ node: SimulatedNode) {
        node.disturbedUntil = now.adding(milliseconds: Self.aftermathMilliseconds)
    }

    /// Whether something was wrong around a validator since a moment.
    ///
    /// That so few were well that nothing could be ordered is trouble of everybody's.
    func isDisturbed(_ index: ValidatorIndex, since moment: Moment) -> Bool {
        guard let node = node(of: index) else { return true }
        noteTrouble()
        return node.disturbedUntil >= moment
    }

    /// Notes the trouble there is now.
    func noteTrouble() {
        let honest = nodes.filter { !$0.isLiar }
        var well = 0
        for node in honest {
            if !isWell(node) { touch(node) } else if isMember(node) { well += 1 }
        }
        if well < options.threshold { for node in honest { touch(node) } }
    }

    private func isWell(_ node: SimulatedNode) -> Bool {
        node.isUp && node.frailty == nil && !network.isHindered(node.number)
    }
}
