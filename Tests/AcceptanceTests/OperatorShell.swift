import Access
import Domain
import Foundation
import Messages
import NIOConcurrencyHelpers
import PrivateServers

/// Operators who type `millrace`: the real command, against the Gateway of a test's centre.
struct OperatorShell: Sendable {
    /// What a recovery did, of its result.
    private struct Recovered: Decodable {
        struct Row: Decodable {
            let action: String
            let jobs: Int
        }
        let plan: [Row]
    }

    let name: String
    private let folder: String
    private let environment: [String: String]
    /// How often it was called: each call has a file of its own for what it prints.
    private let calls = NIOLockedValueBox(0)

    init(_ name: String, _ centre: TestCentre, _ gateway: TestGateway) async throws {
        self.name = name
        self.folder = centre.folder
        self.environment = ProcessInfo.processInfo.environment.merging(
            [
                "MILLRACE_URL": gateway.url,
                "MILLRACE_TOKEN": try await gateway.tokens.token(who: name, role: .operator, seconds: 86_400),
            ],
            uniquingKeysWith: { $1 }
        )
    }

    /// Runs `millrace` with these arguments. - Returns: how it ended, and all it printed.
    func millrace(_ arguments: String...) async throws -> (exit: ServerProcess.Exit, text: String) {
        try await self.millrace(arguments)
    }

    /// The same, for arguments that are many.
    func millrace(_ arguments: [String]) async throws -> (exit: ServerProcess.Exit, text: String) {
        let number = self.calls.withLockedValue { calls in
            calls += 1
            return calls
        }
        let output = "\(self.folder)/\(self.name)-\(number).out"
        let process = try await ServerProcess.start(
            .init(
                executable: TestCentre.binary("millrace"),
                arguments: arguments,
                environment: self.environment,
                logFile: output
            )
        )
        let exit = await process.waitForExit()
        return (exit, try String(contentsOfFile: output, encoding: .utf8))
    }

    /// `millrace recover TASK`. - Returns: jobs that were let wait again; nil: refused, for the task has ended.
    ///
    /// - Throws: ``ServerError`` with what it printed, if it ends in any other way.
    func recover(_ task: Int64) async throws -> Int? {
        let (exit, text) = try await self.millrace("recover", "\(task)", "--json")
        if exit == .status(3), text.contains("a task that has ended is never changed") { return nil }
        guard exit == .status(0) else { throw ServerError("millrace recover \(task): \(exit): \(text)") }
        let plan = try WireFormat.value(Recovered.self, from: text).plan
        return plan.filter { ["waitAgain", "makeAgain"].contains($0.action) }.reduce(0) { $0 + $1.jobs }
    }
}

/// The Gateway of a test's centre.
struct TestGateway: Sendable {
    let url: String
    let tokens: TokenMaker
    let process: ServerProcess
}

extension TestCentre {
    /// Starts the Gateway, and returns when it answers.
    func startGateway() async throws -> TestGateway {
        let keyFile = "\(self.folder)/token.key"
        let key = TokenMaker.makeKey()
        try PrivateFiles.write(key + "\n", to: keyFile)
        let port = try FreePort.pick()[0]
        let process = try await self.start(
            "gateway",
            variables: ["MILLRACE_TOKEN_KEY_FILE": keyFile, "MILLRACE_GATEWAY": "127.0.0.1:\(port)"]
        )
        while FreePort.firstByte(port: port, greeting: Array("GET / HTTP/1.0\r\n\r\n".utf8)) == nil {
            guard process.exit == nil else {
                throw ServerError("the gateway ended: \(PrivateFiles.tail(of: "\(self.folder)/gateway-1.log"))")
            }
            await Task.yield()
        }
        return TestGateway(url: "http://127.0.0.1:\(port)", tokens: try await TokenMaker(key: key), process: process)
    }
}
