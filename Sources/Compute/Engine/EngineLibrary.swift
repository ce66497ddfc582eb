// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Foundation

/// Where the engine's library is, and which one it must be.
package enum EngineLibrary {
    /// What `RECOUNT_WASMTIME` names; nil where it is not set.
    package static var named: String? {
        ProcessInfo.processInfo.environment["RECOUNT_WASMTIME"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// SHA-256 of the libraries of wasmtime 50.0.1, from the wheels of that version on PyPI.
    ///
    /// One for each platform; a library that is none of them may have other layouts and give other
    /// results.
    static let hashes: Set<String> = [
        // manylinux1_x86_64
        "3127ca42fe7cdd3f0a43a358e79177dcfedd46c1746329826403b9d854de6178",
        // manylinux2014_aarch64
        "4777b787fcc6651c98130ccc7c8ce9160faba5f3b34918886785a43094026fc9",
        // macosx_11_0_arm64
        "a69fa55d4600958e3c95a25dd552cfc83105a6288fea764f37a87c578806cd85",
        // macosx_10_13_x86_64
        "aaa18016fcb37d9794b6df8c263f03c7ae42870d2fc4ede73e6ad7f855b215e3",
    ]

    #if canImport(Darwin)
        static let fileName = "libwasmtime.dylib"
    #else
        static let fileName = "libwasmtime.so"
    #endif

    /// The triple that code is compiled for: a platform and no processor in particular, so that no
    /// feature beyond the baseline is used.
    static let target: String = {
        #if arch(arm64)
            let machine = "aarch64"
        #else
            let machine = "x86_64"
        #endif
        #if canImport(Darwin)
            return machine + "-apple-darwin"
        #else
            return machine + "-unknown-linux-gnu"
        #endif
    }()

    /// Returns the path of a library that is known.
    ///
    /// Takes the one that is named; else looks in `wasmtime/` of the folders above the executable,
    /// the nearest first, then where a system keeps libraries.
    package static func find(_ named: String?, executable: String) throws(ComputeError) -> String {
        if let named {
            try check(named)
            return named
        }
        let candidates = places(executable: executable).map { "\($0)/\(fileName)" }
        guard let found = candidates.first(where: FileManager.default.fileExists) else {
            throw .notFound(places: candidates)
        }
        try check(found)
        return found
    }

    private static func places(executable: String) -> [String] {
        var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
            .deletingLastPathComponent()
        var places: [String] = []
        // Deeper than a build folder stands in its repository.
        for _ in 0..<6 where folder.path != "/" {
            places.append(folder.appendingPathComponent("wasmtime").path)
            folder.deleteLastPathComponent()
        }
        return places + ["/usr/local/lib", "/usr/lib"]
    }

    private static func check(_ path: String) throws(ComputeError) {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw .unreadable(path: path)
        }
        let hash = Digest(hashing: Array(bytes)).hex
        guard hashes.contains(hash) else { throw .unknownLibrary(path: path, hash: hash) }
    }
}
