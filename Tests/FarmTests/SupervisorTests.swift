import AsyncHTTPClient
import Foundation
import Glibc
import Logging
import NIOCore
import Postgres
import PrivateServers
import Testing

@testable import Farm

/// Real servers, and stand-ins for the services: the subject is who starts, watches and stops them.
@Suite(.serialized) struct SupervisorTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func lines(_ path: String) throws -> [String] {
        try PrivateFiles.readAll(path).split(separator: "\n").map(String.init)
    }

    private func living(_ record: FarmRecord) -> [Int32] {
        self.identities(record).filter(\.isAlive).map(\.pid)
    }

    private func identities(_ record: FarmRecord) -> [ProcessIdentity] { record.table.rows.flatMap(\.processes) }

    private func environment(of process: String, _ record: FarmRecord) async throws -> String {
        let url = "http://127.0.0.1:\(try #require(record.ports[process]))/environment"
        let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(30))
        return String(buffer: try await answer.body.collect(upTo: 1 << 20))
    }

    private func sql(_ url: String, _ statement: String) async throws {
        try await PostgresSession.with(url: url, logger: Self.logger) { try await $0.executeScript(statement) }
    }

    @Test func aFarmComesUpInOrderCanBeReachedAndStopsInOrder() async throws {
        let farm = try await TestFarm.start()
        let record = try await farm.ready()
        #expect(record.table.rows.map(\.name) == FarmPlan.startOrder(sites: [FarmSite()]).flatMap { $0 })
        #expect(record.table.rows.allSatisfy { $0.state == .ready && !$0.processes.isEmpty })
        #expect(try Farm.status(state: farm.state) == record)
        let scheduler = try await self.environment(of: "scheduler", record)
        let settings = Dictionary(uniqueKeysWithValues: try await Farm.environment(state: farm.state))
        let database = try #require(settings["MILLRACE_DATABASE_URL"])
        #expect(scheduler.contains("MILLRACE_DATABASE_URL=\(database)\n"))
        #expect(scheduler.contains("MILLRACE_SIGNING_KEY_FILE=\(farm.layout.signingKey)\n"))
        #expect(try await !self.environment(of: "agent-local", record).contains("DATABASE"))
        #expect(try AgentFile.read(farm.layout.agentFile("local")).amqp == "\(settings["MILLRACE_AMQP_URL"] ?? "")site")
        #expect(settings["MILLRACE_URL"] == record.url)
        try await self.sql(database, "CREATE TABLE public.reached (x int)")
        #expect(await farm.stop() == .status(0))
        let journal = try self.lines(farm.journal)
        #expect(Array(journal[..<2]) == ["migrate", "seed"])
        #expect(Set(journal[2..<7]) == Set(FarmPlan.services.map { "start \($0)" }))
        #expect(Array(journal[7...8]) == ["start agent", "stop agent"])
        #expect(Set(journal[9...]) == Set(FarmPlan.services.map { "stop \($0)" }))
        #expect(self.living(record) == [])
        #expect(try farm.record()?.table.rows.allSatisfy { $0.state == .stopped } == true)
        #expect(try Farm.status(state: farm.state) == nil)
    }

    @Test func whateverIsKilledIsStartedAgainWhereItWas() async throws {
        let farm = try await TestFarm.start()
        let record = try await farm.ready()
        for name in record.table.rows.map(\.name) {
            let former = try #require(try farm.record()?.table[name]?.processes.first)
            former.signal(SIGKILL)
            let row = try #require(
                try await farm.wait {
                    $0.table[name]?.state == .ready && $0.table[name]?.processes.first != former
                }.table[name]
            )
            #expect(row.restarts == 1, "\(name)")
            #expect(row.lastExit == .signal(SIGKILL), "\(name)")
        }
        let database = try #require(
            try await Farm.environment(state: farm.state).first { $0.name == "MILLRACE_DATABASE_URL" }
        )
        try await self.sql(database.value, "SELECT 1")
        #expect(try farm.record()?.ports == record.ports)
        #expect(await farm.stop() == .status(0))
    }

    @Test func aKilledSupervisorIsSucceededAndNothingIsLost() async throws {
        let programs = try Scratch.programs()
        // One that does not heed the kernel's word that its supervisor is gone.
        let stubborn = ["MILLRACE_TEST_STUBBORN": "monitor"]
        let first = try await TestFarm.start(programs: programs, stubborn)
        let before = try await first.ready()
        let settings = try await Farm.environment(state: first.state)
        let database = try #require(settings.first { $0.name == "MILLRACE_DATABASE_URL" }).value
        try await self.sql(database, "CREATE TABLE public.kept AS SELECT 42 AS x")
        first.signal(SIGKILL)
        #expect(await first.end() == .signal(SIGKILL))
        let left = try #require(before.table["monitor"]?.processes.first)
        #expect(left.isAlive)
        let second = try await TestFarm.start(state: first.state, programs: programs)
        let after = try await second.ready(after: before.supervisor)
        #expect(self.living(before) == [])
        // Ports are kept as far as they are still free; another process of this machine may have taken one meanwhile.
        #expect(Set(after.ports.keys) == Set(before.ports.keys))
        #expect(after.ports.contains { before.ports[$0.key] == $0.value })
        try await self.sql(database, "SELECT 1 / (x - 41) FROM public.kept")
        #expect(await second.stop() == .status(0))
    }

    @Test func twoFarmsLiveSideBySideButNotInOneFolder() async throws {
        let programs = try Scratch.programs()
        let one = try await TestFarm.start(programs: programs)
        let two = try await TestFarm.start(programs: programs)
        let (first, second) = (try await one.ready(), try await two.ready())
        #expect(Set(first.ports.values).isDisjoint(with: second.ports.values))
        let third = try await TestFarm.start(state: one.state, programs: programs)
        #expect(await third.end() == .status(1))
        let complaint = try #require(try self.lines(third.output).last)
        #expect(complaint.contains("already runs in \(one.state), process \(first.supervisor.pid), at \(first.url)"))
        #expect(try one.record() == first)
        #expect(
            try await Farm.down(state: one.state, logger: Self.logger)
                == .stopped(state: one.state, pid: first.supervisor.pid)
        )
        #expect(self.living(first) == [])
        #expect(self.living(second) == self.identities(second).map(\.pid))
        #expect(await one.end() == .status(0))
        #expect(await two.stop() == .status(0))
    }

    @Test func aFarmInTheBackgroundOutlivesItsCommandUntilDown() async throws {
        let farm = try await TestFarm.start(detach: true)
        #expect(await farm.end() == .status(0))
        let record = try #require(try farm.record())
        #expect(record.table.isReady && record.supervisor.isAlive)
        #expect(try PrivateFiles.readAll(farm.output).contains(record.url))
        #expect(getsid(record.supervisor.pid) == record.supervisor.pid)
        // Its supervisor is gone, and one of its children with it: down finds the rest.
        record.supervisor.signal(SIGKILL)
        let ending = try await Farm.down(state: farm.state, logger: Self.logger)
        switch ending {
        case .leftovers, .wasNotRunning, .stopped: break
        case .killed: Issue.record("\(ending)")
        }
        #expect(self.living(record) == [])
        #expect(try await Farm.down(state: farm.state, logger: Self.logger) == .wasNotRunning(state: farm.state))
    }

    @Test func aServiceThatCannotStartEndsTheStartWithItsLastWords() async throws {
        let farm = try await TestFarm.start(["MILLRACE_TEST_BROKEN": "bookkeeper"], detach: true)
        #expect(await farm.end() == .status(1))
        let complaint = try #require(try self.lines(farm.output).last)
        #expect(
            complaint.contains("bookkeeper ends as soon as it is started (exit code 3): the bookkeeper has a headache")
        )
        #expect(complaint.contains(farm.layout.log(of: "bookkeeper")))
        let record = try #require(try farm.record())
        #expect(record.table["bookkeeper"]?.restarts == 5)
        #expect(record.table.rows.allSatisfy { $0.state == .stopped })
    }

    @Test func aSecondSignalKillsWhatDoesNotStop() async throws {
        let farm = try await TestFarm.start(["MILLRACE_TEST_STUBBORN": "agent"])
        let record = try await farm.ready()
        farm.signal(SIGINT)
        try await farm.wait { $0.table.isStopping }
        farm.signal(SIGINT)
        #expect(await farm.end() == .status(0))
        #expect(self.living(record) == [])
        #expect(try self.lines(farm.output).contains { $0.contains("asked to stop again") })
    }

    @Test func whatIsMissingIsNamedBeforeAnythingIsStarted() async throws {
        let programs = try Scratch.programs()
        unlink(programs + "/millrace-monitor")
        var options = Supervisor.Options(state: try Scratch.folder())
        options.programs = programs
        let missing = await self.failure(options)
        #expect(missing?.code == .programMissing)
        #expect(missing?.description.contains("no millrace-monitor in \(programs): build") == true)
        let layout = try FarmLayout(state: options.state)
        #expect(!PrivateFiles.exists(layout.record) && !PrivateFiles.exists(layout.postgres))
    }

    @Test func aPortThatIsTakenIsNamed() async throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        try #require(listen(descriptor, 1) == 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        try #require(status == 0)
        var options = Supervisor.Options(state: try Scratch.folder())
        options.programs = try Scratch.programs()
        options.httpPort = Int(UInt16(bigEndian: address.sin_port))
        let taken = await self.failure(options)
        #expect(taken?.code == .portTaken)
        #expect(taken?.description.contains("port \(options.httpPort ?? 0)") == true)
    }

    /// Why a farm does not start.
    private func failure(_ options: Supervisor.Options) async -> FarmError? {
        let hooks = Supervisor.Hooks(migrate: { _ in }, seed: { _ in [:] })
        let (stops, _) = AsyncStream.makeStream(of: Void.self)
        return await #expect(throws: FarmError.self) {
            try await Supervisor.run(options, hooks: hooks, logger: Self.logger, stops: stops) { _ in }
        }
    }
}
