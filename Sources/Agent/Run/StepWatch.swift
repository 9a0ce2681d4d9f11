import Domain
import Messages
import NIOConcurrencyHelpers

/// Watches a running step: reads its log, tells its progress, and ends it at its limits.
final class StepWatch: Sendable {
    /// What a job may use.
    struct Limits: Sendable {
        var requirement: Requirement
        /// When the job's wall time is over.
        var deadline: ContinuousClock.Instant
        /// A step that does nothing for so long is ended; nil: none is.
        var looping: Duration?
    }

    private struct State {
        var scanner = OutputScanner()
        var offset: Int64 = 0
        var breach: LimitBreach?
        var lastProgress: ContinuousClock.Instant?
        var lastWalk: ContinuousClock.Instant?
        var looping: LoopingPolicy
    }

    private let name: AttemptName
    private let folder: String
    private let logFile: String
    private let limits: Limits
    private let onProgress: @Sendable (ProgressItem) -> Void
    private let state: NIOLockedValueBox<State>

    init(
        name: AttemptName,
        folder: String,
        logFile: String,
        limits: Limits,
        onProgress: @escaping @Sendable (ProgressItem) -> Void
    ) {
        self.name = name
        self.folder = folder
        self.logFile = logFile
        self.limits = limits
        self.onProgress = onProgress
        self.state = NIOLockedValueBox(State(looping: LoopingPolicy(limit: limits.looping)))
        self.state.withLockedValue { $0.offset = FileTree.size(logFile) ?? 0 }
    }

    var tail: String { self.state.withLockedValue { $0.scanner.tail } }
    var stepTail: String { self.state.withLockedValue { $0.scanner.stepTail } }
    var lastLine: String? { self.state.withLockedValue { $0.scanner.lastLine } }

    /// Watches a step to its end.
    ///
    /// - Returns: how it ended, and the limit for which it was ended.
    func follow(_ child: ChildProcess, step: String) async -> (ChildProcess.Ended, LimitBreach?) {
        self.state.withLockedValue { state in
            state.scanner.beginStep()
            state.breach = nil
            state.lastWalk = nil
            state.looping = LoopingPolicy(limit: self.limits.looping)
        }
        let ended = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    do {
                        try await Task.sleep(for: .seconds(1))
                    } catch {
                        return
                    }
                    self.look(child, step)
                }
            }
            let ended = await child.waitForEnd()
            group.cancelAll()
            return ended
        }
        self.readLog()
        return (ended, self.state.withLockedValue { $0.breach })
    }

    /// Takes the log as read up to here: what the agent itself wrote.
    func skipOwnLines() { self.readLog() }

    private func look(_ child: ChildProcess, _ step: String) {
        self.readLog()
        if let breach = self.breach(child) {
            self.state.withLockedValue { $0.breach = $0.breach ?? breach }
            child.killTree()
        }
        let now = ContinuousClock.now
        let item = self.state.withLockedValue { state -> ProgressItem? in
            if let last = state.lastProgress, last.duration(to: now) < .seconds(2) { return nil }
            state.lastProgress = now
            return ProgressItem(
                name: self.name,
                step: step,
                fraction: state.scanner.fraction,
                metrics: state.scanner.metrics.isEmpty ? nil : state.scanner.metrics,
                tail: state.scanner.tail,
                at: Now.timestamp
            )
        }
        if let item { self.onProgress(item) }
    }

    private func breach(_ child: ChildProcess) -> LimitBreach? {
        let now = ContinuousClock.now
        let family = ProcessTable.family(session: child.pid)
        // Walking a large folder costs: now and then is enough.
        let folder = self.isTimeToWalk(now) ? FileTree.state(of: self.folder) : nil
        let usage = StepUsage(
            isOutOfTime: now >= self.limits.deadline,
            memoryBytes: ProcessTable.residentBytes(family),
            logBytes: FileTree.size(self.logFile),
            diskBytes: folder?.usedBytes
        )
        if let breach = LimitPolicy.breach(usage, self.limits.requirement) { return breach }
        guard let folder else { return nil }
        let sample = LoopingPolicy.Sample(
            at: now,
            output: .init(logBytes: usage.logBytes ?? 0, folder: folder),
            cpuSeconds: ProcessTable.cpuSeconds(family)
        )
        let stillness = self.state.withLockedValue { $0.looping.take(sample) }
        return stillness.map { .looping($0, processes: ProcessTable.describe(family)) }
    }

    private func isTimeToWalk(_ now: ContinuousClock.Instant) -> Bool {
        self.state.withLockedValue { state in
            if let last = state.lastWalk, last.duration(to: now) < state.looping.interval { return false }
            state.lastWalk = now
            return true
        }
    }

    private func readLog() {
        self.state.withLockedValue { state in
            while let bytes = FileTree.read(self.logFile, from: state.offset, limit: 1 << 20), !bytes.isEmpty {
                state.offset += Int64(bytes.count)
                state.scanner.take(bytes)
            }
        }
    }
}
