package import Glibc
import NIOConcurrencyHelpers

/// A server process of ours: in a process group of its own, its output in a file, gone when we are gone.
///
/// The kernel kills it when the *thread* that made it ends (`setpriv --pdeathsig`), so each process has a thread, which
/// makes it and then waits for its exit.
package final class ServerProcess: Sendable {
    /// How a process ended.
    package enum Exit: Equatable, Sendable {
        case status(Int32)
        case signal(Int32)
    }

    /// What to run.
    package struct Command: Sendable {
        /// An absolute path.
        package var executable: String
        package var arguments: [String]
        /// All of it: nothing is inherited.
        package var environment: [String: String]
        /// Standard output and standard error are appended to this file.
        package var logFile: String
        /// Written with the process id, if set.
        package var pidFile: String?
        /// Whether the process must die with us; false for one that is to outlive us.
        package var diesWithUs: Bool
        /// Where it runs, and leaves what it drops when it dies; nil: where we do.
        package var workingFolder: String?

        package init(
            executable: String,
            arguments: [String],
            environment: [String: String],
            logFile: String,
            pidFile: String? = nil,
            diesWithUs: Bool = true,
            workingFolder: String? = nil
        ) {
            self.executable = executable
            self.arguments = arguments
            self.environment = environment
            self.logFile = logFile
            self.pidFile = pidFile
            self.diesWithUs = diesWithUs
            self.workingFolder = workingFolder
        }
    }

    private struct State {
        var exit: Exit?
        var waiters: [CheckedContinuation<Exit, Never>] = []
    }

    package let pid: pid_t
    private let state: NIOLockedValueBox<State>

    private init(pid: pid_t, state: NIOLockedValueBox<State>) {
        self.pid = pid
        self.state = state
    }

    /// Starts a process.
    ///
    /// - Throws: ``ServerError`` if it cannot be started.
    package static func start(_ command: Command) async throws -> ServerProcess {
        let state = NIOLockedValueBox(State())
        let pid: pid_t = try await withCheckedThrowingContinuation { continuation in
            let thread = OwnThread {
                do {
                    let pid = try spawn(command)
                    continuation.resume(returning: pid)
                    ServerProcess.finish(state, ServerProcess.waitForExit(pid))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !thread.start() {
                continuation.resume(throwing: ServerError("no thread left for \(command.executable)"))
            }
        }
        return ServerProcess(pid: pid, state: state)
    }

    /// How it ended; nil while it runs.
    package var exit: Exit? { self.state.withLockedValue { $0.exit } }

    /// Waits for the end.
    @discardableResult
    package func waitForExit() async -> Exit {
        await withCheckedContinuation { continuation in
            let exit = self.state.withLockedValue { state -> Exit? in
                if state.exit == nil { state.waiters.append(continuation) }
                return state.exit
            }
            if let exit { continuation.resume(returning: exit) }
        }
    }

    /// Sends a signal to the process and all its children; nothing if it has ended.
    package func signal(_ signal: Int32) {
        // Under the lock: the process id belongs to us only as long as the exit is not known.
        self.state.withLockedValue { state in
            guard state.exit == nil else { return }
            kill(-self.pid, signal)
        }
    }

    /// Asks it to end (TERM), and after `grace` makes it (KILL); returns when it has ended.
    @discardableResult
    package func terminate(grace: Duration = .seconds(20), with first: Int32 = SIGTERM) async -> Exit {
        self.signal(first)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(for: grace)
                } catch {
                    return
                }
                self.signal(SIGKILL)
            }
            let exit = await self.waitForExit()
            group.cancelAll()
            return exit
        }
    }

    /// Makes it end, and blocks until it has: for the very end of a program, when nothing can be awaited any more.
    package func killAndWait() {
        self.signal(SIGKILL)
        // Its own thread notes the exit; a killed process needs no longer than the kernel does.
        while self.exit == nil { usleep(1000) }
    }

    private static func waitForExit(_ pid: pid_t) -> Exit {
        // The process is kept as a zombie until its exit is noted, so that nobody signals another with its number.
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? .status((status >> 8) & 0xFF) : .signal(signal)
    }

    private static func finish(_ state: NIOLockedValueBox<State>, _ exit: Exit) {
        let waiters = state.withLockedValue { state in
            state.exit = exit
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }
}

/// A thread that runs one closure.
private final class OwnThread: Sendable {
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    /// Returns false if there can be no more threads.
    func start() -> Bool {
        var handle = pthread_t()
        let retained = Unmanaged.passRetained(self)
        let status = pthread_create(
            &handle,
            nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<OwnThread>.fromOpaque(raw).takeRetainedValue().body()
                return nil
            },
            retained.toOpaque()
        )
        guard status == 0 else {
            retained.release()
            return false
        }
        pthread_detach(handle)
        return true
    }
}

/// posix_spawn with a process group, an environment and a log of its own.
private func spawn(_ command: ServerProcess.Command) throws -> pid_t {
    var arguments = [command.executable] + command.arguments
    if let folder = command.workingFolder { arguments = ["/usr/bin/env", "--chdir=\(folder)", "--"] + arguments }
    if command.diesWithUs { arguments = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--"] + arguments }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, command.logFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setpgroup(&attributes, 0)
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var pid = pid_t()
    let status = withCStrings(arguments) { argv in
        withCStrings(command.environment.map { "\($0.key)=\($0.value)" }) { environment in
            posix_spawn(&pid, arguments[0], &actions, &attributes, argv, environment)
        }
    }
    guard status == 0 else {
        throw ServerError("could not start \(command.executable): \(String(cString: strerror(status)))")
    }
    if let pidFile = command.pidFile { try PrivateFiles.write("\(pid)\n", to: pidFile) }
    return pid
}

private func withCStrings<Result>(
    _ strings: [String],
    _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
