import Catalog
import Domain
import Postgres
import Testing

/// Derive tasks make what is missing, and only that.
@Suite struct MissingTests {
    /// Five files of `events`; of the first and the second `derived` holds what was made of them, of the fourth `more`. What was made of the
    /// second is lost. The container `both` holds the two.
    private static let script = """
        SET LOCAL session_replication_role = replica;
        INSERT INTO dataset (id, name, home) OVERRIDING SYSTEM VALUE VALUES (101, 'events', 'HOME'), (102, 'derived', 'HOME'), (103, 'more', 'HOME');
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, lost) OVERRIDING SYSTEM VALUE
        SELECT n, '/events/' || n, 5, '00000001', '00000001', 10, n = 112 FROM unnest('{101,102,103,104,105,111,112,114}'::bigint[]) n;
        INSERT INTO dataset_file (dataset, file)
        VALUES (101, 101), (101, 102), (101, 103), (101, 104), (101, 105), (102, 111), (102, 112), (103, 114);
        INSERT INTO file_parent (file, parent) VALUES (111, 101), (112, 102), (114, 104);
        INSERT INTO container (id, name, owner) OVERRIDING SYSTEM VALUE VALUES (101, 'both', 'ann');
        INSERT INTO container_member (container, dataset) VALUES (101, 102), (101, 103);
        """

    /// The files of a dataset of which something is missing in another, or in a container.
    static func missing(from dataset: String, in name: String, _ world: RecoveryWorld) async throws -> [InputFile] {
        let files = try await world.database.query(ExpansionStatements.datasetFiles(dataset))
        let made = try await world.database.query(DerivedStatements.made(in: name, of: files.map(\.0)))
        return
            files.map { row in
                let slices = made.filter { $0.0 == row.0 }.map { EventSlice(first: $0.1, count: $0.2) }
                return InputFile(file: row.0, events: row.1).without(slices)
            }
            .filter { $0.left?.isEmpty != true }
    }

    /// A request that derives what is missing, approved: what came of it, and its number.
    static func approve(
        _ name: String,
        missingIn: String,
        in world: RecoveryWorld
    ) async throws -> (outcome: Outcome, request: Int64) {
        let document = WorkflowDocument(
            name: name,
            tasks: [
                TaskTemplate(
                    name: "derive",
                    kind: "derive",
                    inputs: [InputTemplate(dataset: "events", missingIn: missingIn)],
                    steps: [StepTemplate(name: "read", command: ["true"])],
                    outputs: [OutputTemplate(stream: "out", file: "out.dat")]
                )
            ]
        )
        _ = try await world.operations().addWorkflow(document)
        let made = try await world.operations().createRequest(NewRequest(workflow: name))
        let request = try #require(
            Int64(made.result.split(separator: "\"request\":").last?.prefix { $0.isNumber } ?? "")
        )
        return (try await world.operations().approve(request, version: nil, home: "HOME", reason: nil), request)
    }

    @Test func whatIsThereIsNotMadeAgain() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let all = try await world.database.query(ExpansionStatements.datasetFiles("events")).map(\.0)
            #expect(all == [101, 102, 103, 104, 105])
            let ofDataset = try await Self.missing(from: "events", in: "derived", world)
            #expect(ofDataset.map(\.file) == [102, 103, 104, 105], "what was made of 102 is lost, of 104 elsewhere")
            #expect(ofDataset.allSatisfy { $0.left == nil }, "nothing is known of parts of them")
            let ofContainer = try await Self.missing(from: "events", in: "both", world)
            #expect(ofContainer.map(\.file) == [102, 103, 105])
        }
    }

    @Test func whatNobodyKnowsLacksNothing() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            await expectRefusal(
                "there is no dataset or container derivd, of which the request would make what is missing",
                .missing
            ) {
                try await Self.approve("typo", missingIn: "derivd", in: world).outcome
            }
            for name in ["derived", "both"] {
                let outcome = try await Self.approve("in.\(name)", missingIn: name, in: world).outcome
                #expect(outcome.changed)
            }
        }
    }
}
