import Domain
import Testing

@testable import CLI

@Suite struct WorkflowFileTests {
    private static let valid = """
        name: study
        software:
          - { name: tools, version: "1", kind: python, requirements: requirements.txt }
        sandbox:
          - run.py
        tasks:
          - name: make
            kind: generate
            events: 100
            eventsPerJob: 10
            software: [tools]
            steps:
              - name: run
                command: [python3, run.py, "${seed}"]
              - { name: tidy, command: [rm, x], rescue: true }
            outputs:
              - { stream: out, file: out.dat }
              - { stream: plot, file: plot.png, events: false }
        """

    /// What the files of these tests hold.
    private static func include(_ name: String) throws(TextFile.ReadProblem) -> String {
        switch name {
        case "run.py": return "print(1)\n"
        case "requirements.txt": return "numpy==2 --hash=sha256:00\n"
        default: throw TextFile.ReadProblem(reason: "No such file or directory")
        }
    }

    /// The lines of the refusal; empty: it was accepted.
    private static func problems(_ text: String) throws -> [String] {
        do {
            _ = try WorkflowFile.parse(text, file: "w.yaml", include: Self.include)
            return []
        } catch let failure as CommandFailure {
            #expect(failure.kind == .usage)
            return failure.lines
        }
    }

    private static func changed(_ old: String, _ new: String) throws -> [String] {
        try #require(Self.valid.contains(old))
        return try Self.problems(Self.valid.replacing(old, with: new))
    }

    @Test func filesAreReplacedByTheirText() throws {
        let document = try WorkflowFile.parse(Self.valid, file: "w.yaml", include: Self.include).document
        #expect(document.sandbox == [SandboxFile(name: "run.py", text: "print(1)\n")])
        #expect(document.software?.first?.requirements == "numpy==2 --hash=sha256:00\n")
        #expect(document.tasks[0].events == 100)
        #expect(document.tasks[0].steps.map(\.rescue) == [nil, true])
        #expect(document.tasks[0].outputs.map(\.events) == [nil, false])
    }

    @Test func whatIsSentIsTheStoredForm() throws {
        let file = try WorkflowFile.parse(Self.valid, file: "w.yaml", include: Self.include)
        #expect(try file.json()["sandbox"].items[0]["text"].text == "print(1)\n")
    }

    @Test func anUnknownKeyIsToldWithItsLine() throws {
        let problems = try Self.changed("    eventsPerJob: 10", "    eventsPerJobs: 10")
        #expect(problems.count == 1)
        #expect(problems[0].hasPrefix("w.yaml:10: tasks[0].eventsPerJobs: unknown key; known here: "))
    }

    @Test func aMissingKeyIsToldWithTheLineOfItsGroup() throws {
        let problems = try Self.changed("kind: generate", "kindly: generate")
        #expect(problems.contains("w.yaml:7: tasks[0]: key kind is missing"))
    }

    @Test func aMissingFileIsToldWithItsLine() throws {
        #expect(
            try Self.changed("  - run.py", "  - gone.py") == [
                "w.yaml:4: sandbox[0]: gone.py cannot be read: No such file or directory"
            ]
        )
        #expect(
            try Self.changed("requirements: requirements.txt", "requirements: gone.txt") == [
                "w.yaml:3: software[0].requirements: gone.txt cannot be read: No such file or directory"
            ]
        )
    }

    @Test func aCycleIsTold() throws {
        let text = """
            name: loop
            tasks:
              - name: a
                kind: process
                inputs: [{ task: b, stream: x }]
                steps: [{ name: s, command: [c] }]
                outputs: [{ stream: x, file: f }]
              - name: b
                kind: process
                inputs: [{ task: a, stream: x }]
                steps: [{ name: s, command: [c] }]
                outputs: [{ stream: x, file: f }]
            """
        #expect(try Self.problems(text) == ["w.yaml:2: tasks: they wait for each other: a -> b -> a"])
    }

    @Test func everyProblemIsALineOfItsOwn() throws {
        let text = Self.valid.replacing("name: study", with: "name: a study").replacing(
            "kind: generate",
            with: "kind: cook"
        )
        let problems = try Self.problems(text)
        #expect(problems.count == 2)
        #expect(problems[0].hasPrefix("w.yaml:1: name: a study is not a name"))
        #expect(problems[1].hasPrefix("w.yaml:8: tasks[0].kind: cook is not known"))
    }

    @Test func aTruthValueIsTrueOrFalse() throws {
        #expect(
            try Self.changed("rescue: true", "rescue: perhaps") == [
                "w.yaml:15: tasks[0].steps[1].rescue: perhaps is not true or false"
            ]
        )
    }

    @Test func textThatIsNotYAMLIsToldWithItsLine() throws {
        let problems = try Self.problems("name: [a\ntasks: 1\n")
        #expect(problems.count == 1)
        #expect(problems[0].hasPrefix("w.yaml:"))
    }

    @Test func aWrongQueryIsToldWithItsLine() throws {
        let text = """
            name: reader
            tasks:
              - name: a
                kind: merge
                inputs:
                  - query: "events > 5 and (run = 1"
                steps: [{ name: s, command: [c] }]
                outputs:
                  - { stream: x, file: f, metadata: { Energy: 91, run: 5 } }
            """
        let problems = try Self.problems(text)
        #expect(problems.count == 2)
        #expect(
            problems[0].hasPrefix("w.yaml:6: tasks[0].inputs[0].query: at character 24: expected and, or, or the )")
        )
        #expect(problems[1].hasPrefix("w.yaml:9: tasks[0].outputs[0].metadata.Energy: is no name of a metadata field"))
        let good = text.replacing("(run = 1", with: "run = 1").replacing("Energy", with: "energy")
        #expect(try Self.problems(good).isEmpty)
    }

    @Test func anUndefinedVariableIsTold() throws {
        #expect(
            try Self.changed("${seed}", "${sead}") == [
                "w.yaml:13: tasks[0].steps[0]: ${sead} is neither a parameter nor a job variable"
            ]
        )
    }
}
