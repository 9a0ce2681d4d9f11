import Glibc
import Logging
import NIOConcurrencyHelpers
import Postgres
package import PrivateServers

/// Databases for tests, on one private PostgreSQL that starts with the first test that asks and ends with the process.
package enum TestDatabase {
    /// A new, empty database. - Returns: its URL.
    package static func make() async throws -> String {
        try await TestPostgres.shared.makeDatabase(template: nil)
    }

    /// A new database that is a copy of a template, which is made once in this process.
    ///
    /// - Parameters:
    ///   - template: the template's name.
    ///   - prepare: fills the template, given its URL; must leave no connection behind.
    /// - Returns: the new database's URL.
    package static func make(
        template: String,
        prepare: @escaping @Sendable (_ url: String) async throws -> Void
    ) async throws -> String {
        try await TestPostgres.shared.prepare(template, prepare)
        return try await TestPostgres.shared.makeDatabase(template: template)
    }

    /// A server of the test's own, to be killed and restarted; not started yet. Removed when the process ends.
    package static func makeServer() throws -> PrivatePostgres {
        PrivatePostgres(TestDirectories.options(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
}

private actor TestPostgres {
    static let shared = TestPostgres()

    private let server = PrivatePostgres(
        TestDirectories.options(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
    private var starting: Task<Void, any Error>?
    private var templates: [String: Task<Void, any Error>] = [:]
    private var count = 0

    private func start() async throws {
        // Awaited by all who come while it starts.
        let task = self.starting ?? Task { try await self.server.start() }
        self.starting = task
        try await task.value
    }

    func makeDatabase(template: String?) async throws -> String {
        try await self.start()
        self.count += 1
        let name = "test_\(self.count)"
        try await self.server.ensureDatabase(name, template: template)
        return try await self.server.url(database: name)
    }

    func prepare(_ template: String, _ fill: @escaping @Sendable (String) async throws -> Void) async throws {
        try await self.start()
        let task =
            self.templates[template]
            ?? Task {
                try await self.server.ensureDatabase(template)
                try await fill(self.server.url(database: template))
            }
        self.templates[template] = task
        try await task.value
    }
}

/// The directories of the servers of this process: made under the temporary directory, removed at its end.
private enum TestDirectories {
    private static let made = NIOLockedValueBox<[String]>([])

    static func options() -> PrivatePostgres.Options {
        let directory: String
        do {
            directory = try PrivateFiles.makeTemporaryFolder(prefix: "millrace-test")
        } catch {
            preconditionFailure("\(error)")
        }
        // The user of the server must be able to enter it.
        chmod(directory, 0o755)
        let isFirst = self.made.withLockedValue { made in
            made.append(directory)
            return made.count == 1
        }
        if isFirst { atexit { TestDirectories.removeAll() } }
        var options = PrivatePostgres.Options(directory: "\(directory)/postgres")
        options.isDurable = false
        return options
    }

    private static func removeAll() {
        for directory in self.made.withLockedValue({ $0 }) { PrivatePostgres.endAtOnce("\(directory)/postgres") }
        for directory in self.made.withLockedValue({ $0 }) { PrivatePostgres.remove(directory) }
    }
}
