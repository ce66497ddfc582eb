// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// Third-party test vectors, read in place from the shared folder beside the checkout.
package enum Vectors {
    /// The folder, from `RECOUNT_VECTORS` or `../shared/vectors` beside the repository.
    package static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["RECOUNT_VECTORS"] {
            return URL(fileURLWithPath: path)
        }
        return repository.deletingLastPathComponent().appendingPathComponent("shared/vectors")
    }()

    /// The root of this checkout.
    package static let repository = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Returns the file at `path` under the folder, or nil where it is absent.
    ///
    /// Use it in `.enabled(if: Vectors.has("…"), "no file at …")`, so that absence is a skip.
    package static func has(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.appendingPathComponent(path).path)
    }

    /// Returns the bytes of a vector file.
    package static func data(_ path: String) throws -> Data {
        try Data(contentsOf: folder.appendingPathComponent(path))
    }

    /// A file of the shared folder of hostile and unusual inputs, which lies beside the vectors.
    package static func casePath(_ path: String) -> String {
        folder.deletingLastPathComponent().appendingPathComponent("cases/\(path)").path
    }

    /// Whether that file is there.
    package static func hasCase(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: casePath(path))
    }

    /// Returns the decoded JSON of a vector file.
    package static func json<T: Decodable>(_ path: String, as type: T.Type = T.self) throws -> T {
        try JSONDecoder().decode(type, from: data(path))
    }
}

/// The bytes that a hexadecimal text stands for, or nil where it is not one.
package func bytes(hex text: some StringProtocol) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 2 == 0 else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(digits.count / 2)
    for position in stride(from: 0, to: digits.count, by: 2) {
        guard let high = Character(UnicodeScalar(digits[position])).hexDigitValue,
            let low = Character(UnicodeScalar(digits[position + 1])).hexDigitValue
        else { return nil }
        result.append(UInt8(high << 4 | low))
    }
    return result
}
