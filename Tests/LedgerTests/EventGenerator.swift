// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Ledger
import TestSupport

/// Events and messages of every kind with any fields, true or not, from a seed.
struct EventGenerator {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    static let tags: [UInt8] = EventType.allCases.map(\.rawValue)

    mutating func bytes32() -> Bytes32 { Bytes32(random.bytes(32)) ?? .zero }
    mutating func digest() -> Digest { Digest(bytes32()) }
    mutating func key() -> PublicKey { PublicKey(bytes32()) }
    mutating func signature() -> Signature { Signature(random.bytes(64)) ?? .zero }
    mutating func below(_ bound: UInt64) -> UInt64 { UInt64.random(in: 0..<bound, using: &random) }
    mutating func integer() -> UInt64 { below(4) == 0 ? .max : random.next() >> below(64) }
    mutating func small() -> UInt32 { UInt32(truncatingIfNeeded: integer()) }
    mutating func entry() -> EntryIndex { EntryIndex(below(3) == 0 ? integer() : below(40)) }
    mutating func validator() -> ValidatorIndex {
        ValidatorIndex(below(6) == 0 ? UInt16(below(65_536)) : UInt16(below(8)))
    }
    mutating func time() -> Time { Time(integer()) }
    mutating func list<T>(_ bound: UInt64, _ make: (inout Self) -> T) -> [T] {
        (0..<below(bound + 1)).map { _ in make(&self) }
    }
    mutating func text(_ bound: UInt64) -> String {
        String(
            list(bound) { ["a", "é", "0", "語", "e\u{301}"][Int($0.below(5))] }.joined().prefix(9))
    }
    mutating func raw<T: RawRepresentable<UInt8>>(_ count: UInt64, _ type: T.Type = T.self) -> T {
        guard let value = T(rawValue: UInt8(below(count))) else { fatalError("\(T.self)") }
        return value
    }
    mutating func vote() -> Vote { raw(3) }
    mutating func status() -> JobStatus {
        JobStatus(raw(6), code: UInt8(below(256)))
    }

    mutating func slot() -> Slot {
        switch below(8) {
        case 0: .vote(entry())
        case 1: .proposal(Height(integer()), round: small())
        case 2: .prevote(Height(integer()), round: small())
        case 3: .precommit(Height(integer()), round: small())
        case 4: .result(entry())
        case 5: .amnesia(Height(integer()), precommit: small(), prevote: small())
        case 6: .checkpoint(size: integer())
        default: .settlement(entry())
        }
    }

    mutating func statement() -> Statement {
        switch below(6) {
        case 0: .vote(vote(), raw(7), time(), signature())
        case 5: .listedVote(vote(), raw(7), time(), path(), signature())
        case 1:
            .consensus(
                value: below(2) == 0 ? nil : digest(),
                validRound: Int64(truncatingIfNeeded: integer()), signature())
        case 2: .result(status(), output: digest(), fuel: integer(), signature())
        case 3:
            .checkpoint(
                root: digest(), seconds: below(2) == 0 ? nil : integer(), signature())
        default:
            .settlement(
                raw(2), reference: list(9) { UInt8($0.below(256)) }, signature())
        }
    }

    /// The way of any vote in a list of any votes.
    mutating func path() -> VotePath {
        let requests = list(40) { RequestID($0.digest()) } + [RequestID(digest())]
        let message = VoteListMessage(
            validator: key(), timestamp: time(),
            votes: requests.map { .shown(request: $0, vote: .approve, reason: .unspecified) },
            signature: .zero)
        return VotePath(of: Int(below(UInt64(requests.count))), in: message.tree)
    }

    /// A place of a list of votes, whatever comes before it.
    mutating func listed<R>(_ request: (inout Self) -> R) -> ListedVote<R> {
        below(4) == 0
            ? .hidden(height: UInt8(below(9)), root: digest())
            : .shown(request: request(&self), vote: vote(), reason: raw(7))
    }

    mutating func parameters() -> Parameters {
        Parameters(
            threshold: small(), verificationMilliseconds: integer(), jobMilliseconds: integer(),
            settlementMilliseconds: integer(), reputationMin: Reputation(integer()),
            reputationMax: Reputation(integer()), stakeWeight: small(),
            reputationWeight: small(), normalisation: raw(2), unclosedMax: small(),
            refusalsPerMinute: small(), jobFuelMax: integer(), jobMemoryBytesMax: integer(),
            jobInputBytesMax: integer(), jobModuleBytesMax: integer(),
            jobMillisecondsMin: integer())
    }

