import Catalog
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Messages
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import Bookkeeper

/// Run events leave the centre complete, in order, at least once, and nothing waits for whoever takes them.
@Suite struct LineageTests {
    private static func config(_ target: LineageConfig.Target) throws -> LineageConfig {
        var text = ""
        switch target {
        case .file(let path): text = "file: \(path)"
        case .url(let url, let token): text = "url: \(url)" + (token.map { "\ntokenFile: \($0)" } ?? "")
        }
        return try #require(try Self.load(text + "\nnamespace: test\npause: 1ms\nlongestPause: 5ms\ntimeout: 5s"))
    }

    private static func load(_ text: String) throws -> LineageConfig? {
        let path = try TestFolder.make("lineage-config") + "/farm.yaml"
        let lines = text.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        try "lineage:\n\(lines)\n".write(toFile: path, atomically: true, encoding: .utf8)
        let node = try ConfigurationFile.load(path: path, shape: BookkeeperConfig.shape)
        return try BookkeeperConfig(ConfigurationValues(node, source: path)).lineage
    }

    private static func export(
        _ world: LineageWorld,
        _ target: LineageConfig.Target,
        holder: String = "one"
    ) throws -> LineageExport {
        LineageExport(try Self.config(target), database: world.database, holder: holder, logger: LineageWorld.logger)
    }

    /// Until there is nothing more to export.
    private static func finish(_ export: LineageExport) async throws {
        while case .more = try await export.turn() {}
    }

