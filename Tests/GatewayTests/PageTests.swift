import Catalog
import Domain
import Foundation
@testable import Gateway
import Messages
import PrivateServers
import TestSupport
import Testing

/// The pages in Debian's Chromium, driven by playwright from a virtual environment of its own.
/// One at a time: each has a browser, and a browser is large.
@Suite(.serialized) struct PageTests {
    @Test func aBrowserShowsTheProductionAndItsChangesAndRunsNothingASiteWrote() async throws {
        let folder = try TestFolder.make("page")
        let base = "\(folder)/storage"
        try PrivateFiles.makeFolder("\(base)/1/simulate/plot/0")
        try Data(Self.pixel).write(to: URL(filePath: "\(base)/1/simulate/plot/0/1.0.1.png"))
        try await Self.look("page.py", production: Production.running(base: base) + Production.mergeListedFirst) {
            line,
            gateway in
            guard line == "EVENT" else { return }
            try await LiveTests.publish([LiveTests.event(999_001, "request:1")], to: gateway.amqpURL)
        }
    }

    @Test func aBrowserShowsWhatFailedWhereAndWhyJobByJob() async throws {
        try await Self.look("failures.py", production: FailureWorld.script + FailureWorld.archived) { line, gateway in
            guard line == "EVENT" else { return }
            try await gateway.script("DELETE FROM millrace.excluded_place WHERE site = 'lyon'")
            try await LiveTests.publish([LiveTests.event(999_002, "place:lyon/n3")], to: gateway.amqpURL)
        }
    }

    @Test func aBrowserShowsRequestsAndTasksAndAnOperatorActsOnThem() async throws {
        let lossy = "UPDATE task SET allowed_loss = 0.29 WHERE id = 1;"
        let production = Production.running() + Production.manyFinished + Production.mergeListedFirst + lossy
        try await Self.look("requests.py", production: production) { line, gateway in
            guard line == "SOMEBODY" else { return }
            let answer = try await gateway.post("/requests/2/change", #"{"priority": 77}"#, as: .operator, who: "igor")
            #expect(answer.status == 200, "\(answer.text)")
        }
    }

    @Test func aBrowserShowsRulesAndAnOperatorTestsAddsSwitchesAndRemovesThem() async throws {
        try await Self.look("rules.py", production: FailureWorld.script)
    }

    /// Runs one of the scripts in `Tests/Web` against a gateway with the usual rules; `onLine` gets what it prints.
    private static func look(
        _ script: String,
        production: String,
        onLine: @escaping @Sendable (String, RunningGateway) async throws -> Void = { _, _ in }
    ) async throws {
        let folder = try TestFolder.make("pages")
        let python = try await Self.python.value
        try await withGateway(production: production) { gateway in
            try await Seed(sites: [], storages: []).plant(in: gateway.database)
            try await gateway.waitUntilReady()
            let lines = try await Self.run(
                python,
                ["Tests/Web/\(script)", gateway.url, Self.pictures(folder)],
                environment: [
                    "MILLRACE_TOKEN": try await gateway.token(.operator, who: "olga"),
                    "MILLRACE_VIEWER_TOKEN": try await gateway.token(.viewer, who: "victor"),
                    "PYTHONDONTWRITEBYTECODE": "1",
                ]
            ) { try await onLine($0, gateway) }
            #expect(lines.last == "PASSED", "\(lines.joined(separator: "\n"))")
        }
    }

    /// Made once for all pages.
    private static let python = Task { try await Self.environment(try TestFolder.make("python")) }

    /// Kept for people to look at if they say where.
    private static func pictures(_ folder: String) -> String {
        ProcessInfo.processInfo.environment["MILLRACE_TEST_PICTURES"] ?? folder
    }

    /// A virtual environment with what `Tests/Web/requirements.txt` says.
    private static func environment(_ folder: String) async throws -> String {
        let made = try await Self.run("/usr/bin/python3", ["-m", "venv", "\(folder)/venv"]) { _ in }
        let python = "\(folder)/venv/bin/python"
        let installed = try await Self.run(
            python,
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "Tests/Web/requirements.txt"]
        ) { _ in }
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw PageTestError(lines: made + installed)
        }
        return python
    }

    /// Runs a program and gives its lines, standard error among them, as they come. - Returns: all lines.
    private static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        onLine: (String) async throws -> Void
    ) async throws -> [String] {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        let (parts, feed) = AsyncStream.makeStream(of: Data.self)
        try process.run()
        // Read by a thread of its own: a dispatch source on a pipe that is about to be closed has crashed the tests.
        let output = pipe.fileHandleForReading
        Thread.detachNewThread {
            while true {
                let data = output.availableData
                guard !data.isEmpty else { break }
                feed.yield(data)
            }
            feed.finish()
        }
        var lines: [String] = []
        var rest = ""
        for await part in parts {
            rest += String(decoding: part, as: UTF8.self)
            while let end = rest.firstIndex(of: "\n") {
                lines.append(String(rest[..<end]))
                rest = String(rest[rest.index(after: end)...])
                try await onLine(lines.last ?? "")
            }
        }
        process.waitUntilExit()
        return lines + (rest.isEmpty ? [] : [rest])
    }

    private struct PageTestError: Error {
        let lines: [String]
    }

    /// A PNG of one pixel, 70 bytes.
    private static let pixel: [UInt8] = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
        0x00, 0x01,
        0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00, 0x00, 0x00, 0x0d, 0x49,
        0x44, 0x41,
        0x54, 0x78, 0x9c, 0x63, 0x60, 0x60, 0x60, 0x60, 0x00, 0x00, 0x00, 0x05, 0x00, 0x01, 0xa5, 0xf6, 0x45, 0x40,
        0x00, 0x00,
        0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ]
}