    mutating func circuit() -> Circuit {
        Circuit(
            name: text(5), verifyingKey: random.bytes(Int(below(600))),
            inputs: list(9) { generator in
                switch generator.below(8) {
                case 0: .root
                case 1: .nullifier
                case 2: .amount
                case 3: .negatedAmount
                case 4: .recipient
                case 5: .externalDataHash
                case 6: .constant(generator.bytes32())
                default: .free
                }
            })
    }

    mutating func change() -> Change {
        switch below(7) {
        case 0: .validatorJoined(key: key(), name: text(5), stake: Stake(integer()))
        case 1: .validatorLeft(key: key())
        case 2: .stakeChanged(key: key(), stake: Stake(integer()))
        case 3: .parametersChanged(parameters())
        case 4: .circuitRegistered(circuit())
        case 5: .rootPublished(circuit: CircuitIndex(UInt16(below(3))), root: bytes32())
        default: .submitterListed(key: key(), name: text(5), quota: small())
        }
    }

    /// A message of kind `tag`, 0 to 8.
    mutating func message(_ tag: UInt8) -> Message {
        switch tag {
        case 0:
            .request(
                RequestMessage(
                    circuit: CircuitID(digest()), nullifiers: list(16) { $0.bytes32() },
                    amount: Amount(integer()), recipient: bytes32(),
                    proof: random.bytes(Int(below(513))), publicInputs: list(64) { $0.bytes32() },
                    timestamp: time(), submitter: key(), signature: signature()))
        case 1:
            .vote(
                VoteMessage(
                    request: RequestID(digest()), validator: key(), vote: vote(), reason: raw(7),
                    timestamp: time(), signature: signature()))
        case 2:
            .job(
                JobMessage(
                    module: digest(), input: digest(), moduleBytes: integer(),
                    inputBytes: integer(), fuel: integer(), memoryBytes: integer(),
                    milliseconds: integer(), engine: text(9), engineVersion: text(9),
                    timestamp: time(), submitter: key(), signature: signature()))
        case 3:
            .result(
                ResultMessage(
                    job: JobID(digest()), validator: key(), status: status(), output: digest(),
                    fuel: integer(), signature: signature()))
        case 4:
            .settlement(
                SettlementMessage(
                    request: RequestID(digest()), bridge: key(),
                    reference: random.bytes(Int(below(129))), result: raw(2),
                    signature: signature()))
        case 5:
            .governance(
                GovernanceMessage(
                    number: integer(), change: change(),
                    endorsements: list(9) {
                        Endorsement(validator: $0.key(), signature: $0.signature())
                    }))
        case 6:
            .evidence(
                EvidenceMessage(
                    validator: key(),
                    slot: below(2) == 0 ? .vote(RequestID(digest())) : .consensus(slot()),
                    first: statement(), second: statement()))
        case 8:
            .votes(
                VoteListMessage(
                    validator: key(), timestamp: time(),
                    votes: list(20) { $0.listed { RequestID($0.digest()) } },
                    signature: signature()))
        default:
            .announcement(
                AnnouncementMessage(
                    validator: key(), announcement: announcement(), signature: signature()))
        }
    }

    private mutating func announcement() -> Announcement {
        Announcement(
            number: integer(), program: text(9), engine: text(9), engineVersion: text(9),
            isJournalNew: below(2) == 0)
    }

    mutating func event() -> Event {
        event(Self.tags[Int(below(UInt64(Self.tags.count)))])
    }

    mutating func event(_ tag: UInt8) -> Event {
        tag < 64 ? input(tag) : derived(tag)
    }

    private mutating func indexedSignature() -> IndexedSignature {
        IndexedSignature(validator: validator(), signature: signature())
    }

    private mutating func opened() -> LedgerOpened {
        LedgerOpened(
            name: text(9), parameters: parameters(),
            validators: list(9) {
                GenesisValidator(key: $0.key(), name: $0.text(5), stake: Stake($0.integer()))
            },
            submitters: list(9) {
                GenesisSubmitter(key: $0.key(), name: $0.text(5), quota: $0.small())
            },
            bridge: key(),
            circuits: list(3) { generator in
                GenesisCircuit(
                    circuit: generator.circuit(), roots: generator.list(9) { $0.bytes32() })
            }, time: time())
    }

