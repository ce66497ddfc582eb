// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Ledger

/// A ledger with a decision, and certificates of it: right ones, and such as a quorum of liars
/// could sign.
struct CertificateCase {
    /// How the request is decided.
    enum Kind: String, CaseIterable {
        case approved, rejected, deadline, timedOut, nullifierSpent, falseApproval, trueRejection
    }

    let builder: LedgerBuilder
    let request: RequestID

    /// A ledger in which a request is decided in one of the ways, with others around it.
    static func make(_ kind: Kind) throws -> CertificateCase {
        var builder = try LedgerBuilder(circuits: [try Paraloom.circuit("native")])
        var request = RequestID(.zero)
        try builder.batch(seconds: 1) { builder in
            let isFalse = kind == .rejected || kind == .falseApproval
            request = try builder.submit(
                try Paraloom.request("native", proofOf: isFalse ? "spl" : nil, by: builder))
            let other = try builder.submit(
                try Paraloom.request("native", timestamp: 1, by: builder))
            try builder.vote(other, approve: 0..<3)
            switch kind {
            case .approved: try builder.vote(request, approve: [1], reject: [9])
            case .rejected: try builder.vote(request, approve: [8, 9], reject: 0..<3)
            case .deadline: try builder.vote(request, approve: 0..<5, reject: [8])
            case .timedOut: try builder.vote(request, approve: 0..<4, reject: [7])
            case .nullifierSpent: try builder.vote(request, approve: 0..<2, reject: [5])
            case .falseApproval: try builder.vote(request, approve: 0..<3)
            case .trueRejection: try builder.vote(request, reject: 0..<2)
            }
            if kind == .nullifierSpent { try builder.vote(other, approve: 3..<6) }
        }
        let other = builder.state.openRounds.last.flatMap { builder.state.requestID(at: $0) }
        try builder.batch(seconds: 2) { builder in
            switch kind {
            case .approved: try builder.vote(request, approve: 2..<8)
            case .rejected: try builder.vote(request, reject: 3..<5)
            case .deadline: try builder.take(.vote(builder.vote(request, 9, .abstain)))
            case .timedOut: break
            case .nullifierSpent: if let other { try builder.vote(other, approve: 6..<8) }
            case .falseApproval: try builder.vote(request, approve: 3..<7)
            case .trueRejection: try builder.vote(request, reject: 2..<4)
            }
        }
        try builder.batch(seconds: 20)
        try builder.batch(seconds: 40)
        try builder.batch(seconds: 41)
        return CertificateCase(builder: builder, request: request)
    }

    /// A ledger in which seven lists approve a request, and with it end one that conflicts; a case
    /// of each.
    static func makeWithLists() throws -> [CertificateCase] {
        var builder = try LedgerBuilder(circuits: [try Paraloom.circuit("native")])
        var requests: [RequestID] = []
        try builder.batch(seconds: 1) { builder in
            for time in 0..<2 as Range<UInt64> {
                requests.append(
                    try builder.submit(
                        try Paraloom.request("native", timestamp: time, by: builder)))
            }
            for validator in 0..<7 {
                let list = VoteListMessage(
                    validator: builder.validators[validator].publicKey,
                    timestamp: builder.state.time,
                    votes: requests.map {
                        .shown(request: $0, vote: .approve, reason: .proofHolds)
                    }, signature: .zero)
                try builder.take(
                    .votes(list.signed(by: builder.validators[validator], in: builder.state.ledger))
                )
            }
        }
        try builder.batch(seconds: 2)
        return requests.map { CertificateCase(builder: builder, request: $0) }
    }

    /// The checkpoint of the whole log, signed by so many validators from the first on.
    func checkpoint(
        of entries: [[UInt8]], signers: Range<Int> = 0..<10, ledger: Digest? = nil
    ) throws -> SignedCheckpoint {
        var frontier = MerkleFrontier()
        for entry in entries { frontier.append(leaf: entry) }
        let head = TreeHead(size: frontier.count, root: frontier.root)
        let keys = signers.map { builder.validators[$0] }
        var signed = try SignedCheckpoint(
            signing: Checkpoint(ledger: ledger ?? builder.state.ledger.digest, head: head),
            with: keys[0])
        for key in keys { _ = try signed.cosign(with: key, seconds: 1_767_225_700) }
        return signed
    }

    /// The certificate of the decision as `recount prove request` makes it.
    func certificate(signers: Range<Int> = 0..<10) throws -> Certificate {
        let folder = try Folder()
        let log = try LedgerDirectory.open(try folder.write(builder.entries))
        let maker = try CertificateMaker(.prefix(request.hex), in: log)
        return try maker.certificate(
            under: try checkpoint(of: builder.entries, signers: signers))
    }

    /// The certificate with entries of a log that says something else, in its place and signed
    /// by everybody; `change` gets all events of the log.
    func forged(
        _ certificate: Certificate, signers: Range<Int> = 0..<10,
        _ change: (inout [Event]) throws -> Void
    ) throws -> Certificate {
        var events = try builder.events
        try change(&events)
        return try resigned(certificate, events.map(\.encoded), signers: signers)
    }

    /// The certificate over other entries, with a right proof and checkpoint.
    func resigned(
        _ certificate: Certificate, _ entries: [[UInt8]], signers: Range<Int> = 0..<10
    ) throws -> Certificate {
        let log = try EventLog.create(directory: "/log", disk: SimulatedDisk())
        for entry in entries { _ = try log.stage(entry) }
        try log.commit()
        var result = certificate
        let indices = certificate.entries.map(\.index)
        result.entries = indices.map {
            Certificate.Entry(index: $0, bytes: entries[Int($0)])
        }
        result.proof = try log.multiProof(indices: indices, size: log.size)
        result.note = try checkpoint(
            of: entries, signers: signers, ledger: Digest(hashing: entries[0])
        ).bytes
        return result
    }

    /// The certificate with other entries of the same log.
    func with(_ certificate: Certificate, indices: [UInt64]) throws -> Certificate {
        var result = certificate
        result.entries = indices.map { Certificate.Entry(index: $0, bytes: []) }
        return try resigned(result, builder.entries)
    }

    /// The policy of an auditor who knows the ledger: 7 of its 10 validators.
    func policy(_ text: String = "7-of-10") throws -> CertificatePolicy {
        try CertificatePolicy(
            quorum: try Quorum(text), keys: .validators(of: builder.state.ledger))
    }

    func report(_ certificate: Certificate) throws -> CertificateReport {
        try certificate.verify(try policy())
    }
}

extension Certificate {
    /// The places in the log of entries of a kind, among those of the certificate.
    func places(of kind: String) throws -> [Int] {
        try entries.filter { try Event(decoding: $0.bytes).kind == kind }.map { Int($0.index) }
    }
}
