// swift-tools-version: 6.2
// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The fuzz targets, apart because all they build is instrumented. See Tools/fuzz.

import Foundation
import PackageDescription

/// RECOUNT_FUZZ_ADDRESS=1 adds the address sanitizer, which finds what C does beyond its memory.
let isAddressChecked = ProcessInfo.processInfo.environment["RECOUNT_FUZZ_ADDRESS"] == "1"
let sanitizers = isAddressChecked ? "-sanitize=fuzzer,address" : "-sanitize=fuzzer"

/// The modules are those of the repository, through links, so that `package` declarations show.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .unsafeFlags([sanitizers]),
]

let package = Package(
    name: "fuzz",
    platforms: [.macOS(.v26)],
    targets: [
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium"),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4"),
        .systemLibrary(name: "CWasmtime"),
        .target(name: "CKernels"),
        // SHA-256 alone, in place of swift-crypto.
        .target(name: "Crypto", swiftSettings: Array(settings.dropLast())),
        .target(
            name: "Cryptography", dependencies: ["CSodium", "CKernels", "Crypto"],
            swiftSettings: settings),
        .target(name: "BN254", dependencies: ["CKernels"], swiftSettings: settings),
        .target(name: "Groth16", dependencies: ["BN254"], swiftSettings: settings),
        .target(name: "EventLog", dependencies: ["Cryptography", "CLZ4"], swiftSettings: settings),
        .target(
            name: "Ledger", dependencies: ["Cryptography", "BN254", "Groth16"],
            swiftSettings: settings),
        .target(
            name: "Storage", dependencies: ["Ledger", "EventLog", "Cryptography"],
            swiftSettings: settings),
        .target(
            name: "Compute", dependencies: ["Ledger", "Cryptography", "CWasmtime"],
            swiftSettings: settings),
        .target(
            name: "Audit",
            dependencies: [
                "Compute", "Storage", "Ledger", "EventLog", "Groth16", "BN254", "Cryptography",
            ],
            swiftSettings: settings),
        .target(
            name: "Replication", dependencies: ["Ledger", "Cryptography"], swiftSettings: settings),
        .target(
            name: "Hosting",
            dependencies: ["Replication", "Storage", "Ledger", "EventLog", "Cryptography"],
            swiftSettings: settings),
        // Without what needs a database or sockets: nothing in there reads bytes from outside.
        .target(
            name: "Node",
            dependencies: [
                "Hosting", "Network", "Compute", "Storage", "Ledger", "EventLog", "Groth16",
                "BN254", "Cryptography",
            ],
            exclude: [
                "Bridge/Office.swift", "Bridge/OrderCheck.swift", "Bridge/Vault.swift",
                "Bridge/Vault+Membership.swift", "Bridge/Vault+Payments.swift",
                "Bridge/Vault+Rebuild.swift", "Clients", "Duties/Announcing.swift",
                "Duties/Blobs.swift", "Duties/Checkpoints.swift", "Duties/Clients.swift",
                "Duties/Counting.swift",
                "Duties/Duty.swift", "Duties/Following.swift", "Duties/Jobs.swift",
                "Duties/Observers.swift", "Duties/PeerRate.swift", "Duties/Pruning.swift",
                "Duties/Settling.swift", "Duties/SharedRunner.swift", "Duties/Spooling.swift",
                "Duties/Telling.swift",
                "Genesis/GenesisFile+Collect.swift", "Genesis/PartyHome.swift",
                "Genesis/PartyHome+Accept.swift", "Health",
                "Home/BridgeHome.swift", "Home/HomePart.swift",
                "Home/LocalNetwork.swift", "Home/LocalNetwork+Initialise.swift",
                "Home/LocalNetwork+Join.swift", "Home/LocalPeers.swift",
                "Home/NodeCheckpoints.swift", "Home/NodeHome.swift", "Home/NodeJournals.swift",
                "Home/NodeJournals+Check.swift",
                "Home/SubmitterHome.swift", "Jobs/JobSubmission.swift", "Local",
                "Network/NetworkTopics.swift", "Network/NetworkTransport.swift",
                "Network/NodeProcess.swift", "Node", "Spool",
                "Support/ClockSteering.swift", "Support/NodeError+Description.swift", "Transport",
            ],
            swiftSettings: settings),
        // Without what needs sockets: the machines that read are all there.
        .target(
            name: "Network", dependencies: ["Cryptography"],
            exclude: [
                "Discovery/DiscoveryLink.swift", "Discovery/DiscoveryService.swift",
                "Host/Connection.swift", "Host/Dial.swift", "Host/HostSettings.swift",
                "Host/PeerHost+Connections.swift", "Host/PeerHost+Dialing.swift",
                "Host/PeerHost.swift", "Host/PeerProbe.swift",
                "Host/PeerStream.swift",
                "Identify/PeerHost+Identify.swift", "PeerNetwork", "Ping",
                "Pubsub/Pubsub.swift", "Pubsub/PubsubPeer.swift",
            ],
            swiftSettings: settings),
        .target(name: "TestSupport", dependencies: ["EventLog"], swiftSettings: settings),
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Node", "Hosting", "Replication", "Audit", "Compute", "Storage", "Ledger",
                "EventLog", "Groth16", "BN254", "Cryptography", "Network", "TestSupport",
            ],
            swiftSettings: settings),
        // In C, so that libFuzzer's own main is the entry point.
        .executableTarget(
            name: "Fuzz", dependencies: ["FuzzTargets"],
            linkerSettings: [.unsafeFlags([sanitizers])]),
    ]
)
