import Glibc
import Postgres
import PrivateServers
import Testing
import TestSupport

@Suite struct PrivatePostgresTests {
    @Test func dataAndPasswordOutliveTheServer() async throws {
        let server = try TestDatabase.makeServer()
        try await server.start()
        try await server.ensureDatabase("kept")
        try await server.ensureDatabase("kept")
        let url = try await server.url(database: "kept")
        try await PostgresSession.with(url: url, options: .public, logger: quiet) {
            try await $0.executeScript("CREATE TABLE t (id int)")
        }
        let first = await server.processID
        try await server.restart()
        let second = await server.processID
        #expect(first != second && second != nil)
        await server.kill9()
        #expect(await server.processID == nil)
        try await server.start()
        let again = try await server.url(database: "kept")
        #expect(url == again)
        try await PostgresSession.with(url: url, options: .public, logger: quiet) {
            try await $0.executeScript("INSERT INTO t VALUES (1)")
        }
        await server.stop()
    }

    @Test func aDirectoryThatTheServersUserCannotEnterIsToldClearly() async throws {
        guard geteuid() == 0 else { return }
        let directory = try PrivateFiles.makeTemporaryFolder(prefix: "millrace-closed")
        let server = PrivatePostgres(.init(directory: "\(directory)/postgres"), logger: quiet)
        let error = await #expect(throws: ServerError.self) { try await server.start() }
        #expect(error?.description.contains("cannot enter \(directory): chmod o+x") == true)
        PrivatePostgres.remove(directory)
    }

    @Test func aServerThatEndsAtItsStartTellsWhy() async throws {
        let first = try TestDatabase.makeServer()
        try await first.start()
        let port = try #require(Int(try await first.url().split(separator: ":").last?.split(separator: "/")[0] ?? ""))
        var options = PrivatePostgres.Options(directory: "")
        let other = try TestDatabase.makeServer()
        options.directory = other.directory
        options.port = port
        let server = PrivatePostgres(options, logger: quiet)
        let error = await #expect(throws: ServerError.self) { try await server.start() }
        #expect(error?.description.contains("Address already in use") == true)
        await first.stop()
    }
}
