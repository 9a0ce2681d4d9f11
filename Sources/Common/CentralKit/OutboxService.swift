import AMQP
package import Catalog
package import Logging
import NIOConcurrencyHelpers
package import Postgres
package import ServiceKit
import ServiceLifecycle

/// Sends what transactions left in the outbox: at once when a handler says so after its commit, and by a sweep what is older
/// than a few seconds. A row goes soon after the broker has confirmed its message: those of a quarter of a second go together.
package final class OutboxService: Service, CustomStringConvertible {
    private let database: PostgresClient
    private let publisher: MessagePublisher
    private let logger: Logger
    private let waiting = NIOLockedValueBox<[OutboxMessage]>([])
    /// Whose rows can go.
    private let confirmed = NIOLockedValueBox<[UUIDText]>([])
    private let bell: AsyncStream<Void>
    private let rope: AsyncStream<Void>.Continuation
    private let sweep: PeriodicSweep
    private let forgetting: PeriodicSweep

    package init(database: PostgresClient, publisher: MessagePublisher, health: HealthState, logger: Logger) {
        self.database = database
        self.publisher = publisher
        self.logger = logger
        (self.bell, self.rope) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.sweep = PeriodicSweep(name: "outbox", interval: .seconds(5), health: health, logger: logger) {
            let rows = try await database.query(OutboxStatements.overdue(seconds: 5, limit: 500))
            let sent = try await Self.send(
                rows.map {
                    OutboxMessage(id: $0.0, exchange: $0.1, routingKey: $0.2, type: $0.3, body: $0.4, traceparent: $0.5)
                },
                publisher,
                logger
            )
            try await Self.forget(sent, in: database)
            return rows.count == 500 ? .more : .done
        }
        let confirmed = self.confirmed
        self.forgetting = PeriodicSweep(
            name: "outbox rows",
            interval: .seconds(5),
            pace: .milliseconds(250),
            health: health,
            logger: logger
        ) {
            // What cannot be forgotten now is sent again by the sweep, which consumers do not mind.
            try await Self.forget(Self.take(confirmed), in: database)
            return .done
        }
    }

    package var description: String { "outbox" }

    /// Takes rows that were just committed. Returns at once; what cannot be sent now is found by the sweep.
    package func send(_ messages: [OutboxMessage]) {
        guard !messages.isEmpty else { return }
        self.waiting.withLockedValue { $0 += messages }
        self.rope.yield()
    }

    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.sweep.run() }
            group.addTask { try await self.forgetting.run() }
            group.addTask {
                await withGracefulShutdownHandler {
                    await self.sendWhatComes()
                } onGracefulShutdown: {
                    self.rope.finish()
                }
            }
            try await group.waitForAll()
        }
        do {
            try await Self.forget(Self.take(self.confirmed), in: self.database)
        } catch {
            self.logger.notice("outbox rows stay, their messages are sent again", metadata: ["error": "\(error)"])
        }
    }

    /// The next messages do not wait until those before them are confirmed: that is a write to a disk.
    private func sendWhatComes() async {
        await withTaskGroup(of: Void.self) { group in
            var underWay = 0
            for await _ in self.bell {
                if underWay == Self.lotsUnderWay { await group.next() } else { underWay += 1 }
                group.addTask { await self.sendWaiting() }
            }
            group.addTask { await self.sendWaiting() }
        }
    }

    private static let lotsUnderWay = 4

    private func sendWaiting() async {
        let messages = Self.take(self.waiting)
        guard !messages.isEmpty else { return }
        do {
            let sent = try await Self.send(messages, self.publisher, self.logger)
            self.confirmed.withLockedValue { $0 += sent }
            self.forgetting.ring()
        } catch {
            // The rows are still there: the sweep sends them.
            self.logger.warning("outbox not sent, the sweep will", metadata: ["error": "\(error)"])
        }
    }

    private static func take<Item>(_ box: NIOLockedValueBox<[Item]>) -> [Item] {
        box.withLockedValue { items in
            defer { items = [] }
            return items
        }
    }

    /// - Returns: those that the broker has.
    private static func send(
        _ messages: [OutboxMessage],
        _ publisher: MessagePublisher,
        _ logger: Logger
    ) async throws -> [UUIDText] {
        guard !messages.isEmpty else { return [] }
        let outcomes = try await publisher.sendRaw(
            messages.map {
                PreparedMessage(
                    id: $0.id.text,
                    exchange: $0.exchange,
                    routingKey: $0.routingKey,
                    type: $0.type,
                    body: Array($0.body.utf8),
                    traceparent: $0.traceparent
                )
            }
        )
        var sent: [UUIDText] = []
        for (message, outcome) in zip(messages, outcomes) {
            if outcome == .confirmed {
                sent.append(message.id)
            } else {
                logger.debug(
                    "outbox message not taken",
                    metadata: ["key": "\(message.routingKey)", "outcome": "\(outcome)"]
                )
            }
        }
        return sent
    }

    private static func forget(_ sent: [UUIDText], in database: PostgresClient) async throws {
        guard !sent.isEmpty else { return }
        try await database.withTransaction { try await $0.executeAndCommit(OutboxStatements.forget(sent)) }
    }
}
