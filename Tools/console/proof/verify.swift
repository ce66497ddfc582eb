// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// What the console calls: the verifier of the ledger, compiled for browsers.

/// Reserves bytes for what is handed in.
@_expose(wasm, "reserve")
@_cdecl("reserve")
func reserve(_ count: UInt32) -> UInt32 {
    UInt32(UInt(bitPattern: UnsafeMutableRawPointer.allocate(byteCount: Int(count), alignment: 16)))
}

/// Verifies a proof: 1 where it holds, 0 where it does not, and 2 where it or the key cannot be
/// read, or the key proves nothing.
///
/// - Parameters:
///   - key: The verifying key, as `VerifyingKey.init(bytes:)` reads it.
///   - proof: The proof, compressed.
///   - inputs: The public inputs, 32 little-endian bytes each.
///   - bound: For each input a byte, 0 where it is free.
@_expose(wasm, "verify")
@_cdecl("verify")
func verify(
    _ key: UInt32, _ keyBytes: UInt32, _ proof: UInt32, _ proofBytes: UInt32, _ inputs: UInt32,
    _ bound: UInt32, _ count: UInt32
) -> UInt32 {
    do throws(Groth16Error) {
        let key = try VerifyingKey(bytes: bytes(key, keyBytes))
        let isBound = bytes(bound, count).map { $0 != 0 }
        guard key.soundnessFault(isBound: isBound) == nil else { return 2 }
        let values = bytes(inputs, count * 32)
        let parts = (0..<Int(count)).map { Array(values[$0 * 32..<$0 * 32 + 32]) }
        return try key.verifyOnce(
            try Proof(compressed: bytes(proof, proofBytes)),
            inputs: try PublicInputs.parse(littleEndian: parts)) ? 1 : 0
    } catch { return 2 }
}

private func bytes(_ address: UInt32, _ count: UInt32) -> [UInt8] {
    guard let start = UnsafePointer<UInt8>(bitPattern: UInt(address)) else { return [] }
    return Array(UnsafeBufferPointer(start: start, count: Int(count)))
}
