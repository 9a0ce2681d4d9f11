import Foundation
import Glibc
import PrivateServers

/// How a supervisor in the background and the command that started it find each other: a pipe, and one line on it.
struct Detachment: Sendable {
    /// Names the descriptor of the pipe to the supervisor.
    static let variable = "MILLRACE_SUPERVISOR_PIPE"
    private static let descriptor: CInt = 3

    enum Message: Codable, Equatable, Sendable {
        case ready(FarmSummary)
        case failed(String)
    }

    /// The command that waits for us, if we are in the background.
    static func starter() -> Detachment? {
        guard let value = getenv(self.variable), Int32(String(cString: value)) == self.descriptor else { return nil }
        unsetenv(self.variable)
        // A session of our own: what happens to the terminal of the command is not our concern.
        setsid()
        // No child of ours keeps the pipe open.
        return fcntl(self.descriptor, F_SETFD, FD_CLOEXEC) == 0 ? Detachment() : nil
    }

    /// Tells how the start went, and closes the pipe. A command that has gone by then misses nothing.
    func tell(_ message: Message) {
        signal(SIGPIPE, SIG_IGN)
        defer { close(Self.descriptor) }
        do {
            let line = try JSONEncoder().encode(message)
            let count = line.withUnsafeBytes { write(Self.descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno != EPIPE { throw ServerError("cannot write to it: \(PrivateFiles.reason())") }
        } catch {
            // Standard error is our log: the command is told of it when it finds nothing in the pipe.
            let words = Array("the command that started this farm could not be told how it went: \(error)\n".utf8)
            _ = write(2, words, words.count)
        }
    }
}

extension Supervisor {
    /// Starts this program again in the background, in a session of its own, and waits until its farm is ready.
    ///
    /// - Parameters:
    ///   - options: those that ``run(_:hooks:logger:whenReady:)`` will be given there: they say where its log is.
    ///   - arguments: the command line without the program's name, and without what made us detach.
    /// - Throws: ``FarmError``: why it did not start.
    package static func detach(_ options: Options, arguments: [String]) async throws -> FarmSummary {
        let layout = try FarmFolder.prepare(options.state)
        let log = layout.log(of: "supervisor")
        let reader = try Self.spawn(arguments, log: log)
        let line = await withCheckedContinuation { continuation in
            // Blocks for as long as the start takes: not on a thread of the pool.
            Thread.detachNewThread { continuation.resume(returning: Self.readAll(reader)) }
        }
        guard !line.isEmpty else {
            throw FarmError(
                .startFailed,
                "the supervisor ended before the farm was ready: \(LogFile.lastLine(log)); its log is \(log)"
            )
        }
        switch try JSONDecoder().decode(Detachment.Message.self, from: line) {
        case .ready(let summary): return summary
        case .failed(let reason): throw FarmError(.startFailed, reason)
        }
    }

    private static func readAll(_ descriptor: CInt) -> Data {
        defer { close(descriptor) }
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return data }
            data.append(contentsOf: buffer[..<count])
        }
    }

    /// - Returns: the reading end of the pipe.
    private static func spawn(_ arguments: [String], log: String) throws -> CInt {
        var ends: [CInt] = [0, 0]
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw FarmError(.startFailed, "no pipe: \(PrivateFiles.reason())")
        }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 3)
        let program = try PrivateFiles.absolute("/proc/self/exe")
        var environment = ProcessInfo.processInfo.environment
        environment[Detachment.variable] = "3"
        let argv = ([program] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child = pid_t()
        let status = posix_spawn(&child, program, &actions, nil, argv, envp)
        guard status == 0 else {
            close(ends[0])
            throw FarmError(.startFailed, "cannot start \(program): \(String(cString: strerror(status)))")
        }
        return ends[0]
    }
}
