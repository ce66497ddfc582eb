// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Node
import TestSupport
import Testing

extension APISuite {
    @Suite("The node as a log", .serialized)
    struct LogTests {
        private static func digest(_ value: Any?) throws -> Digest {
            Digest(try #require(Bytes32(hex: value as? String ?? "")))
        }

        @Test("the checkpoint and the tiles make a folder that the reader of tiles checks whole")
        func tiles() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(3)))
                let folder = try TemporaryFolder()
                let note = try await node.http.get("/checkpoint")
                #expect(
                    note.status == 200
                        && note.headers["content-type"]?.hasPrefix("text/plain") == true)
                let signed = try SignedCheckpoint(note.body)
                #expect(
                    signed.checkpoint.origin
                        == Checkpoint.origin(ofLedger: node.network.ledger.digest))
                var paths: [TilePath] = []
                let size = signed.head.size
                for number in 0...(size / 256) {
                    let width = Int(min(256, size - number * 256))
                    guard width > 0 else { continue }
                    paths.append(.hashes(level: 0, number: number, width: width))
                    paths.append(.entries(number: number, width: width))
                }
                if size >= 256 {
                    paths.append(.hashes(level: 1, number: 0, width: Int(size / 256)))
                }
                for path in paths {
                    let tile = try await node.http.get("/\(path)")
                    #expect(tile.status == 200, "\(path): \(tile.text)")
                    #expect(tile.headers["cache-control"]?.contains("immutable") == true)
                    let file = URL(fileURLWithPath: "\(folder.path)/\(path)")
                    try FileManager.default.createDirectory(
                        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                    try Data(tile.body).write(to: file)
                }
                // The reader trusts nothing but the head, which a validator signed.
                let tiles = try TileFolder(
                    directory: folder.path, head: signed.head, disk: POSIXDisk())
                var count: UInt64 = 0
                try tiles.forEach(from: 0, to: size) { _, _ in count += 1 }
                #expect(count == size)
                for path in [
                    "/tile/0/999", "/tile/9/000", "/tile/0/0", "/tile/entries/000.p/0",
                    "/tile/entries/000.p/256", "/tile", "/tile/x/000", "/tile/0/x000/000",
                ] {
                    #expect(try await node.http.get(path).status == 404, "\(path)")
                }
            }
        }

        @Test("proofs hold against the roots of the log, and entries are their leaves")
        func proofs() async throws {
            try await RunningNode.with { node in
                try await node.decide(Array(try node.requests().prefix(2)))
                let size = try #require(node.process.facts?.size)
                for entry in [0, 1, size / 2, size - 1] {
                    let reply = try await node.http.get(
                        "/proof/inclusion?entry=\(entry)&size=\(size)")
                    let answer = try reply.object()
                    let bytes = try await node.http.get("/entries/\(entry)")
                    let leaf = MerkleFrontier.leafHash(bytes.body.span)
                    #expect(try Self.digest(answer["leaf_hash"]) == leaf)
                    let proof = try (answer["proof"] as? [String] ?? []).map { try Self.digest($0) }
                    #expect(
                        MerkleProof.verifyInclusion(
                            leafHash: leaf, index: entry, size: size, proof: proof,
                            root: try Self.digest(answer["root"])))
                }
                for from in [1, 2, size / 2, size] {
                    let answer = try await node.http.get(
                        "/proof/consistency?from=\(from)&to=\(size)"
                    )
                    .object()
                    let proof = try (answer["proof"] as? [String] ?? []).map { try Self.digest($0) }
                    #expect(
                        MerkleProof.verifyConsistency(
                            oldSize: from, oldRoot: try Self.digest(answer["from_root"]),
                            newSize: size,
                            newRoot: try Self.digest(answer["to_root"]), proof: proof))
                }
                for (path, field) in [
                    ("/proof/inclusion", "entry"), ("/proof/inclusion?entry=99999", "entry"),
                    ("/proof/inclusion?entry=0&size=99999", "size"),
                    ("/proof/inclusion?entry=0&size=0", "size"), ("/proof/consistency", "from"),
                    ("/proof/consistency?from=9&to=8", "from"), ("/entries/x", "entry"),
                ] {
                    let reply = try await node.http.get(path)
                    #expect(reply.status == 400, "\(path): \(reply.text)")
                    #expect(try reply.object()["field"] as? String == field, "\(path)")
                }
                #expect(try await node.http.get("/entries/99999").status == 404)
                let words = try await node.http.get("/entries/0?form=json").object()
                #expect(words["kind"] as? String == "ledgerOpened")
            }
        }

        @Test("every certificate is the one that a fold of the log makes")
        func certificates() async throws {
            try await RunningNode.with { node in
                let requests = Array(try node.requests().prefix(16))
                try await node.decide(requests)
                let log = try LedgerDirectory.open(node.network.nodes[0].path)
                let store = CheckpointStore(
                    logDirectory: log.directory,
                    origin: Checkpoint.origin(ofLedger: node.network.ledger.digest),
                    disk: POSIXDisk())
                var count = 0
                for request in requests {
                    let id = node.id(request)
                    var reply = try await node.http.get("/requests/\(id)/certificate")
                    for _ in 0..<400 where reply.status == 409 {
                        try await Task.sleep(for: .milliseconds(50))
                        reply = try await node.http.get("/requests/\(id)/certificate")
                    }
                    try #require(reply.status == 200, "\(reply.text)")
                    let made = try Certificate(reply.body)
                    let size = try SignedCheckpoint(made.note).head.size
                    let read = try LedgerDirectory.open(node.network.nodes[0].path)
                    let folded = try CertificateMaker(.prefix(id), in: read)
                        .certificate(under: try store.load(size: size))
                    #expect(folded.bytes == reply.body, "\(id)")
                    count += 1
                }
                #expect(count == requests.count && count > 3)
            }
        }

        @Test("a certificate of a decision holds by itself")
        func certificate() async throws {
            try await RunningNode.with { node in
                let requests = try node.requests()
                try await node.decide([requests[0]])
                let id = node.id(requests[0])
                var reply = try await node.http.get("/requests/\(id)/certificate")
                let end = ContinuousClock.now + .seconds(20)
                while reply.status != 200, .now < end {
                    // The checkpoint comes a moment after the batch.
                    #expect([404, 409].contains(reply.status), "\(reply.text)")
                    try await Task.sleep(for: .milliseconds(100))
                    reply = try await node.http.get("/requests/\(id)/certificate")
                }
                let certificate = try Certificate(reply.body)
                let report = try certificate.verify(
                    CertificatePolicy(
                        quorum: try Quorum("1-of-1"), keys: .validators(of: node.network.ledger)))
                #expect(report.isValid)
                #expect(try await node.http.get("/requests/abcdef/certificate").status == 404)
            }
        }
    }
}
