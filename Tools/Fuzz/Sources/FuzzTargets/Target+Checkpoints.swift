// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import Ledger

private let ledger = Digest(hashing: [1])
private let origin = Checkpoint.origin(ofLedger: ledger)
private let signers = (0..<3 as Range<UInt16>).map { Fixture.key($0) }

private let policy: CheckpointPolicy = {
    do {
        return try CheckpointPolicy(
            quorum: Quorum(threshold: 2, count: 3), validators: signers.map(\.publicKey))
    } catch { fatalError("three keys are a policy: \(error)") }
}()

/// Signed by the first, cosigned by the first two.
private let signed: SignedCheckpoint = {
    do {
        var signed = try SignedCheckpoint(
            signing: Checkpoint(ledger: ledger, head: TreeHead(size: 7, root: ledger)),
            with: signers[0])
        for key in signers.dropLast() { _ = try signed.cosign(with: key, seconds: 1_700_000_000) }
        return signed
    } catch { fatalError("a checkpoint can be signed: \(error)") }
}()

extension FuzzTarget {
    /// Notes, checkpoints, keys and policies in text.
    static let checkpoints = FuzzTarget(
        name: "checkpoints",
        about: "signed notes, checkpoints, keys and policies; one spelling each, none forged",
        bytesMax: 4096,
        seeds: {
            let key = try Checkpoint.cosignerKey(origin: origin, publicKey: signers[0].publicKey)
            let keys = signers.map { "\($0.publicKey.hex)\n" }.joined() + "# \n \(key.vkey)\r\n"
            return [
                Seed(name: "checkpoint", bytes: [0] + signed.bytes),
                Seed(
                    name: "extended",
                    bytes: [0] + Array("a/b\n0\n".utf8)
                        + Array("\(ledger.bytes.base64)\nmore\n\n— a AAAAAAE=\n".utf8)),
                Seed(name: "key", bytes: [1] + Array(key.vkey.utf8)),
                Seed(name: "keys", bytes: [2] + Array(keys.utf8)),
                Seed(name: "quorum", bytes: [3] + Array("7-of-10".utf8)),
                Seed(name: "base64", bytes: [4] + Array("AAECAwQ=".utf8)),
            ]
        },
        run: { bytes in
            guard let form = bytes.first else { return }
            let body = Array(bytes.dropFirst())
            let text = String(decoding: body, as: UTF8.self)
            switch form {
            case 0: readNote(body)
            case 1:
                guard let key = decoded({ () throws(NoteError) in try NoteKey(vkey: text) }) else {
                    return
                }
                law(Array(key.vkey.utf8) == body, "a key has one spelling")
            case 2:
                guard
                    let keys = decoded({ () throws(PolicyError) in try PolicyKey.list(body) })
                else { return }
                _ = decoded { () throws(PolicyError) in
                    try CheckpointPolicy(
                        quorum: Quorum(threshold: 1, count: max(1, keys.count)), keys: keys)
                }
            case 3:
                guard let quorum = decoded({ () throws(PolicyError) in try Quorum(text) }) else {
                    return
                }
                law(Array(quorum.description.utf8) == body, "a quorum has one spelling")
            case 4:
                guard let plain = [UInt8](base64: body) else { return }
                law(plain.base64Bytes == body, "base64 has one spelling")
            default: return
            }
        })

    private static func readNote(_ bytes: [UInt8]) {
        guard let note = decoded({ () throws(NoteError) in try SignedNote(bytes) }) else { return }
        law(note.bytes == bytes, "a note has one encoding")
        guard let read = decoded({ () throws(NoteError) in try SignedCheckpoint(note) }) else {
            return
        }
        // Lines after the root belong to the text and to no field.
        law(note.text.starts(with: read.checkpoint.text), "a checkpoint has one encoding")
        let verdict = decoded { () throws(NoteError) in
            try policy.verdict(on: read, origin: origin)
        }
        guard let verdict, !verdict.signers.isEmpty else { return }
        law(note.text == signed.note.text, "a forged checkpoint is taken")
        law(verdict.signers.count < 3, "a signature of the third was forged")
        var merged = signed
        _ = decoded { () throws(NoteError) in try merged.merge(read) }
        law(merged.checkpoint == signed.checkpoint, "merging changes no checkpoint")
    }

