// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography
package import Ledger
package import Replication

/// What a validator runs: a case says it, since another version may derive something else.
package struct ProgramVersions: BorshCodable, Equatable, Sendable {
    /// The version of the program; empty where that is not told.
    package var program: String
    /// What runs compute jobs.
    package var engine: String
    /// The version of the engine.
    package var engineVersion: String

    /// Each at most 64 bytes; empty where it is not told.
    package init(program: String = "", engine: String = "", engineVersion: String = "") {
        self.program = program
        self.engine = engine
        self.engineVersion = engineVersion
    }

    /// What a validator announced.
    package init(_ said: Announcement) {
        self.init(
            program: said.program, engine: said.engine, engineVersion: said.engineVersion)
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(program)
        writer.write(engine)
        writer.write(engineVersion)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        program = try reader.text(of: "ProgramVersions", bound: Limits.nameBytesMax)
        engine = try reader.text(of: "ProgramVersions", bound: Limits.nameBytesMax)
        engineVersion = try reader.text(of: "ProgramVersions", bound: Limits.nameBytesMax)
    }
}

/// A node's derivation of a batch differs from what T validators agreed on: all that is needed to
/// find out why, without a ledger (article Cases).
///
/// Invariants, where a node made it: `frontier.count` is the size of the state; `components` and
/// `held` have a root for each component; `repeats.count <= repeatsMax`.
package struct DivergenceCase: BorshCodable, Equatable, Sendable {
    /// The end of the log before the batch, by which the roots of the state are bound to what the
    /// batch says of the history before it.
    package struct LastSeal: BorshCodable, Equatable, Sendable {
        /// The tree of the log before its last entry.
        package var before: MerkleFrontier
        /// Its last entry: the `BatchSealed` that names the roots of the components.
        package var entry: EntryBytes

        /// The tree before the seal, and the seal.
        package init(before: MerkleFrontier, entry: EntryBytes) {
            self.before = before
            self.entry = entry
        }

        package func encode(to writer: inout BorshWriter) {
            before.encode(to: &writer)
            writer.write(entry)
        }

        package init(from reader: inout BorshReader) throws(DecodingError) {
            before = try MerkleFrontier(from: &reader)
            entry = try EntryBytes(from: &reader)
        }

        /// The tree of the log.
        package var frontier: MerkleFrontier {
            var frontier = before
            frontier.append(leaf: entry.bytes)
            return frontier
        }

        /// The roots that it names; nil where it is no seal.
        package var components: [Digest]? {
            do throws(DecodingError) {
                if case .batchSealed(let seal) = try Event(decoding: entry.bytes) {
                    return seal.components
                }
            } catch {}
            return nil
        }
    }

    /// The ledger: SHA-256 of its first entry.
    package var ledger: LedgerID
    /// Whose node it is.
    package var validator: PublicKey
    /// What people call it.
    package var name: String
    /// When, by the node's clock.
    package var time: Time
    /// What it runs.
    package var versions: ProgramVersions
    /// What differed first.
    package var divergence: Divergence

    /// The tree of the log before the batch.
    package var frontier: MerkleFrontier
    /// How that ends; nil for a node that lacked older entries.
    package var seal: LastSeal?
    /// The roots of the components before the batch: as the last seal names them, or as the node
    /// held them where there is none.
    package var components: [Digest]
    /// The roots of the components as the node held them.
    package var held: [Digest]
    /// As much of the state before the batch as the batch reads.
    package var excerpt: StateExcerpt

    /// What T validators agreed on, with their precommits.
    package var batch: DecidedBatch
    /// What the node derived from the same inputs.
    package var own: [EntryBytes]
    /// Why it took an input no more; nil where it took all.
    package var ownStopped: String?

    /// What the ledger on the disk was found to be since.
    package var disk = DiskFinding.unread
    /// What deriving it again came to.
    package var repeats: [CaseRepeat] = []

    /// The most that derive a case again.
    static let repeatsMax = 16

    /// The batch in dispute: the last of the ledger where that itself is disputed.
    package var height: Height { divergence.height }

    /// The entries of the ledger once it holds the batch that T agreed on.
    package var endSize: UInt64 { frontier.count + UInt64(batch.entries.count) }

    /// The root of the log then.
    package var root: Digest { batch.precommits.root }

    /// The root of the log with what the node derived.
    package var ownRoot: Digest {
        var own = frontier
        for entry in self.own { own.append(leaf: entry.bytes) }
        return own.root
    }

    /// The state before the batch, where the excerpt has the roots that the seal names.
    package func state() throws(SnapshotError) -> LedgerState {
        try LedgerState(excerpt, components: components)
    }

    package func encode(to writer: inout BorshWriter) {
        writer.write(ledger)
        writer.write(validator)
        writer.write(name)
        writer.write(time)
        writer.write(versions)
        writer.write(divergence)
        frontier.encode(to: &writer)
        writer.write(optional: seal)
        writer.write(components.map(\.value))
        writer.write(held.map(\.value))
        writer.write(excerpt)
        writer.write(batch)
        writer.write(own)
        writer.write(ownStopped ?? "")
        writer.write(disk)
        writer.write(repeats)
    }

    package init(from reader: inout BorshReader) throws(DecodingError) {
        ledger = try LedgerID(from: &reader)
        validator = try reader.publicKey()
        name = try reader.text(of: "DivergenceCase.name", bound: Limits.partyNameBytesMax)
        time = try Time(from: &reader)
        versions = try ProgramVersions(from: &reader)
        divergence = try Divergence(from: &reader)
        frontier = try MerkleFrontier(from: &reader)
        seal = try reader.optional(LastSeal.self)
        components = try Self.components(&reader)
        held = try Self.components(&reader)
        excerpt = try StateExcerpt(from: &reader)
        batch = try DecidedBatch(from: &reader)
        own = try reader.list(bound: ReplicationLimits.batchEntriesMax)
        let stopped = try reader.text(of: "DivergenceCase.ownStopped", bound: Self.textBytesMax)
        ownStopped = stopped.isEmpty ? nil : stopped
        disk = try DiskFinding(from: &reader)
        repeats = try reader.list(bound: Self.repeatsMax)
    }

    /// Bytes of a sentence in a case.
    static let textBytesMax = 1024

    private static func components(_ reader: inout BorshReader) throws(DecodingError) -> [Digest] {
        let start = reader.offset
        let count = StateComponent.allCases.count
        let roots = try reader.list32(of: "DivergenceCase.components", bound: count)
        guard roots.count == count else {
            throw .notCanonical(type: "DivergenceCase.components", offset: start)
        }
        return roots.map { Digest($0) }
    }
}

