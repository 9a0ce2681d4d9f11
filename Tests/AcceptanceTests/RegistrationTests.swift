import Catalog
import Domain
import Foundation
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import Storage
import TestSupport
import Testing

/// Data that was there before, through all processes and with real files.
@Suite(.serialized) struct RegistrationTests {
    private static let workflow = WorkflowDocument(
        name: "skim-old",
        tasks: [
            TaskTemplate(
                name: "skim",
                kind: "skim",
                eventsPerJob: 10,
                inputs: [InputTemplate(dataset: "old")],
                steps: [StepTemplate(name: "skim", command: ["true"])],
                outputs: [OutputTemplate(stream: "good", file: "good.dat")]
            )
        ]
    )

    /// A file that nobody here made, below the base of a storage element.
    private static func write(
        _ lfn: String,
        at storage: String,
        _ centre: TestCentre,
        bytes: Int = 3000
    ) throws -> StoredFile {
        let path = URL(filePath: "\(centre.folder)/\(storage)\(lfn)")
        let content = (0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ lfn.utf8.count) }
        try FileManager.default.createDirectory(at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: path)
        var sum = RunningChecksum()
        content.withUnsafeBytes { sum.update($0) }
        return sum.file
    }

    private static func entry(_ lfn: String, _ file: StoredFile, events: Int64, adler32: String? = nil) -> FileEntry {
        FileEntry(lfn: lfn, bytes: file.bytes, adler32: adler32 ?? file.adler32, events: events)
    }

    private static func states(_ centre: TestCentre) async throws -> String? {
        try await centre.one(
            "SELECT string_agg(lfn || ' ' || state, ',' ORDER BY lfn) FROM registration",
            as: String?.self
        ) ?? nil
    }

    /// A task waits for a dataset in which nothing is yet. What is registered and verified is skimmed, what lies elsewhere is copied home
    /// first; what is not there, or not what was said, is nowhere in the books, stays as it is, and is skimmed when it is said right.
    @Test func whatWasThereIsVerifiedSkimmedAndNeverTouched() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            try await centre.carryOut(
                try await operations.createDataset("old", home: "HOME-DISK", metadata: [:], reason: nil)
            )
            let disk = ScenarioDisk(base: "\(centre.folder)/HOME-DISK")
            let watch = try await centre.events(["request.#", "registration.#"])
            let agent = try await centre.agent("ALPHA") { _, _ in .finishWith { disk.storing($0) } }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(Self.workflow)
            try await centre.until("SELECT inputs_open FROM task WHERE id = 1")

            let a = try Self.write("/old/run7/a.dat", at: "HOME-DISK", centre)
            let b = try Self.write("/old/run7/b.dat", at: "HOME-DISK", centre)
            let c = try Self.write("/old/run8/c.dat", at: "AWAY-DISK", centre)
            let short = try Self.write("/old/run8/short.dat", at: "HOME-DISK", centre, bytes: 100)
            let here = try await operations.register(
                [
                    Self.entry("/old/run7/a.dat", a, events: 20),
                    Self.entry("/old/run7/b.dat", b, events: 10, adler32: "00000001"),
                    Self.entry("/old/run7/none.dat", a, events: 10),
                    FileEntry(lfn: "/old/run8/short.dat", bytes: short.bytes + 1, crc32c: short.crc32c, events: 10),
                ],
                at: "HOME-DISK",
                into: "old",
                measured: false,
                reason: "the 2019 campaign"
            )
            try await centre.carryOut(here)
            let away = try await operations.register(
                [FileEntry(lfn: "/old/run8/c.dat", bytes: c.bytes, events: 10)],
                at: "AWAY-DISK",
                into: "old",
                measured: true,
                reason: nil
            )
            try await centre.carryOut(away)
            var ended = 0
            _ = try await watch.until { key, event in
                if key.hasPrefix("registration.") && ["done", "failed"].contains(event.to) { ended += 1 }
                return ended == 5
            }
            let states = try await Self.states(centre)
            #expect(
                states == """
                    /old/run7/a.dat done,/old/run7/b.dat failed,/old/run7/none.dat failed,/old/run8/c.dat done,/old/run8/short.dat failed
                    """
            )
            let reasons = try await centre.one(
                "SELECT string_agg(reason, ',' ORDER BY lfn) FROM registration WHERE state = 'failed'",
                as: String.self
            )
            let base = "\(centre.folder)/HOME-DISK/old"
            #expect(
                reasons == """
                    \(base)/run7/b.dat has adler32 \(b.adler32), expected 00000001,there is no \(base)/run7/none.dat,\
                    \(base)/run8/short.dat has 100 bytes, expected 101
                    """
            )
            // Two jobs of the one, and one of what had to come home first.
            try await centre.until("SELECT jobs_done = 3 AND state = 'running' FROM task_view WHERE task = 1")
            let known = try await centre.one(
                "SELECT string_agg(lfn, ',' ORDER BY lfn) FROM file WHERE task IS NULL",
                as: String.self
            )
            #expect(known == "/old/run7/a.dat,/old/run8/c.dat")

            let right = try await operations.register(
                [Self.entry("/old/run7/b.dat", b, events: 10)],
                at: "HOME-DISK",
                into: "old",
                measured: false,
                reason: "typing error"
            )
            try await centre.carryOut(right)
            try await centre.until("SELECT state = 'done' FROM registration WHERE lfn = '/old/run7/b.dat'")
            try await centre.carryOut(try await operations.close(dataset: "old", reason: "complete"))
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            let events = try await centre.one("SELECT events_done FROM task_view WHERE task = 1", as: Int64.self)
            #expect(events == 40)
            // Every file that was there is there, as it was.
            for (lfn, storage, file) in [
                ("/old/run7/a.dat", "HOME-DISK", a), ("/old/run7/b.dat", "HOME-DISK", b),
                ("/old/run8/c.dat", "AWAY-DISK", c), ("/old/run8/c.dat", "HOME-DISK", c),
                ("/old/run8/short.dat", "HOME-DISK", short),
            ] {
                let element = StorageElement(name: storage, base: "\(centre.folder)/\(storage)")
                let stored = try PosixStorage(element).verify(LogicalName(lfn))
                #expect(stored == file, "\(lfn) at \(storage)")
            }
            try await LifecycleTests.expectNoViolations(centre)
            try await Self.expectDoctorIsContent(centre)
        }
    }

    /// A storage element whose file system is not mounted lacks no file: it is asked again.
    @Test func aStorageThatIsAwayIsAskedAgain() async throws {
        try await LifecycleTests.withCentre(services: ["transfer"]) { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            let base = "\(centre.folder)/LATE-DISK"
            _ = try await operations.addStorage("LATE-DISK", site: nil, kind: "posix", base: base, limit: 2)
            _ = try await operations.createDataset("old", home: "LATE-DISK", metadata: [:], reason: nil)
            let outcome = try await operations.register(
                [FileEntry(lfn: "/old/a.dat", bytes: 3000, events: 1)],
                at: "LATE-DISK",
                into: "old",
                measured: true,
                reason: nil
            )
            try await centre.carryOut(outcome)
            try await centre.until("SELECT tries = 1 AND state = 'queued' AND not_before > now() FROM registration")
            let reason = try await centre.one("SELECT reason FROM registration", as: String.self)
            #expect(reason == "cannot open \(base), the base of LATE-DISK: No such file or directory")
            let file = try Self.write("/old/a.dat", at: "LATE-DISK", centre)
            try await centre.database.execute("UPDATE registration SET not_before = '-infinity'")
            try await centre.until("SELECT state = 'done' FROM registration")
            let books = try await centre.one("SELECT concat_ws(' ', bytes, adler32, crc32c) FROM file", as: String.self)
            #expect(books == "3000 \(file.adler32) \(file.crc32c)")
            try await Self.expectDoctorIsContent(centre)
        }
    }

    /// The command, with every stored file read.
    private static func expectDoctorIsContent(_ centre: TestCentre) async throws {
        let log = "\(centre.folder)/doctor.log"
        let doctor = try await ServerProcess.start(
            .init(
                executable: TestCentre.binary("millrace"),
                arguments: ["doctor", "--checksums", "--grace", "0"],
                environment: ProcessInfo.processInfo.environment.merging(
                    ["MILLRACE_DATABASE_URL": centre.databaseURL],
                    uniquingKeysWith: { $1 }
                ),
                logFile: log
            )
        )
        let exit = await doctor.waitForExit()
        let said = try String(contentsOfFile: log, encoding: .utf8)
        #expect(exit == .status(0) && !said.contains("WRONG"), "\(exit): \(said)")
        #expect(said.contains("available-replicas-are-stored") && said.contains("stored-files-are-known"))
    }
}
