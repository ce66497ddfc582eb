// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import EventLog
internal import Hosting
internal import Ledger
internal import Replication
internal import Storage

/// Calling the nodes, and doing what they want done.
extension Simulator {
    /// Wake-ups of a node at one moment from which on it does not move on.
    private static let spinsMax = 1_000

    // MARK: Calls

    /// Calls the host of a node, if it is up, and does what comes out.
    func run(
        _ node: SimulatedNode,
        _ body: (ReplicaHost, Instant) throws(HostError) -> [HostOutput]
    ) {
        guard let host = node.host else { return }
        let outputs: [HostOutput]
        do throws(HostError) {
            outputs = try body(host, instant(of: node))
        } catch {
            fail(node, error)
            return
        }
        perform(outputs, of: node)
        scheduleWake(node)
    }

    func instant(of node: SimulatedNode) -> Instant {
        guard node.isLiar else { return node.clock.instant(at: now) }
        let offset = node.askForOffset(now)
        return node.clock.instant(at: now, extraOffset: offset)
    }

    func deliver(_ arrived: ArrivedMessage, to node: SimulatedNode, from sender: Int?) {
        guard let host = node.host else {
            network.noteLost()
            return
        }
        let peer = sender.flatMap { host.state.validatorIndex(of: nodes[$0].key.publicKey) }
        if node.isLiar {
            send(node.hear(arrived, from: peer, now), of: node)
        } else if sender != nil {
            accountability.hear(
                arrived.message, node: node.number, life: node.life, state: host.state, at: now)
        }
        run(node) { (host, at) throws(HostError) in try host.receive(arrived, from: peer, at: at) }
    }

    func wake(_ node: SimulatedNode, _ number: Int) {
        guard node.wake == number, node.isUp else { return }
        let uptime = node.clock.uptime(at: now)
        node.spins = node.spins.uptime == uptime ? (uptime, node.spins.count + 1) : (uptime, 1)
        if node.spins.count > Self.spinsMax, node.isHonest {
            report(
                Violation(
                    .termination, node: node.number,
                    "wants to be woken over and over at uptime \(uptime)"))
            return
        }
        run(node) { (host, at) throws(HostError) in try host.wake(at: at) }
    }

    func idle(_ node: SimulatedNode) {
        queue.add(
            .idle(node: node.number), at: now.adding(milliseconds: Byzantine.idleMilliseconds))
        guard node.isUp else { return }
        send(node.beIdle(now), of: node)
    }

    private func scheduleWake(_ node: SimulatedNode) {
        guard let host = node.host, let moment = node.clock.moment(ofUptime: host.nextWake) else {
            return
        }
        node.wake += 1
        queue.add(.wake(node: node.number, number: node.wake), at: max(now, moment))
    }

    // MARK: Outputs

    /// Does what a host wants done, after what strategies make of it.
    func perform(_ outputs: [HostOutput], of node: SimulatedNode) {
        guard node.isLiar else {
            for output in outputs { perform(output, of: node) }
            return
        }
        let hasCommitted = outputs.contains { output in
            if case .committed = output { true } else { false }
        }
        if hasCommitted { refresh(node) }
        send(node.lie(outputs, now), of: node)
    }

    /// Sends what a liar wants sent, as much of it as it may.
    private func send(_ outputs: [HostOutput], of node: SimulatedNode) {
        let second = now.milliseconds / 1000
        for output in outputs {
            switch output {
            case .send, .broadcast:
                if node.sent.second != second { node.sent = (second, 0) }
                node.sent.count += 1
                if node.sent.count > Byzantine.messagesPerSecondMax { continue }
            case .verify, .committed, .notice: break
            }
            perform(output, of: node)
        }
    }

    private func perform(_ output: HostOutput, of node: SimulatedNode) {
        guard let host = node.host else { return }
        switch output {
        case .send(let bytes, let peer):
            let arrived = ArrivedMessage(bytes)
            watch(arrived, from: node, host)
            if let key = host.state.validator(peer)?.key, let number = numbers[key] {
                transmit(arrived, from: node.number, to: number)
            }
        case .broadcast(let bytes):
            let arrived = ArrivedMessage(bytes)
            watch(arrived, from: node, host)
            muteLast(node, bytes)
            for member in host.state.members {
                guard let key = host.state.validator(member)?.key, let number = numbers[key],
                    number != node.number
                else { continue }
                transmit(arrived, from: node.number, to: number)
            }
        case .verify(let request): verify(request, on: node, host)
        case .committed(let height, let root, let events):
            committed(node, host, height.rawValue, root, events)
        case .notice(let text):
            if options.isVerbose { timeline.add(now, self.events, .notice, node.number, text) }
        }
    }

