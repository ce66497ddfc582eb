// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Ledger

extension FuzzTarget {
    /// Decision certificates, as they are and over entries that a quorum of liars signed.
    static let certificates = FuzzTarget(
        name: "certificates",
        about: "decision certificates; one encoding each, and no change of the entries is taken",
        bytesMax: 16_384,
        seeds: {
            [false, true].map { isSignedAnew in
                Seed(
                    name: isSignedAnew ? "signed-anew" : "genuine",
                    bytes: [isSignedAnew ? 1 : 0] + genuine.bytes)
            }
        },
        run: { bytes in
            guard let flags = bytes.first else { return }
            let body = Array(bytes.dropFirst())
            let read = decoded { () throws(CertificateFormatError) in try Certificate(body) }
            guard var certificate = read else { return }
            law(certificate.bytes == body, "a certificate has one encoding")
            if flags & 1 == 1 { certificate = signedAnew(certificate) }
            let keys = [PolicyKey.validator(Fixture.key(0).publicKey)]
            let report = decoded { () throws(PolicyError) in
                try certificate.verify(
                    CertificatePolicy(
                        quorum: Quorum(threshold: 1, count: 1), keys: .listed(keys, ledger: nil)))
            }
            guard flags & 1 == 0, report?.isValid == true else { return }
            law(certificate.entries == genuine.entries, "forged entries are taken")
        })

    private static let genuine: Certificate = {
        do {
            let disk = SimulatedDisk()
            let log = try EventLog.create(directory: "/log", disk: disk)
            for event in ledgerSeeds.scenario.log { _ = try log.stage(event.encoded) }
            try log.commit()
            let checkpoint = Checkpoint(
                ledger: ledgerSeeds.scenario.ledger.digest,
                head: TreeHead(size: log.size, root: log.root))
            let request = ledgerSeeds.scenario.log.firstIndex {
                if case .requestSubmitted = $0 { true } else { false }
            }
            return try CertificateMaker(.entry(UInt64(request ?? 0)), in: log).certificate(
                under: SignedCheckpoint(signing: checkpoint, with: Fixture.key(0)))
        } catch { fatalError("a certificate cannot be made: \(error)") }
    }()

    /// The same entries under a checkpoint that fits them, signed; a fuzzer finds no signatures.
    private static func signedAnew(_ certificate: Certificate) -> Certificate {
        guard let first = certificate.entries.first,
            let old = decoded({ () throws(NoteError) in try SignedCheckpoint(certificate.note) }),
            let root = MultiProof.root(
                leaves: certificate.entries.map { IndexedLeaf(index: $0.index, bytes: $0.bytes) },
                size: old.head.size, proof: certificate.proof)
        else { return certificate }
        let checkpoint = Checkpoint(
            ledger: Digest(hashing: first.bytes), head: TreeHead(size: old.head.size, root: root))
        var result = certificate
        if let signed = decoded({ () throws(NoteError) in
            try SignedCheckpoint(signing: checkpoint, with: Fixture.key(0))
        }) {
            result.note = signed.bytes
        }
        return result
    }
}
