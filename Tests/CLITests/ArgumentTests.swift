import ArgumentParser
import Messages
import Testing

@testable import CLI

@Suite struct ArgumentTests {
    @Test func aJobIsWrittenInThreeWays() throws {
        #expect(try JobReference.numbers(["12.5"]) == (12, 5, nil))
        #expect(try JobReference.numbers(["12", "5"]) == (12, 5, nil))
        #expect(try JobReference.numbers(["12.5.1"]) == (12, 5, 1))
    }

    @Test(arguments: [["12"], ["a.b"], ["12.5.1.7"], ["12..5"], ["-1.2"], []])
    func anythingElseIsNoJob(_ parts: [String]) {
        #expect(throws: ValidationError.self) { try JobReference.numbers(parts) }
    }

    @Test func aWorkflowMayHaveAVersion() {
        #expect(WorkflowReference(argument: "w")?.version == nil)
        #expect(WorkflowReference(argument: "w@3")?.version == 3)
        for wrong in ["", "@3", "w@", "w@0", "w@x", "w@1@2"] { #expect(WorkflowReference(argument: wrong) == nil) }
    }

    @Test func aValueMayHoldEqualSigns() {
        #expect(Assignment(argument: "a=b=c")?.value == "b=c")
        #expect(Assignment(argument: "a=")?.value == "")
        #expect(Assignment(argument: "=b") == nil)
        #expect(Assignment(argument: "a") == nil)
    }

    @Test func aSimulationHasExactlyItsFourNames() {
        let good = "ssw=ilcsoft,ssw_ver=v1,detector_model=ILD,physics_list=LCPhys"
        #expect(SimulationArgument(argument: good)?.json["detector_model"].text == "ILD")
        #expect(SimulationArgument(argument: "ssw=ilcsoft") == nil)
        #expect(SimulationArgument(argument: good + ",ssw=again") == nil)
        #expect(SimulationArgument(argument: good.replacing("LCPhys", with: "")) == nil)
    }

    @Test func aSubmissionMustBeAUUID() {
        #expect(throws: (any Error).self) { try Millrace.parseAsRoot(["request", "create", "w", "--submission", "x"]) }
        #expect(throws: Never.self) {
            try Millrace.parseAsRoot(
                [
                    "request", "create", "w@2", "--set", "a=1", "--submission", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                    "--approve",
                ]
            )
        }
    }

    @Test func aDerivedRequestHasOneWorkflow() throws {
        func parse(_ line: String) throws -> RequestCommands.Derive? {
            try Millrace.parseAsRoot(line.split(separator: " ").map { String($0) }) as? RequestCommands.Derive
        }
        let line = "request derive 7 --name again --set tune=b --workflow-version 3 --version 4 --dry-run"
        let body = try #require(try parse(line)).body(submission: "x")
        #expect(body["title"]?.text == "again" && body["parameters"]?["tune"].text == "b")
        #expect(body["workflow_version"]?.integer == 3 && body["version"]?.integer == 4 && body["document"] == .nothing)
        #expect(throws: (any Error).self) { try parse("request derive 7 --workflow w.yaml --workflow-version 3") }
        #expect(throws: (any Error).self) { try parse("request derive 7 --seed 3") }
        #expect(throws: CommandFailure.self) {
            try parse("request derive 7 --workflow /no/such/file.yaml")?.body(submission: "x")
        }
    }

    @Test(arguments: [
        "sample list --json", "workflow check w.yaml", "site drain LOCAL --reason broken --dry-run", "storage list",
        "rule list --json",
        "task retry 4 --dry-run", "job history 4.5 --json", "job log 4 5", "job kill 4.5 --dry-run",
        "dataset files uds91.gen",
        "file parents /a/b --depth 2", "transfer retry 7", "agent list", "tracker --json", "request watch 1 2 3",
    ])
    func theContractsCommandsAreUnderstood(_ line: String) throws {
        _ = try Millrace.parseAsRoot(line.split(separator: " ").map { String($0) })
    }

    @Test func statusesOfTheCentreHaveTheirExitStatus() {
        #expect(GatewayClient.kind(of: 400) == .usage)
        #expect([401, 403, 409].allSatisfy { GatewayClient.kind(of: $0) == .refused })
        #expect([404, 500, 503].allSatisfy { GatewayClient.kind(of: $0) == .failed })
        #expect([CommandFailure.Kind.failed, .usage, .refused].map(\.rawValue) == [1, 2, 3])
    }

    @Test func anErrorIsOneLine() {
        #expect(CommandFailure(.failed, "one\ntwo").lines == ["one two"])
    }

    @Test func theAddressNeedsBothVariables() throws {
        func find(_ variables: [String: String]) throws -> GatewayAddress? {
            try GatewayAddress.fromEnvironment { variables[$0] }
        }
        #expect(try find([:]) == nil)
        #expect(try find(["MILLRACE_URL": "http://a/", "MILLRACE_TOKEN": "t"])?.url == "http://a")
        #expect(throws: CommandFailure.self) { try find(["MILLRACE_URL": "http://a"]) }
        #expect(throws: CommandFailure.self) { try find(["MILLRACE_TOKEN": "t"]) }
        #expect(throws: CommandFailure.self) { try find(["MILLRACE_URL": "a:80", "MILLRACE_TOKEN": "t"]) }
    }

    @Test func pathsAreEscaped() { #expect(GatewayClient.escape("/a b+c") == "%2Fa%20b%2Bc") }
}