extension DivergenceCase {
    /// A case as it is found, before anything is derived again.
    package init(
        _ divergence: Divergence, _ batch: DecidedBatch, on state: LedgerState,
        _ frontier: MerkleFrontier, seal: LastSeal?, validator: PublicKey,
        versions: ProgramVersions, time: Time
    ) {
        invariant(
            frontier.count == state.size,
            "a tree of \(frontier.count) for a state of \(state.size) entries")
        let own = batch.derivedHere(on: state, frontier)
        ledger = state.ledger
        self.validator = validator
        name = state.validatorIndex(of: validator).map { state.name(of: $0) } ?? "observer"
        self.time = time
        self.versions = versions
        self.divergence = divergence
        self.frontier = frontier
        self.seal = seal
        held = state.componentRoots()
        components = seal?.components ?? held
        excerpt = state.excerpt(for: batch.events)
        self.batch = batch
        self.own = own.entries.map { EntryBytes($0.bytes) }
        ownStopped = own.stopped
        let count = StateComponent.allCases.count
        invariant(
            components.count == count && held.count == count,
            "\(components.count) and \(held.count) roots of \(count) components")
        invariant(
            (ownStopped ?? "").utf8.count <= Self.textBytesMax,
            "a case gives a reason of \((ownStopped ?? "").utf8.count) bytes")
    }
}

extension MerkleFrontier {
    /// The number of leaves, then the roots of the complete subtrees.
    fileprivate func encode(to writer: inout BorshWriter) {
        writer.write(count)
        writer.write(subtrees.map(\.value))
    }

    fileprivate init(from reader: inout BorshReader) throws(DecodingError) {
        let start = reader.offset
        let count = try reader.integer(UInt64.self)
        let subtrees = try reader.list32(of: "MerkleFrontier", bound: 64).map { Digest($0) }
        guard count < 1 << 62, let frontier = MerkleFrontier(count: count, subtrees: subtrees)
        else {
            throw .notCanonical(type: "MerkleFrontier", offset: start)
        }
        self = frontier
    }
}
