// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours: warnings are errors, imports are internal unless a signature needs more, and every member
/// that is used comes from a module the file imports.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .treatAllWarnings(as: .error),  // SE-0480
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let yaml: Target.Dependency = .product(name: "Yams", package: "Yams")
let web: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let sqlite: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let jwt: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let webTesting: Target.Dependency = .product(name: "HummingbirdTesting", package: "hummingbird")
let httpClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let http: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let posix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let locks: Target.Dependency = .product(name: "NIOConcurrencyHelpers", package: "swift-nio")

/// A module under `Sources/Common`.
func common(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: "Sources/Common/\(name)",
        resources: resources,
        swiftSettings: settings
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        resources: resources,
        swiftSettings: settings
    )
}

/// An executable, named `millrace-…`; the target is the folder under `Sources`.
func executable(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .executableTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

/// What each of the four services is made of.
let central: [Target.Dependency] = [
    "AMQP", "Catalog", "CentralKit", "Domain", "Messages", "Postgres", "ServiceKit", lifecycle, logging, locks, metrics,
]

let package = Package(
    name: "millrace",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "millrace", targets: ["CLI"]),
        .executable(name: "millrace-gateway", targets: ["Gateway"]),
        .executable(name: "millrace-agent", targets: ["Agent"]),
        .executable(name: "millrace-transfer", targets: ["Transfer"]),
        .executable(name: "millrace-scheduler", targets: ["Scheduler"]),
        .executable(name: "millrace-monitor", targets: ["Monitor"]),
        .executable(name: "millrace-bookkeeper", targets: ["Bookkeeper"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // The two C libraries and the event descriptor of the loop: only AMQP, Postgres and SocketLoop touch C.
        .systemLibrary(
            name: "CRabbitMQ",
            path: "Sources/Common/CRabbitMQ",
            pkgConfig: "librabbitmq",
            providers: [.apt(["librabbitmq-dev"])]
        ),
        .systemLibrary(
            name: "CLibPQ",
            path: "Sources/Common/CLibPQ",
            pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"])]
        ),
        .target(name: "CSocketLoop", path: "Sources/Common/CSocketLoop"),

        common("SocketLoop", ["CSocketLoop", locks]),
        tests("SocketLoopTests", ["SocketLoop", locks]),

        common("Domain", []),
        tests("DomainTests", ["Domain"]),
        common("Messages", ["Domain"]),
        common("Catalog", ["Domain", "Messages", "Postgres", logging], resources: [.embedInCode("Migrations")]),
        tests("CatalogTests", ["Catalog", "Domain", "Messages", "Postgres", "TestSupport", logging]),

        common("AMQP", ["CRabbitMQ", "SocketLoop", logging, locks]),
        tests("AMQPTests", ["AMQP", "PrivateServers", "TestSupport", logging, locks]),
        common("Postgres", ["CLibPQ", "SocketLoop", logging, locks]),
        tests("PostgresTests", ["Postgres", "PrivateServers", "SocketLoop", "TestSupport", logging, locks]),
        // Servers of our own: for `millrace up` and for the tests.
        common("PrivateServers", ["Postgres", logging, locks]),
        // What is behind `millrace up`.
        common(
            "Farm",
            ["Access", "Domain", "PrivateServers", logging, crypto, httpClient, yaml, signals, locks, nio, http]
        ),
        tests(
            "FarmTests",
            [
                "Access", "Domain", "Farm", "FarmTestProcess", "Postgres", "PrivateServers", "TestSupport", logging,
                httpClient,
                nio, yaml,
            ]
        ),
        .executableTarget(
            name: "FarmTestProcess",
            dependencies: ["Farm", logging, nio, posix, http, signals],
            path: "Tests/FarmTestProcess",
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Postgres", "PrivateServers", logging, locks],
            path: "Tests/Support",
            swiftSettings: settings
        ),

        common(
            "ServiceKit",
            ["AMQP", "Domain", "Messages", lifecycle, locks, logging, metrics, web, yaml, nio, signals]
        ),
        tests(
            "ServiceKitTests",
            [
                "ServiceKit", "Domain", "Messages", "AMQP", "PrivateServers", "TestSupport", logging, metrics,
                lifecycle, locks,
            ]
        ),
        common("CentralKit", ["AMQP", "Catalog", "Messages", "Postgres", "ServiceKit", lifecycle, logging, locks]),
        executable("Scheduler", central + [crypto]),
        executable("Monitor", central),
        executable("Bookkeeper", central + [crypto, http, httpClient, nio]),
        executable("Transfer", central + ["Storage", posix]),

        .target(name: "CChecksums", path: "Sources/Common/CChecksums"),
        .target(name: "CStorageCalls", path: "Sources/Common/CStorageCalls"),
        common("Storage", ["CChecksums", "CStorageCalls"]),
        tests("StorageTests", ["CChecksums", "PrivateServers", "Storage"]),

        // Starts a process that dies with the agent's thread: posix_spawn cannot ask for that.
        .target(name: "CAgentProcess", path: "Sources/Agent/CAgentProcess"),
        .executableTarget(
            name: "Agent",
            dependencies: [
                "AMQP", "CAgentProcess", "Domain", "Messages", "ServiceKit", "Storage", arguments, crypto, lifecycle,
                locks, logging, signals, sqlite, subprocess,
            ],
            path: "Sources/Agent",
            exclude: ["CAgentProcess"],
            swiftSettings: settings
        ),
        tests(
            "AgentTests",
            [
                "AMQP", "Agent", "Domain", "Messages", "PrivateServers", "ServiceKit", "Storage", "TestSupport", crypto,
                locks, logging,
            ]
        ),
        // Agents that speak the real messages and whose payload returns at once: for benchmarks and tests.
        common("SimulatedSite", ["AMQP", "Domain", "Messages", logging, locks]),
        tests(
            "AcceptanceTests",
            [
                "AMQP", "Access", "Catalog", "CentralKit", "Domain", "Messages", "Postgres", "PrivateServers",
                "ServiceKit", "SimulatedSite", "Storage", "TestSupport", "Scheduler", "Monitor", "Bookkeeper",
                "Transfer", crypto, locks, logging,
            ]
        ),
        // The pure decisions of the services.
        tests(
            "PolicyTests",
            [
                "Bookkeeper", "Catalog", "Domain", "Messages", "Monitor", "Postgres", "Scheduler", "ServiceKit",
                "Storage",
                "TestSupport", "Transfer", locks, logging,
            ]
        ),
        // What the Bookkeeper tells others, to a server of the tests' own.
        tests(
            "BookkeeperTests",
            [
                "Bookkeeper", "Catalog", "Messages", "Postgres", "ServiceKit", "TestSupport", logging, locks,
                nio, web,
            ]
        ),
        // Bearer tokens: made for the farm and the CLI, checked by the Gateway.
        common("Access", ["Domain", jwt]),
        .executableTarget(
            name: "Gateway",
            dependencies: central + ["Access", web, nio, posix],
            path: "Sources/Gateway",
            resources: [.embedInCode("Assets")],
            swiftSettings: settings
        ),
        tests(
            "GatewayTests",
            central + ["Gateway", "Access", "PrivateServers", "TestSupport", web, webTesting, httpClient, jwt]
        ),

        .executableTarget(
            name: "CLI",
            dependencies: [
                "Access", "AMQP", "Catalog", "Domain", "Farm", "Messages", "Postgres", "ServiceKit", "SimulatedSite",
                "Storage", arguments, http, httpClient, logging, nio, signals,
            ],
            swiftSettings: settings
        ),
        tests("CLITests", ["CLI", "Catalog", "Domain", "Messages", "Postgres", "TestSupport", arguments, logging]),
    ],
    swiftLanguageModes: [.v6]
)
