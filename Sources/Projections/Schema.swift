// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// The tables, as the files in `Migrations` make them.
package enum Schema {
    /// SQL that makes the tables of an empty file.
    package static let tables = text(PackageResources._001_ledger_sql)
    /// SQL that makes indexes and views; after the rows, where there are many.
    package static let indexes = text(PackageResources._002_indexes_sql)

    /// SHA-256 of all of it: a file made by other migrations is built anew.
    package static let digest = Digest(hashing: Array((tables + indexes + Seal.text).utf8))

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
