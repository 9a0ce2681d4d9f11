import Logging
import Postgres
import TestSupport

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Gives `body` a running client of a fresh database.
func withDatabase(
    _ options: PostgresOptions = .init(),
    _ body: @Sendable (PostgresClient, _ url: String) async throws -> Void
) async throws {
    let url = try await TestDatabase.make()
    try await withClient(url: url, options) { try await body($0, url) }
}

/// Gives `body` a running client.
func withClient(
    url: String,
    _ options: PostgresOptions = .init(),
    _ body: (PostgresClient) async throws -> Void
) async throws {
    var options = options
    if options.searchPath == "millrace" { options.searchPath = "public" }
    let client = PostgresClient(url: url, options: options, logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await client.run() }
        do {
            try await body(client)
        } catch {
            group.cancelAll()
            try await group.waitForAll()
            throw error
        }
        group.cancelAll()
        try await group.waitForAll()
    }
}

/// The error `body` throws, or nil.
func postgresError(_ body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PostgresError
    }
}
