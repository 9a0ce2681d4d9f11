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

    @Test func whatIsThereIsNotMadeAgain() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            func missing(_ name: String?) async throws -> [Int64] {
                try await world.database.query(ExpansionStatements.datasetFiles("events", missingIn: name)).map(\.0)
            }
            let all = try await missing(nil)
            #expect(all == [101, 102, 103, 104, 105])
            let ofDataset = try await missing("derived")
            #expect(ofDataset == [102, 103, 104, 105], "what was made of 102 is lost, of 104 elsewhere")
            let ofContainer = try await missing("both")
            #expect(ofContainer == [102, 103, 105])
        }
    }

    @Test func whatNobodyKnowsLacksNothing() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            func approve(_ name: String, missingIn: String) async throws -> Outcome {
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
                return try await world.operations().approve(request, version: nil, home: "HOME", reason: nil)
            }
            await expectRefusal(
                "there is no dataset or container derivd, of which the request would make what is missing",
                .missing
            ) {
                try await approve("typo", missingIn: "derivd")
            }
            for name in ["derived", "both"] {
                let outcome = try await approve("in.\(name)", missingIn: name)
                #expect(outcome.changed)
            }
        }
    }
}
