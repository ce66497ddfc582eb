// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A JSON Schema of what a command prints with `--json`.
enum SchemaDocument: String, CaseIterable {
    case answer
    case audit
    case backup
    case backupList = "backup-list"
    case bisect
    case bridgeConfirm = "bridge-confirm"
    case bridgeRebuild = "bridge-rebuild"
    case bridgeRun = "bridge-run"
    case bridgeShow = "bridge-show"
    case caseList = "case-list"
    case caseShow = "case-show"
    case caseVerify = "case-verify"
    case certificateShow = "certificate-show"
    case certificateVerify = "certificate-verify"
    case chartLeaders = "chart-leaders"
    case chartReputation = "chart-reputation"
    case checkpointCosign = "checkpoint-cosign"
    case checkpointShow = "checkpoint-show"
    case checkpointSign = "checkpoint-sign"
    case checkpointVerify = "checkpoint-verify"
    case config
    case configCheck = "config-check"
    case culprits
    case diff
    case disagreements
    case doctor
    case drill
    case evidenceVerify = "evidence-verify"
    case exportParquet = "export-parquet"
    case exportTiles = "export-tiles"
    case genesis
    case genesisAccept = "genesis-accept"
    case governPropose = "govern-propose"
    case governShow = "govern-show"
    case governSubmit = "govern-submit"
    case initialise = "init"
    case jobList = "job-list"
    case jobResult = "job-result"
    case jobRun = "job-run"
    case jobShow = "job-show"
    case jobSubmit = "job-submit"
    case keygen
    case leaders
    case ledgerCheck = "ledger-check"
    case ledgerInfo = "ledger-info"
    case log
    case node
    case projectionsInfo = "projections-info"
    case projectionsRebuild = "projections-rebuild"
    case projectionsVerify = "projections-verify"
    case proofVerify = "proof-verify"
    case proveCheck = "prove-check"
    case proveConsistency = "prove-consistency"
    case proveEntry = "prove-entry"
    case proveRequest = "prove-request"
    case recover
    case replay
    case requestID = "request-id"
    case requests
    case run
    case schema
    case showBatch = "show-batch"
    case showEntry = "show-entry"
    case showJob = "show-job"
    case showLeader = "show-leader"
    case showNullifier = "show-nullifier"
    case showReputation = "show-reputation"
    case showRequest = "show-request"
    case showValidator = "show-validator"
    case simulate
    case snapshot
    case submit
    case validators
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
        case .answer: PackageResources.answer_json
        case .audit: PackageResources.audit_json
        case .backup: PackageResources.backup_json
        case .backupList: PackageResources.backup_list_json
        case .bisect: PackageResources.bisect_json
        case .bridgeConfirm: PackageResources.bridge_confirm_json
        case .bridgeRebuild: PackageResources.bridge_rebuild_json
        case .bridgeRun: PackageResources.bridge_run_json
        case .bridgeShow: PackageResources.bridge_show_json
        case .caseList: PackageResources.case_list_json
        case .caseShow: PackageResources.case_show_json
        case .caseVerify: PackageResources.case_verify_json
        case .certificateShow: PackageResources.certificate_show_json
        case .certificateVerify: PackageResources.certificate_verify_json
        case .chartLeaders: PackageResources.chart_leaders_json
        case .chartReputation: PackageResources.chart_reputation_json
        case .checkpointCosign: PackageResources.checkpoint_cosign_json
        case .checkpointShow: PackageResources.checkpoint_show_json
        case .checkpointSign: PackageResources.checkpoint_sign_json
        case .checkpointVerify: PackageResources.checkpoint_verify_json
        case .config: PackageResources.config_json
        case .configCheck: PackageResources.config_check_json
        case .culprits: PackageResources.culprits_json
        case .diff: PackageResources.diff_json
        case .disagreements: PackageResources.disagreements_json
        case .doctor: PackageResources.doctor_json
        case .drill: PackageResources.drill_json
        case .evidenceVerify: PackageResources.evidence_verify_json
        case .exportParquet: PackageResources.export_parquet_json
        case .exportTiles: PackageResources.export_tiles_json
        case .genesis: PackageResources.genesis_json
        case .genesisAccept: PackageResources.genesis_accept_json
        case .governPropose: PackageResources.govern_propose_json
        case .governShow: PackageResources.govern_show_json
        case .governSubmit: PackageResources.govern_submit_json
        case .initialise: PackageResources.init_json
        case .jobList: PackageResources.job_list_json
        case .jobResult: PackageResources.job_result_json
        case .jobRun: PackageResources.job_run_json
        case .jobShow: PackageResources.job_show_json
        case .jobSubmit: PackageResources.job_submit_json
        case .keygen: PackageResources.keygen_json
        case .leaders: PackageResources.leaders_json
        case .ledgerCheck: PackageResources.ledger_check_json
        case .ledgerInfo: PackageResources.ledger_info_json
        case .log: PackageResources.log_json
        case .node: PackageResources.node_json
        case .projectionsInfo: PackageResources.projections_info_json
        case .projectionsRebuild: PackageResources.projections_rebuild_json
        case .projectionsVerify: PackageResources.projections_verify_json
        case .proofVerify: PackageResources.proof_verify_json
        case .proveCheck: PackageResources.prove_check_json
        case .proveConsistency: PackageResources.prove_consistency_json
        case .proveEntry: PackageResources.prove_entry_json
        case .proveRequest: PackageResources.prove_request_json
        case .recover: PackageResources.recover_json
        case .replay: PackageResources.replay_json
        case .requestID: PackageResources.request_id_json
        case .requests: PackageResources.requests_json
        case .run: PackageResources.run_json
        case .schema: PackageResources.schema_json
        case .showBatch: PackageResources.show_batch_json
        case .showEntry: PackageResources.show_entry_json
        case .showJob: PackageResources.show_job_json
        case .showLeader: PackageResources.show_leader_json
        case .showNullifier: PackageResources.show_nullifier_json
        case .showReputation: PackageResources.show_reputation_json
        case .showRequest: PackageResources.show_request_json
        case .showValidator: PackageResources.show_validator_json
        case .simulate: PackageResources.simulate_json
        case .snapshot: PackageResources.snapshot_json
        case .submit: PackageResources.submit_json
        case .validators: PackageResources.validators_json
        case .whatif: PackageResources.whatif_json
        case .why: PackageResources.why_json
        }
    }

    /// What the document says of itself.
    func head() throws -> Head { try JSONDecoder().decode(Head.self, from: Data(bytes)) }
}
