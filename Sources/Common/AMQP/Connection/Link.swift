import Glibc
import Logging
import SocketLoop

/// One connection to the broker, kept alive: connects, declares, serves its role, and begins again after any failure.
///
/// An actor on its own thread, which is also the poll loop of its socket.
actor Link<Role: LinkRole>: SocketSource {
    /// Frames read before the mailbox and the sending have their turn.
    private static var framesPerRound: Int { 1000 }
    private static var roundsPerTurn: Int { 8 }

    nonisolated let loop: SocketLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }
    nonisolated let board = StateBoard()
    nonisolated let stallGuard = StallGuard()
    nonisolated let endpoint: AMQPEndpoint
    nonisolated let name: String
    nonisolated let options: AMQPOptions
    nonisolated let logger: Logger
    /// Held by whoever calls an isolated method from outside.
    nonisolated let gate = Gate()
    nonisolated let runClaim = OneShot<Void>()
    nonisolated let stopRequest = OneShot<Void>()

    var role: Role
    private(set) var lifecycle: ConnectionLifecycle
    private var topology: Topology
    private var connection: RawConnection?
    private var assembler = ContentAssembler()
    private var requests = FIFO<LinkRequest>()
    private var rest = Transmission.Rest.nothing
    /// The last turn ended with work left over.
    private var isUnfinished = false
    private var hasBegunDrain = false
    /// When the broker took messages again, or the connection was made.
    private var openSince = ContinuousClock.now
    private var end: CheckedContinuation<Void, Never>?

    init(
        endpoint: AMQPEndpoint,
        name: String,
        topology: Topology,
        options: AMQPOptions,
        role: Role,
        logger: Logger
    ) {
        self.endpoint = endpoint
        self.name = name
        self.topology = topology
        self.options = options
        self.role = role
        self.logger = logger
        self.lifecycle = ConnectionLifecycle(backoff: options.backoff)
        self.loop = SocketLoop(name: name)
    }

    // MARK: The loop's view

    nonisolated var descriptor: CInt { self.assumeIsolated { $0.connection?.descriptor ?? -1 } }

    nonisolated var interest: Int16 {
        self.assumeIsolated { Int16(POLLIN) | ($0.rest == .noRoom ? Int16(POLLOUT) : 0) }
    }

    nonisolated var deadline: ContinuousClock.Instant? { self.assumeIsolated { $0.nextTurn } }

    nonisolated func pump() { self.assumeIsolated { $0.turn() } }

    private var nextTurn: ContinuousClock.Instant? {
        if self.isUnfinished { return .now }
        // The library sends its heartbeats only when called: twice an interval is early enough.
        let interval = self.connection.map(\.heartbeat) ?? .zero
        let beat = interval > .zero ? ContinuousClock.now + interval / 2 : nil
        return [beat, self.answerDeadline, self.lifecycle.deadline].compactMap { $0 }.min()
    }

    /// When the broker's answer is overdue; nil while it owes none, or has said that it takes nothing now.
    private var answerDeadline: ContinuousClock.Instant? {
        guard self.connection != nil, !self.isBlocked else { return nil }
        return self.role.answerDeadline(limit: self.options.confirmLimit, start: self.openSince)
    }

    // MARK: Called by the publisher and the consumer

    /// Begins to connect.
    ///
    /// - Throws: ``AMQPError`` with ``AMQPError/Code/invalidArgument`` for a topology that cannot be declared.
    func start() throws {
        self.loop.watch(self)
        try self.topology.validate()
        self.lifecycle.start(now: .now)
    }

    /// Asks for the end and waits for it; to be called once, after ``start()``.
    func drain() async {
        self.lifecycle.stop(now: .now, drainLimit: self.options.drainLimit)
        await withCheckedContinuation { self.end = $0 }
    }

    /// Whether new work may still be taken.
    var isAccepting: Bool { !self.lifecycle.isDraining && !self.lifecycle.isStopped }

    /// Runs a question to the broker on the connection, as soon as there is one.
    ///
    /// - Throws: ``AMQPError``: the broker's refusal, the loss of the connection meanwhile, or the end of the link.
    func perform<Value: Sendable>(
        _ body: @escaping @Sendable (RawConnection) throws(AMQPError) -> Value
    ) async throws -> Value {
        guard self.isAccepting else { throw Self.stopped(self.name) }
        let answer = OneShot<Value>()
        self.requests.append(LinkRequest(answer, body))
        return try await answer.value()
    }

    /// Declares now, and again after every reconnect.
    func declare(_ topology: Topology) async throws {
        try topology.validate()
        _ = try await self.perform { connection throws(AMQPError) in try connection.declare(topology) }
        self.topology = self.topology.merging(topology)
    }

    /// Deletes a queue, and declares it no more.
    func delete(_ queue: String) async throws -> Int {
        self.topology = self.topology.removing(queue: queue)
        return try await self.perform { connection throws(AMQPError) in try connection.delete(queue) }
    }

    static func stopped(_ name: String) -> AMQPError {
        AMQPError(.stopped, "\(name) has been stopped: it takes no more work")
    }

    // MARK: One turn

    private func turn() {
        let isIdle = self.role.isIdle && self.requests.isEmpty
        switch self.lifecycle.next(now: .now, isIdle: isIdle) {
        case .connect: self.connect()
        case .close: self.finish()
        case .none: break
        }
        guard let connection = self.connection else {
            self.isUnfinished = false
            return
        }
        do {
            try self.serve(connection)
        } catch {
            self.lose(error)
        }
        self.role.deliver()
        // What was just served may have been the last thing the end waited for.
        if self.lifecycle.isDraining, self.role.isIdle, self.requests.isEmpty { self.isUnfinished = true }
    }

    private func serve(_ connection: RawConnection) throws(AMQPError) {
        var sent = 0
        defer { self.stallGuard.leave(progressed: sent > 0, hasUnsent: self.rest == .noRoom) }
        for _ in 0..<Self.roundsPerTurn {
            self.stallGuard.enter()
            try self.beginDrainIfAsked(connection)
            let frames = try self.read(connection)
            try self.answerRequests(connection)
            try self.expectAnswer()
            let transmission = try self.isBlocked ? Transmission() : self.role.transmit(connection)
            sent += transmission.sent
            self.rest = transmission.rest
            self.isUnfinished = frames == Self.framesPerRound || transmission.rest == .more
            if !self.isUnfinished {
                // A request may have left frames in the library; sending may have met answers on its way.
                guard connection.hasFramesAtHand else { return }
                self.isUnfinished = true
            }
        }
    }

    private func beginDrainIfAsked(_ connection: RawConnection?) throws(AMQPError) {
        guard self.lifecycle.isDraining, !self.hasBegunDrain else { return }
        self.hasBegunDrain = true
        try self.role.beginDrain(connection)
    }

    private var isBlocked: Bool { if case .blocked = self.board.state { true } else { false } }

    /// Takes the frames at hand, and returns how many they were.
    private func read(_ connection: RawConnection) throws(AMQPError) -> Int {
        for count in 0..<Self.framesPerRound {
            guard let frame = try connection.nextFrame() else { return count }
            guard let event = try self.assembler.take(frame) else { continue }
            switch event {
            case .blocked(let reason):
                self.logger.warning("the broker takes no messages now", metadata: ["reason": "\(reason)"])
                self.board.set(.blocked(reason: reason))
            case .unblocked:
                self.logger.notice("the broker takes messages again")
                self.openSince = .now
                self.board.set(.connected)
            case .cancelled:
                throw AMQPError(.consumerCancelled, "the broker cancelled the consumer: its queue was deleted or moved")
            case .confirm, .returned, .delivered: try self.role.receive(event)
            }
        }
        return Self.framesPerRound
    }

    /// - Throws: ``AMQPError`` when the broker has owed an answer for too long: the next connection asks anew.
    private func expectAnswer() throws(AMQPError) {
        guard let answerDeadline, .now >= answerDeadline else { return }
        throw AMQPError(
            .connectionLost,
            "the broker owes the confirm of a message for too long (\(self.options.confirmLimit), ten times that while others come): it is sent again"
        )
    }

    private func answerRequests(_ connection: RawConnection) throws(AMQPError) {
        while let request = self.requests.popFirst() { try request.run(connection) }
    }

    // MARK: Connecting and ending

    private func connect() {
        self.board.set(.connecting)
        self.stallGuard.enter()
        defer { self.stallGuard.leave(progressed: false, hasUnsent: false) }
        do {
            self.connection = try self.makeConnection()
            self.assembler = ContentAssembler()
            self.rest = .nothing
            self.openSince = .now
            self.lifecycle.opened(now: .now)
            self.logger.info("connected to the broker", metadata: ["broker": "\(self.endpoint)"])
            self.board.set(.connected)
        } catch {
            self.role.lost()
            self.report(error)
        }
    }

    /// A connection with all declared and the role established; a failure on the way leaves none behind.
    private func makeConnection() throws(AMQPError) -> RawConnection {
        let connection = try RawConnection(
            to: self.endpoint,
            name: self.name,
            options: self.options,
            stallGuard: self.stallGuard
        )
        do {
            let unnamedQueue = try connection.declare(self.topology)
            self.board.queueName = unnamedQueue
            try self.role.established(connection, unnamedQueue: unnamedQueue)
            return connection
        } catch {
            connection.close(orderly: error.leavesConnectionUsable)
            throw error
        }
    }

    /// Gives the connection up; the next one is tried after the back-off.
    private func lose(_ error: AMQPError) {
        guard let connection = self.connection else { return }
        // A blocking broker does not read: a good-bye would only wait.
        connection.close(orderly: error.leavesConnectionUsable && !self.isBlocked)
        self.connection = nil
        self.rest = .nothing
        self.isUnfinished = false
        self.role.lost()
        self.report(error)
    }

    private func report(_ error: AMQPError) {
        self.lifecycle.failed(now: .now, random: Double.random(in: 0...1))
        // Once loudly; the repetitions of a long outage only for who wants to see them.
        let level: Logger.Level = self.lifecycle.failures <= 1 ? .warning : .debug
        self.logger.log(
            level: level,
            "no connection to the broker, will try again",
            metadata: ["reason": "\(error)", "failures": "\(self.lifecycle.failures)"]
        )
        self.board.set(.disconnected(error))
    }

    private func finish() {
        if let connection = self.connection {
            connection.close(orderly: !self.isBlocked)
            self.connection = nil
        }
        self.isUnfinished = false
        while let request = self.requests.popFirst() { request.fail(Self.stopped(self.name)) }
        self.role.finish()
        self.loop.unwatch()
        self.board.set(.stopped)
        self.end?.resume()
        self.end = nil
    }
}
