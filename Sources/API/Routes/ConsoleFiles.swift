// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

/// The files in `Sources/API/Console`, as the program carries them.
package enum ConsoleFiles {
    /// The page that names the others.
    package static var page: [UInt8] { PackageResources.index_html }

    /// The others by their names.
    package static var all: [(name: String, bytes: [UInt8])] {
        [
            ("api.js", PackageResources.api_js),
            ("app.js", PackageResources.app_js),
            ("borsh.js", PackageResources.borsh_js),
            ("certificate.js", PackageResources.certificate_js),
            ("chart.js", PackageResources.chart_js),
            ("check.js", PackageResources.check_js),
            ("compare.js", PackageResources.compare_js),
            ("console.css", PackageResources.console_css),
            ("disputes.js", PackageResources.disputes_js),
            ("dom.js", PackageResources.dom_js),
            ("entry.js", PackageResources.entry_js),
            ("fields.js", PackageResources.fields_js),
            ("icon.svg", PackageResources.icon_svg),
            ("log.js", PackageResources.log_js),
            ("merkle.js", PackageResources.merkle_js),
            ("note.js", PackageResources.note_js),
            ("now.js", PackageResources.now_js),
            ("page.js", PackageResources.page_js),
            ("proof.js", PackageResources.proof_js),
            ("proof.wasm", PackageResources.proof_wasm),
            ("request.js", PackageResources.request_js),
            ("requests.js", PackageResources.requests_js),
            ("sha256.js", PackageResources.sha256_js),
            ("validator.js", PackageResources.validator_js),
            ("validators.js", PackageResources.validators_js),
            ("verdict.js", PackageResources.verdict_js),
            ("why.js", PackageResources.why_js),
            ("words.js", PackageResources.words_js),
        ]
    }
}
