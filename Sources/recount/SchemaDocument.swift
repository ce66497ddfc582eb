// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A JSON Schema of what a command prints with `--json`.
enum SchemaDocument: String, CaseIterable {
    case audit
    case bisect
    case caseList = "case-list"
    case caseShow = "case-show"
    case caseVerify = "case-verify"
    case culprits
    case diff
    case disagreements
    case evidenceVerify = "evidence-verify"
    case whatif
    case why

    /// What a document says of itself at its top.
    struct Head: Decodable {
        /// What the document describes.
        let description: String
    }

    /// The document whose command has these words, with or without dashes between them.
    init?(words: [String]) { self.init(rawValue: words.joined(separator: "-")) }

    /// The words of the command that it is about.
    var command: String { rawValue.replacingOccurrences(of: "-", with: " ") }

    /// The document, in UTF-8.
    var bytes: [UInt8] {
        switch self {
        case .audit: PackageResources.audit_json
        case .bisect: PackageResources.bisect_json
        case .caseList: PackageResources.case_list_json
        case .caseShow: PackageResources.case_show_json
        case .caseVerify: PackageResources.case_verify_json
        case .culprits: PackageResources.culprits_json
        case .diff: PackageResources.diff_json
        case .disagreements: PackageResources.disagreements_json
        case .evidenceVerify: PackageResources.evidence_verify_json
        case .whatif: PackageResources.whatif_json
        case .why: PackageResources.why_json
        }
    }

    /// What the document says of itself.
    func head() throws -> Head { try JSONDecoder().decode(Head.self, from: Data(bytes)) }
}
