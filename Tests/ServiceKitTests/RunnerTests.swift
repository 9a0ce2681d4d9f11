import CoreMetrics
import Domain
import FoundationEssentials
import Logging
import Messages
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing

@testable import ServiceKit

@Suite struct RunnerTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func status(_ body: () async throws -> Void) async -> (Int32, String) {
        let written = NIOLockedValueBox("")
        let status = await ServiceRunner.status(
            of: "millrace-test",
            write: { line in written.withLockedValue { $0 += line } },
            body
        )
        return (status, written.withLockedValue { $0 })
    }

    @Test func theExitStatusSaysWhatKindOfEndItWas() async {
        #expect(await self.status {} == (0, ""))
        let failed = await self.status { throw StartupError("the database is down:\nsee MILLRACE_DATABASE_URL") }
        #expect(failed == (1, "millrace-test: the database is down: see MILLRACE_DATABASE_URL\n"))
        let usage = await self.status { _ = try ServiceRunner.answer(["--fast"], program: "millrace-test") }
        #expect(usage.0 == 2)
        #expect(usage.1.hasPrefix("millrace-test: unknown argument --fast"))
    }

    @Test func theFailureOfOneServiceStopsTheOthersGracefullyAndIsTheError() async throws {
        let (order, note) = AsyncStream.makeStream(of: String.self)
        let patient = { (name: String) in
            ClosureService {
                try await gracefulShutdown()
                note.yield(name)
            }
        }
        let failing = ClosureService { throw StartupError("no luck") }
        let error = await #expect(throws: StartupError.self) {
            try await ServiceRunner.run(
                name: "test",
                services: [patient("first"), patient("second"), failing],
                logger: self.logger,
                handlesSignals: false
            )
        }
        #expect(error?.description == "no luck")
        note.finish()
        var names: [String] = []
        for await name in order { names.append(name) }
        #expect(names == ["second", "first"])
    }

    @Test func theLogIsOneJSONObjectALine() throws {
        let lines = NIOLockedValueBox<[String]>([])
        var logger = Logger(label: "kit") { label in
            JSONLogHandler(
                label: label,
                level: .info,
                form: .json,
                now: { Timestamp(microseconds: 0) },
                write: { line in lines.withLockedValue { $0.append(line) } }
            )
        }
        logger[metadataKey: "instance"] = "one"
        logger.debug("not this")
        logger.warning("a \"b\"\n\u{1}", metadata: ["list": ["x", "y"], "map": ["k": "v"], "n": "\(3)"])
        let line = try #require(lines.withLockedValue { $0 }.first)
        #expect(lines.withLockedValue { $0 }.count == 1)
        #expect(
            line
                == #"{"at":"1970-01-01T00:00:00.000000Z","level":"warning","label":"kit","message":"a \"b\"\n\u0001","#
                + #""metadata":{"instance":"one","list":["x","y"],"map":{"k":"v"},"n":"3"}}"# + "\n"
        )
        _ = try WireFormat.value([String: DetailValue].self, from: line)
    }

    @Test func theHumanFormIsOneLineToo() {
        let lines = NIOLockedValueBox<[String]>([])
        let logger = Logger(label: "kit") { label in
            JSONLogHandler(
                label: label,
                level: .info,
                form: .human,
                now: { Timestamp(microseconds: 1_500_000) },
                write: { line in lines.withLockedValue { $0.append(line) } }
            )
        }
        logger.info("hello\nworld", metadata: ["k": "v"])
        #expect(lines.withLockedValue { $0 } == ["00:00:01.500 info kit: hello\\nworld k=\"v\"\n"])
    }
}
