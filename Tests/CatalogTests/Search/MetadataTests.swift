import Catalog
import Domain
import Messages
import Postgres
import Testing

/// Typed values of files and datasets, and sets of datasets.
@Suite struct MetadataTests {
    private static func withFiles(
        _ body: @escaping @Sendable (PostgresClient, Operations) async throws -> Void
    ) async throws {
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
            try await $0.executeScript(DoctorWorld.script)
        }
        let client = PostgresClient(url: url, logger: CatalogDatabase.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(client, Operations(client, caller: Caller(who: "olga", role: .operator)))
        }
    }

    private static func find(_ query: String, _ database: PostgresClient) async throws -> Set<String> {
        let rows = try await database.withTransaction { transaction in
            let search = try await FileSearch.prepare(query, for: .page, in: transaction)
            return try await transaction.query(try search.page(Listing.Query()))
        }
        return Set(rows.map(\.0))
    }

    private static func refusal(_ body: () async throws -> some Sendable) async -> String {
        do {
            _ = try await body()
            return "no refusal"
        } catch {
            return "\(error)"
        }
    }

    private static func expect(
        _ words: String,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> some Sendable
    ) async {
        let refusal = await Self.refusal(body)
        #expect(refusal.contains(words), sourceLocation: sourceLocation)
    }

    @Test func aFilesOwnValueOutranksThatOfItsDataset() async throws {
        try await Self.withFiles { database, operations in
            for (name, type) in [("run", MetadataType.integer), ("quality", .text), ("taken", .time)] {
                #expect(try await operations.addField(name, type: type, description: "").changed)
                #expect(try await !operations.addField(name, type: type, description: "").changed)
            }
            // The dataset raw is closed: its files cannot change, what is said of them can.
            #expect(try await operations.tag(dataset: "raw", ["run": "7", "quality": "good"], remove: []).changed)
            #expect(try await !operations.tag(dataset: "raw", ["run": "7"], remove: []).changed)
            #expect(try await operations.tag(dataset: "made", ["run": "7"], remove: []).changed)
            #expect(try await Self.find("run = 7", database) == ["/raw/0", "/made/0"])
            let tagged = try await operations.tag(file: "/raw/0", ["run": "8", "taken": "2026-11-01"], remove: [])
            #expect(tagged.lines == ["file /raw/0: run = 8, taken = 2026-11-01"])
            #expect(tagged.result.contains("\"metadata\":{"))
            #expect(try await Self.find("run = 7", database) == ["/made/0"])
            #expect(try await Self.find("run = 8 and quality = 'good' and taken < 2026-11-02", database) == ["/raw/0"])
            #expect(try await operations.tag(file: "/raw/0", [:], remove: ["run"]).changed)
            #expect(try await Self.find("run = 7 and quality = 'good'", database) == ["/raw/0"])
            // A file that comes later has what its dataset says.
            try await database.execute(
                """
                WITH f AS (INSERT INTO file (lfn, bytes, adler32, crc32c, events) VALUES ('/late', 1, '00000001', '00000001', 1) RETURNING id)
                INSERT INTO dataset_file SELECT 1, id FROM f
                """
            )
            #expect(try await Self.find("run = 7", database) == ["/raw/0", "/made/0", "/late"])
            let changes = Statement<String, String>(
                "test.changes",
                "SELECT subject, detail::text FROM metadata_change ORDER BY id DESC LIMIT 1",
                returning: String.self,
                String.self
            )
            #expect(try await database.query(changes).first?.0 == "file:/raw/0")
            #expect(try await database.query(changes).first?.1 == #"{"run": null}"#)
        }
    }

    @Test func aValueOfAnotherTypeIsRefusedByOneLineAndByTheDatabase() async throws {
        try await Self.withFiles { database, operations in
            _ = try await operations.addField("run", type: .integer, description: "")
            _ = try await operations.addField("energy", type: .number, description: "")
            let wrong = await Self.refusal { try await operations.tag(file: "/raw/0", ["run": "x"], remove: []) }
            #expect(wrong == "metadata run: x is not a whole number")
            let unknown = await Self.refusal { try await operations.tag(file: "/raw/0", ["rum": "1"], remove: []) }
            #expect(unknown.contains("did you mean run?") && unknown.contains("millrace metadata add"))
            let known = await Self.refusal { try await operations.tag(file: "/raw/0", ["bytes": "1"], remove: []) }
            #expect(known.contains("it cannot be said"))
            let twice = await Self.refusal { try await operations.tag(file: "/raw/0", ["run": "1"], remove: ["run"]) }
            #expect(twice == "run is to be set and to be removed")
            await Self.expect("nothing") { try await operations.tag(file: "/raw/0", [:], remove: []) }
            await Self.expect("no file") { try await operations.tag(file: "/no", ["run": "1"], remove: []) }
            let again = await Self.refusal { try await operations.addField("run", type: .text, description: "") }
            #expect(again.contains("is of type integer"))
            for bad: SQL in [
                "INSERT INTO file_metadata (file, field, type, text_value) VALUES (1, 1, 'text', 'x')",
                "INSERT INTO file_metadata (file, field, type, text_value) VALUES (1, 1, 'integer', 'x')",
                "INSERT INTO file_metadata (file, field, type) VALUES (1, 1, 'integer')",
                "INSERT INTO file_metadata (file, field, type, integer_value, text_value) VALUES (1, 1, 'integer', 1, 'x')",
                "INSERT INTO file_metadata (file, field, type, number_value) VALUES (1, 2, 'number', 'NaN')",
                "INSERT INTO file_metadata (file, field, type, number_value) VALUES (1, 2, 'number', 'Infinity')",
                "INSERT INTO dataset_metadata (dataset, field, type, number_value) VALUES (1, 1, 'number', 1)",
                "INSERT INTO dataset_metadata (dataset, field, type, boolean_value) VALUES (1, 1, 'integer', true)",
                "INSERT INTO file_metadata (file, field, type, integer_value) VALUES (99, 1, 'integer', 1)",
                "UPDATE metadata_change SET who = 'me'", "DELETE FROM metadata_change",
            ] {
                await #expect(throws: PostgresError.self, "\(bad.text)") { try await database.execute(bad) }
            }
            try await database.execute(
                "INSERT INTO file_metadata (file, field, type, integer_value) VALUES (1, 1, 'integer', 1)"
            )
            // Its type cannot be changed under its values.
            await #expect(throws: PostgresError.self) {
                try await database.execute("UPDATE metadata_field SET type = 'text' WHERE name = 'run'")
            }
        }
    }

    /// What a file is of is known also when its output is in the archive.
    @Test func theStreamOfAFileOutlivesItsOutput() async throws {
        try await Self.withFiles { database, _ in
            #expect(try await Self.find("stream = 'out'", database) == ["/raw/0", "/made/0"])
            try await database.withTransaction { transaction in
                try await transaction.execute(["SET LOCAL session_replication_role = replica", "DELETE FROM output"])
            }
            #expect(try await Self.find("stream = 'out'", database) == ["/raw/0", "/made/0"])
            #expect(try await Self.find("exists(stream) and stream like 'l*'", database) == [])
        }
    }

    @Test func aFieldInUseStays() async throws {
        try await Self.withFiles { database, operations in
            for name in ["one", "two", "three", "four"] {
                _ = try await operations.addField(name, type: .integer, description: "")
            }
            _ = try await operations.tag(file: "/raw/0", ["one": "1"], remove: [])
            _ = try await operations.tag(dataset: "raw", ["two": "1"], remove: [])
            try await database.execute([
                """
                INSERT INTO task (request, name, position, kind, class, priority, spec) VALUES (1, 'later', 1, 'process', 1, 1, '{}')
                """,
                "INSERT INTO task_input (task, position, query) VALUES (4, 0, 'three > 1')",
            ])
            await Self.expect("such as by file /raw/0") { try await operations.removeField("one") }
            await Self.expect("such as by dataset raw") { try await operations.removeField("two") }
            await Self.expect("such as by task 4, which looks for it") { try await operations.removeField("three") }
            #expect(try await operations.removeField("four").lines == ["field four is gone"])
            await Self.expect("there is no field") { try await operations.removeField("four") }
        }
    }

    /// Request 4 would merge what its query finds.
    private static var finding: WorkflowDocument {
        WorkflowDocument(
            name: "finding",
            tasks: [
                TaskTemplate(
                    name: "merge",
                    kind: "merge",
                    filesPerJob: 5,
                    inputs: [InputTemplate(query: "run = 7")],
                    steps: [StepTemplate(name: "merge", command: ["true"])],
                    outputs: [OutputTemplate(stream: "merged", file: "merged.dat")]
                )
            ]
        )
    }

    @Test func anApprovalWaitsForTheRemovalOfAFieldThatItNames() async throws {
        try await RecoveryWorld.with("SELECT 1") { world in
            let olga = world.operations()
            _ = try await olga.addField("run", type: .integer, description: "")
            _ = try await olga.addWorkflow(Self.finding)
            _ = try await olga.createRequest(NewRequest(workflow: "finding"))
            let told = try await world.crossing {
                try await $0.execute(["DELETE FROM metadata_field WHERE name = 'run'"])
            } _: {
                await Self.refusal { try await olga.approve(4, version: nil, home: nil, reason: nil) }
            }
            #expect(told.contains("task merge, inputs[0]: ") && told.contains("there is no field run"), "\(told)")
            #expect(try await world.text("SELECT state FROM millrace.request WHERE id = 4") == "new")
        }
    }

    @Test func theRemovalOfAFieldWaitsForAnApprovalThatNamesIt() async throws {
        try await RecoveryWorld.with("SELECT 1") { world in
            let olga = world.operations()
            _ = try await olga.addField("run", type: .integer, description: "")
            _ = try await olga.addField("quality", type: .text, description: "")
            let named = MetadataStatements.keepFields(["quality"], in: ["not (run > 7)", "rung = 1", "a_run = 1"])
            let told = try await world.crossing { transaction in
                let held: [String] = try await transaction.query(named)
                #expect(held == ["quality", "run"])
                try await transaction.execute([
                    """
                    INSERT INTO task (request, name, position, kind, class, priority, spec) VALUES (1, 'later', 1, 'process', 1, 1, '{}')
                    """,
                    "INSERT INTO task_input (task, position, query) VALUES (4, 0, 'not (run > 7)')",
                ])
            } _: {
                await Self.refusal { try await olga.removeField("run") }
            }
            #expect(told.contains("such as by task 4, which looks for it"), "\(told)")
        }
    }

    @Test func aFieldToGroupByThatIsGoneIsNotLeftOut() async throws {
        try await Self.withFiles { database, _ in
            let files = [InputFile(file: 1, events: 10), InputFile(file: 2, events: 10)]
            let told = await Self.refusal {
                try await database.withTransaction { try await InputKeys.read(files, by: ["site", "gone"], in: $0) }
            }
            #expect(told.hasPrefix("groupBy: there is no field gone"), "\(told)")
        }
    }

    /// What reads it would wait for ever.
    @Test func aContainerWithoutDatasetsStaysOpen() async throws {
        try await Self.withFiles { (database, _) async throws -> Void in
            let mary = Operations(database, caller: Caller(who: "mary", role: .physicist))
            _ = try await mary.createContainer("mine")
            let refusal =
                "container mine has no dataset, and a closed one never gets any: first millrace container add mine"
            await expectRefusal(refusal) { try await mary.close(container: "mine") }
            _ = try await mary.add(["raw"], to: "mine")
            _ = try await mary.remove(["raw"], from: "mine")
            await expectRefusal(refusal) { try await mary.close(container: "mine") }
            _ = try await mary.add(["raw"], to: "mine")
            #expect(try await mary.close(container: "mine").changed)
            await expectRefusal("container mine is closed") { try await mary.remove(["raw"], from: "mine") }
        }
    }

    @Test func aContainerIsItsOwnersAndClosedForGood() async throws {
        // What macros throw is not inferred.
        try await Self.withFiles { (database, operations) async throws -> Void in
            let mary = Operations(database, caller: Caller(who: "mary", role: .physicist))
            let john = Operations(database, caller: Caller(who: "john", role: .physicist))
            #expect(try await mary.createContainer("mine").changed)
            #expect(try await !mary.createContainer("mine").changed)
            await Self.expect("it is mary's") { try await john.createContainer("mine") }
            await Self.expect("not allowed") { try await mary.createContainer("a/b") }
            #expect(try await mary.add(["raw", "made"], to: "mine").lines == ["container mine: 2 datasets added"])
            #expect(try await !mary.add(["raw"], to: "mine").changed)
            await Self.expect("there is no dataset none") { try await mary.add(["none"], to: "mine") }
            await Self.expect("only they or an operator") { try await john.add(["raw"], to: "mine") }
            #expect(try await Self.find("container = 'mine'", database) == ["/raw/0", "/made/0"])
            #expect(try await operations.remove(["made"], from: "mine").changed)
            #expect(try await Self.find("container = 'mine'", database) == ["/raw/0"])
            #expect(try await mary.close(container: "mine").result.contains("\"members\":[\"raw\"]"))
            await Self.expect("is closed") { try await mary.add(["made"], to: "mine") }
            for bad: SQL in [
                "INSERT INTO container_member (container, dataset) VALUES (1, 1)",
                "DELETE FROM container_member", "UPDATE container_member SET dataset = 1",
                "UPDATE container SET state = 'open', closed = NULL", "UPDATE container SET name = 'other'",
                "DELETE FROM container",
            ] {
                await #expect(throws: PostgresError.self, "\(bad.text)") { try await database.execute(bad) }
            }
            await Self.expect("there is no container") { try await mary.close(container: "none") }
        }
    }

    @Test func anInputHasOneSource() async throws {
        try await Self.withFiles { database, _ in
            for bad: SQL in [
                "INSERT INTO task_input (task, position, dataset, query) VALUES (1, 5, 'raw', 'lost')",
                "INSERT INTO task_input (task, position, query, stream) VALUES (1, 5, 'lost', 'out')",
                "INSERT INTO task_input (task, position, parent) VALUES (1, 5, 3)",
                "INSERT INTO task_input (task, position) VALUES (1, 5)",
                "INSERT INTO task_input (task, position, container, parent, stream) VALUES (1, 5, 'c', 3, 'out')",
            ] {
                await #expect(throws: PostgresError.self, "\(bad.text)") { try await database.execute(bad) }
            }
            try await database.execute("INSERT INTO task_input (task, position, query) VALUES (1, 5, 'lost')")
            try await database.execute("INSERT INTO task_input (task, position, container) VALUES (1, 6, 'c')")
        }
    }
}
