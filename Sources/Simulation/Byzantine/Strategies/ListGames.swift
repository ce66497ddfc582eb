// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
package import Hosting
internal import Ledger
internal import Replication

/// Plays with its lists of votes: shows each half of the network another part of them, says a vote
/// alone as well, the contrary in a second list of the same time, and lists that are none. Where it
/// leads, it proposes votes of lists as if they had been signed alone.
package struct ListGames: Strategy {
    package static let name = "list-games"

    private enum Game: Sendable, CaseIterable {
        case halves, alone, contrary, doubled, nothingShown, unknown, foreign
    }

    private let games: [Game]
    private var substitution = Substitution()

    package init(random: inout SimulationRandom) {
        let picked = random.pick(Game.allCases) ?? .halves
        games = random.happens(perMille: 300) ? Game.allCases : [picked]
    }

    package mutating func outgoing(
        _ outputs: [HostOutput], context: inout ByzantineContext
    ) -> [HostOutput] {
        outputs.rewritten { message, peer in
            if case .proposal = message {
                return substitution.replace(message, to: peer, &context, hasSupport: true) {
                    held, context in
                    context.proposal(
                        like: held, commands: held.batch.commands.flatMap(Self.torn),
                        time: held.batch.opening.time)
                }
            }
            guard peer == nil, case .command(let command) = message,
                command.sender == context.own.key.publicKey,
                let list = Self.list(command, context), let game = context.random.pick(games)
            else { return nil }
            let (first, second) = context.halves()
            return play(game, list, &context).flatMap { one, other in
                PeerMessage.command(one).send(to: first)
                    + PeerMessage.command(other).send(to: second)
            }
        }
    }

    /// The votes of a list, each with the signature of the list.
    private static func torn(_ command: ProposedCommand) -> [ProposedCommand] {
        guard case .votes(let list) = command.message else { return [command] }
        return list.signedVotes.map { ProposedCommand(.vote($0.vote)) }
    }

    /// Its votes as a list, also one that stands alone.
    private static func list(_ command: Message, _ context: ByzantineContext) -> VoteListMessage? {
        switch command {
        case .votes(let list): list
        case .vote(let vote):
            VoteListMessage(
                validator: vote.validator, timestamp: vote.timestamp,
                votes: [.shown(request: vote.request, vote: vote.vote, reason: vote.reason)],
                signature: .zero
            ).signed(by: context.own.key, in: context.ledger)
        default: nil
        }
    }

    /// What each half is sent.
    private func play(
        _ game: Game, _ list: VoteListMessage, _ context: inout ByzantineContext
    ) -> [(Message, Message)] {
        var other = list
        switch game {
        case .halves:
            let middle = list.votes.count / 2
            return [
                (
                    .votes(list.hiding { $0 < middle }),
                    .votes(middle == 0 ? list : list.hiding { $0 >= middle })
                )
            ]
        case .alone:
            let votes = list.signedVotes.map {
                $0.vote.signed(by: context.own.key, in: context.ledger)
            }
            return votes.map { (.vote($0), .votes(list)) }
        case .contrary:
            let contrary = Message.votes(list).contrary(by: context.own.key, in: context.ledger)
            return [(.votes(list), contrary ?? .votes(list))]
        case .doubled: other.votes += list.votes
        case .nothingShown:
            other.votes = [.hidden(height: 8, root: context.anyValue())]
        case .unknown:
            other.votes += (0..<16).map { _ in
                .shown(
                    request: RequestID(context.anyValue()), vote: .approve, reason: .proofHolds)
            }
            other = other.signed(by: context.own.key, in: context.ledger)
        case .foreign:
            other.validator =
                context.random.pick(context.honest).flatMap {
                    context.state.validator($0)?.key
                } ?? list.validator
            other = other.signed(by: context.own.key, in: context.ledger)
        }
        return [(.votes(list), .votes(other))]
    }
}
