// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Audit
import Cryptography
import EventLog
import Foundation
import Ledger
import Node

/// `recount prove`.
struct ProveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Prove to a stranger what a ledger holds.",
        discussion: """
            entry: that an entry is in the log. consistency: that the log only grew between
            two sizes. request: one file from which anybody recounts a decision. check:
            whether a proof of an entry or of consistency holds.

            A proof shows something about a root. Compare that root with a checkpoint
            that enough validators signed: recount checkpoint verify prints it.

              recount prove entry home 17 --json > 17.json
              recount prove check 17.json --root ROOT
              recount prove request home 3f9a --out 3f9a.rcct
            """,
        subcommands: [
            ProveEntryCommand.self, ProveConsistencyCommand.self, ProveRequestCommand.self,
            ProveCheckCommand.self,
        ])
}

/// A proof about the Merkle tree as it is printed and read.
struct TreeProof: Codable {
    /// What is proved.
    enum Kind: String, Codable { case inclusion, consistency }

    var proof: Kind
    var ledger: String
    /// The size of the tree, or of the newer of the two.
    var size: UInt64
    /// Its root.
    var root: String
    /// The index, bytes and hash of the entry.
    var index: UInt64?
    var entry: String?
    var leafHash: String?
    /// The size and the root of the older tree.
    var oldSize: UInt64?
    var oldRoot: String?
    /// The hashes of RFC 6962, the leaf's side first.
    var hashes: [String]
}

