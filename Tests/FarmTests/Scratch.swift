import Foundation
import Glibc
import PrivateServers
import TestSupport

@testable import Farm

/// Folders for farms, and the programs they run.
enum Scratch {
    /// A fresh folder that the user postgres can enter.
    static func folder() throws -> String {
        let folder = try TestFolder.make("farm")
        guard chmod(folder, 0o755) == 0 else { throw ServerError("cannot open \(folder)") }
        return folder
    }

    /// The process for tests that the build made, beside the test bundle.
    static func testProcess() throws -> String {
        let beside = CommandLine.arguments[0].split(separator: "/").dropLast().joined(separator: "/")
        let exe = try PrivateFiles.absolute("/proc/self/exe")
        let folders = [
            Bundle.main.bundlePath, "/" + beside, String(exe[..<(exe.lastIndex(of: "/") ?? exe.endIndex)]),
            FileManager.default.currentDirectoryPath + "/.build/debug",
        ]
        guard let folder = folders.first(where: { access($0 + "/FarmTestProcess", X_OK) == 0 }) else {
            throw ServerError("FarmTestProcess was not built; looked in \(folders)")
        }
        return folder + "/FarmTestProcess"
    }

    /// A folder where every program of a farm is the process for tests.
    static func programs() throws -> String {
        let folder = try Self.folder()
        for name in FarmPlan.executables(sites: [FarmSite()]) {
            guard symlink(try Self.testProcess(), "\(folder)/\(name)") == 0 else {
                throw ServerError("no link \(name)")
            }
        }
        return folder
    }
}

/// A supervisor in a process of its own.
struct TestFarm {
    let state: String
    let layout: FarmLayout
    /// What the programs and hooks did, in order.
    let journal: String
    let output: String
    private let process: ServerProcess
    private let events: FolderEvents
    private let end: Task<ServerProcess.Exit, Never>

    static func start(
        state: String? = nil,
        programs: String? = nil,
        _ extra: [String: String] = [:],
        detach: Bool = false
    ) async throws -> TestFarm {
        let state = try state ?? Scratch.folder()
        var environment = [
            "PATH": "/usr/bin:/bin", "HOME": state,
            "MILLRACE_BIN": try programs ?? Scratch.programs(),
            "MILLRACE_TEST_JOURNAL": state + "/journal",
        ]
        environment["LD_LIBRARY_PATH"] = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
        let arguments = ["up", state] + (detach ? ["--detach"] : [])
        let command = ServerProcess.Command(
            executable: "/usr/bin/setpriv",
            arguments: ["--pdeathsig", "TERM", "--", try Scratch.testProcess()] + arguments,
            environment: environment.merging(extra) { $1 },
            logFile: state + "/output",
            diesWithUs: false
        )
        let events = try FolderEvents(state)
        let process = try await ServerProcess.start(command)
        return TestFarm(
            state: state,
            layout: try FarmLayout(state: state),
            journal: state + "/journal",
            output: state + "/output",
            process: process,
            events: events,
            // Awaited by ``end()``.
            end: Task {
                let status = await process.waitForExit()
                events.note()
                return status
            }
        )
    }

    func record() throws -> FarmRecord? { try FarmRecord.read(self.layout) }

    /// Waits until the supervisor has recorded what is wanted.
    ///
    /// - Throws: if it ends before.
    @discardableResult
    func wait(until isWanted: (FarmRecord) -> Bool) async throws -> FarmRecord {
        while true {
            let hasEnded = self.process.exit != nil
            if let record = try self.record(), isWanted(record) { return record }
            if hasEnded { throw ServerError("the supervisor ended: \(PrivateFiles.tail(of: self.output))") }
            await self.events.next()
        }
    }

    /// - Parameter after: a supervisor whose record does not count.
    @discardableResult
    func ready(after former: ProcessIdentity? = nil) async throws -> FarmRecord {
        try await self.wait { $0.table.isReady && $0.supervisor != former }
    }

    func signal(_ signal: Int32) { self.process.signal(signal) }

    func end() async -> ServerProcess.Exit { await self.end.value }

    func stop() async -> ServerProcess.Exit {
        self.process.signal(SIGTERM)
        return await self.end.value
    }
}

/// Changes of a folder, as the kernel tells them; and whatever else is worth a look.
final class FolderEvents: Sendable {
    private let stream: AsyncStream<Void>
    private let feed: AsyncStream<Void>.Continuation

    init(_ folder: String) throws {
        let descriptor = inotify_init1(CInt(IN_CLOEXEC))
        guard descriptor >= 0, inotify_add_watch(descriptor, folder, UInt32(IN_MOVED_TO | IN_DELETE_SELF)) >= 0 else {
            throw ServerError("cannot watch \(folder): \(PrivateFiles.reason())")
        }
        let (stream, feed) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        (self.stream, self.feed) = (stream, feed)
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while read(descriptor, &buffer, buffer.count) > 0 { feed.yield() }
        }
    }

    func note() { self.feed.yield() }

    /// Waits for a change since the last one.
    func next() async {
        for await _ in self.stream { return }
    }
}