    private mutating func input(_ tag: UInt8) -> Event {
        switch tag {
        case 0: .ledgerOpened(opened())
        case 1:
            .batchOpened(
                BatchOpened(
                    height: Height(integer()), time: time(), proposer: validator(), round: small(),
                    previousRoot: digest(), precommitRound: small(),
                    precommits: list(9) { $0.indexedSignature() }, signature: signature()))
        case 2:
            .requestSubmitted(
                RequestSubmitted(
                    circuit: CircuitIndex(UInt16(below(3))), nullifiers: list(16) { $0.bytes32() },
                    amount: Amount(integer()), recipient: bytes32(),
                    proof: random.bytes(Int(below(513))), publicInputs: list(64) { $0.bytes32() },
                    timestamp: time(), submitter: SubmitterIndex(UInt32(below(3))),
                    signature: signature()))
        case 3:
            .voteCast(
                VoteCast(
                    request: entry(), validator: validator(), vote: vote(), reason: raw(7),
                    timestamp: time(), signature: signature()))
        case 4:
            .jobSubmitted(
                JobSubmitted(
                    module: digest(), input: digest(), moduleBytes: integer(),
                    inputBytes: integer(), fuel: integer(), memoryBytes: integer(),
                    milliseconds: integer(), engine: text(9), engineVersion: text(9),
                    timestamp: time(), submitter: SubmitterIndex(UInt32(below(3))),
                    signature: signature()))
        case 5:
            .resultReported(
                ResultReported(
                    job: entry(), validator: validator(), status: status(), output: digest(),
                    fuel: integer(), signature: signature()))
        case 6:
            .settlementReported(
                SettlementReported(
                    request: entry(), reference: random.bytes(Int(below(129))), result: raw(2),
                    signature: signature()))
        case 7:
            .governanceApproved(
                GovernanceApproved(
                    number: below(2) == 0 ? below(9) : integer(), change: change(),
                    signatures: list(9) { $0.indexedSignature() }))
        case 8:
            .evidenceSubmitted(
                EvidenceSubmitted(
                    validator: validator(), slot: slot(), first: statement(), second: statement()))
        case 9:
            .messageRefused(
                MessageRefused(
                    message: message(UInt8(below(9))),
                    refusal: Refusal.allCases[Int(below(UInt64(Refusal.allCases.count)))]))
        case 11:
            .votesCast(
                VotesCast(
                    validator: validator(), timestamp: time(),
                    votes: list(20) { $0.listed { $0.entry() } }, signature: signature()))
        default:
            .validatorAnnounced(
                ValidatorAnnounced(
                    validator: validator(), announcement: announcement(),
                    signature: signature()))
        }
    }

    private mutating func derived(_ tag: UInt8) -> Event {
        switch tag {
        case 64:
            .roundOpened(
                RoundOpened(
                    request: entry(), leader: validator(), pinnedSet: digest(),
                    threshold: below(2) == 0 ? 3 : small(), deadline: time()))
        case 65:
            .outcomeDecided(
                OutcomeDecided(
                    request: entry(), outcome: raw(3), reason: raw(5), approvals: UInt16(below(9)),
                    rejections: UInt16(below(9)), abstentions: UInt16(below(65_536)),
                    deciding: entry(), margin: Int32(truncatingIfNeeded: integer()), time: time()))
        case 66: .nullifierSpent(NullifierChanged(request: entry(), nullifier: bytes32()))
        case 67: .nullifierReleased(NullifierChanged(request: entry(), nullifier: bytes32()))
        case 68:
            .settlementOrdered(
                SettlementOrdered(
                    request: entry(), recipient: bytes32(), amount: Amount(integer()),
                    leader: validator(), nextTurn: time()))
        case 69:
            .reputationChanged(
                ReputationChanged(
                    validator: validator(), cause: raw(5), about: entry(),
                    before: Reputation(below(2) == 0 ? 1_000_000 : integer()),
                    after: Reputation(integer())))
        case 70: .reputationDecayed(ReputationDecayed(day: integer()))
        case 71: .equivocationFound(EquivocationFound(validator: validator(), slot: slot()))
        case 72:
            .disagreementRecorded(
                DisagreementRecorded(
                    about: entry(),
                    sides: list(4) { Side(validators: $0.list(9) { $0.validator() }) }))
        case 73: .roundClosed(RoundClosed(about: entry(), cause: raw(3)))
        case 74:
            .jobAssigned(
                JobAssigned(
                    job: entry(), validators: list(3) { $0.validator() }, deadline: time()))
        case 75:
            .jobDecided(
                JobDecided(
                    job: entry(), decision: raw(3), status: status(), output: digest(),
                    deciding: entry(), time: time()))
        default:
            .batchSealed(
                BatchSealed(
                    height: Height(integer()), size: integer(), root: digest(),
                    stateRoot: digest(), components: StateComponent.allCases.map { _ in digest() }))
        }
    }
}
