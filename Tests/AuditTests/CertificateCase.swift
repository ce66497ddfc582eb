// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Ledger
import TestSupport

/// A ledger with a decision, and certificates of it: right ones, and such as a quorum of liars
/// could sign.
struct CertificateCase {
    /// How the request is decided.
    enum Kind: String, CaseIterable {
        case approved, rejected, deadline, timedOut, nullifierSpent, falseApproval, trueRejection
    }

    let scenario: LedgerScenario
    let request: RequestID

    /// A ledger in which a request is decided in one of the ways, with others around it.
    static func make(_ kind: Kind) throws -> CertificateCase {
        var scenario = try LedgerScenario(.paraloom("native"))
        var request = RequestID(.zero)
        try scenario.batch(seconds: 1) { scenario in
            let isFalse = kind == .rejected || kind == .falseApproval
            request = try scenario.submit(
                try Paraloom.request("native", proofOf: isFalse ? "spl" : nil))
            let other = try scenario.submit(try Paraloom.request("native", timestamp: 1))
            try scenario.approve(0..<3, other)
            let (approving, rejecting): (Range<Int>, Range<Int>) =
                switch kind {
                case .approved: (1..<2, 9..<10)
                case .rejected: (8..<10, 0..<3)
                case .deadline: (0..<5, 8..<9)
                case .timedOut: (0..<4, 7..<8)
                case .nullifierSpent: (0..<2, 5..<6)
                case .falseApproval: (0..<3, 0..<0)
                case .trueRejection: (0..<0, 0..<2)
                }
            try scenario.approve(approving, request)
            try scenario.reject(rejecting, request)
            if kind == .nullifierSpent { try scenario.approve(3..<6, other) }
        }
        let other = scenario.state.openRounds.last.flatMap { scenario.state.requestID(at: $0) }
        try scenario.batch(seconds: 2) { scenario in
            switch kind {
            case .approved: try scenario.approve(2..<8, request)
            case .rejected: try scenario.reject(3..<5, request)
            case .deadline: try scenario.cast(9, .abstain, on: request)
            case .timedOut: break
            case .nullifierSpent: if let other { try scenario.approve(6..<8, other) }
            case .falseApproval: try scenario.approve(3..<7, request)
            case .trueRejection: try scenario.reject(2..<4, request)
            }
        }
        try scenario.batch(seconds: 20)
        try scenario.batch(seconds: 40)
        try scenario.batch(seconds: 41)
        return CertificateCase(scenario: scenario, request: request)
    }

    /// A ledger in which seven lists approve a request, and with it end one that conflicts; a case
    /// of each.
    static func makeWithLists() throws -> [CertificateCase] {
        var scenario = try LedgerScenario(.paraloom("native"))
        var requests: [RequestID] = []
        try scenario.batch(seconds: 1) { scenario in
            for time in 0..<2 as Range<UInt64> {
                requests.append(
                    try scenario.submit(try Paraloom.request("native", timestamp: time)))
            }
            for validator in 0..<7 {
                let list = scenario.list(validator, requests.map { ($0, .approve) })
                try scenario.send(.votes(list))
            }
        }
        try scenario.batch(seconds: 2)
        return requests.map { CertificateCase(scenario: scenario, request: $0) }
    }

    /// The checkpoint of the whole log, signed by so many validators from the first on.
    func checkpoint(
        of entries: [[UInt8]], signers: Range<Int> = 0..<10, ledger: Digest? = nil
    ) throws -> SignedCheckpoint {
        var frontier = MerkleFrontier()
        for entry in entries { frontier.append(leaf: entry) }
        let head = TreeHead(size: frontier.count, root: frontier.root)
        let keys = signers.map { scenario.keys[$0] }
        var signed = try SignedCheckpoint(
            signing: Checkpoint(ledger: ledger ?? scenario.ledger.digest, head: head),
            with: keys[0])
        for key in keys { _ = try signed.cosign(with: key, seconds: 1_767_225_700) }
        return signed
    }

    /// The certificate of the decision as `recount prove request` makes it.
    func certificate(signers: Range<Int> = 0..<10) throws -> Certificate {
        let folder = try TemporaryFolder()
        let log = try LedgerDirectory.open(try folder.write(scenario.entries))
        let maker = try CertificateMaker(.prefix(request.hex), in: log)
        return try maker.certificate(
            under: try checkpoint(of: scenario.entries, signers: signers))
    }

    /// The certificate with entries of a log that says something else, in its place and signed
    /// by everybody; `change` gets all events of the log.
    func forged(
        _ certificate: Certificate, signers: Range<Int> = 0..<10,
        _ change: (inout [Event]) throws -> Void
    ) throws -> Certificate {
        var events = scenario.log
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
        return try resigned(result, scenario.entries)
    }

    /// The policy of an auditor who knows the ledger: 7 of its 10 validators.
    func policy(_ text: String = "7-of-10") throws -> CertificatePolicy {
        try CertificatePolicy(
            quorum: try Quorum(text), keys: .validators(of: scenario.ledger))
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
