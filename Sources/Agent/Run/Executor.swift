import Domain
import Messages
import NIOConcurrencyHelpers

/// Why a job is ended before its time.
enum StopReason: Sendable, Equatable {
    /// On request: it is reported cancelled.
    case killed(String)
    /// The agent stops: it is reported failed with this, so that it is given out again, uncounted.
    case agentStops(Failure)
}

/// What runs jobs: this machine, or a batch system.
protocol Executor: Sendable {
    /// Cores that nobody uses or waits for; negative when more was accepted than there is room for.
    func freeCores() async -> Int
    /// Takes a job that is in the journal; it is run when there is room.
    func submit(_ job: HeldJob) async
    /// Ends a job.
    ///
    /// - Returns: false if it is not here.
    func cancel(_ attempt: AttemptKey, _ reason: StopReason) async -> Bool
    /// The attempts that are here.
    func present() async -> [AttemptKey]
    /// Runs until ``stop()``, and then until the last job has ended.
    func run() async
    /// Takes no more jobs.
    func stop() async
}

/// The handle by which a running job is ended.
final class JobControl: Sendable {
    private struct State {
        var reason: StopReason?
        var process: ChildProcess?
    }

    private let state = NIOLockedValueBox(State())

    /// Why the job must end; nil: it need not. The first reason stays.
    var reason: StopReason? { self.state.withLockedValue { $0.reason } }

    func stop(_ reason: StopReason) {
        let process = self.state.withLockedValue { state in
            state.reason = state.reason ?? reason
            return state.process
        }
        process?.killTree()
    }

    /// The process that is ended with the job from now on.
    func adopt(_ process: ChildProcess?) {
        let mustStop = self.state.withLockedValue { state in
            state.process = process
            return state.reason != nil
        }
        if mustStop { process?.killTree() }
    }
}

/// Runs jobs as processes of this machine, as many as have cores.
actor LocalExecutor: Executor {
    private struct Entry {
        var cores: Int
        var control: JobControl
        var isRunning: Bool
    }

    private let slots: Int
    private let runner: JobRunner
    private let onEnd: @Sendable () -> Void
    private var entries: [AttemptKey: Entry] = [:]
    private var queue: [HeldJob] = []
    private let starts: AsyncStream<(HeldJob, JobControl)>
    private let start: AsyncStream<(HeldJob, JobControl)>.Continuation
    private var isStopping = false

    /// - Parameter onEnd: called when a job has ended and its cores are free.
    init(slots: Int, runner: JobRunner, onEnd: @escaping @Sendable () -> Void) {
        self.slots = slots
        self.runner = runner
        self.onEnd = onEnd
        (self.starts, self.start) = AsyncStream.makeStream()
    }

    func freeCores() -> Int { self.slots - self.entries.values.map(\.cores).reduce(0, +) }
    func present() -> [AttemptKey] { self.entries.keys.sorted() }

    func submit(_ job: HeldJob) {
        let key = job.accepted.key
        guard self.entries[key] == nil else { return }
        // More cores than there are would wait for ever.
        let cores = min(self.slots, max(1, job.accepted.description.requirement.cores))
        self.entries[key] = Entry(cores: cores, control: JobControl(), isRunning: false)
        self.queue.append(job)
        self.startWhatFits()
    }

    func cancel(_ attempt: AttemptKey, _ reason: StopReason) -> Bool {
        guard let entry = self.entries[attempt] else { return false }
        entry.control.stop(reason)
        // One that waits is run at once: it ends before its first step.
        if !entry.isRunning, let place = self.queue.firstIndex(where: { $0.accepted.key == attempt }) {
            self.begin(self.queue.remove(at: place))
        }
        return true
    }

    func run() async {
        await withDiscardingTaskGroup { group in
            for await (job, control) in self.starts {
                group.addTask {
                    await self.runner.run(job, control)
                    await self.ended(job.accepted.key)
                }
            }
        }
    }

    func stop() {
        self.isStopping = true
        if self.entries.isEmpty { self.start.finish() }
    }

    private func ended(_ key: AttemptKey) {
        self.entries[key] = nil
        self.startWhatFits()
        self.onEnd()
        if self.isStopping, self.entries.isEmpty { self.start.finish() }
    }

    /// In the order of arrival: a large job is not overtaken for ever by small ones.
    private func startWhatFits() {
        while let first = self.queue.first, let entry = self.entries[first.accepted.key] {
            let used = self.entries.values.filter(\.isRunning).map(\.cores).reduce(0, +)
            guard used + entry.cores <= self.slots else { return }
            self.begin(self.queue.removeFirst())
        }
    }

    private func begin(_ job: HeldJob) {
        guard let entry = self.entries[job.accepted.key] else { return }
        self.entries[job.accepted.key]?.isRunning = true
        self.start.yield((job, entry.control))
    }
}
