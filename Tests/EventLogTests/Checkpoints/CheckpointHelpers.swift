// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import Cryptography
import EventLog
import TestSupport
import Testing

/// The key with this number.
func key(_ number: UInt8) -> SigningKey {
    SigningKey(seed: Digest(hashing: [0x6B, number]).value)
}

/// The id and the origin of a ledger of the tests.
let ledger = Digest(hashing: [1, 2, 3])
let origin = Checkpoint.origin(ofLedger: ledger)

/// A checkpoint of the tests' ledger.
func checkpoint(size: UInt64 = 7, root: UInt8 = 9) -> Checkpoint {
    Checkpoint(ledger: ledger, head: TreeHead(size: size, root: Digest(hashing: [root])))
}

/// A checkpoint signed by key 0 and cosigned by these.
func signed(
    _ checkpoint: Checkpoint = checkpoint(), cosigners: [UInt8] = [],
    seconds: UInt64 = 1_700_000_000
) throws -> SignedCheckpoint {
    var signed = try SignedCheckpoint(signing: checkpoint, with: key(0))
    for number in cosigners { _ = try signed.cosign(with: key(number), seconds: seconds) }
    return signed
}

/// A policy over the keys 0 to N - 1.
func policy(_ text: String) throws -> CheckpointPolicy {
    let quorum = try Quorum(text)
    return try CheckpointPolicy(
        quorum: quorum, validators: (0..<quorum.count).map { key(UInt8($0)).publicKey })
}
