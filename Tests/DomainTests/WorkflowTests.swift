import Domain
import Testing

@Suite struct WorkflowTests {
    private func document(_ change: (inout WorkflowDocument) -> Void = { _ in }) -> WorkflowDocument {
        var document = WorkflowDocument(
            name: "sim",
            parameters: ["total": ParameterTemplate(default: "100"), "energy": ParameterTemplate()],
            tasks: [
                TaskTemplate(
                    name: "gen",
                    kind: "generate",
                    events: "${total}",
                    eventsPerJob: 10,
                    steps: [
                        StepTemplate(name: "make", command: ["make", "--energy", "${energy}", "--seed", "${seed}"])
                    ],
                    outputs: [OutputTemplate(stream: "gen", file: "gen.dat")]
                ),
                TaskTemplate(
                    name: "merge",
                    kind: "merge",
                    inputs: [InputTemplate(task: "gen", stream: "gen")],
                    steps: [StepTemplate(name: "merge", command: ["cat", "${inputs}"])],
                    outputs: [OutputTemplate(stream: "all", file: "all.dat", dataset: "all.${energy}")]
                ),
            ]
        )
        change(&document)
        return document
    }

    @Test func aGoodDocumentHasNoProblems() { #expect(self.document().problems().isEmpty) }

    @Test func parametersAreFilledInAndJobVariablesStay() throws {
        let plans = try self.document().plan(given: ["energy": "91"], request: 7, defaultHome: "DISK")
        #expect(plans[0].steps[0].command == ["make", "--energy", "91", "--seed", "${seed}"])
        #expect(plans[0].jobs == 10)
        #expect(plans[1].jobs == nil)
        #expect(plans[0].outputs[0].dataset == "7.gen.gen")
        #expect(plans[1].outputs[0].dataset == "all.91")
        #expect(plans[1].outputs[0].home == "DISK")
    }

    @Test func queriesAndMetadataAreFilledIn() throws {
        let document = self.document {
            $0.tasks[0].metadata = ["energy": "${energy}", "quality": "raw"]
            $0.tasks[0].outputs[0].metadata = ["quality": "good"]
            $0.tasks[1].groupBy = ["run", "site"]
            $0.tasks[1].inputs = [
                InputTemplate(query: "energy = ${energy} and events > ${total}"),
                InputTemplate(container: "c.${energy}"),
            ]
        }
        #expect(document.problems().isEmpty)
        let plans = try document.plan(given: ["energy": "91"], request: 7, defaultHome: "DISK")
        #expect(plans[0].metadata == ["gen": ["energy": "91", "quality": "good"]])
        #expect(plans[1].metadata.isEmpty && plans[1].groupBy == ["run", "site"])
        #expect(plans[1].inputs.map(\.query) == ["energy = 91 and events > 100", nil])
        #expect(plans[1].inputs.map(\.container) == [nil, "c.91"])
    }

    @Test func aMissingOrUnknownParameterIsRefused() {
        #expect(throws: DocumentProblem.self) { try self.document().plan(given: [:], request: 1, defaultHome: "D") }
        #expect(throws: DocumentProblem.self) {
            try self.document().plan(given: ["energy": "91", "enrgy": "1"], request: 1, defaultHome: "D")
        }
    }

