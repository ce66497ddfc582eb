// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography
internal import Foundation

/// What an audit of one part of a log says, as it lies in a file.
///
/// Nobody has signed it: whoever writes such a file can say anything in it. What can be held
/// against it is told by `AuditCombination`.
package struct PartialVerdict: Sendable {
    /// The most bytes of a file.
    package static let bytesMax = 64 << 20
    /// The most seconds that it can have taken: three hundred years.
    private static let secondsMax = 1e10

    /// What the file is called.
    package let file: String
    /// What it says.
    package let report: AuditReport

    /// The file is a name for people; it is not read again.
    package init(file: String, report: AuditReport) {
        self.file = file
        self.report = report
    }

    /// What is wrong with it by itself; nil where nothing is.
    ///
    /// Checks, in order: that it is of a range; its time; its digest; that ends and counts fit; the
    /// subtrees; that the checks fit the findings.
    package var flaw: String? {
        guard let range = report.range else {
            guard let finding = report.findings.first else { return "it is of no range" }
            return "nothing of its range was looked at: \(finding.found)"
        }
        // The digest is not of it.
        guard (0...Self.secondsMax).contains(report.seconds) else {
            return "it says that it took \(report.seconds) seconds"
        }
        guard report.digest == report.contentDigest else {
            return "it was changed after it was written: its digest is another"
        }
        return flaw(of: range) ?? flawOfCounts(range) ?? flawOfChecks
    }

    private func flaw(of range: AuditRange) -> String? {
        let (start, end) = (range.start, range.end)
        guard start.size <= end.size, start.height <= end.height, end.size <= report.size else {
            return "its range ends before it starts, or behind the log"
        }
        for end in [start, end] {
            guard Digest(hex: end.root) != nil, Digest(hex: end.stateRoot) != nil || end.size == 0
            else { return "a root in it is no root" }
        }
        guard start.size > 0 || start.root == Digest.ofNothing.hex && start.stateRoot.isEmpty else {
            return "its range starts with the first entry, and with a root of others"
        }
        guard range.subtrees == nil || MerkleRange(range) != nil else {
            return "its subtrees are not those of its range"
        }
        return nil
    }

    private func flawOfCounts(_ range: AuditRange) -> String? {
        let counts = report.counts
        guard isWhole else { return nil }
        guard counts.entries == range.end.size - range.start.size else {
            return "it counts \(counts.entries) entries, and its range has"
                + " \(range.end.size - range.start.size)"
        }
        let (first, isFirst) = (range.start.height, range.start.size == 0)
        guard counts.batches == (range.end.height - first).saturating(isFirst ? 1 : 0) else {
            return "it counts \(counts.batches) batches, and its range has others"
        }
        // But for the first, each batch is signed.
        let signed = counts.batches - (isFirst ? min(1, counts.batches) : 0)
        guard report.checks.signatures != .passed || counts.signatures >= signed else {
            return "it counts fewer signatures than batches"
        }
        guard report.checks.proofs != .passed || counts.proofs == counts.requests else {
            return "it counts \(counts.proofs) proofs of \(counts.requests) requests"
        }
        return nil
    }

    private var flawOfChecks: String? {
        for (level, words) in AuditLevelFindings.all {
            let has = report.findings.contains { words.contains($0.kind) }
            let isFailed = report.checks[keyPath: level.path] == .failed
            if has, report.checks[keyPath: level.path] == .passed {
                return "it says that \(level.name) passed, and has a finding of it"
            }
            if !has, isFailed {
                return "it says that \(level.name) failed, and has no finding of it"
            }
        }
        return nil
    }

    /// Whether all of what was asked for was looked at.
    var isWhole: Bool {
        report.range?.subtrees != nil
            && [\AuditChecks.log, \.signatures, \.proofs].allSatisfy {
                report.checks[keyPath: $0] != .incomplete
            } && report.checks.log != .failed
            && !report.findings.contains { $0.kind == .cannotFollow || $0.kind == .undecodable }
    }
}

/// Which findings belong to which check.
enum AuditLevelFindings {
    struct Level {
        let name: String
        let path: any KeyPath<AuditChecks, CheckResult> & Sendable
    }

    static let derivation: Set<FindingKind> = [
        .undecodable, .missing, .added, .changed, .moved, .refused, .cannotFollow, .logSize,
        .logRoot, .componentRoot, .stateRoot,
    ]

    static let all: [(Level, Set<FindingKind>)] = [
        (Level(name: "the log", path: \.log), [.damage]),
        (Level(name: "derivation", path: \.derivation), derivation),
        (Level(name: "signatures", path: \.signatures), [.signature]),
        (
            Level(name: "proofs", path: \.proofs),
            [.approvedFalseProof, .rejectedTrueProof, .proofUnjudged]
        ),
        (Level(name: "recomputation", path: \.recomputation), [.agreedFalseResult]),
    ]
}

extension MerkleRange {
    /// What a range says of the log's tree; nil where it says nothing that fits.
    init?(_ range: AuditRange) {
        guard let texts = range.subtrees, texts.count <= 128 else { return nil }
        let roots = texts.compactMap { Digest(hex: $0) }
        guard roots.count == texts.count else { return nil }
        self.init(start: range.start.size, end: range.end.size, roots: roots)
    }
}

extension Digest {
    /// Reads 64 hexadecimal digits, as `hex` writes them.
    init?(hex: String) {
        guard let bytes = Bytes32(hex: hex) else { return nil }
        self.init(bytes)
        guard self.hex == hex else { return nil }
    }
}

extension AuditReport {
    /// SHA-256 of all that is said but for where the log lies and how long it took.
    package var contentDigest: String {
        var plain = self
        plain.digest = nil
        plain.directory = ""
        plain.seconds = 0
        plain.entriesPerSecond = 0
        plain.range?.snapshot = nil
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return Digest(hashing: [UInt8](try encoder.encode(plain))).hex } catch {
            fatalError("a report cannot be encoded: \(error)")
        }
    }
}
