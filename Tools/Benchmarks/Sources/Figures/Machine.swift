// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

internal import BN254
internal import Cryptography
internal import Foundation

/// What the figures were measured on.
package struct Machine: Codable, Equatable, Sendable {
    /// What the processor calls itself.
    package let processor: String
    /// How many cores there are.
    package let cores: Int
    /// Those of the processor's extensions that kernels ask for, as Linux names them.
    package let features: [String]
    /// The kernels that are used; the others run in Swift.
    package let kernels: [String]

    /// This one.
    package init() {
        var kernels: [String] = []
        if Digest.isInHardware { kernels.append("SHA-256") }
        if SignatureChecker.hasLanes { kernels.append("Ed25519 in lanes") }
        if Kernels.areThere { kernels.append("BN254 in lanes") }
        self.init(
            description: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "",
            cores: ProcessInfo.processInfo.activeProcessorCount, kernels: kernels)
    }

    /// One of which Linux says this in `/proc/cpuinfo`.
    package init(description: String, cores: Int, kernels: [String]) {
        let lines = description.split(separator: "\n")
        func value(_ key: String) -> String {
            let line = lines.first { $0.hasPrefix(key) }
            let parts = line?.split(separator: ":", maxSplits: 1) ?? []
            return parts.count == 2 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let name = value("model name")
        let flags = Set(value("flags").split(separator: " ").map(String.init))
        processor = name.isEmpty ? "unknown" : name
        self.cores = cores
        features = ["sha_ni", "bmi2", "adx", "avx2", "avx512f", "avx512ifma"].filter(flags.contains)
        self.kernels = kernels
    }

    /// One line.
    package var line: String {
        func list(_ texts: [String]) -> String {
            texts.isEmpty ? "none" : texts.joined(separator: ", ")
        }
        return "\(processor), \(cores) cores; extensions: \(list(features)); kernels:"
            + " \(list(kernels))"
    }
}