    private func watch(_ arrived: ArrivedMessage, from node: SimulatedNode, _ host: ReplicaHost) {
        guard node.isHonest else { return }
        report(
            durability.check(
                arrived.message, from: node.number, key: node.key.publicKey,
                index: host.state.validatorIndex(of: node.key.publicKey)))
    }

    func transmit(_ arrived: ArrivedMessage, from sender: Int, to receiver: Int) {
        for delay in network.send(from: sender, to: receiver, arrived.bytes) {
            queue.add(
                .deliver(to: receiver, from: sender, arrived), at: now.adding(microseconds: delay))
        }
    }

    private func verify(_ request: RequestMessage, on node: SimulatedNode, _ host: ReplicaHost) {
        let id = request.id(in: ledger)
        var (vote, reason) = verdicts.vote(on: request, id)
        if node.isLiar {
            let lie = node.lie(about: vote, now)
            if lie != vote { (vote, reason) = (lie, .unspecified) }
        }
        node.unverified.append((id, vote, reason))
        if now >= node.verifierFree { verifyNext(node) }
    }

    /// Begins to verify together what waits for it, as a node does.
    func verifyNext(_ node: SimulatedNode) {
        guard !node.unverified.isEmpty else { return }
        let cost = options.verificationMilliseconds * network.slowness[node.number]
        node.verifierFree = now.adding(milliseconds: cost)
        queue.add(
            .verified(node: node.number, life: node.life, node.unverified),
            at: node.verifierFree)
        node.unverified = []
    }

    // MARK: Batches

    private func committed(
        _ node: SimulatedNode, _ host: ReplicaHost, _ height: UInt64, _ root: Digest,
        _ events: [Ledger.Event]
    ) {
        guard node.isHonest else { return }
        if height == chain.height + 1 {
            extend(events, root: root, node: node)
        } else if height > chain.height {
            // A node that had a batch before all others lost the power before it could say so.
            catchUp(with: host, node)
        }
        var seal: BatchSealed?
        if case .batchSealed(let last)? = events.last { seal = last }
        report(chain.compare(height: height, root: root, seal: seal, node: node.number))
        let before = durability.committedHeight(of: node.number)
        if height <= before {
            report(
                Violation(
                    .durability, node: node.number, height: height,
                    "commits a height again, after \(before)"))
        }
        durability.note(node: node.number, committed: height)
    }

    /// Takes the next batch in: what the whole network now has to hold to.
    func extend(_ events: [Ledger.Event], root: Digest, node: SimulatedNode) {
        let first = chain.state.size
        if let violation = chain.extend(events, root: root, node: node.number) {
            report(violation)
            return
        }
        let state = chain.state
        report(soundness.look(after: state, node: node.number))
        for violation in validity.look(at: events, from: first, after: state, verdicts: verdicts) {
            report(violation)
        }
        for violation in accountability.look(
            at: events, after: state,
            isGuilty: { self.node(of: $0)?.isLiar ?? false })
        { report(violation) }
        if options.isTolerable {
            for violation in fairness.look(
                at: events, height: state.height.rawValue, moment: now,
                isHonest: { self.node(of: $0)?.isReliable ?? false },
                isDisturbed: { self.isDisturbed($0, since: $1) })
            { report(violation) }
        }
        heedEvents(events, from: first)
        isolateFirst(node)
    }

    /// Takes in what a log holds beyond the batches known so far.
    func catchUp(with host: ReplicaHost, _ node: SimulatedNode) {
        do throws(FoldFailure) {
            let batches = try Chain.batches(
                of: host.log, from: chain.state.size, to: host.log.size)
            for (events, root) in batches { extend(events, root: root, node: node) }
        } catch {
            fail(node, .ledger(StorageError(error)))
        }
    }
}
