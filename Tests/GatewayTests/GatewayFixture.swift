import Access
import AsyncHTTPClient
import Catalog
import CentralKit
import Domain
@testable import Gateway
import Logging
import Messages
import NIOCore
import NIOHTTP1
import Postgres
import PrivateServers
@testable import ServiceKit
import ServiceLifecycle
import TestSupport
import Testing

/// What a call was answered.
struct Answer: Sendable {
    let status: Int
    let headers: [String: String]
    let text: String

    var json: DetailValue {
        get throws { try WireFormat.value(DetailValue.self, from: self.text) }
    }

    /// The rows of a listing.
    var items: [[String: DetailValue]] {
        get throws {
            guard case .list(let rows)? = try self.json["items"] else { return [] }
            return rows.compactMap { if case .group(let row) = $0 { row } else { nil } }
        }
    }

    var error: String { (try? self.json["error"]?.text) ?? "" }
}

extension DetailValue {
    subscript(key: String) -> DetailValue? {
        if case .group(let members) = self { members[key] } else { nil }
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }
    var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    var double: Double? { if case .number(let number) = self { number } else { self.integer.map { Double($0) } } }
    var list: [DetailValue] { if case .list(let values) = self { values } else { [] } }
}

/// A gateway on a private database and the test broker, and one's way to it.
struct RunningGateway: Sendable {
    let url: String
    let databaseURL: String
    let amqpURL: String
    let tokens: TokenMaker
    let database: PostgresClient

    func token(_ role: Role, who: String? = nil) async throws -> String {
        try await self.tokens.token(who: who ?? "\(role.rawValue)1", role: role, seconds: 600)
    }

    /// Returns when every connection of the gateway is there, the one to the events among them.
    func waitUntilReady() async throws {
        while try await self.send("GET", "/readyz").status != 200 { await Task.yield() }
    }

    func get(_ path: String, as role: Role = .viewer) async throws -> Answer {
        try await self.send("GET", "/api/v1\(path)", headers: ["Authorization": "Bearer \(try await self.token(role))"])
    }

    func post(
        _ path: String,
        _ body: String = "",
        as role: Role = .administrator,
        who: String? = nil
    ) async throws -> Answer {
        let token = try await self.token(role, who: who)
        return try await self.send(
            "POST",
            "/api/v1\(path)",
            headers: ["Authorization": "Bearer \(token)", "Content-Type": "application/json"],
            body: body
        )
    }

    func send(
        _ method: String,
        _ path: String,
        headers: [String: String] = [:],
        body: String = ""
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: self.url + path)
        request.method = .init(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if method == "POST" { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await Self.client.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 64 << 20)
        return Answer(
            status: Int(response.status.code),
            headers: Dictionary(
                response.headers.map { ($0.name.lowercased(), $0.value) },
                uniquingKeysWith: { first, _ in first }
            ),
            text: String(buffer: bytes)
        )
    }

    /// Redirects are answers, not things to follow.
    static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// Runs SQL as the tests' own, for states that only the services make.
    func script(_ text: String) async throws {
        try await PostgresSession.with(url: self.databaseURL, logger: testLogger) { try await $0.executeScript(text) }
    }
}

let testLogger = Logger(label: "gateway-test") { _ in SwiftLogNoOpLogHandler() }

/// Runs `body` with a gateway whose catalogue holds the sites, the storage and what `production` puts there.
func withGateway<Result: Sendable>(
    production: String = "",
    _ body: @escaping @Sendable (RunningGateway) async throws -> Result
) async throws -> Result {
    let databaseURL = try await TestDatabase.make(template: "gateway_template") { url in
        _ = try await Migrator.migrate(url: url, logger: testLogger)
    }
    if !production.isEmpty {
        try await PostgresSession.with(url: databaseURL, logger: testLogger) { try await $0.executeScript(production) }
    }
    let amqpURL = try await TestBroker.start().url
    let folder = try TestFolder.make("gateway")
    let key = TokenMaker.makeKey()
    try PrivateFiles.write(key, to: "\(folder)/token.key")
    let variables = [
        "MILLRACE_DATABASE_URL": databaseURL, "MILLRACE_AMQP_URL": amqpURL,
        "MILLRACE_TOKEN_KEY_FILE": "\(folder)/token.key", "MILLRACE_GATEWAY": "127.0.0.1:0",
        "MILLRACE_INSTANCE": TestBroker.uniqueName("gateway"),
    ]
    let environment = try ServiceEnvironment.read(
        variables,
        service: "gateway",
        section: GatewayConfig.shape,
        needs: [.tokenKey]
    )
    let context = ServiceContext(
        environment: environment,
        health: HealthState(identity: environment.identity),
        metrics: PrometheusRegistry(),
        logger: testLogger
    )
    let (addresses, tell) = AsyncStream.makeStream(of: HostPort.self)
    let services = try await GatewayAssembly.services(context, environment: variables) {
        tell.yield($0)
        tell.finish()
    }
    let tokens = try await TokenMaker(key: key)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask {
            try await ServiceRunner.run(name: "gateway", services: services, logger: testLogger, handlesSignals: false)
            return nil
        }
        group.addTask {
            var address: HostPort?
            for await chosen in addresses { address = chosen }
            guard let chosen = address else { throw StartupError("the gateway does not listen") }
            return try await withDatabase(databaseURL) { database in
                try await body(
                    RunningGateway(
                        url: "http://\(chosen)",
                        databaseURL: databaseURL,
                        amqpURL: amqpURL,
                        tokens: tokens,
                        database: database
                    )
                )
            }
        }
        defer { group.cancelAll() }
        while let result = try await group.next() {
            if let result { return result }
            throw StartupError("the gateway ended before the test")
        }
        throw StartupError("nothing ran")
    }
}

func withDatabase<Result: Sendable>(
    _ url: String,
    _ body: @escaping @Sendable (PostgresClient) async throws -> Result
) async throws -> Result {
    let database = PostgresClient(url: url, logger: testLogger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await database.run() }
        defer { group.cancelAll() }
        return try await body(database)
    }
}
