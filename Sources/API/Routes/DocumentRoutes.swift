// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

extension Routes {
    /// The OpenAPI document, as it is in `Resources/openapi.json`.
    static var document: [UInt8] { PackageResources.openapi_json }

    /// `GET /openapi.json`.
    static func addDocument(to router: inout Router) {
        router.get("openapi.json") { request in
            _ = try Query(request, known: [])
            return .bytes(document, "application/json")
        }
    }
}
