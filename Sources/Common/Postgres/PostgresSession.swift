import CLibPQ
import Glibc
package import Logging
import NIOConcurrencyHelpers
package import SocketLoop

/// A connection of its own without pipeline, for what a pipeline cannot do: scripts of several statements, session
/// locks, descriptions. Calls block the session's own thread; there is no statement time-out.
package actor PostgresSession {
    package nonisolated let loop: SocketLoop
    package nonisolated var unownedExecutor: UnownedSerialExecutor { self.loop.asUnownedSerialExecutor() }

    private let notices: NoticeSink
    private let info: ConnectionInfo
    private var handle: OpaquePointer?
    /// What a cancelled caller sends; libpq allows this from any thread.
    private nonisolated let canceller = NIOLockedValueBox<CancelRequest?>(nil)

    private init(info: ConnectionInfo, logger: Logger) {
        self.loop = LoopShelf.take()
        self.info = info
        self.notices = NoticeSink(logger: logger)
    }

    /// Connects, gives the session to `body` and closes it.
    package static func with<Result: Sendable>(
        url: String,
        options: PostgresOptions = .patient,
        logger: Logger,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (PostgresSession) async throws -> Result
    ) async throws -> Result {
        let info = try ConnectionInfo(url: url, options: options, statementTimeout: .zero)
        let session = PostgresSession(info: info, logger: logger)
        do {
            try await session.connect()
            let result = try await body(session)
            await session.close()
            LoopShelf.putBack(session.loop)
            return result
        } catch {
            await session.close()
            LoopShelf.putBack(session.loop)
            throw error
        }
    }

    private func connect() throws {
        let handle = try self.info.connect()
        self.notices.install(on: handle)
        self.handle = handle
        let request = PQgetCancel(handle).map { CancelRequest(pointer: $0) }
        self.canceller.withLockedValue { $0 = request }
    }

    private func close() {
        self.canceller.withLockedValue { canceller in
            PQfreeCancel(canceller?.pointer)
            canceller = nil
        }
        PQfinish(self.handle)
        self.handle = nil
    }

    /// Runs a text of several statements in one transaction: all or nothing.
    ///
    /// - Parameter script: not checked in any way: a migration's text, never anything from outside.
    /// - Throws: ``PostgresError``, with the line of the script where the server names one.
    package func executeScript(_ script: String) async throws {
        try await self.interruptibly {
            try $0.command("BEGIN", script: nil)
            do {
                try $0.command(script, script: script)
                guard PQtransactionStatus($0.handle) == PQTRANS_INTRANS else {
                    throw PostgresError(.transactionAborted, "the script ended its transaction itself: it must not")
                }
                try $0.command("COMMIT", script: nil)
            } catch {
                // Without a transaction this is a warning; on a broken connection the server rolls back by itself.
                PQclear(PQexec($0.handle, "ROLLBACK"))
                throw error
            }
        }
    }

    /// Runs a statement without parameters and reads its rows.
    package func query<each Column>(_ statement: Statement<repeat each Column>) async throws -> [(repeat each Column)] {
        try statement.decode(try self.checked(PQexec(self.handle, statement.sql.text), script: nil))
    }

    /// Runs `body` while this session holds the advisory lock `key`, waiting for it as long as it takes.
    package func withAdvisoryLock<Result: Sendable>(
        _ key: Int64,
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async throws -> Result {
        try await self.lock("SELECT pg_advisory_lock(\(key))")
        let result: Result
        do {
            result = try await body()
        } catch {
            // Also released by the end of the session, so that the first error is the one to tell.
            try? await self.lock("SELECT pg_advisory_unlock(\(key))")
            throw error
        }
        try await self.lock("SELECT pg_advisory_unlock(\(key))")
        return result
    }

    private func lock(_ text: String) async throws {
        try await self.interruptibly { try $0.command(text, script: nil) }
    }

    /// What the server makes of a statement, without running it.
    ///
    /// - Throws: ``PostgresError`` if the server does not accept the text with the types of its parameters.
    package func describe(_ sql: SQL) async throws -> PostgresDescription {
        try self.prepareAndDescribe(sql)
    }

    private func prepareAndDescribe(_ sql: SQL) throws -> PostgresDescription {
        let types = sql.parameters.map { Oid($0.type.oid) }
        _ = try self.checked(PQprepare(self.handle, "", sql.text, CInt(types.count), types), script: sql.text)
        let rows = try self.checked(PQdescribePrepared(self.handle, ""), script: nil)
        let columns = rows.columns.map { PostgresDescription.Column(name: $0.name, oid: $0.oid) }
        return PostgresDescription(parameters: rows.parameterTypes, columns: columns)
    }

    /// Makes a database, which no transaction can.
    ///
    /// - Parameter template: a database without sessions to copy.
    package func createDatabase(_ name: String, template: String? = nil) async throws {
        let copy = template.map { " TEMPLATE \(Self.quoted($0))" } ?? ""
        try await self.interruptibly { try $0.command("CREATE DATABASE \(Self.quoted(name))\(copy)", script: nil) }
    }

    /// Drops a database and ends its sessions; nothing if there is none.
    package func dropDatabase(_ name: String) async throws {
        try await self.interruptibly {
            try $0.command("DROP DATABASE IF EXISTS \(Self.quoted(name)) WITH (FORCE)", script: nil)
        }
    }

    /// An identifier in double quotes.
    private static func quoted(_ identifier: String) -> String {
        "\"" + identifier.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private func command(_ text: String, script: String?) throws {
        _ = try self.checked(PQexec(self.handle, text), script: script)
    }

    private func checked(_ result: OpaquePointer?, script: String?) throws -> PostgresRows {
        guard let result else {
            throw PostgresError(.connectionLost, String(cString: PQerrorMessage(self.handle)))
        }
        let rows = PostgresRows(owning: result)
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return rows
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            throw PostgresError(.configuration, "COPY is not possible in a script")
        default:
            let message = ServerMessage(result: result)
            let error = message.error(statement: nil)
            guard let script, let position = message.position else { throw error }
            let line = script.unicodeScalars.prefix(position).count { $0 == "\n" } + 1
            throw error.with(code: error.code, message: "\(error.message), at line \(line)")
        }
    }

    /// Runs `work` on the session's thread; cancellation of the caller ends the running statement on the server.
    private func interruptibly(_ work: (isolated PostgresSession) throws -> Void) async throws {
        try Task.checkCancellation()
        try await withTaskCancellationHandler {
            try work(self)
        } onCancel: {
            self.canceller.withLockedValue { request in
                guard let request else { return }
                var reason = [CChar](repeating: 0, count: 256)
                // A request that fails leaves the statement to its end.
                _ = PQcancel(request.pointer, &reason, CInt(reason.count))
            }
        }
    }
}

/// `@unchecked Sendable`: PQcancel only reads it, and it is freed under the lock that its users hold.
private struct CancelRequest: @unchecked Sendable {
    let pointer: OpaquePointer
}

/// What the server says about a prepared statement.
package struct PostgresDescription: Sendable, Hashable {
    package struct Column: Sendable, Hashable {
        package let name: String
        package let oid: UInt32
    }

    /// The types of `$1`...`$n`.
    package let parameters: [UInt32]
    package let columns: [Column]
}
