import Catalog
import Domain
import Logging
import Postgres
import TestSupport
import Testing

/// A migrated database, one for each test, copied from a template.
enum CatalogDatabase {
    static let logger = Logger(label: "catalog-test") { _ in SwiftLogNoOpLogHandler() }

    static func make() async throws -> String {
        try await TestDatabase.make(template: "millrace_template") { url in
            _ = try await Migrator.migrate(url: url, logger: Self.logger)
        }
    }
}

@Suite struct SchemaTests {
    @Test func everyStatementFitsTheSchema() async throws {
        let mismatches = try await PostgresSchemaCheck.mismatches(
            statements: CatalogStatements.all,
            url: try await CatalogDatabase.make(),
            logger: CatalogDatabase.logger
        )
        for line in mismatches { Issue.record("\(line)") }
    }

    @Test func migratingTwiceChangesNothing() async throws {
        let url = try await TestDatabase.make()
        #expect(try await Migrator.migrate(url: url, logger: CatalogDatabase.logger) == Migration.all.map(\.name))
        #expect(try await Migrator.migrate(url: url, logger: CatalogDatabase.logger).isEmpty)
    }

    @Test func anEditedMigrationIsRefused() async throws {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) { session in
            try await session.executeScript(
                "UPDATE millrace.schema_migration SET checksum = 'edited' WHERE version = 2"
            )
        }
        await #expect(throws: CatalogRefusal.self) {
            try await Migrator.migrate(url: url, logger: CatalogDatabase.logger)
        }
    }

    @Test func theCatalogueAllowsExactlyTheMovesOfTheDomain() async throws {
        let url = try await CatalogDatabase.make()
        let legal = Statement<String, String?, String>(
            "test.legal",
            "SELECT kind, from_state, to_state FROM millrace.legal_transition",
            returning: String.self,
            String?.self,
            String.self
        )
        let rows = try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
            try await $0.query(legal)
        }
        let inCatalogue = Set(rows.map { "\($0.0): \($0.1 ?? "-") -> \($0.2)" })
        #expect(inCatalogue == Self.domainMoves, "\(inCatalogue.symmetricDifference(Self.domainMoves).sorted())")
    }

    static var domainMoves: Set<String> {
        func moves<State: StateMachine>(_ type: State.Type) -> [String] {
            State.transitions.map { "\(State.kind): \($0.from?.rawValue ?? "-") -> \($0.to.rawValue)" }
        }
        return Set(
            moves(RequestState.self) + moves(TaskState.self) + moves(JobState.self) + moves(AttemptState.self)
                + moves(TransferState.self) + moves(DatasetState.self) + moves(SiteAccess.self) + moves(FileState.self)
                + moves(VerdictState.self) + moves(PlaceState.self) + moves(RegistrationState.self)
        )
    }
}
