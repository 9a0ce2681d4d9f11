import Postgres
import Testing
import TestSupport

@Suite struct StatementTests {
    @Test func interpolationMakesParametersOnly() {
        let id = 7
        let name = "x'; DROP TABLE t; --"
        let filter: SQL = "name = \(name) OR note = '$1 \\$2'"
        let column: StaticString = "id"
        let sql: SQL = "SELECT \(unsafe: column) FROM t WHERE id = \(id) AND (\(fragment: filter)) LIMIT \(3)"
        #expect(sql.text == "SELECT id FROM t WHERE id = $1 AND (name = $2 OR note = '$1 \\$2') LIMIT $3")
        #expect(sql.parameters == [id.encode(), name.encode(), 3.encode()])
    }

    @Test func fragmentsAreRenumberedAtEveryDepth() {
        let inner: SQL = "a = \(1)"
        let middle: SQL = "(\(fragment: inner) OR \(fragment: inner))"
        let outer: SQL = "b = \(2) AND \(fragment: middle) AND c = \(3)"
        #expect(outer.text == "b = $1 AND (a = $2 OR a = $3) AND c = $4")
        #expect(outer.parameters.map(\.text) == ["2", "1", "1", "3"])
        let joined = SQL.joined([inner, inner, "true"], separator: " AND ")
        #expect(joined.text == "a = $1 AND a = $2 AND true")
    }

    @Test func aParameterStaysDataWhateverItHolds() async throws {
        try await withDatabase { client, _ in
            try await client.execute("CREATE TABLE t (name text PRIMARY KEY)")
            let attack = "x'); DROP TABLE t; --"
            let result1 = try await client.execute("INSERT INTO t VALUES (\(attack))")
            #expect(result1 == 1)
            let found = try await client.query(
                Statement("find", "SELECT name FROM t WHERE name = \(attack)", returning: String.self)
            )
            #expect(found == [attack])
        }
    }

    @Test func aBatchIsOneStatementOfArrays() async throws {
        try await withDatabase { client, _ in
            try await client.execute("CREATE TABLE t (id bigint PRIMARY KEY, name text)")
            let ids = Array(1...500)
            let names: [String?] = ids.map { $0 % 2 == 0 ? nil : "name \"\($0)\"" }
            let result2 = try await client.execute("INSERT INTO t SELECT * FROM unnest(\(ids), \(names))")
            #expect(result2 == 500)
            let rows = try await client.query(
                Statement("all", "SELECT id, name FROM t ORDER BY id", returning: Int.self, String?.self)
            )
            #expect(rows.map(\.0) == ids && rows.map(\.1) == names)
        }
    }

    @Test func errorsCarryStateConstraintTableAndName() async throws {
        try await withDatabase { client, _ in
            try await client.execute("CREATE TABLE t (id bigint CONSTRAINT only_one PRIMARY KEY)")
            let insert = Command("insert t", "INSERT INTO t VALUES (\(4711))")
            let result3 = try await client.execute(insert)
            #expect(result3 == 1)
            let error = try #require(await postgresError { try await client.execute(insert) })
            #expect(error.code == .server && error.sqlState == "23505")
            #expect(error.constraint == "only_one" && error.table == "t" && error.statement == "insert t")
            #expect(error.detail?.contains("4711") == true)
            #expect(!error.description.contains("4711") && !error.description.contains("\n"))
            #expect(error.description.contains("SQLSTATE 23505, constraint only_one, table t, statement insert t"))
        }
    }

    @Test func anErrorDoesNotShowTheValueInItsLogLine() async throws {
        try await withDatabase { client, _ in
            let secret = "s3cret\nsecond line"
            let error = try #require(await postgresError { try await client.execute("SELECT \(secret)::bigint") })
            #expect(error.sqlState == "22P02" && error.message.contains("s3cret"))
            #expect(!error.description.contains("s3cret") && !error.description.contains("\n"))
        }
    }

    @Test func whatCannotBeSentIsRefusedBeforeSending() async throws {
        try await withDatabase { client, _ in
            let nul = await postgresError { try await client.execute("SELECT \("a\0b")") }
            #expect(nul?.code == .encoding)
            let one: SQL = "\(1)"
            let many = SQL.joined(Array(repeating: one, count: 65_536), separator: ",")
            let error = await postgresError { try await client.execute("SELECT \(fragment: many)") }
            #expect(error?.code == .encoding)
            let result4 = try await client.query(Statement("one", "SELECT 1", returning: Int32.self))
            #expect(result4 == [1])
        }
    }

    @Test func severalStatementsWithoutTransactionAreAllOrNothing() async throws {
        try await withDatabase { client, _ in
            try await client.execute("CREATE TABLE t (id bigint PRIMARY KEY)")
            let result5 = try await client.execute(["INSERT INTO t VALUES (1), (2)", "DELETE FROM t WHERE id = 1"])
            #expect(result5 == [2, 1])
            let error = await postgresError {
                try await client.execute(["INSERT INTO t VALUES (3)", "INSERT INTO t VALUES (2)"])
            }
            #expect(error?.sqlState == "23505")
            let result6 = try await client.query(Statement("ids", "SELECT id FROM t", returning: Int.self))
            #expect(result6 == [2])
        }
    }

    @Test func describeShowsParametersAndColumns() async throws {
        try await withDatabase { client, _ in
            let described = try await client.describe("SELECT \(1) AS a, \("x")::varchar AS b")
            #expect(described.parameters == [20, 25])
            #expect(described.columns.map(\.name) == ["a", "b"] && described.columns.map(\.oid) == [20, 1043])
        }
    }

    @Test func theSchemaCheckFindsEveryWrongDeclaration() async throws {
        try await withDatabase { client, url in
            try await client.executeScript("CREATE TABLE t (id int4 NOT NULL, name text, tags text[]);")
            let right = Statement(
                "right",
                "SELECT id, name, tags FROM t WHERE id = \(1)",
                returning: Int.self,
                String?.self,
                [String]?.self
            )
            let statements = [
                right.erased,
                Statement("type", "SELECT name FROM t", returning: Int.self).erased,
                Statement("narrow", "SELECT id FROM t", returning: Int16.self).erased,
                Statement("array", "SELECT tags FROM t", returning: [Int].self).erased,
                Statement("count", "SELECT id, name FROM t", returning: Int.self).erased,
                Command("text", "DELETE FROM t WHERE nothing = \(1)").erased,
                Command("operator", "DELETE FROM t WHERE id = \("x")").erased,
                Command("rows", "DELETE FROM t RETURNING id").erased,
                Command("good", "DELETE FROM t WHERE id = ANY(\([1, 2]))").erased,
            ]
            let found = try await PostgresSchemaCheck.mismatches(
                statements: statements,
                url: url,
                options: .public,
                logger: quiet
            )
            let names = found.compactMap { $0.split(separator: ":").first.map(String.init) }
            #expect(names == ["type", "narrow", "array", "count", "text", "operator", "rows"])
            #expect(found[0] == "type: column 1, name, is declared bigint, the server returns text")
        }
    }
}

extension PostgresOptions {
    /// Tests have no schema of ours.
    static var `public`: PostgresOptions {
        var options = PostgresOptions()
        options.searchPath = "public"
        return options
    }
}
