// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import BN254
import Cryptography
import Foundation

/// What the figures were measured on.
struct Machine: Codable {
    let processor: String
    let cores: Int
    /// Those of the processor's extensions that kernels ask for, as Linux names them.
    let features: [String]
    /// The kernels that are used; the others run in Swift.
    let kernels: [String]

    /// This one.
    init() {
        let lines = ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
            .split(separator: "\n")
        func value(_ key: String) -> String {
            let line = lines.first { $0.hasPrefix(key) }
            return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? ""
        }
        let name = value("model name")
        let flags = Set(value("flags").split(separator: " ").map(String.init))
        processor = name.isEmpty ? "unknown" : name
        cores = ProcessInfo.processInfo.activeProcessorCount
        features = ["sha_ni", "bmi2", "adx", "avx2", "avx512f", "avx512ifma"].filter(flags.contains)
        var kernels: [String] = []
        if Digest.isInHardware { kernels.append("SHA-256") }
        if SignatureChecker.hasLanes { kernels.append("Ed25519 in lanes") }
        if Kernels.areThere { kernels.append("BN254 in lanes") }
        self.kernels = kernels
    }

    var line: String {
        func list(_ texts: [String]) -> String {
            texts.isEmpty ? "none" : texts.joined(separator: ", ")
        }
        return "\(processor), \(cores) cores; extensions: \(list(features)); kernels:"
            + " \(list(kernels))"
    }
}
