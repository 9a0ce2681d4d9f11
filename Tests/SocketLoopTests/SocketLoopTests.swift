import Glibc
import NIOConcurrencyHelpers
import SocketLoop
import Testing

/// A pipe's reading end on a loop: collects the bytes that arrive.
private actor PipeReader: SocketSource {
    nonisolated let loop: SocketLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }
    nonisolated let ends: (read: CInt, write: CInt)
    private nonisolated let received = NIOLockedValueBox<[UInt8]>([])
    private nonisolated let waiter = NIOLockedValueBox<(Int, CheckedContinuation<Void, Never>)?>(nil)
    nonisolated let pumps = NIOLockedValueBox(0)
    private nonisolated let wake = NIOLockedValueBox<ContinuousClock.Instant?>(nil)

    nonisolated var descriptor: CInt { self.ends.read }
    nonisolated var interest: Int16 { Int16(POLLIN) }
    nonisolated var deadline: ContinuousClock.Instant? { self.wake.withLockedValue { $0 } }

    init(loop: SocketLoop) {
        self.loop = loop
        var both: [CInt] = [0, 0]
        precondition(pipe(&both) == 0 && fcntl(both[0], F_SETFL, O_NONBLOCK) == 0)
        self.ends = (both[0], both[1])
    }

    func start() { self.loop.watch(self) }

    func wake(at instant: ContinuousClock.Instant) { self.wake.withLockedValue { $0 = instant } }

    nonisolated func pump() {
        self.pumps.withLockedValue { $0 += 1 }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(self.ends.read, &buffer, buffer.count)
        if count > 0 { self.received.withLockedValue { $0 += buffer[..<count] } }
        let total = self.received.withLockedValue { $0.count }
        let ready = self.waiter.withLockedValue { waiter -> CheckedContinuation<Void, Never>? in
            guard let (wanted, continuation) = waiter, total >= wanted else { return nil }
            waiter = nil
            return continuation
        }
        ready?.resume()
    }

    func bytes(_ wanted: Int) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            self.waiter.withLockedValue { $0 = (wanted, continuation) }
        }
        return self.received.withLockedValue { $0 }
    }
}

@Suite struct SocketLoopTests {
    @Test func jobsOfTheActorRunOnTheLoopThread() async {
        let reader = PipeReader(loop: SocketLoop(name: "test"))
        #expect(reader.loop.isIsolatingCurrentContext() == false)
        await reader.start()
        #expect(await reader.isOnLoop())
        await reader.finish()
    }

    @Test func bytesThatArriveWhileTheLoopSleepsWakeIt() async {
        let reader = PipeReader(loop: SocketLoop(name: "test"))
        await reader.start()
        async let bytes = reader.bytes(3)
        let written: [UInt8] = [1, 2, 3]
        #expect(write(reader.ends.write, written, 3) == 3)
        #expect(await bytes == [1, 2, 3])
        await reader.finish()
    }

    @Test func aDeadlinePumpsAQuietSocket() async {
        let reader = PipeReader(loop: SocketLoop(name: "test"))
        await reader.start()
        let before = reader.pumps.withLockedValue { $0 }
        await reader.wake(at: .now)
        while reader.pumps.withLockedValue({ $0 }) <= before { await Task.yield() }
        await reader.finish()
    }

    @Test func jobsFromManyTasksAllRunBeforeTheLoopStops() async {
        let counter = Counter(loop: SocketLoop(name: "test"))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 { group.addTask { await counter.add() } }
        }
        #expect(await counter.value == 1000)
        counter.loop.stop()
        counter.loop.stop()
    }
}

private actor Counter {
    nonisolated let loop: SocketLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }
    private(set) var value = 0
    init(loop: SocketLoop) { self.loop = loop }
    func add() { self.value += 1 }
}

extension PipeReader {
    fileprivate func isOnLoop() -> Bool { self.loop.isIsolatingCurrentContext() == true }

    fileprivate nonisolated func finish() async {
        await self.leave()
        self.loop.stop()
        close(self.ends.read)
        close(self.ends.write)
    }

    private func leave() { self.loop.unwatch() }
}
