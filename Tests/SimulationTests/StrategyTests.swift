// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Hosting
import Ledger
import Replication
import Simulation
import Testing

/// What is compared of an output.
private func trace(_ outputs: [HostOutput]) -> [[UInt8]] {
    outputs.map { output in
        switch output {
        case .send(let bytes, let peer): [0] + peer.encoded + bytes
        case .broadcast(let bytes): [1] + bytes
        case .verify: [2]
        case .committed: [3]
        case .notice: [4]
        }
    }
}

private let seeds = UInt64(0)..<16

@Suite struct StrategyTests {
    @Test func everyStrategyHasANameOfItsOwn() {
        let names = Byzantine.catalogue.map { $0.name }
        #expect(Set(names).count == names.count)
        #expect(names.count == 28)
    }

    @Test func theSameSeedTellsTheSameLies() throws {
        for kind in Byzantine.catalogue {
            var differs = false
            for seed in seeds {
                var first = try Rehearsal(seed: seed)
                var second = try Rehearsal(seed: seed)
                let outputs = trace(try first.perform(kind))
                #expect(outputs == trace(try second.perform(kind)), "\(kind.name) seed \(seed)")
                let honest = try Rehearsal(seed: seed)
                let spoken = honest.honestOutputs
                differs = differs || outputs != trace(spoken + spoken + spoken)
            }
            // One speaks through its host, the other leaves out what few seeds have it leave out.
            let isQuiet = kind.name == FalseVerdicts.name || kind.name == Censorship.name
            #expect(differs || isQuiet, "\(kind.name) changes nothing")
        }
    }

    @Test func whatIsForTheSimulatorPassesThrough() throws {
        for kind in Byzantine.catalogue {
            for seed in seeds {
                var rehearsal = try Rehearsal(seed: seed)
                let outputs = try rehearsal.perform(kind, rounds: 1)
                let passed = trace(outputs).filter { $0 == [3] || $0 == [4] }
                #expect(passed == [[3], [4]], "\(kind.name) seed \(seed)")
            }
        }
    }

    /// No strategy has an honest key: what names an honest validator is not signed, unless that
    /// validator said it.
    @Test func nothingIsSignedForTheHonestThatTheyDidNotSay() throws {
        for kind in Byzantine.catalogue {
            for seed in seeds {
                var rehearsal = try Rehearsal(seed: seed)
                let heard =
                    rehearsal.arriving.map(\.0)
                    + rehearsal.context.overheard
                    .compactMap(\.message)
                for (message, _) in try rehearsal.perform(kind).messages {
                    guard !heard.contains(message) else { continue }
                    switch message {
                    case .vote(let vote) where vote.validator.rawValue > 2:
                        guard vote.validator.rawValue < 10 else { continue }
                        let key = Fixture.key(vote.validator).publicKey
                        #expect(!vote.isSigned(by: key, in: rehearsal.ledger), "\(kind.name)")
                    case .command(.vote(let vote))
                    where rehearsal.scenario.keys[3...].contains { $0.publicKey == vote.validator }:
                        #expect(!vote.isSigned(in: rehearsal.ledger), "\(kind.name)")
                    default: continue
                    }
                }
            }
        }
    }

    @Test func twoProposalsOfOneRoundAreBothValidAndReachDifferentPeers() throws {
        for seed in seeds {
            var rehearsal = try Rehearsal(seed: seed)
            let outputs = try rehearsal.perform(EquivocatingProposer.self, rounds: 1)
            let own = outputs.proposals.filter { $0.proposer == ValidatorIndex(0) }
            let values = own.map(\.value).reduce(into: [Digest]()) {
                if !$0.contains($1) { $0.append($1) }
            }
            #expect(values.count == 2, "seed \(seed)")
            for proposal in own {
                #expect(proposal.isSigned(by: Fixture.key(0).publicKey, in: rehearsal.ledger))
                #expect(try rehearsal.executed(proposal.batch).value == proposal.value)
            }
            for peer in rehearsal.context.honest {
                let received = outputs.messages.filter { $0.to == peer }.compactMap { message, _ in
                    if case .proposal(let proposal) = message { proposal.value } else { nil }
                }
                #expect(received.count == 1, "seed \(seed) peer \(peer)")
            }
            let twin = own.first { $0.value != own[0].value } ?? own[0]
            #expect(own[0].slot.isContradicted(by: own[0].statement, twin.statement))
        }
    }

