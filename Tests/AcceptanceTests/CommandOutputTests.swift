import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import Testing

/// What `millrace` prints is one answer, however many it took to find, and whatever is said beside it.
@Suite(.serialized) struct CommandOutputTests {
    private struct Dataset: Decodable {
        let dataset: String
        let files: Int64
    }

    private struct Request: Decodable {
        let workflow: String
        let state: String
    }

    /// Lines that are not said beside the answer.
    private static func answer(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("millrace: ") }
            .joined(separator: "\n")
    }

    @Test func whatIsPrintedIsOneAnswer() async throws {
        try await LifecycleTests.withCentre(services: []) { centre, processes in
            let gateway = try await centre.startGateway()
            processes.append(gateway.process)
            let shell = try await OperatorShell("olga", centre, gateway)
            try await Self.checkList(shell)
            try await Self.checkRequest(shell, centre)
            try await Self.checkDataset(shell, centre)
        }
    }

    /// A list that is cut says of how many rows, and prints nothing else.
    private static func checkList(_ shell: OperatorShell) async throws {
        for name in ["uds91", "uds92"] {
            let added = try await shell.millrace(
                ["sample", "add", name, "--process", "uds", "--generator", "pythia", "--energy", "91"]
                    + ["--total-events", "100"]
            )
            #expect(added.exit == .status(0), "\(added.text)")
        }
        let list = try await shell.millrace("sample", "list", "--limit", "1")
        #expect(list.exit == .status(0) && list.text.contains("uds91") && !list.text.contains("uds92"), "\(list.text)")
        #expect(list.text.contains("there are more than these 1 rows"), "\(list.text)")
        #expect(!list.text.contains("\n\n"), "\(list.text)")
    }

    /// A request that is tried dry is an object, also when it would be approved.
    private static func checkRequest(_ shell: OperatorShell, _ centre: TestCentre) async throws {
        let task = TaskTemplate(
            name: "generate",
            kind: "generate",
            events: "100",
            eventsPerJob: "10",
            steps: [StepTemplate(name: "make", command: ["true"])],
            outputs: [OutputTemplate(stream: "gen", file: "gen.dat")]
        )
        let operations = Operations(centre.database, caller: centre.caller)
        _ = try await operations.addWorkflow(WorkflowDocument(name: "gen", tasks: [task]))
        let tried = try await shell.millrace("request", "create", "gen", "--approve", "--dry-run", "--json")
        #expect(tried.exit == .status(0) && tried.text.contains("it would then be approved"), "\(tried.text)")
        let request = try WireFormat.value(Request.self, from: Self.answer(tried.text))
        #expect(request.workflow == "gen" && request.state == "new")
        #expect(try await centre.one("SELECT count(*) FROM request", as: Int64.self) == 0)
    }

    /// More files than the centre takes at once are one change to whoever reads the answer; a refusal says how far it came.
    private static func checkDataset(_ shell: OperatorShell, _ centre: TestCentre) async throws {
        let operations = Operations(centre.database, caller: centre.caller)
        for name in ["mine", "yours"] {
            _ = try await operations.createDataset(name, home: "HOME-DISK", metadata: [:], reason: nil)
        }
        try await centre.database.execute(
            """
            INSERT INTO file (lfn, bytes, adler32, crc32c, events)
            SELECT '/old/' || n, 5, '00000001', '00000001', 10 FROM generate_series(1, 1001) n
            """
        )
        try await centre.database.execute(
            "INSERT INTO replica (file, storage, state) SELECT id, 'HOME-DISK', 'available' FROM file"
        )
        let names = (1...1001).map { "/old/\($0)" }
        let added = try await shell.millrace(["dataset", "add", "mine"] + names + ["--json"])
        #expect(added.exit == .status(0), "\(added.text)")
        let dataset = try WireFormat.value(Dataset.self, from: added.text)
        #expect(dataset.dataset == "mine" && dataset.files == 1001)

        let others = Array(names.dropLast()) + ["/none"]
        let refused = try await shell.millrace(["dataset", "add", "yours"] + others + ["--json"])
        #expect(refused.exit != .status(0) && !refused.text.contains("{"), "\(refused.text)")
        #expect(refused.text.contains("/none"), "\(refused.text)")
        #expect(
            refused.text.contains("the 1000 files before these are in the dataset; the rest of the list is not"),
            "\(refused.text)"
        )
        let held: Int64? = try await centre.one(
            "SELECT files FROM dataset_view WHERE dataset = 'yours'",
            as: Int64.self
        )
        #expect(held == 1000)
    }
}
