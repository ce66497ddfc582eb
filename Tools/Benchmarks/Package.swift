// swift-tools-version: 6.2
// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// The benchmarks, apart so that users of Recount do not resolve what only they need.

import PackageDescription

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
]

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium"),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4"),
        .systemLibrary(name: "CWasmtime"),
        .target(name: "CKernels"),
        .target(name: "CMachine"),
        .target(
            name: "Cryptography",
            dependencies: [
                "CSodium", "CKernels", .product(name: "Crypto", package: "swift-crypto"),
            ],
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
            name: "Projections",
            dependencies: [
                "Ledger", "EventLog", "Cryptography",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            resources: [
                .embedInCode("Migrations/0001-ledger.sql"),
                .embedInCode("Migrations/0002-indexes.sql"),
            ],
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
        .target(
            name: "Simulation",
            dependencies: [
                "Hosting", "Replication", "Audit", "Storage", "Ledger", "EventLog", "Groth16",
                "BN254", "Cryptography",
            ],
            swiftSettings: settings),
        .target(
            name: "Network",
            dependencies: [
                "Cryptography",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "Node",
            dependencies: [
                "Network", "Hosting", "Replication", "Projections", "Compute", "Storage", "Ledger",
                "EventLog", "Groth16",
                "BN254", "Cryptography", "CMachine",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
        .target(
            name: "Figures", dependencies: ["BN254", "Cryptography"], swiftSettings: settings),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "Figures", "Simulation", "Node", "Hosting", "Replication", "Audit", "Compute",
                "Projections",
                "Storage", "Ledger", "EventLog", "Groth16", "BN254", "Cryptography",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings),
    ]
)
