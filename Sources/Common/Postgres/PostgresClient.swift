package import Logging
import NIOConcurrencyHelpers
import SocketLoop

/// The way to a PostgreSQL database: one pipelined connection shared by all single statements, and a small pool of
/// connections for transactions.
///
/// ``run()`` keeps the connections; without it every call waits and then fails. While the database is away, calls wait
/// up to ``PostgresOptions/acquireTimeout``. Statements of the shared connection are answered in the order they were
/// sent: what may take long belongs into a transaction, which has a connection of its own.
package final class PostgresClient: Sendable {
    let options: PostgresOptions
    let logger: Logger
    let state: NIOLockedValueBox<ClientState>
    private let info: Result<ConnectionInfo, any Error>
    private let opens: (stream: AsyncStream<Int>, continuation: AsyncStream<Int>.Continuation)

    /// - Parameter url: `postgresql://user:password@host:port/database`, or any other form that libpq takes; several
    ///   hosts and `target_session_attrs` are allowed. A wrong one makes ``run()`` and every call throw `configuration`.
    package init(url: String, options: PostgresOptions = .init(), logger: Logger) {
        self.options = options
        self.logger = logger
        self.state = NIOLockedValueBox(ClientState(poolSize: options.poolSize))
        self.info = Result { try ConnectionInfo(url: url, options: options) }
        self.opens = AsyncStream.makeStream()
        self.url = url
    }

    /// Holds the password: never logged.
    let url: String

    /// Why the database cannot be used at this moment, in one line; nil: it can.
    package var problem: String? {
        self.state.withLockedValue { state in
            state.shared == nil ? state.lastFailure?.description ?? "not connected yet" : nil
        }
    }

    // MARK: Single statements

    /// Runs one statement as a transaction of its own and reads its rows. After a serialisation failure or a deadlock, which undo it (or, of
    /// what is no transaction, such as VACUUM, the part at hand), it runs again, up to ``PostgresOptions/transactionAttempts`` times.
    ///
    /// - Throws: ``PostgresError``; `connectionLost` if the connection broke while the statement was under way, which
    ///   may then have taken effect; `CancellationError` if the task is cancelled (the statement may still run).
    package func query<each Column>(_ statement: Statement<repeat each Column>) async throws -> [(repeat each Column)] {
        let results = try await self.runShared([statement.erased])
        return try results.first.map { try statement.decode($0) } ?? []
    }

    /// As ``query(_:)``, for the number of rows changed.
    @discardableResult
    package func execute<each Column>(_ statement: Statement<repeat each Column>) async throws -> Int {
        try await self.runShared([statement.erased]).first?.affected ?? 0
    }

    /// As ``query(_:)``, for the number of rows changed by a statement without a name.
    @discardableResult
    package func execute(_ sql: SQL) async throws -> Int {
        try await self.runShared([AnyStatement(unnamed: sql)]).first?.affected ?? 0
    }

    /// Runs several statements as one transaction in one round trip: all or nothing.
    ///
    /// - Returns: the rows changed by each.
    @discardableResult
    package func execute(_ statements: [SQL]) async throws -> [Int] {
        try await self.runShared(statements.map(AnyStatement.init(unnamed:))).map(\.affected)
    }

    private func runShared(_ statements: [AnyStatement]) async throws -> [PostgresRows] {
        let giveUp = ContinuousClock.now + self.options.acquireTimeout
        var isAnew = false
        var attempt = 1
        while true {
            let connection = try await self.sharedConnection(until: giveUp)
            do {
                return try await connection.run(statements)
            } catch let error as PostgresError where error.code == .notConnected {
                // Nothing was sent: wait for the next connection.
                self.state.withLockedValue { $0.sharedLost(connection) }
            } catch let error as PostgresError where error.isOfPreparedStatement && !isAnew {
                // Nothing was done, and the connection has forgotten what it had prepared.
                isAnew = true
            } catch let error as PostgresError where error.isOfContention && attempt < self.options.transactionAttempts
            {
                self.logger.debug("attempt \(attempt) of a single statement failed, again: \(error)")
                try await Task.sleep(for: self.options.retry.delay(after: attempt))
                attempt += 1
            }
        }
    }

    private func sharedConnection(until giveUp: ContinuousClock.Instant) async throws -> PostgresConnection {
        _ = try self.info.get()
        switch self.state.withLockedValue({ $0.acquireShared() }) {
        case .connection(let connection): return connection
        case .refused: throw PostgresError(.closed, "the database client is closed")
        case .wait(let id, let waiter):
            defer { self.state.withLockedValue { $0.withdrawShared(id) } }
            return try await waiter.value(within: ContinuousClock.now.duration(to: giveUp)) { self.unavailable() }
        }
    }

    private func unavailable() -> PostgresError {
        let (phase, failure) = self.state.withLockedValue { ($0.phase, $0.lastFailure) }
        let reason =
            switch (phase, failure) {
            case (.notStarted, _): "the client is not running"
            case (_, let failure?): failure.message
            case (_, nil): "all \(self.options.poolSize) connections are in use"
            }
        return PostgresError(.unavailable, "no connection within \(self.options.acquireTimeout): \(reason)")
    }

    // MARK: The pool

    func acquire() async throws -> Lease {
        _ = try self.info.get()
        switch self.state.withLockedValue({ $0.acquire() }) {
        case .lease(let lease): return lease
        case .refused: throw PostgresError(.closed, "the database client is closed")
        case .wait(let id, let waiter, let open):
            if let open { self.opens.continuation.yield(open) }
            do {
                return try await waiter.value(within: self.options.acquireTimeout) { self.unavailable() }
            } catch {
                self.state.withLockedValue { $0.withdraw(id) }
                throw error
            }
        }
    }

    func release(_ lease: Lease) async {
        if self.state.withLockedValue({ $0.phase == .closed }) { return await lease.connection.close() }
        self.handOver(lease)
    }

    private func handOver(_ lease: Lease) {
        while let waiter = self.state.withLockedValue({ $0.offer(lease) }) {
            if waiter.complete(.success(lease)) { return }
        }
    }

    // MARK: Life

    /// Keeps the connections until the task is cancelled; then refuses new work, lets what is under way end, and closes.
    ///
    /// - Throws: `configuration` if the URL cannot be used or the client was run before.
    package func run() async throws {
        let info = try self.info.get()
        let isFirst = self.state.withLockedValue { state in
            defer { if state.phase == .notStarted { state.phase = .running } }
            return state.phase == .notStarted
        }
        guard isFirst else { throw PostgresError(.configuration, "a database client runs once") }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.keepShared(info) }
            for await slot in self.opens.stream { group.addTask { await self.keep(slot, info) } }
            let (tell, connections) = self.state.withLockedValue { $0.close() }
            for tell in tell { tell() }
            for connection in connections { await connection.close() }
        }
        self.logger.debug("database connections closed")
    }

    /// The shared connection is there from the start and is made again whenever it is lost.
    private func keepShared(_ info: ConnectionInfo) async {
        let loop = LoopShelf.take()
        defer { LoopShelf.putBack(loop) }
        var failures = 0
        while self.state.withLockedValue({ $0.phase == .running }) {
            guard let connection = await self.connect(on: loop, info, failures: &failures) else { continue }
            guard let waiters = self.state.withLockedValue({ $0.sharedOpened(connection) }) else {
                await connection.close()
                return await self.waitForEnd(of: connection)
            }
            for waiter in waiters { waiter.complete(.success(connection)) }
            await self.waitForEnd(of: connection)
            self.state.withLockedValue { $0.sharedLost(connection) }
        }
    }

    /// A pooled connection is made when somebody waits, kept while it lives, and made again only when somebody waits.
    private func keep(_ slot: Int, _ info: ConnectionInfo) async {
        let loop = LoopShelf.take()
        defer { LoopShelf.putBack(loop) }
        var failures = 0
        repeat {
            guard let connection = await self.connect(on: loop, info, failures: &failures) else { continue }
            guard self.state.withLockedValue({ $0.opened(slot, connection) }) else {
                await connection.close()
                return await self.waitForEnd(of: connection)
            }
            self.handOver(Lease(slot: slot, connection: connection))
            await self.waitForEnd(of: connection)
        } while self.state.withLockedValue { $0.lost(slot) }
    }

    private func connect(on loop: SocketLoop, _ info: ConnectionInfo, failures: inout Int) async -> PostgresConnection?
    {
        let connection = PostgresConnection(
            loop: loop,
            info: info,
            planAge: self.options.planAge,
            logger: self.logger
        )
        do {
            try await connection.connect()
            if failures > 0 { self.logger.info("database connection is back: \(info.summary)") }
            failures = 0
            return connection
        } catch {
            let error = error as? PostgresError ?? PostgresError(.notConnected, "\(error)")
            failures += 1
            if failures == 1 || error.code == .refused { self.logger.error("\(error)") }
            for tell in self.state.withLockedValue({ $0.failed(error) }) { tell() }
            // Interrupted only by the end of the client, which the caller's loop sees.
            _ = try? await Task.sleep(for: self.options.reconnect.delay(after: failures))
            return nil
        }
    }

    private func waitForEnd(of connection: PostgresConnection) async {
        do {
            if let error = try await connection.closed.uncancellableValue() { self.logger.warning("\(error)") }
        } catch {
            self.logger.error("the end of a database connection was not told: \(error)")
        }
    }
}