    @Test func doubleVotesContradictEachOther() throws {
        var rehearsal = try Rehearsal(seed: 4)
        var found = 0
        let votes = try rehearsal.perform(DoubleVotes.self, rounds: 8).votes
        for vote in votes {
            #expect(vote.isSigned(by: Fixture.key(0).publicKey, in: rehearsal.ledger))
            found += votes.count {
                $0.slot == vote.slot && vote.slot.isContradicted(by: vote.statement, $0.statement)
            }
        }
        #expect(found > 0)
    }

    @Test func twoFacedVerdictsConvict() throws {
        var rehearsal = try Rehearsal(seed: 1)
        let votes = try rehearsal.perform(TwoFacedVerdicts.self, rounds: 1).commands
            .compactMap { if case .vote(let vote) = $0 { vote } else { nil } }
        #expect(Set(votes.map(\.vote)) == [.approve, .reject])
        #expect(votes.allSatisfy { $0.isSigned(in: rehearsal.ledger) })
    }

    @Test func falseDerivationsAreWhatNoHonestNodeDerives() throws {
        for seed in seeds {
            var rehearsal = try Rehearsal(seed: seed)
            let outputs = try rehearsal.perform(FalseDerivation.self)
            for proposal in outputs.proposals where proposal.proposer == ValidatorIndex(0) {
                #expect(proposal.isSigned(by: Fixture.key(0).publicKey, in: rehearsal.ledger))
                do throws(BatchFault) {
                    let derived = try rehearsal.executed(proposal.batch)
                    #expect(derived.value != proposal.value, "seed \(seed)")
                } catch { continue }
            }
            // Its own votes are on what it said.
            let said = Set(outputs.proposals.map(\.value))
            #expect(
                outputs.votes.filter { $0.validator == ValidatorIndex(0) }
                    .allSatisfy { said.contains($0.value ?? .zero) })
        }
    }

    @Test func censoredBatchesAreValidAndVotedFor() throws {
        var censored = 0
        for seed in UInt64(0)..<60 {
            var rehearsal = try Rehearsal(seed: seed)
            let outputs = try rehearsal.perform(Censorship.self)
            guard let proposal = outputs.proposals.first, proposal.batch.commands.count < 2 else {
                continue
            }
            censored += 1
            #expect(try rehearsal.executed(proposal.batch).value == proposal.value)
            #expect(Set(outputs.proposals.map(\.value)).count == 1, "seed \(seed)")
            #expect(outputs.votes.allSatisfy { $0.value == proposal.value })
        }
        #expect(censored > 0)
    }

    @Test func forgedAuthorityIsRefused() throws {
        for seed in UInt64(0)..<40 {
            var rehearsal = try Rehearsal(seed: seed)
            let honest = [rehearsal.governance(), rehearsal.evidence()]
            let outputs = try rehearsal.perform(ForgedAuthority.self)
            for command in outputs.commands {
                if case .vote(let vote) = command, vote.validator == Fixture.key(0).publicKey {
                    continue
                }
                guard let checked = Checked(command, in: rehearsal.ledger) else { continue }
                let refusal = rehearsal.scenario.state.refusal(of: checked)
                #expect(refusal != nil, "seed \(seed): \(command)")
            }
            for proposal in outputs.proposals {
                let isForged = proposal.batch.commands.contains { !honest.contains($0.message) }
                guard isForged else { continue }
                #expect(throws: BatchFault.self, "seed \(seed)") {
                    try rehearsal.executed(proposal.batch)
                }
            }
        }
    }

    @Test func falseBatchesProveNothingAndStopNobody() throws {
        for seed in UInt64(0)..<40 {
            var rehearsal = try Rehearsal(seed: seed)
            let honest = try rehearsal.decided()
            for (message, _) in try rehearsal.perform(FalseBatches.self).messages {
                guard case .batch(let batch) = message, batch != honest else { continue }
                do throws(DecidedBatchFault) {
                    _ = try batch.replayed(
                        on: rehearsal.scenario.state, rehearsal.scenario.frontier, threshold: 7)
                    Issue.record("seed \(seed): a false batch was taken")
                } catch {
                    if case .diverged = error { Issue.record("seed \(seed): \(error)") }
                }
            }
        }
    }

    @Test func wrongTimesAreProposedWithTheRightValue() throws {
        var wrong = 0
        for seed in UInt64(0)..<40 {
            var rehearsal = try Rehearsal(seed: seed)
            let right = rehearsal.proposal(by: 0).batch.opening.time
            for proposal in try rehearsal.perform(WrongTime.self).proposals
            where proposal.batch.opening.time != right {
                wrong += 1
                do throws(BatchFault) {
                    let derived = try rehearsal.executed(proposal.batch)
                    #expect(derived.value == proposal.value, "seed \(seed)")
                } catch {
                    // Before the last batch, or more days on than one batch may go.
                    let time = proposal.batch.opening.time
                    let last = rehearsal.scenario.state.time
                    #expect(time <= last || time.day > last.day + Limits.daysPerBatchMax)
                }
            }
        }
        #expect(wrong > 10)
    }

    @Test func amnesiaSupportsEveryProposal() throws {
        for seed in seeds {
            var rehearsal = try Rehearsal(seed: seed)
            let value = rehearsal.proposal(by: 4).value
            let votes = try rehearsal.perform(Amnesia.self).votes
            let supporting = votes.filter {
                $0.value == value && $0.round == rehearsal.round(of: 4)
            }
            #expect(supporting.contains { $0.kind == .prevote })
            #expect(supporting.contains { $0.kind == .precommit })
            #expect(votes.allSatisfy { $0.value != nil && $0.validator.rawValue < 3 })
        }
    }

    @Test func hiddenLocksReachOneHonestValidatorAlone() throws {
        for seed in seeds {
            var rehearsal = try Rehearsal(seed: seed)
            let value = rehearsal.proposal(by: 4).value
            let outputs = try rehearsal.perform(HiddenLocks.self)
            let receivers = outputs.messages.compactMap { message, peer -> ValidatorIndex? in
                guard case .vote(let vote) = message, vote.value == value else { return nil }
                return peer
            }
            #expect(Set(receivers).count == 1 && receivers.count == 3, "seed \(seed)")
        }
    }

    @Test func garbageIsDecodedOrRefusedAndNeverTraps() throws {
        var unreadable = 0
        for seed in seeds {
            var rehearsal = try Rehearsal(seed: seed)
            for output in try rehearsal.perform(Garbage.self, rounds: 20) {
                guard case .broadcast(let bytes) = output else { continue }
                guard let message = PeerMessage(reading: bytes) else {
                    unreadable += 1
                    continue
                }
                #expect(message.encoded == bytes)
            }
        }
        #expect(unreadable > 500)
    }

    @Test func aFloodKeepsToWhatTheNetworkTakesIn() throws {
        var most = 0
        for seed in UInt64(0)..<40 {
            var rehearsal = try Rehearsal(seed: seed)
            var strategy = Flooding(random: &rehearsal.context.random)
            for _ in 0..<40 {
                let outputs = strategy.idle(context: &rehearsal.context)
                let sent = outputs.reduce(0) { sum, output in
                    if case .broadcast = output { sum + 9 } else { sum + 1 }
                }
                #expect(sent <= 500)
                #expect(outputs.messages.count == outputs.count)
                most = max(most, sent)
            }
        }
        #expect(most > 400)
    }

    @Test func aStallingNodeSaysEverythingInTheEnd() throws {
        for seed in seeds {
            var rehearsal = try Rehearsal(seed: seed)
            var strategy = Stalling(random: &rehearsal.context.random)
            let honest = rehearsal.honestOutputs
            var said = strategy.outgoing(honest, context: &rehearsal.context)
            #expect(said.count < honest.count)
            rehearsal.context.pass(milliseconds: 40_000)
            said += strategy.idle(context: &rehearsal.context)
            let sort: ([UInt8], [UInt8]) -> Bool = { $0.lexicographicallyPrecedes($1) }
            #expect(trace(said).sorted(by: sort) == trace(honest).sorted(by: sort))
        }
    }

    @Test func verdictsAreTheOppositeOfHonestOnes() throws {
        var opposite = 0
        for seed in seeds {
            var rehearsal = try Rehearsal(seed: seed)
            var strategy = FalseVerdicts(random: &rehearsal.context.random)
            if strategy.verdict(.approve, context: &rehearsal.context) == .reject,
                strategy.verdict(.reject, context: &rehearsal.context) == .approve
            {
                opposite += 1
            }
        }
        #expect(opposite > 0)
    }

    @Test func theMixtureChangesOverTime() throws {
        var counts: [Int] = []
        var rehearsal = try Rehearsal(seed: 6)
        var strategy = Mixed(random: &rehearsal.context.random)
        for _ in 0..<1_600 {
            _ = strategy.idle(context: &rehearsal.context)
            let count = strategy.outgoing(
                rehearsal.honestOutputs, context: &rehearsal.context
            ).count
            if counts.last != count { counts.append(count) }
        }
        #expect(Set(counts).count > 3)
    }
}
