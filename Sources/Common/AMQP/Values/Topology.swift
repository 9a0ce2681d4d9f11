/// The exchanges, queues and bindings a connection needs: declared, idempotently, each time it is made.
///
/// Declaring again with other arguments is refused by the broker (406): change lengths and ages by policy.
package struct Topology: Equatable, Sendable {
    package struct Exchange: Equatable, Sendable {
        package enum Kind: String, Equatable, Sendable {
            case topic
            case direct
            case fanout
            case headers
        }

        package var name: String
        package var kind: Kind
        package var durable: Bool
        package var autoDelete: Bool
        package var arguments: AMQPTable

        package init(
            _ name: String,
            kind: Kind = .topic,
            durable: Bool = true,
            autoDelete: Bool = false,
            arguments: AMQPTable = [:]
        ) {
            self.name = name
            self.kind = kind
            self.durable = durable
            self.autoDelete = autoDelete
            self.arguments = arguments
        }
    }

    package struct Queue: Equatable, Sendable {
        /// Empty: the broker makes up a name; in bindings and consumers an empty name then means this queue.
        package var name: String
        package var durable: Bool
        package var exclusive: Bool
        package var autoDelete: Bool
        package var arguments: AMQPTable

        package init(
            _ name: String,
            durable: Bool = true,
            exclusive: Bool = false,
            autoDelete: Bool = false,
            arguments: AMQPTable = [:]
        ) {
            self.name = name
            self.durable = durable
            self.exclusive = exclusive
            self.autoDelete = autoDelete
            self.arguments = arguments
        }

        /// A replicated, durable queue; `arguments` are added to its type.
        package static func quorum(_ name: String, arguments: AMQPTable = [:]) -> Queue {
            Queue(name, arguments: arguments.merging(["x-queue-type": "quorum"]) { _, type in type })
        }

        /// A classic queue that lives and dies with the connection that declares it: a reply queue.
        package static func reply(_ name: String = "", arguments: AMQPTable = [:]) -> Queue {
            Queue(
                name,
                durable: false,
                exclusive: true,
                autoDelete: false,
                arguments: arguments.merging(["x-queue-type": "classic"]) { _, type in type }
            )
        }

        /// A log that is read without being consumed; `arguments` bound its age and size.
        package static func stream(_ name: String, arguments: AMQPTable = [:]) -> Queue {
            Queue(name, arguments: arguments.merging(["x-queue-type": "stream"]) { _, type in type })
        }
    }

    package struct Binding: Equatable, Sendable {
        package enum Destination: Equatable, Sendable {
            case queue(String)
            case exchange(String)
        }

        package var source: String
        package var destination: Destination
        package var routingKey: String
        package var arguments: AMQPTable

        package init(
            from source: String,
            to destination: Destination,
            routingKey: String,
            arguments: AMQPTable = [:]
        ) {
            self.source = source
            self.destination = destination
            self.routingKey = routingKey
            self.arguments = arguments
        }
    }

    package var exchanges: [Exchange]
    package var queues: [Queue]
    package var bindings: [Binding]

    package init(exchanges: [Exchange] = [], queues: [Queue] = [], bindings: [Binding] = []) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
    }

    /// Both together; what is in `other` replaces what has the same name here.
    package func merging(_ other: Topology) -> Topology {
        let exchangeNames = Set(other.exchanges.map(\.name))
        let queueNames = Set(other.queues.map(\.name))
        return Topology(
            exchanges: self.exchanges.filter { !exchangeNames.contains($0.name) } + other.exchanges,
            queues: self.queues.filter { !queueNames.contains($0.name) } + other.queues,
            bindings: self.bindings.filter { !other.bindings.contains($0) } + other.bindings
        )
    }

    /// Without the queue `name` and what is bound to it.
    package func removing(queue name: String) -> Topology {
        Topology(
            exchanges: self.exchanges,
            queues: self.queues.filter { $0.name != name },
            bindings: self.bindings.filter { $0.destination != .queue(name) }
        )
    }

    /// - Throws: ``AMQPError`` with ``AMQPError/Code/invalidArgument`` for a name or arguments that cannot be sent.
    func validate() throws(AMQPError) {
        for exchange in self.exchanges {
            try ShortString.check(exchange.name, "exchange name")
            try ShortString.check(exchange.arguments, "arguments of the exchange \(exchange.name)")
        }
        for queue in self.queues {
            try ShortString.check(queue.name, "queue name")
            try ShortString.check(queue.arguments, "arguments of the queue \(queue.name)")
        }
        for binding in self.bindings {
            try ShortString.check(binding.source, "exchange name")
            try ShortString.check(binding.routingKey, "routing key")
            switch binding.destination {
            case .queue(let name), .exchange(let name): try ShortString.check(name, "binding's destination")
            }
            try ShortString.check(binding.arguments, "arguments of a binding of \(binding.source)")
        }
    }
}