    private static func events(_ path: String) throws -> [RunEvent] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            try WireFormat.value(RunEvent.self, from: String($0))
        }
    }

    @Test func nothingIsExportedUnlessItIsAskedFor() throws {
        let path = try TestFolder.make("no-lineage") + "/farm.yaml"
        try "sweep: 1s\n".write(toFile: path, atomically: true, encoding: .utf8)
        let node = try ConfigurationFile.load(path: path, shape: BookkeeperConfig.shape)
        #expect(try BookkeeperConfig(ConfigurationValues(node, source: path)).lineage == nil)
    }

    @Test func everyAttemptIsInTheFileOnce() async throws {
        try await LineageWorld.with { world in
            let path = try TestFolder.make("lineage") + "/runs.jsonl"
            let export = try Self.export(world, .file(path))
            try await Self.finish(export)
            let events = try Self.events(path)
            #expect(events.count == 10 + 30 + 1)
            #expect(Set(events.map(\.run.runId)).count == events.count)
            let done = events.filter { $0.eventType == "COMPLETE" }
            #expect(Set(done.map(\.run.facets.millrace_attempt.index)) == Set(0..<30) && done.count == 31)
            let failed = events.filter { $0.eventType == "FAIL" }
            #expect(failed.count == 10 && failed.allSatisfy { $0.outputs.isEmpty })
            #expect(failed.allSatisfy { $0.run.facets.errorMessage?.message == "exit status 7" })
            let merge = try #require(events.last)
            #expect(merge.job == .init(namespace: "test", name: "study.merge"))
            #expect(merge.run.facets.parent.run.runId == "0b9a3f0e-0000-4000-8000-000000000001")
            #expect(merge.inputs.map(\.name) == ["made"] && merge.outputs.map(\.name) == ["merged"])
            let read = try #require(merge.inputs.first?.inputFacets?.inputStatistics)
            #expect(read.rowCount == 300 && read.fileCount == 30 && read.size == (0..<30).reduce(0) { $0 + 100 + $1 })
            #expect(merge.outputs.first?.outputFacets?.outputStatistics.rowCount == 300)
            #expect(merge.outputs.first?.facets.version?.datasetVersion == "1")
            #expect(merge.outputs.first?.facets.millrace_file?.lfn == "/2/0")
            #expect(merge.schemaURL == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent")
            // Another Bookkeeper does not lead while this one does; this one goes on from where it was.
            try await world.more(5, from: 30)
            try await Self.finish(try Self.export(world, .file(path), holder: "two"))
            #expect(try Self.events(path).count == 41)
            try await Self.finish(export)
            #expect(try Self.events(path).count == 46)
        }
    }

    /// After a restart the export goes on; what was delivered and not noted comes again with the same run id, and a line cut short by a
    /// crash stays a line of its own.
    @Test func aRestartGoesOnFromTheMark() async throws {
        try await LineageWorld.with { world in
            let path = try TestFolder.make("lineage") + "/runs.jsonl"
            try await Self.finish(try Self.export(world, .file(path)))
            let first = try Self.events(path)
            try await world.more(5, from: 30)
            // Started anew under the same name, and under another when the first one's lease has ended.
            try await Self.finish(try Self.export(world, .file(path)))
            #expect(try Self.events(path).count == 46)
            try await world.script("UPDATE lineage_export SET lease_until = now() - interval '1 second'")
            try await world.more(5, from: 35)
            try await Self.finish(try Self.export(world, .file(path), holder: "two"))
            #expect(try Self.events(path).count == 51)
            #expect(try Array(Self.events(path).prefix(41)) == first)
            // Killed after it wrote and before it noted.
            try await world.script("UPDATE lineage_export SET exported = 0")
            let handle = try #require(FileHandle(forWritingAtPath: path))
            try handle.seekToEnd()
            try handle.write(contentsOf: Data("{\"eventType\": \"COMP".utf8))
            try handle.close()
            try await Self.finish(try Self.export(world, .file(path), holder: "two"))
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
            #expect(lines.count == 51 + 1 + 51)
            #expect(Array(lines[..<51]) == Array(lines[52...]))
        }
    }

    @Test func anEndpointThatRefusesIsTriedAgainAndGetsEverything() async throws {
        try await LineageWorld.with { world in
            let tokenFile = try TestFolder.make("lineage") + "/token"
            try "secret\n".write(toFile: tokenFile, atomically: true, encoding: .utf8)
            let endpoint = Endpoint()
            try await endpoint.with { url in
                endpoint.answer.withLockedValue { $0 = .serviceUnavailable }
                let export = try Self.export(world, .url(url, tokenFile: tokenFile))
                _ = try await export.turn()
                #expect(endpoint.taken.withLockedValue { $0 }.isEmpty)
                #expect(try await world.text("SELECT exported FROM lineage_export") == "0")
                // It takes seven, then none for a while, then all.
                endpoint.left.withLockedValue { $0 = 7 }
                endpoint.answer.withLockedValue { $0 = .created }
                while endpoint.taken.withLockedValue({ $0.count }) < 7 { _ = try await export.turn() }
                for _ in 0..<3 { _ = try await export.turn() }
                #expect(endpoint.taken.withLockedValue { $0.count } == 7)
                endpoint.left.withLockedValue { $0 = nil }
                while endpoint.taken.withLockedValue({ $0.count }) < 41 { _ = try await export.turn() }
                try await Self.finish(export)
                let events = try endpoint.taken.withLockedValue { $0 }.map {
                    try WireFormat.value(RunEvent.self, from: $0)
                }
                #expect(events.count == 41 && Set(events.map(\.run.runId)).count == 41)
                #expect(endpoint.tokens.withLockedValue { $0 } == ["Bearer secret"])
                // What it refuses for good is left out, and nothing waits behind it.
                endpoint.answer.withLockedValue { $0 = .unprocessableContent }
                try await world.more(2, from: 30)
                try await Self.finish(export)
                endpoint.answer.withLockedValue { $0 = .ok }
                try await world.more(1, from: 32)
                try await Self.finish(export)
                #expect(endpoint.taken.withLockedValue { $0.count } == 42)
            }
            // Nobody listens there any more.
            try await world.more(1, from: 33)
            let mark = try await world.text("SELECT exported FROM lineage_export")
            _ = try await Self.export(world, .url("http://127.0.0.1:1/lineage", tokenFile: nil)).turn()
            #expect(try await world.text("SELECT exported FROM lineage_export") == mark)
        }
    }

    @Test func namesAreUUIDsOfVersion5() {
        // RFC 9562, appendix A.4.
        #expect(
            NameUUID.make("www.example.com", in: "6ba7b810-9dad-11d1-80b4-00c04fd430c8")
                == "2ed6657d-e927-568b-95e1-2665a8aea6a2"
        )
        #expect(NameUUID.make("x", in: "no UUID") == nil)
    }

    @Test func theSettingsAreReadStrictly() throws {
        #expect(try Self.load("file: /x") != nil)
        for (text, words) in [
            ("file: x", "absolute path"), ("namespace: n", "needs a file or an url"),
            ("file: /x\nurl: http://h", "remove one"),
            ("url: ftp://h", "http:// or https://"), ("file: /x\ntokenFile: /t", "is for an url"), ("path: /x", "path"),
        ] {
            let error = #expect(throws: ConfigurationError.self) { try Self.load(text) }
            #expect(error?.description.contains(words) == true, "\(text): \(error?.description ?? "")")
        }
    }
}

/// An HTTP server that takes events, or does not.
private final class Endpoint: Sendable {
    let answer = NIOLockedValueBox(HTTPResponse.Status.ok)
    /// So many more are taken; nil: all.
    let left = NIOLockedValueBox<Int?>(nil)
    let taken = NIOLockedValueBox<[String]>([])
    let tokens = NIOLockedValueBox<Set<String>>([])

    func with(_ body: @escaping @Sendable (_ url: String) async throws -> Void) async throws {
        let (ports, tell) = AsyncStream.makeStream(of: Int.self)
        let router = Router()
        router.post("/lineage") { request, _ -> HTTPResponse.Status in
            let text = String(buffer: try await request.body.collect(upTo: 1 << 20))
            let status = self.answer.withLockedValue { $0 }
            let isFull = self.left.withLockedValue { left -> Bool in
                guard let some = left else { return false }
                left = max(0, some - 1)
                return some == 0
            }
            if isFull { return .tooManyRequests }
            guard status.kind == .successful else { return status }
            self.taken.withLockedValue { $0.append(text) }
            self.tokens.withLockedValue { _ = $0.insert(request.headers[.authorization] ?? "") }
            return status
        }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in tell.yield(channel.localAddress?.port ?? 0) },
            logger: LineageWorld.logger
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            defer { group.cancelAll() }
            for await port in ports {
                try await body("http://127.0.0.1:\(port)/lineage")
                break
            }
        }
    }
}
