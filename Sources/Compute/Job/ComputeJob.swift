// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

package import Cryptography

/// A module, an input and limits: everything that a result depends on.
package struct ComputeJob: Sendable {
    /// The module, in WebAssembly's binary form.
    package let module: [UInt8]
    /// SHA-256 of the module.
    package let moduleHash: Digest
    /// The input.
    package let input: [UInt8]
    /// Fuel that ends the job.
    package let fuel: UInt64
    /// Bytes of memory that the module may have.
    package let memoryBytes: UInt64
    /// The engine that must run it.
    package let engine: String
    /// The version of the engine that must run it.
    package let engineVersion: String

    /// Takes the parts. That `moduleHash` is the module's has been checked by whoever read it.
    package init(
        module: [UInt8], moduleHash: Digest, input: [UInt8], fuel: UInt64, memoryBytes: UInt64,
        engine: String, engineVersion: String
    ) {
        self.module = module
        self.moduleHash = moduleHash
        self.input = input
        self.fuel = fuel
        self.memoryBytes = memoryBytes
        self.engine = engine
        self.engineVersion = engineVersion
    }
}