    @Test func anImpossibleRequirementIsRefused() {
        let document = self.document { $0.tasks[0].resources = ResourceTemplate(cores: 0) }
        #expect(throws: DocumentProblem.self) {
            try document.plan(given: ["energy": "91"], request: 1, defaultHome: "D")
        }
    }

    private static let broken: [(String, @Sendable (inout WorkflowDocument) -> Void)] = [
        (
            "wait for each other",
            { document in
                document.tasks[0].kind = "process"
                document.tasks[0].inputs = [InputTemplate(task: "merge", stream: "all")]
            }
        ),
        ("there is no task", { $0.tasks[1].inputs = [InputTemplate(task: "nobody", stream: "gen")] }),
        ("holds no events: no job can read it", { $0.tasks[0].outputs[0].events = false }),
        ("has no stream", { $0.tasks[1].inputs = [InputTemplate(task: "gen", stream: "other")] }),
        ("two tasks are named", { $0.tasks[1].name = "gen" }),
        ("needs inputs", { $0.tasks[1].inputs = nil }),
        ("is not known", { $0.tasks[0].kind = "guess" }),
        ("a derive task says in missingIn", { $0.tasks[1].kind = "derive" }),
        (
            "a derive task reads a dataset",
            {
                $0.tasks[1].kind = "derive"
                $0.tasks[1].inputs = [InputTemplate(task: "gen", stream: "gen", missingIn: "x")]
            }
        ),
        ("missingIn is for derive tasks", { $0.tasks[1].inputs = [InputTemplate(dataset: "d", missingIn: "x")] }),
        ("filesPerJob: is for tasks that merge or analyse", { $0.tasks[0].filesPerJob = 3 }),
        (
            "flushAfter: needs eventsPerJob",
            {
                $0.tasks[1].filesPerJob = nil
                $0.tasks[1].flushAfter = 60
            }
        ),
        ("0 is not a number from 1 to 1000000", { $0.tasks[1].filesPerJob = 0 }),
        ("neither a parameter nor a job variable", { $0.tasks[0].steps[0].command = ["x", "${sead}"] }),
        ("at least one step", { $0.tasks[0].steps = [] }),
        ("is not among the workflow's software", { $0.tasks[0].software = ["root"] }),
        ("is not a plain file name", { $0.tasks[0].outputs[0].file = "../gen.dat" }),
        ("5000 is not a number from 1 to 4096", { $0.tasks[0].resources = ResourceTemplate(cores: "5000") }),
        ("0 is not a number from 1 to 100", { $0.tasks[1].maxAttempts = "0" }),
        ("holds no --hash", { $0.software = [SoftwarePackage(name: "x", version: "1", requirements: "numpy==1")] }),
        ("names one of these", { $0.tasks[1].inputs = [InputTemplate(dataset: "d", query: "lost")] }),
        ("only a task has a stream", { $0.tasks[1].inputs = [InputTemplate(stream: "x", container: "c")] }),
        (
            "inputs[0].query: at character 9: bytes is a whole number",
            { $0.tasks[1].inputs = [InputTemplate(query: "bytes > 'x'")] }
        ),
        (
            "inputs[0].query: at character 6: expected a value after =",
            { $0.tasks[1].inputs = [InputTemplate(query: "run =")] }
        ),
        (
            "inputs[0].query: ${seed} is no parameter",
            { $0.tasks[1].inputs = [InputTemplate(query: "run = ${seed}")] }
        ),
        ("groupBy: is for tasks that merge", { $0.tasks[0].groupBy = ["run"] }),
        ("groupBy: names 1 to 5 fields", { $0.tasks[1].groupBy = [] }),
        ("groupBy: bytes is no field to group by", { $0.tasks[1].groupBy = ["run", "bytes"] }),
        ("metadata.Run: is no name of a metadata field", { $0.tasks[0].metadata = ["Run": "1"] }),
        ("outputs[0].metadata.bytes: is no name", { $0.tasks[0].outputs[0].metadata = ["bytes": "1"] }),
        ("metadata.run: ${seed} is no parameter", { $0.tasks[0].metadata = ["run": "${seed}"] }),
        ("but no stream of it", { $0.tasks[1].inputs = [InputTemplate(task: "gen")] }),
    ]

    @Test func everyMistakeIsNamed() {
        for (words, change) in Self.broken {
            let problems = self.document(change).problems().map(\.description)
            #expect(problems.contains { $0.contains(words) }, "\(words): \(problems)")
        }
    }

    @Test func anUnknownKeyIsToldWithItsPlace() {
        let node = DocumentNode.mapping([
            (key: "name", value: .scalar("x"), line: 1),
            (key: "tasks", value: .sequence([.mapping([(key: "nmae", value: .scalar("y"), line: 3)])]), line: 2),
        ])
        let problems = WorkflowDocument.fileShape.problems(in: node)
        #expect(problems.contains { $0.path == "tasks[0].nmae" && $0.line == 3 && $0.message.hasPrefix("unknown key") })
        #expect(problems.contains { $0.message == "key steps is missing" })
    }

    @Test func variablesAreReplacedAndDollarsKept() {
        #expect(Variables.replace(in: "a ${x} $$ ${y} $z") { $0 == "x" ? "1" : nil } == "a 1 $ ${y} $z")
        #expect(Variables.names(in: "${a}${b} ${a}") == ["a", "b", "a"])
        #expect(Variables.replace(in: "end$") { _ in nil } == "end$")
        #expect(Variables.replace(in: "${open") { _ in "x" } == "${open")
    }
}
