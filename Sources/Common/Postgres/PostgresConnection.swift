import CLibPQ
import Glibc
import Logging
import SocketLoop

/// One pipelined connection to PostgreSQL, on the thread of its loop; statements of many tasks may be under way.
///
/// Each call of ``run(_:begin:)`` is one segment of the pipeline, ended by a sync: an error skips the rest of its own
/// segment and nothing else. A segment outside a transaction is a transaction of its own.
actor PostgresConnection: SocketSource {
    nonisolated let loop: SocketLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    /// Completed when the connection is gone, for whatever reason.
    nonisolated let closed = OneShot<PostgresError?>()

    private let info: ConnectionInfo
    private let notices: NoticeSink
    private var handle: OpaquePointer?
    private var pending = PendingSegments()
    /// nil: every statement is sent with its text, and planned anew.
    private var prepared: PreparedStatements?
    private var mustWrite = false
    private var isClosing = false
    /// From BEGIN sent until COMMIT or ROLLBACK answered.
    private var isInTransaction = false

    init(loop: SocketLoop, info: ConnectionInfo, planAge: Duration?, logger: Logger) {
        self.loop = loop
        self.info = info
        self.prepared = planAge.map { PreparedStatements(maximumAge: $0) }
        self.notices = NoticeSink(logger: logger)
    }

    // MARK: SocketSource

    nonisolated var descriptor: CInt { self.assumeIsolated { $0.handle.map { PQsocket($0) } ?? -1 } }
    nonisolated var interest: Int16 { self.assumeIsolated { Int16($0.mustWrite ? POLLIN | POLLOUT : POLLIN) } }
    nonisolated var deadline: ContinuousClock.Instant? { nil }
    nonisolated func pump() { self.assumeIsolated { $0.pumpOnLoop() } }

    // MARK: Life

    /// Blocks the loop's thread until the server has answered or the connect time-out is over.
    func connect() throws {
        let handle = try self.info.connect()
        self.notices.install(on: handle)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
            defer { PQfinish(handle) }
            throw PostgresError(.notConnected, "no pipeline mode: \(String(cString: PQerrorMessage(handle)))")
        }
        self.handle = handle
        self.loop.watch(self)
    }

    /// Closes as soon as what is under way has been answered; new statements are refused.
    func close() {
        self.isClosing = true
        if self.pending.isEmpty { self.end(nil) }
    }

    /// Closes at once; what is under way fails with `connectionLost`.
    func abandon(_ error: PostgresError) { self.end(error) }

    private func end(_ error: PostgresError?) {
        guard let handle = self.handle else {
            self.closed.complete(.success(error))
            return
        }
        self.handle = nil
        self.loop.unwatch()
        PQfinish(handle)
        let lost = error ?? PostgresError(.connectionLost, "the connection was closed")
        for segment in self.pending.removeAll() {
            segment.done.complete(.failure(segment.error ?? lost.named(segment.current)))
        }
        self.closed.complete(.success(error))
    }

    // MARK: Statements

    /// Sends `statements` under one sync and waits for all results; the first error is thrown and skips the rest.
    ///
    /// - Parameter begin: sent first unless a transaction is open already.
    /// - Throws: ``PostgresError``; `CancellationError` when the calling task is cancelled: the statements still run.
    func run(_ statements: [AnyStatement], begin: String? = nil) async throws -> [PostgresRows] {
        try Task.checkCancellation()
        return try await self.send(statements, begin: begin).value()
    }

    /// Commits the open transaction, after `statements` in the same round trip. Not interrupted by cancellation.
    ///
    /// - Throws: `commitUnknown` if the connection broke before the answer.
    func commit(after statements: [AnyStatement], begin: String) async throws -> [PostgresRows] {
        if statements.isEmpty && !self.isInTransaction { return [] }
        let commit = AnyStatement(name: "COMMIT", sql: "COMMIT", columns: [])
        var results: [PostgresRows]
        do {
            results = try await self.send(statements + [commit], begin: begin).uncancellableValue()
        } catch let error as PostgresError where error.code == .connectionLost {
            throw error.with(code: .commitUnknown, message: "the connection broke during COMMIT: \(error.message)")
        }
        self.isInTransaction = false
        guard results.removeLast().tag == "COMMIT" else {
            throw PostgresError(.transactionAborted, "the transaction was rolled back: a statement in it had failed")
        }
        return results
    }

    /// Ends an open transaction without a trace; ends what is still running in it. If it cannot, the connection closes.
    func rollback() async {
        guard let handle = self.handle, self.isInTransaction else { return }
        if !self.pending.isEmpty { Self.cancelRunning(handle) }
        do {
            let rollback = AnyStatement(name: "ROLLBACK", sql: "ROLLBACK", columns: [])
            _ = try await self.send([rollback], begin: nil).uncancellableValue()
            self.isInTransaction = false
        } catch {
            self.end(PostgresError(.connectionLost, "ROLLBACK failed: \(error)"))
        }
    }

    /// Asks the server to end the running statement; it is one short connection to the same server.
    private static func cancelRunning(_ handle: OpaquePointer) {
        guard let request = PQgetCancel(handle) else { return }
        defer { PQfreeCancel(request) }
        var reason = [CChar](repeating: 0, count: 256)
        // A request that fails changes nothing: the statement then runs to its end, and ROLLBACK waits for it.
        _ = PQcancel(request, &reason, CInt(reason.count))
    }

    private func send(_ statements: [AnyStatement], begin: String?) throws -> OneShot<[PostgresRows]> {
        guard let handle = self.handle, !self.isClosing else {
            throw PostgresError(.notConnected, "the connection is closed")
        }
        for statement in statements { try ParameterBlock.check(statement) }
        let segment = PendingSegment()
        var isSent = true
        if !self.isInTransaction { isSent = self.dropOldPlans(on: handle) }
        if let begin, !self.isInTransaction, isSent {
            isSent = Self.send(begin, segment, on: handle)
            self.isInTransaction = true
        }
        for statement in statements where isSent { isSent = self.send(statement, segment, on: handle) }
        guard isSent, PQpipelineSync(handle) == 1 else {
            // A part may have been written already, so that its effect is unknown.
            let error = PostgresError(.connectionLost, String(cString: PQerrorMessage(handle)))
            self.end(error)
            throw error
        }
        self.pending.append(segment)
        return segment.done
    }

    /// A segment of its own, between transactions: a transaction that begins behind it in one segment could not choose its isolation.
    private func dropOldPlans(on handle: OpaquePointer) -> Bool {
        guard self.prepared?.plansAreTooOld(at: .now) == true else { return true }
        let segment = PendingSegment()
        self.pending.append(segment)
        return Self.send("DISCARD PLANS", segment, on: handle) && PQpipelineSync(handle) == 1
    }

    /// Sends something of the connection's own.
    private static func send(_ text: String, _ segment: PendingSegment, on handle: OpaquePointer) -> Bool {
        segment.add(.own)
        return PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 0) == 1
    }

    /// Sends a statement of the caller in the cheapest manner.
    private func send(_ statement: AnyStatement, _ segment: PendingSegment, on handle: OpaquePointer) -> Bool {
        var name: String?
        // COMMIT, ROLLBACK and SET have no plan.
        if !statement.sql.parameters.isEmpty || !statement.columns.isEmpty, self.prepared != nil {
            let key = PreparedStatements.Key(statement.sql)
            switch self.prepared?.manner(of: key) {
            case .text, nil: break
            case .name(let known): name = known
            case .prepare(let new):
                guard ParameterBlock.prepare(statement.sql, as: new, on: handle) else { return false }
                segment.add(.preparation(key, name: new))
                name = new
            }
        }
        segment.add(.statement(statement.name))
        return ParameterBlock.send(statement.sql, preparedAs: name, on: handle)
    }

    // MARK: The loop's thread

    private func pumpOnLoop() {
        guard let handle = self.handle else { return }
        let isReadable = PQconsumeInput(handle) == 1
        self.readResults(handle)
        guard self.handle != nil else { return }
        if !isReadable || PQstatus(handle) == CONNECTION_BAD {
            return self.end(PostgresError(.connectionLost, String(cString: PQerrorMessage(handle))))
        }
        let flushed = PQflush(handle)
        guard flushed >= 0 else {
            return self.end(PostgresError(.connectionLost, String(cString: PQerrorMessage(handle))))
        }
        self.mustWrite = flushed == 1
        if self.isClosing && self.pending.isEmpty { self.end(nil) }
    }

    private func readResults(_ handle: OpaquePointer) {
        // NULL ends the results of one statement; several in a row mean that there is nothing more.
        var nulls = 0
        while let segment = self.pending.first, nulls < 3, PQisBusy(handle) == 0 {
            guard let result = PQgetResult(handle) else {
                nulls += 1
                continue
            }
            nulls = 0
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                PQclear(result)
                self.pending.removeFirst()
                for one in segment.unprepared { self.prepared?.prepared(one.key, as: one.name, false) }
                if segment.error?.isOfPreparedStatement == true { self.prepared?.forget() }
                segment.finish()
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                if let one = segment.append(PostgresRows(owning: result)) {
                    self.prepared?.prepared(one.key, as: one.name, true)
                }
                if segment.isBegin && !self.isInTransaction {
                    return self.end(PostgresError(.connectionLost, "BEGIN outside withTransaction"))
                }
            case PGRES_PIPELINE_ABORTED:
                PQclear(result)
            default:
                let message = ServerMessage(result: result)
                let error = message.error(statement: segment.current)
                segment.fail(error)
                let endsSession = message.endsSession
                PQclear(result)
                if endsSession { return self.end(error) }
            }
        }
    }
}
