// swift-tools-version: 6.2
// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// What every module of ours is built with; dependencies keep their own settings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
]

/// The commit that `--version` names, where the build is told: a plain build leaves it out, so that
/// it is never an old one.
let commit = (Context.environment["RECOUNT_COMMIT"] ?? "").filter(\.isHexDigit)

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let http: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let metrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

/// The JSON Schemas of what commands print.
let schemas = [
    "answer", "audit", "backup", "backup-list", "bisect", "bridge-confirm", "bridge-rebuild",
    "bridge-run", "bridge-show", "case-list", "case-show", "case-verify", "certificate-show",
    "certificate-verify", "chart-leaders", "chart-reputation", "checkpoint-cosign",
    "checkpoint-show", "checkpoint-sign", "checkpoint-verify", "config", "config-check", "culprits",
    "diff", "disagreements", "doctor", "drill", "evidence-verify", "export-parquet",
    "export-tiles", "genesis", "genesis-accept",
    "govern-propose", "govern-show", "govern-submit", "init", "job-list", "job-result", "job-run",
    "job-show", "job-submit", "keygen", "leaders", "ledger-check", "ledger-info", "log", "node",
    "projections-info", "projections-rebuild", "projections-verify", "proof-verify", "prove-check",
    "prove-consistency", "prove-entry", "prove-request", "recover", "replay", "request-id",
    "requests", "run", "schema", "show-batch", "show-entry", "show-job", "show-leader",
    "show-nullifier", "show-reputation", "show-request", "show-validator", "simulate", "snapshot",
    "submit", "validators", "whatif", "why",
]

/// The files of the console, which every node serves.
let console = [
    "api.js", "app.js", "borsh.js", "certificate.js", "chart.js", "check.js", "compare.js",
    "console.css", "disputes.js", "dom.js", "entry.js", "fields.js", "icon.svg", "index.html",
    "log.js", "merkle.js", "note.js", "now.js", "page.js", "proof.js", "proof.wasm",
    "request.js", "requests.js", "sha256.js", "validator.js", "validators.js", "verdict.js",
    "why.js", "words.js",
]

