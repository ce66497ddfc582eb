// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

private let console = Vectors.repository.appendingPathComponent("Tools/console").path
private let python = Vectors.repository.appendingPathComponent(".build/python/bin/python").path

/// Whether there are a browser and what drives it.
private let isDriven =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].contains {
        FileManager.default.isExecutableFile(atPath: $0)
    } && succeeds(python, ["-c", "import playwright"])

/// Whether this is the toolchain whose bytes the repository holds.
private let isSameToolchain: Bool = {
    let made = try? String(contentsOfFile: console + "/proof/made-with", encoding: .utf8)
    let here = try? Command.execute("/usr/bin/env", ["swiftc", "--version"])
    return made != nil
        && here?.output.split(separator: "\n").first.map(String.init)
            == made?.split(separator: "\n").first.map(String.init)
}()

private func succeeds(_ program: String, _ arguments: [String]) -> Bool {
    (try? Command.execute(program, arguments))?.status == 0
}

/// The pages that people look at, in a browser.
@Suite(.serialized, .enabled(if: samplesAreThere, "no samples at \(samplesFolder)"))
struct ConsoleTests {
    @Test(
        .enabled(if: isDriven, "no Chromium, or no playwright: see Tools/setup and Tools/test"),
        .timeLimit(.minutes(30)))
    func `the console does in Chromium what its pages say, among ten nodes of which three lie`()
        throws
    {
        let pictures = Vectors.repository.appendingPathComponent(".build/console").path
        let result = try Command.execute(
            python, [console + "/drive.py", Command.path, "--pictures", pictures])
        #expect(result.status == 0, "\(result.output) \(result.errors)")
        #expect(result.output.contains(" 0 faults"), "\(result.output)")
    }

    @Test(
        .enabled(if: isSameToolchain, "another toolchain than Tools/console/proof/made-with"),
        .timeLimit(.minutes(30)))
    func `the verifier of proofs in the console is made of these sources`() throws {
        let result = try Command.execute(console + "/proof/build", ["--check"])
        #expect(result.status == 0, "\(result.output) \(result.errors)")
    }

    @Test func `a page of a certificate is made of a certificate and of nothing else`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(Array("<script>".utf8), "x.rcct")
        let result = try Command.run([
            "certificate", "page", file, "--out", folder.path + "/x.html",
        ])
        #expect(result.status == 1 && result.errors.contains("is no certificate"))
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/x.html"))
    }
}
