// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import Cryptography

/// A certificate with all that verifies it, as one file of HTML: the modules of the console that
/// verify, the verifier of proofs, and the certificate. It asks nobody for anything.
package enum CertificatePage {
    /// The modules that it holds; `page.js` begins, and imports the rest.
    static let modules = [
        "borsh.js", "certificate.js", "dom.js", "merkle.js", "note.js", "page.js", "proof.js",
        "sha256.js", "verdict.js", "words.js",
    ]

    /// The page of a certificate.
    package static func html(of certificate: [UInt8]) -> [UInt8] {
        let style = text("console.css")
        // Modules are named without a place, and the map says where each is: in the page itself.
        let imports = modules.map { name in
            let code = Array(text(name).replacing("\"./", with: "\"recount/").utf8)
            return "\"recount/\(name)\":\"data:text/javascript;base64,\(code.base64)\""
        }
        let map = "{\"imports\":{\(imports.joined(separator: ","))}}"
        let start = "import \"recount/page.js\";"
        let policy =
            "default-src 'none'; script-src \(hash(map)) \(hash(start)) data: 'wasm-unsafe-eval';"
            + " style-src \(hash(style)); base-uri 'none'; form-action 'none'"
        return Array(
            """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>A decision to be checked · Recount</title>
            <style>\(style)</style>
            <script type="importmap">\(map)</script>
            </head>
            <body>
            <main id="main"><noscript><p>This page checks a certificate with JavaScript. Without it,
            recount certificate verify does.</p></noscript></main>
            <script type="text/plain" id="certificate">\(certificate.base64)</script>
            <script type="text/plain" id="proof-module">\(bytes("proof.wasm").base64)</script>
            <script type="module">\(start)</script>
            </body>
            </html>

            """.utf8)
    }

    private static func bytes(_ name: String) -> [UInt8] { Console.files[name]?.bytes ?? [] }

    private static func text(_ name: String) -> String {
        String(decoding: bytes(name), as: UTF8.self)
    }

    private static func hash(_ text: String) -> String {
        "'sha256-\(Digest(hashing: Array(text.utf8)).bytes.base64)'"
    }
}
