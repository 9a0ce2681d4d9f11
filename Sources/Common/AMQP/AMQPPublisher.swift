package import Logging

/// Publishes messages, and tells what became of each: one connection of its own, kept alive by ``run()``.
///
/// A message is sent again, with the same id, after a connection was lost before its confirm: receivers may see it
/// twice, but a confirmed one is never lost. ``run()`` must be run to its end, once: the connection's thread starts
/// with `init` and ends with it.
package final class AMQPPublisher: Sendable {
    private let link: Link<PublisherRole>

    /// - Parameters:
    ///   - endpoint: the broker.
    ///   - name: shown by the broker as the connection's name, and in errors.
    ///   - topology: declared after every connect.
    ///   - maximumUnconfirmed: messages under way at a time, at least 1; more wait for their turn in ``publish(_:)``.
    ///   - options: times and limits.
    ///   - logger: for connects (info), losses and blocks (warning), repeated failures (debug).
    package init(
        endpoint: AMQPEndpoint,
        name: String,
        topology: Topology = Topology(),
        maximumUnconfirmed: Int = 1000,
        options: AMQPOptions = AMQPOptions(),
        logger: Logger
    ) {
        self.link = Link(
            endpoint: endpoint,
            name: name,
            topology: topology,
            options: options,
            role: PublisherRole(maximumUnconfirmed: maximumUnconfirmed, name: name),
            logger: logger
        )
    }

    /// How the connection is doing.
    package var state: ConnectionState { self.link.board.state }
    /// Connected, even if the broker takes no messages now.
    package var isConnected: Bool {
        switch self.state {
        case .connected, .blocked: true
        case .idle, .connecting, .disconnected, .stopped: false
        }
    }
    /// Connected, but the broker takes no messages now.
    package var isBlocked: Bool { if case .blocked = self.state { true } else { false } }
    /// The present state and all that follow, until `.stopped`.
    package func stateChanges() -> AsyncStream<ConnectionState> { self.link.board.changes() }

    /// Keeps the connection alive until the task is cancelled or ``stop()`` is called.
    ///
    /// Then takes no more messages, waits for the confirms of those it has (at most ``AMQPOptions/drainLimit``), fails
    /// what is left with ``AMQPError/Code/stopped``, and returns.
    ///
    /// - Throws: ``AMQPError`` with ``AMQPError/Code/invalidArgument`` for a topology that cannot be declared; the
    ///   broker's refusals and losses of the connection are not thrown but seen in ``state``, and retried.
    package func run() async throws { try await self.link.run() }

    /// Ends ``run()`` gracefully, and waits for the end of the connection.
    package func stop() async throws { try await self.link.stop() }

    /// Publishes messages, in order, and waits until the broker has answered for each.
    ///
    /// Waits while there is no connection or the broker is blocking. When the caller is cancelled, what is not sent yet
    /// is dropped, and what is under way may or may not arrive.
    ///
    /// - Returns: one outcome per message, in the order of `messages`.
    /// - Throws: ``AMQPError`` with ``AMQPError/Code/invalidArgument`` (then none was sent) or
    ///   ``AMQPError/Code/stopped`` (the broker may have some), or `CancellationError`.
    package func publish(_ messages: [OutgoingMessage]) async throws -> [PublishOutcome] {
        guard !messages.isEmpty else { return [] }
        for message in messages { try message.validate() }
        return try await self.link.entered { try await $0.publish(PublishCall(messages)) }
    }

    /// Declares now, and again after every reconnect. Waits for a connection if there is none.
    ///
    /// - Throws: ``AMQPError``. A refusal (such as 406 for changed arguments) also costs the connection: it is made
    ///   again, without `topology`.
    package func declare(_ topology: Topology) async throws {
        try await self.link.entered { try await $0.declare(topology) }
    }

    /// Removes the messages that are ready in a queue, and returns their number.
    ///
    /// - Throws: ``AMQPError``; a missing queue (404) also costs the connection, which is made again.
    @discardableResult
    package func purge(_ queue: String) async throws -> Int {
        try ShortString.check(queue, "queue name")
        return try await self.link.entered { link in
            try await link.perform { connection throws(AMQPError) in try connection.purge(queue) }
        }
    }

    /// Deletes a queue, takes it out of the topology, and returns how many messages it held; 0 if it was not there.
    @discardableResult
    package func deleteQueue(_ queue: String) async throws -> Int {
        try ShortString.check(queue, "queue name")
        return try await self.link.entered { try await $0.delete(queue) }
    }

    /// How many messages are ready (not those under way to consumers) in a queue.
    ///
    /// - Throws: ``AMQPError``; a missing queue (404) also costs the connection, which is made again.
    package func messageCount(_ queue: String) async throws -> Int {
        try ShortString.check(queue, "queue name")
        return try await self.link.entered { link in
            try await link.perform { connection throws(AMQPError) in try connection.messageCount(queue) }
        }
    }
}

extension Link where Role == PublisherRole {
    fileprivate func publish(_ call: PublishCall) async throws -> [PublishOutcome] {
        guard self.isAccepting else { throw Self.stopped(self.name) }
        self.role.submit(call)
        return try await call.value()
    }
}