    /// Folders of tiles, against a size and a root.
    static let tiles = FuzzTarget(
        name: "tiles", about: "tile folders; what is read has the root that it was held against",
        bytesMax: 16_384,
        seeds: {
            try [3, 40, 300].map { (count: Int) in
                Seed(name: "entries-\(count)", bytes: try tileSeed(count))
            }
        },
        run: { bytes in
            var parts = Parts(bytes)
            let flags = parts.byte()
            let size = UInt64(parts.integer(UInt16.self))
            var root = Digest(Bytes32(parts.read(32)) ?? .zero)
            let disk = SimulatedDisk()
            makeFolders(on: disk)
            while !parts.isAtEnd {
                let level = parts.byte()
                let number = parts.byte()
                let width = Int(parts.byte()) + 1
                let content = parts.list()
                place(content, level, number, width, on: disk)
                // A fuzzer finds no hashes: the leaves of a single bundle are made to fit.
                if flags & 1 == 1, level == 9, number == 0, size <= 256 {
                    let leaves = leafHashes(content)
                    place(leaves.flatMap(\.bytes), 0, 0, width, on: disk)
                    var frontier = MerkleFrontier()
                    for leaf in leaves.prefix(Int(size)) { frontier.append(leafHash: leaf) }
                    root = frontier.root
                }
            }
            readTiles(disk, TreeHead(size: size, root: root))
        })

    private static let folder = "/tiles"

    private static func readTiles(_ disk: SimulatedDisk, _ head: TreeHead) {
        guard
            let tiles = decoded({ () throws(TileError) in
                try TileFolder(directory: folder, head: head, disk: disk)
            })
        else { return }
        var frontier = MerkleFrontier()
        do {
            try tiles.forEach(from: 0, to: head.size) { index, entry in
                law(index == frontier.count, "entries come in order")
                frontier.append(leaf: entry)
            }
            law(frontier.root == head.root, "entries of another root were handed out")
            _ = try tiles.tileRoots()
        } catch is TileError { return } catch { fatalError("an unknown error: \(error)") }
    }

    /// The leaf hashes of what a bundle holds, as far as it goes.
    private static func leafHashes(_ bundle: [UInt8]) -> [Digest] {
        var hashes: [Digest] = []
        var rest = bundle[...]
        while rest.count >= 2, hashes.count < 256 {
            let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            let entry = Array(rest.dropFirst(2).prefix(count))
            hashes.append(MerkleFrontier.leafHash(entry.span))
            rest = rest.dropFirst(2 + count)
        }
        return hashes
    }

    /// Level 9 is the bundles of entries; a width of 256 is a full tile.
    private static func path(_ level: UInt8, _ number: UInt8, _ width: Int) -> TilePath {
        level == 9
            ? .entries(number: UInt64(number), width: width)
            : .hashes(level: Int(level % 4), number: UInt64(number), width: width)
    }

    private static func place(
        _ bytes: [UInt8], _ level: UInt8, _ number: UInt8, _ width: Int, on disk: SimulatedDisk
    ) {
        let name = "\(folder)/\(path(level, number, width))"
        var directory = ""
        for part in name.split(separator: "/").dropLast() {
            directory += "/\(part)"
            do throws(DiskError) { _ = try disk.makeDirectory(directory) } catch { return }
        }
        disk.replace(name, with: bytes)
    }

    private static func makeFolders(on disk: SimulatedDisk) {
        do throws(DiskError) { _ = try disk.makeDirectory(folder) } catch {
            fatalError("a folder cannot be made on an empty disk: \(error)")
        }
    }

    private static func tileSeed(_ count: Int) throws -> [UInt8] {
        let disk = SimulatedDisk()
        let log = try EventLog.create(directory: "/log", disk: disk)
        for entry in 0..<count { _ = try log.stage([UInt8(entry % 251), 1]) }
        try log.commit()
        makeFolders(on: disk)
        let checkpoint = try SignedCheckpoint(
            signing: Checkpoint(
                ledger: ledger, head: TreeHead(size: log.size, root: log.root)),
            with: signers[0])
        _ = try TileExport.run(log, upTo: checkpoint, to: folder, disk: disk)
        var bytes = [1] + Parts.little(UInt16(count)) + log.root.bytes
        for level in [9, 0, 1] as [UInt8] {
            for number in 0..<2 as Range<UInt8> {
                let scale = level == 1 ? 256 : 1
                let width = min(256, count / scale - 256 * Int(number))
                guard width > 0,
                    let content = disk.bytes(of: "\(folder)/\(path(level, number, width))")
                else { continue }
                bytes += [level, number, UInt8(width - 1)] + Parts.list(content)
            }
        }
        return bytes
    }
}
