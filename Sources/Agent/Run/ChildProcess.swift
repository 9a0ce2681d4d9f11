import CAgentProcess
import Domain
import Glibc
import NIOConcurrencyHelpers

/// A process of a job, with all that it starts: a session of its own, killed when the agent dies.
///
/// Not swift-subprocess: its result has no resource usage, and it cannot ask the kernel to end the child with us.
final class ChildProcess: Sendable {
    /// What to run.
    struct Launch: Sendable {
        /// An absolute path, or one relative to the folder.
        var program: String
        /// Of the process, from the name of the program on.
        var arguments: [String]
        /// All of it.
        var environment: [String: String]
        var folder: String
        /// Standard output and error are appended to this file.
        var logFile: String
        /// The value of HOME that only processes of this job have: by it those are found that left the session.
        var ownHome: String?
    }

    /// How it ended, and what it and its children used.
    struct Ended: Sendable, Equatable {
        var end: ProcessEnd
        var cpuSeconds: Double
        /// Bytes, the largest process.
        var memoryPeak: Int64
    }

    private struct State {
        var ended: Ended?
        var waiters: [CheckedContinuation<Ended, Never>] = []
    }

    let pid: pid_t
    private let state: NIOLockedValueBox<State>

    private init(pid: pid_t, state: NIOLockedValueBox<State>) {
        self.pid = pid
        self.state = state
    }

    /// - Throws: ``JobFailure``: payloadNotFound or nodeSpawn.
    static func start(_ launch: Launch) async throws -> ChildProcess {
        let state = NIOLockedValueBox(State())
        let pid: pid_t = try await withCheckedThrowingContinuation { continuation in
            // The kernel ends the child when the thread that made it ends, so each child has one, which waits for it.
            let hasStarted = OwnThread.start {
                do {
                    let pid = try Self.spawn(launch)
                    continuation.resume(returning: pid)
                    Self.finish(state, Self.wait(pid, launch.ownHome))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
            if !hasStarted {
                continuation.resume(throwing: JobFailure(.nodeSpawn, "no thread left to start \(launch.program)"))
            }
        }
        return ChildProcess(pid: pid, state: state)
    }

    /// Waits for its end.
    func waitForEnd() async -> Ended {
        await withCheckedContinuation { continuation in
            let ended = self.state.withLockedValue { state -> Ended? in
                if state.ended == nil { state.waiters.append(continuation) }
                return state.ended
            }
            if let ended { continuation.resume(returning: ended) }
        }
    }

    /// Ends it and all of its session; nothing if it has ended.
    func killTree() {
        // Under the lock: the number is ours as long as the end is not noted.
        self.state.withLockedValue { state in
            if state.ended == nil { ProcessTable.kill(session: self.pid) }
        }
    }

    private static func spawn(_ launch: Launch) throws(JobFailure) -> pid_t {
        let log = open(launch.logFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard log >= 0 else {
            let error = FileError("cannot write \(launch.logFile)")
            throw JobFailure(NodeFailure.code(errno: error.errno), error.description)
        }
        defer { close(log) }
        var inChild: CInt = 0
        var code: CInt = 0
        let pid = withCStrings(launch.arguments) { arguments in
            withCStrings(launch.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }) { environment in
                launch.program.withCString { program in
                    launch.folder.withCString { folder in
                        var request = cagent_launch(
                            program: program,
                            arguments: arguments,
                            environment: environment,
                            folder: folder,
                            output: log
                        )
                        let pid = cagent_start(&request, &inChild)
                        code = errno
                        return pid
                    }
                }
            }
        }
        if pid >= 0 { return pid }
        let isMissing = inChild != 0 && [ENOENT, EACCES, ENOEXEC, ENOTDIR, ELOOP, EISDIR].contains(code)
        let what = isMissing ? "cannot be executed" : "could not be started"
        throw JobFailure(
            isMissing ? .payloadNotFound : .nodeSpawn,
            "\(launch.program) \(what): \(String(cString: strerror(code)))"
        )
    }

    private static func wait(_ pid: pid_t, _ ownHome: String?) -> Ended {
        // First only look: as long as the leader is a zombie, its number cannot be given to another session, and what it
        // left behind can be ended by it.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        ProcessTable.kill(session: pid)
        if let ownHome { ProcessTable.killStrays(home: ownHome) }
        var status: CInt = 0
        var usage = rusage()
        while wait4(pid, &status, 0, &usage) < 0, errno == EINTR {}
        let signal = status & 0x7F
        let cpu = [usage.ru_utime, usage.ru_stime].map { Double($0.tv_sec) + Double($0.tv_usec) / 1e6 }.reduce(0, +)
        return Ended(
            end: signal == 0 ? .exited(Int((status >> 8) & 0xFF)) : .signalled(Int(signal)),
            cpuSeconds: cpu,
            memoryPeak: Int64(usage.ru_maxrss) * 1024
        )
    }

    private static func finish(_ state: NIOLockedValueBox<State>, _ ended: Ended) {
        let waiters = state.withLockedValue { state in
            state.ended = ended
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: ended) }
    }
}

private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let copies = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { buffer in
        // Never empty: the closing nil is always there.
        guard let start = buffer.baseAddress else { preconditionFailure("an array of strings without its end") }
        return body(start)
    }
}
