import Foundation
import PrivateServers
import Testing

/// The benchmarks end, and may be repeated on the same farm. How fast they are is not judged here.
@Suite(.serialized) struct BenchTests {
    private static let all: [[String]] = [
        ["lifecycle", "--jobs", "400", "--room", "100"],
        ["matching", "--long", "20000", "--leases", "1000", "--agents", "2"],
        ["reports", "--attempts", "200", "--rounds", "2", "--failures", "50", "--rate", "500"],
        ["heartbeats", "--attempts", "2000", "--agents", "20", "--interval", "1", "--seconds", "4"],
        ["books", "--files", "1000", "--listed", "500", "--jobs", "120", "--batch", "50"],
        ["listings", "--jobs", "1000"],
        ["metadata", "--files", "10000"],
    ]

    @Test func everyBenchmarkRunsTwiceOnOneFarm() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            for round in 1...2 {
                for arguments in Self.all {
                    let name = "\(arguments[0])-\(round)"
                    let log = "\(centre.folder)/\(name).log"
                    let bench = try await ServerProcess.start(
                        .init(
                            executable: TestCentre.binary("millrace"),
                            arguments: ["bench"] + arguments + ["--json"],
                            environment: ProcessInfo.processInfo.environment.merging(
                                ["MILLRACE_DATABASE_URL": centre.databaseURL, "MILLRACE_AMQP_URL": centre.broker.url],
                                uniquingKeysWith: { $1 }
                            ),
                            logFile: log
                        )
                    )
                    let exit = await bench.waitForExit()
                    let said = try String(contentsOfFile: log, encoding: .utf8)
                    #expect(exit == .status(0), "\(name): \(said)")
                    #expect(said.hasPrefix("{") || said.hasPrefix("["), "\(name): \(said)")
                }
            }
        }
    }
}
