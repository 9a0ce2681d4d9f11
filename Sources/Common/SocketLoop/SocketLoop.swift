import CSocketLoop
import Glibc
import NIOConcurrencyHelpers

/// One thread that is at once the mailbox of an actor and the poll(2) loop of that actor's socket.
///
/// librabbitmq and libpq are not thread-safe, must read their socket themselves, and need attention while idle
/// (heartbeats). So the actor that owns a connection names this loop as its executor: its jobs and its socket are
/// served by one thread, and no lock and no hand-over is needed between them.
///
/// Lifetime: ``init(name:)`` starts the thread, ``stop()`` ends it once the mailbox is empty and joins it. A loop that
/// is never stopped keeps its thread for the life of the process.
///
/// `@unchecked Sendable`: the mailbox is behind a lock, `source` is touched by the loop's thread alone (checked by
/// ``checkIsolated()``), and everything else is immutable after `init`.
package final class SocketLoop: SerialExecutor, @unchecked Sendable {
    private struct Mailbox {
        var jobs: [UnownedJob] = []
        var isStopping = false
        /// True while the thread is in poll, or about to be: a job must then ring the bell.
        var isSleeping = false
    }

    private let mailbox = NIOLockedValueBox(Mailbox())
    private let bell: CInt
    private let identity = NIOLockedValueBox<pthread_t?>(nil)
    private let thread = NIOLockedValueBox<pthread_t?>(nil)
    private weak var source: (any SocketSource)?

    /// Starts the loop's thread.
    ///
    /// - Parameter name: what `ps -L` and a debugger show; cut to 15 bytes, the kernel's limit.
    package init(name: String) {
        self.bell = csocketloop_eventfd()
        precondition(self.bell >= 0, "no descriptor left for the event loop \(name): raise the open files limit")
        let retained = Unmanaged.passRetained(self)
        var handle = pthread_t()
        let status = pthread_create(
            &handle,
            nil,
            { raw in
                guard let raw else { return nil }
                let loop = Unmanaged<SocketLoop>.fromOpaque(raw).takeRetainedValue()
                loop.identity.withLockedValue { $0 = pthread_self() }
                loop.run()
                return nil
            },
            retained.toOpaque()
        )
        precondition(status == 0, "the thread of the event loop \(name) could not be started: errno \(status)")
        // A name is a help to whoever debugs, not a need: a refused one changes nothing.
        _ = csocketloop_name_thread(handle, String(name.prefix(15)))
        self.thread.withLockedValue { $0 = handle }
    }

    deinit { close(self.bell) }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustWake = self.mailbox.withLockedValue { mailbox in
            mailbox.jobs.append(job)
            defer { mailbox.isSleeping = false }
            return mailbox.isSleeping
        }
        if mustWake { self.ring() }
    }

    package func isIsolatingCurrentContext() -> Bool? {
        self.identity.withLockedValue { identity in
            guard let identity else { return false }
            return pthread_equal(identity, pthread_self()) != 0
        }
    }

    package func checkIsolated() {
        precondition(self.isIsolatingCurrentContext() == true, "called from outside the event loop's thread")
    }

    /// Makes `source` the one this loop polls. Called on the loop's thread; the loop does not keep the source alive.
    package func watch(_ source: any SocketSource) {
        self.checkIsolated()
        self.source = source
    }

    /// Stops polling. Called on the loop's thread, before the descriptor is closed.
    package func unwatch() {
        self.checkIsolated()
        self.source = nil
    }

    /// Ends the thread after the jobs already in the mailbox, and waits for it. A second call returns at once.
    ///
    /// Must not be called on the loop's own thread.
    package func stop() {
        let handle = self.thread.withLockedValue { thread in
            defer { thread = nil }
            return thread
        }
        guard let handle else { return }
        precondition(self.isIsolatingCurrentContext() != true, "a loop cannot wait for its own end")
        self.mailbox.withLockedValue { mailbox in
            mailbox.isStopping = true
            mailbox.isSleeping = false
        }
        self.ring()
        pthread_join(handle, nil)
    }

    private func ring() {
        var one: UInt64 = 1
        // The only possible error is a full counter, and then the loop is awake anyway.
        _ = write(self.bell, &one, MemoryLayout<UInt64>.size)
    }

    private func run() {
        let executor = self.asUnownedSerialExecutor()
        while true {
            let (jobs, isStopping) = self.mailbox.withLockedValue { mailbox in
                let jobs = mailbox.jobs
                mailbox.jobs = []
                mailbox.isSleeping = jobs.isEmpty && !mailbox.isStopping
                return (jobs, mailbox.isStopping)
            }
            for job in jobs { job.runSynchronously(on: executor) }
            if jobs.isEmpty && isStopping { return }
            self.source?.pump()
            self.wait(blocking: jobs.isEmpty)
        }
    }

    /// One poll(2): blocks only when the last turn of the mailbox was empty.
    private func wait(blocking: Bool) {
        var descriptors = [pollfd(fd: self.bell, events: Int16(POLLIN), revents: 0)]
        if let source = self.source, source.descriptor >= 0 {
            descriptors.append(pollfd(fd: source.descriptor, events: source.interest, revents: 0))
        }
        let timeout = blocking ? Self.milliseconds(until: self.source?.deadline) : 0
        _ = poll(&descriptors, nfds_t(descriptors.count), timeout)
        self.mailbox.withLockedValue { $0.isSleeping = false }
        if descriptors[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(self.bell, &count, MemoryLayout<UInt64>.size)
        }
    }

    /// Rounded up, so that the deadline has passed when poll returns; -1 waits for an event alone.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> CInt {
        guard let deadline else { return -1 }
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        return CInt(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }
}