let package = Package(
    name: "recount",
    platforms: [.macOS(.v26)],
    products: [.executable(name: "recount", targets: ["recount"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium",
            providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
        .systemLibrary(
            name: "CLZ4", pkgConfig: "liblz4",
            providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
        // Declarations only: the library is loaded at run time, where it is there.
        .systemLibrary(name: "CWasmtime"),

        // What the build is told.
        .target(name: "CBuild", cSettings: [.define("RECOUNT_COMMIT", to: "\"\(commit)\"")]),
        // What the system tells C alone.
        .target(name: "CMachine"),
        // Arithmetic with instructions that not every processor has.
        .target(name: "CKernels"),

        .target(
            name: "Cryptography", dependencies: ["CSodium", "CKernels", crypto],
            swiftSettings: strict),
        .target(name: "BN254", dependencies: ["CKernels"], swiftSettings: strict),
        .target(name: "Groth16", dependencies: ["BN254"], swiftSettings: strict),
        .target(
            name: "EventLog", dependencies: ["Cryptography", "CKernels", "CLZ4"],
            swiftSettings: strict),
        .target(
            name: "Ledger", dependencies: ["Cryptography", "BN254", "Groth16"],
            swiftSettings: strict),
        .target(
            name: "Replication", dependencies: ["Ledger", "Cryptography"], swiftSettings: strict),
        .target(
            name: "Storage", dependencies: ["Ledger", "EventLog", "Cryptography"],
            swiftSettings: strict),
        .target(
            name: "Hosting",
            dependencies: ["Replication", "Storage", "Ledger", "EventLog", "Cryptography"],
            swiftSettings: strict),
        .target(
            name: "Simulation",
            dependencies: [
                "Hosting", "Replication", "Audit", "Storage", "Ledger", "EventLog", "Groth16",
                "BN254", "Cryptography",
            ],
            swiftSettings: strict),
        .target(
            name: "Projections", dependencies: ["Ledger", "EventLog", "Cryptography", grdb],
            resources: [
                .embedInCode("Migrations/0001-ledger.sql"),
                .embedInCode("Migrations/0002-indexes.sql"),
            ],
            swiftSettings: strict),
        .target(
            name: "Audit",
            dependencies: [
                "Compute", "Storage", "Ledger", "EventLog", "Groth16", "BN254", "Cryptography",
            ],
            swiftSettings: strict),
        .target(
            name: "Forensics",
            dependencies: [
                "Audit", "Compute", "Hosting", "Replication", "Storage", "Ledger", "EventLog",
                "Cryptography",
            ],
            swiftSettings: strict),
        .target(
            name: "Compute", dependencies: ["Ledger", "Cryptography", "CWasmtime"],
            swiftSettings: strict),
        .target(
            name: "Network", dependencies: ["Cryptography", crypto] + nio, swiftSettings: strict),
        .target(
            name: "Telemetry",
            dependencies: ["Ledger", "EventLog", "Cryptography", metrics, logging],
            swiftSettings: strict),
        .target(
            name: "Node",
            dependencies: [
                "Network", "Hosting", "Replication", "Projections", "Compute", "Storage", "Ledger",
                "EventLog", "Groth16", "BN254", "Cryptography", "CMachine", grdb,
            ],
            swiftSettings: strict),
        .target(
            name: "API",
            dependencies: [
                "Node", "Network", "Telemetry", "Forensics", "Audit", "Hosting", "Projections",
                "Ledger", "EventLog", "BN254", "Cryptography", metrics,
            ] + nio + [http],
            resources: [.embedInCode("Resources/openapi.json")]
                + console.map { .embedInCode("Console/\($0)") }, swiftSettings: strict),
        .executableTarget(
            name: "recount",
            dependencies: [
                "CBuild", "API", "Telemetry", "Simulation", "Node", "Network", "Hosting",
                "Replication",
                "Forensics", "Audit", "Compute", "Projections", "Storage", "Ledger",
                "EventLog", "Groth16", "BN254", "Cryptography", arguments, logging,
            ],
            resources: schemas.map { .embedInCode("Schemas/\($0).json") },
            swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["EventLog"], path: "Tests/TestSupport",
            swiftSettings: strict),
        .testTarget(
            name: "CryptographyTests",
            dependencies: ["Cryptography", "CSodium", "CKernels", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "BN254Tests", dependencies: ["BN254", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "Groth16Tests", dependencies: ["Groth16", "BN254", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "EventLogTests", dependencies: ["EventLog", "Cryptography", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "LedgerTests",
            dependencies: ["Ledger", "Groth16", "BN254", "Cryptography", "TestSupport"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "ComputeTests",
            dependencies: ["Compute", "Ledger", "Cryptography", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "NetworkTests", dependencies: ["Network", "Cryptography", "TestSupport"] + nio,
            swiftSettings: strict),
        .testTarget(
            name: "ReplicationTests",
            dependencies: [
                "Replication", "Ledger", "Groth16", "BN254", "Cryptography", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "HostingTests",
            dependencies: [
                "Hosting", "Replication", "Storage", "Ledger", "EventLog", "Groth16", "BN254",
                "Cryptography", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Simulation", "Hosting", "Replication", "Audit", "Storage", "Ledger", "EventLog",
                "Groth16", "BN254", "Cryptography", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "StorageTests",
            dependencies: [
                "Storage", "Ledger", "EventLog", "Groth16", "BN254", "Cryptography", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ProjectionsTests",
            dependencies: [
                "Projections", "Storage", "Ledger", "EventLog", "Groth16", "BN254", "Cryptography",
                "TestSupport", grdb,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "AuditTests",
            dependencies: [
                "Audit", "Node", "Compute", "Storage", "Ledger", "EventLog", "Groth16", "BN254",
                "Cryptography", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "ForensicsTests",
            dependencies: [
                "API", "Forensics", "Audit", "Projections", "Compute", "Hosting", "Replication",
                "Storage", "Ledger", "EventLog", "Groth16", "BN254", "Cryptography", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests",
            dependencies: ["Telemetry", "EventLog", "TestSupport", metrics, logging],
            swiftSettings: strict),
        .testTarget(
            name: "NodeTests",
            dependencies: [
                "Node", "Network", "Hosting", "Replication", "Audit", "Compute", "Storage",
                "Ledger",
                "EventLog", "Groth16", "BN254", "Cryptography", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "APITests",
            dependencies: [
                "API", "Node", "Network", "Telemetry", "Audit", "Ledger", "EventLog",
                "Cryptography", "TestSupport",
            ] + nio,
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: ["recount", "API", "Audit", "Ledger", "TestSupport"],
            exclude: ["Golden"], swiftSettings: strict),
        // What the benchmarks print and compare, which their own package builds too.
        .target(
            name: "Figures", dependencies: ["BN254", "Cryptography"],
            path: "Tools/Benchmarks/Sources/Figures", swiftSettings: strict),
        .testTarget(name: "FiguresTests", dependencies: ["Figures"], swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: strict),
    ]
)