/// `recount prove entry`.
struct ProveEntryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entry",
        abstract: "Prove that an entry is in the log.",
        discussion: """
            Prints the RFC 6962 inclusion proof: entry, index, size, root and hashes. The
            size is that of the newest checkpoint that covers the entry, or of the whole
            log where there is none, unless --size says another.

              recount prove entry home 17
              recount prove entry home 17 --json > 17.json
              recount prove check 17.json --root ROOT
              recount prove entry --node http://127.0.0.1:5100 17
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(help: "The entry.")
    var entry: UInt64?

    @Option(help: "Prove it in the log of the first so many entries.")
    var size: UInt64?

    @Flag(help: "Print one JSON object, which prove check reads.")
    var json = false

    mutating func validate() throws { entry = try place.check(entry, "entry") }

    mutating func run() throws {
        switch try place.source() {
        case .ledger(let path): try proof(entry ?? 0, path).print(asJSON: json)
        case .node(let node):
            try RemoteProofs(node: node).inclusion(entry ?? 0, size: size).print(asJSON: json)
        }
    }

    private func proof(_ entry: UInt64, _ ledger: String) throws(Failure) -> TreeProof {
        let log = try openLedger(ledger)
        guard entry < log.size else {
            throw Failure("there is no entry \(entry): the log holds \(log.size)")
        }
        let covering = CheckpointFiles.all(in: log.directory).first {
            $0.head.size > entry && $0.head.size <= log.size
        }
        let size = self.size ?? covering?.head.size ?? log.size
        guard size <= log.size else {
            throw Failure("there is no size \(size): the log holds \(log.size) entries")
        }
        guard entry < size else {
            throw Failure(
                "the first \(size) entries do not hold entry \(entry); give a larger size")
        }
        let proof = try reading { () throws(LogError) in
            let bytes = try log.entry(at: entry)
            return TreeProof(
                proof: .inclusion, ledger: Digest(hashing: try log.entry(at: 0)).hex, size: size,
                root: try log.root(at: size).hex, index: entry, entry: bytes.hex,
                leafHash: MerkleFrontier.leafHash(bytes.span).hex,
                hashes: try log.inclusionProof(index: entry, size: size).map(\.hex))
        }
        if self.size == nil, covering == nil {
            Output.error(
                "no checkpoint covers entry \(entry), so nobody has signed this root; make one"
                    + " with recount checkpoint sign \(ledger)")
        }
        return proof
    }
}

/// `recount prove consistency`.
struct ProveConsistencyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consistency",
        abstract: "Prove that the log of one size is the beginning of that of another.",
        discussion: """
            Prints the RFC 6962 consistency proof: both sizes, both roots and hashes.

              recount prove consistency home 1000 5000 --json > grown.json
              recount prove check grown.json --old-root ROOT --root ROOT
            """)

    @OptionGroup var place: LedgerOrNode

    @Argument(help: "The older size, in entries; at least 1.")
    var oldSize: UInt64?

    @Argument(help: "The newer size.")
    var newSize: UInt64?

    @Flag(help: "Print one JSON object, which prove check reads.")
    var json = false

    mutating func validate() throws {
        (oldSize, newSize) = try place.check(oldSize, "old-size", newSize, "new-size")
    }

    mutating func run() throws {
        let (oldSize, newSize) = (oldSize ?? 0, newSize ?? 0)
        guard oldSize >= 1 else {
            throw Failure("a log of no entries is the beginning of every log: name a size from 1")
        }
        guard oldSize <= newSize else {
            throw Failure("the older size comes first: \(oldSize) is more than \(newSize)")
        }
        switch try place.source() {
        case .ledger(let path): try proof(oldSize, newSize, path).print(asJSON: json)
        case .node(let node):
            try RemoteProofs(node: node).consistency(oldSize, newSize).print(asJSON: json)
        }
    }

    private func proof(
        _ oldSize: UInt64, _ newSize: UInt64, _ ledger: String
    ) throws(Failure) -> TreeProof {
        let log = try openLedger(ledger)
        guard newSize <= log.size else {
            throw Failure("there is no size \(newSize): the log holds \(log.size) entries")
        }
        return try reading { () throws(LogError) in
            TreeProof(
                proof: .consistency, ledger: Digest(hashing: try log.entry(at: 0)).hex,
                size: newSize, root: try log.root(at: newSize).hex, oldSize: oldSize,
                oldRoot: try log.root(at: oldSize).hex,
                hashes: try log.consistencyProof(from: oldSize, to: newSize).map(\.hex))
        }
    }
}

private func reading<Value>(_ body: () throws(LogError) -> Value) throws(Failure) -> Value {
    do throws(LogError) {
        return try body()
    } catch {
        throw Failure("\(error)")
    }
}

extension TreeProof {
    /// Writes the proof.
    func print(asJSON json: Bool) throws(Failure) {
        if json { return try Output.json(self) }
        var list = Listing()
        list.add("proof", proof.rawValue)
        list.add("ledger", ledger)
        if let index { list.add("entry", "\(index)") }
        if let leafHash { list.add("leaf_hash", leafHash) }
        if let oldSize { list.add("old_size", "\(oldSize)") }
        if let oldRoot { list.add("old_root", oldRoot) }
        list.add("size", "\(size)")
        list.add("root", root)
        for (place, hash) in hashes.enumerated() { list.add("hash \(place)", hash) }
        list.print()
    }
}

/// `recount prove check`.
struct ProveCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a proof of an entry or of consistency against roots that you trust.",
        discussion: """
            Reads what prove entry --json and prove consistency --json print; - reads
            standard input. Needs no ledger. The roots are yours to give: those that the
            file states prove nothing.

              recount prove check 17.json --root ROOT
              recount prove check grown.json --old-root ROOT --root ROOT

            Exit codes: 0 the proof holds; 1 it does not; 2 it could not be judged.
            """)

    @Argument(help: "The proof, or -.", completion: .file())
    var file: String

    @Option(help: ArgumentHelp("The root of the log, as a checkpoint signs it.", valueName: "hex"))
    var root: String

    @Option(help: ArgumentHelp("The root of the older log.", valueName: "hex"))
    var oldRoot: String?

    @Flag(help: "Print one JSON object: result (valid or invalid) and reason.")
    var json = false

    private struct Answer: Encodable {
        var result: String
        var reason: String?
    }

    private static let bytesMax = 1 << 20

    mutating func run() throws {
        let proof = try read()
        let trusted = try Self.digest(root, "--root")
        let reason: String?
        switch proof.proof {
        case .inclusion:
            if oldRoot != nil {
                throw Failure("--old-root is for a proof of consistency; \(file) proves an entry")
            }
            reason = try inclusion(proof, trusted)
        case .consistency:
            guard let oldRoot else {
                throw Failure(
                    "\(file) proves that a log grew: give the root of the older one, --old-root")
            }
            reason = try consistency(proof, trusted, try Self.digest(oldRoot, "--old-root"))
        }
        if json {
            try Output.json(Answer(result: reason == nil ? "valid" : "invalid", reason: reason))
        } else {
            Output.line(reason.map { "invalid: \($0)" } ?? Self.said(proof))
        }
        Output.flush()
        throw ExitCode(reason == nil ? ExitStatus.good.rawValue : ExitStatus.wrong.rawValue)
    }

    private static func said(_ proof: TreeProof) -> String {
        switch proof.proof {
        case .inclusion:
            "valid: entry \(proof.index ?? 0) is in the log of \(proof.size) entries"
        case .consistency:
            "valid: the log of \(proof.oldSize ?? 0) entries is the beginning of that of"
                + " \(proof.size)"
        }
    }

    private func inclusion(_ proof: TreeProof, _ root: Digest) throws(Failure) -> String? {
        guard let index = proof.index, let entry = proof.entry, let bytes = [UInt8](hex: entry)
        else { throw Failure("\(file): index and entry (hexadecimal) are missing") }
        let hash = MerkleFrontier.leafHash(bytes.span)
        if let stated = proof.leafHash, stated.lowercased() != hash.hex {
            return "the leaf hash is not that of the entry, \(hash.hex)"
        }
        if let reason = Self.differs(proof.root, root, "root") { return reason }
        return MerkleProof.verifyInclusion(
            leafHash: hash, index: index, size: proof.size, proof: try hashes(proof), root: root)
            ? nil : "the hashes do not lead from entry \(index) to the root"
    }

    private func consistency(
        _ proof: TreeProof, _ root: Digest, _ oldRoot: Digest
    ) throws(Failure) -> String? {
        guard let oldSize = proof.oldSize else { throw Failure("\(file): old_size is missing") }
        if let reason = Self.differs(proof.root, root, "root") { return reason }
        if let reason = Self.differs(proof.oldRoot ?? oldRoot.hex, oldRoot, "older root") {
            return reason
        }
        return MerkleProof.verifyConsistency(
            oldSize: oldSize, oldRoot: oldRoot, newSize: proof.size, newRoot: root,
            proof: try hashes(proof))
            ? nil : "the hashes do not lead from the older root to the newer"
    }

    private static func differs(_ stated: String, _ trusted: Digest, _ name: String) -> String? {
        stated.lowercased() == trusted.hex
            ? nil : "the proof is for the \(name) \(stated), and \(trusted.hex) is trusted"
    }

    private func hashes(_ proof: TreeProof) throws(Failure) -> [Digest] {
        var digests: [Digest] = []
        for (place, hash) in proof.hashes.enumerated() {
            digests.append(try Self.digest(hash, "\(file): hash \(place)"))
        }
        return digests
    }

    private static func digest(_ text: String, _ name: String) throws(Failure) -> Digest {
        guard let value = Bytes32(hex: text) else {
            throw Failure("\(name): \(text) is not 64 hexadecimal digits")
        }
        return Digest(value)
    }

    private func read() throws(Failure) -> TreeProof {
        let bytes = try InputFile.read(file, bytesMax: Self.bytesMax)
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try StrictJSON.decode(TreeProof.self, from: bytes, using: decoder)
        } catch {
            let problem = (error as? Swift.DecodingError).map { "\(NodeJSON.problem(of: $0))" }
            throw Failure(
                "\(file) is not what prove entry --json or prove consistency --json prints:"
                    + " \(problem ?? "\(error)")")
        }
    }
}
