package import AMQP
import Messages

/// The exchanges, queues and bindings of the public contract, as declarations. Legal on RabbitMQ 3.10 and later.
///
/// Each consumer declares what its service reads, each publisher ``core``, so that no service needs another to have
/// started. What is declared never changes its arguments: a broker refuses that (406).
package enum MillraceTopology {
    /// Progress reports kept while nobody reads them; older ones are dropped.
    static let progressLimit: Int64 = 10_000
    /// Deliveries of one message before it counts as poison. Positive always: brokers differ about what else means.
    static let deliveryLimit: Int64 = 20

    /// Everything central, for these sites and storage elements: for `up`, `rebuild` and tests.
    package static func full(sites: [String], storages: [String]) -> Topology {
        sites.map(self.site).reduce(self.core.merging(self.transfer(storages: storages))) { $0.merging($1) }
    }

    /// All that does not depend on sites and storage elements. A service's publisher declares this, so that what it
    /// sends has a queue whether or not the receiver was ever started.
    package static var core: Topology {
        [self.scheduler, self.monitor, self.bookkeeper, self.transfer(storages: [])]
            .reduce(self.gateway) { $0.merging($1) }
    }

    /// The four exchanges, and where the dead letters go: part of every service's.
    package static var exchanges: Topology {
        Topology(
            exchanges: [Exchange.command, Exchange.event, Exchange.dead, Exchange.report].map { .init($0) },
            // No dead-letter exchange: the end of the way. The limit of 4.x (20, then dropped) is lifted as far as a
            // positive number can.
            queues: [.quorum(Queue.deadLetters, arguments: ["x-delivery-limit": 1_000_000])],
            bindings: [.init(from: Exchange.dead, to: .queue(Queue.deadLetters), routingKey: "#")]
        )
    }

    /// What the Scheduler consumes.
    package static var scheduler: Topology {
        self.consumer(
            of: "scheduler",
            [
                (Queue.work, [(Exchange.report, RoutingKey.work)]),
                (Queue.verdicts, [(Exchange.command, RoutingKey.verdict("*"))]),
            ]
        )
    }

    /// What the Monitor consumes.
    package static var monitor: Topology {
        let reports = [RoutingKey.running, RoutingKey.failed, RoutingKey.cancelled].map { (Exchange.report, $0) }
        return self.consumer(
            of: "monitor",
            [
                (Queue.reports, reports + [(Exchange.command, RoutingKey.rejected)]),
                (Queue.heartbeats, [(Exchange.report, RoutingKey.heartbeat)]),
            ]
        ).merging(
            Topology(
                queues: [self.progressQueue],
                bindings: [.init(from: Exchange.report, to: .queue(Queue.progress), routingKey: RoutingKey.progress)]
            )
        )
        .merging(self.events)
    }

    /// What the Bookkeeper consumes.
    package static var bookkeeper: Topology {
        self.consumer(
            of: "bookkeeper",
            [
                (Queue.manifests, [(Exchange.report, RoutingKey.finished)]),
                (Queue.books, [(Exchange.command, RoutingKey.books("*"))]),
            ]
        )
    }

    /// What Transfer consumes for these storage elements. The Bookkeeper's publisher declares it as well.
    package static func transfer(storages: [String]) -> Topology {
        self.consumer(
            of: "transfer",
            storages.map { (Queue.transfer($0), [(Exchange.command, RoutingKey.transfer($0))]) }
        )
    }

    /// What the Gateway reads: the stream of events.
    package static var gateway: Topology { self.exchanges.merging(self.events) }

    /// A site's own exchange, bound into what the services read. Declared by the centre: a site may not.
    package static func site(_ site: String) -> Topology {
        Topology(
            exchanges: [.init(Exchange.report), .init(Exchange.site(site))],
            bindings: [.init(from: Exchange.site(site), to: .exchange(Exchange.report), routingKey: "#")]
        )
    }

    /// The queue an agent reads: its own, gone with its connection.
    package static func agent(site: String, agent: String) -> Topology {
        Topology(queues: [.reply(Queue.agent(site: site, agent: agent))])
    }

    /// The feed, kept for 7 days or 10 GB.
    private static var events: Topology {
        Topology(
            queues: [.stream(Queue.events, arguments: ["x-max-age": "7D", "x-max-length-bytes": 10_000_000_000])],
            bindings: [.init(from: Exchange.event, to: .queue(Queue.events), routingKey: "#")]
        )
    }

    private static func consumer(
        of service: String,
        _ queues: [(name: String, sources: [(exchange: String, key: String)])]
    ) -> Topology {
        let control = (name: Queue.control(service), sources: [(Exchange.command, RoutingKey.control(service))])
        let all = queues + [control]
        return self.exchanges.merging(
            Topology(
                queues: all.map { .quorum($0.name, arguments: self.commandArguments) },
                bindings: all.flatMap { queue in
                    queue.sources.map { .init(from: $0.exchange, to: .queue(queue.name), routingKey: $0.key) }
                }
            )
        )
    }

    /// At-least-once dead lettering needs `reject-publish`: a full queue refuses instead of dropping.
    private static let commandArguments: AMQPTable = [
        "x-dead-letter-exchange": .string(Exchange.dead),
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-delivery-limit": .int(deliveryLimit),
    ]

    /// May lose: the oldest go when nobody reads. So no more than at-most-once is possible for its dead letters.
    private static let progressQueue = Topology.Queue.quorum(
        Queue.progress,
        arguments: [
            "x-max-length": .int(progressLimit),
            "x-overflow": "drop-head",
            "x-delivery-limit": .int(deliveryLimit),
        ]
    )
}
