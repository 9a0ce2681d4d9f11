package import AMQP
package import Domain
import FoundationEssentials
package import Logging
package import Messages
import NIOConcurrencyHelpers

/// An agent that speaks the real messages over a real broker and whose payload returns at once: for benchmarks and for tests of
/// the centre. It keeps no journal and runs nothing.
package final class SimulatedAgent: Sendable {
    private struct State {
        var question: Int64 = 0
        /// The highest number that an offer carried: what was offered after it is still on its way.
        var taken: Int64 = 0
        /// Which of its reply queues this is.
        var queue: Int64 = 1
        var held = HeldJobs()
        var seen = 0
        var killed: [AttemptKey] = []
    }

    package let site: String
    package let agent: String
    package let session = OutgoingMessage.freshID()
    private let room: Int
    let storage: String
    let manner: Manner
    private let behaviour: @Sendable (OfferedJob, JobDescription, String) -> Behaviour
    private let publisher: AMQPPublisher
    private let consumer: AMQPConsumer
    private let logger: Logger
    private let state = NIOLockedValueBox(State())
    private let endings: AsyncStream<Ending>
    private let runsOn: AsyncStream<Ending>.Continuation

    package init(
        endpoint: AMQPEndpoint,
        site: String,
        agent: String,
        room: Int,
        storage: String,
        manner: Manner = Manner(),
        logger: Logger = Logger(label: "simulated agent"),
        behaviour: @escaping @Sendable (OfferedJob, JobDescription, _ node: String) -> Behaviour = { _, _, _ in .finish
        }
    ) {
        self.site = site
        self.agent = agent
        self.room = room
        self.storage = storage
        self.manner = manner
        self.behaviour = behaviour
        self.logger = logger
        (self.endings, self.runsOn) = AsyncStream.makeStream()
        let exchanges = Topology(
            exchanges: [.init(Exchange.report), .init(Exchange.site(site))],
            bindings: [.init(from: Exchange.site(site), to: .exchange(Exchange.report), routingKey: "#")]
        )
        self.publisher = AMQPPublisher(endpoint: endpoint, name: "sim \(agent)", topology: exchanges, logger: logger)
        let queue = Queue.agent(site: site, agent: agent)
        self.consumer = AMQPConsumer(
            endpoint: endpoint,
            name: "sim \(agent) answers",
            topology: Topology(queues: [.reply(queue)]),
            queue: queue,
            prefetch: 100,
            logger: logger
        )
    }

    /// Jobs offered so far.
    package var seen: Int { self.state.withLockedValue { $0.seen } }
    /// Kills received so far.
    package var killed: [AttemptKey] { self.state.withLockedValue { $0.killed } }

    /// Asks for work and does it until cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.publisher.run() }
            group.addTask { try await self.consumer.run() }
            group.addTask { try await self.work() }
            group.addTask { try await self.endLater() }
            group.addTask {
                for await case .disconnected in self.consumer.stateChanges() {
                    self.state.withLockedValue { $0.queue += 1 }
                }
            }
            if !self.manner.keepsAsking { group.addTask { try await self.stayAlive() } }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// Says that it is alive and what room it has, as a real agent does: a question that was lost with a Scheduler, or forgotten
    /// while the centre took it for silent, is asked again.
    private func stayAlive() async throws {
        while true {
            try await Task.sleep(for: .seconds(2))
            try await self.beat()
            if !self.manner.asksOnlyWithReason { try await self.ask() }
        }
    }

    /// Ends the jobs that take their time.
    private func endLater() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for await ending in self.endings {
                group.addTask {
                    if let event = ending.event { await event() } else { try await Task.sleep(for: ending.duration) }
                    // What is waited for may have come to an end only because the agent is to.
                    try Task.checkCancellation()
                    try await self.end(ending)
                }
            }
        }
    }

    private func work() async throws {
        for await state in self.consumer.stateChanges() where state == .connected { break }
        try await self.ask()
        for await batch in self.consumer.batches(maximum: 50) {
            do {
                for delivery in batch.deliveries { try await self.take(delivery) }
            } catch {
                // Left unsettled, they would hold up the end of the connection.
                await batch.settle(batch.deliveries.map { _ in .requeue })
                throw error
            }
            await batch.acknowledge()
        }
    }

    /// Says what room there is.
    package func ask() async throws {
        let (question, room, taken, queue) = self.state.withLockedValue { state in
            state.question += 1
            let room = self.manner.keepsAsking ? self.room : max(0, self.room - state.held.cores)
            return (state.question, room, state.taken, state.queue)
        }
        let item = WorkItem(
            agent: self.agent,
            session: self.session,
            question: question,
            room: room,
            capacity: Self.capacity(reading: self.storage),
            replyTo: Queue.agent(site: self.site, agent: self.agent),
            node: self.manner.nodes.count == 1 ? self.manner.nodes[0] : nil,
            taken: taken,
            queue: queue
        )
        try await self.send([item], RoutingKey.work)
    }

    /// Says that it is alive and what it holds.
    package func beat(withList: Bool = false, staying: Bool = true) async throws {
        let held = self.state.withLockedValue { $0.held.keys }
        let item = HeartbeatItem(
            agent: self.agent,
            session: self.session,
            held: HeldSummary(held),
            list: withList ? held.sorted() : nil,
            replyTo: Queue.agent(site: self.site, agent: self.agent),
            staying: staying,
            at: Timestamp(secondsSince1970: Date().timeIntervalSince1970)
        )
        try await self.send([item], RoutingKey.heartbeat)
    }

    private func send<Item: MessageItem>(_ items: [Item], _ key: String) async throws {
        let messages = try Batch<Item>.cut(items).map { batch in
            OutgoingMessage(
                exchange: Exchange.site(self.site),
                routingKey: key,
                body: try batch.encoded(),
                type: Item.type,
                contentType: "application/json"
            )
        }
        var left = messages
        while !left.isEmpty {
            let outcomes = try await self.publisher.publish(left)
            left = zip(left, outcomes).filter { $0.1 != .confirmed }.map(\.0)
            // The centre has not declared its queues yet, or is full: as a real agent, say it again.
            if !left.isEmpty { try await Task.sleep(for: .milliseconds(200)) }
        }
    }

    private func take(_ delivery: Delivery) async throws {
        switch delivery.type {
        case OfferItem.type:
            for item in try Batch<OfferItem>(decoding: delivery.body).items {
                try await self.work(off: try WireFormat.value(Offer.self, from: item.payload))
            }
        case AnswerItem.type:
            let answers = try Batch<AnswerItem>(decoding: delivery.body).items
            let ended = self.state.withLockedValue { state -> [AttemptName] in
                answers.flatMap(\.kill).compactMap { order in
                    state.killed.append(order.attempt)
                    return state.held.remove(order.attempt)
                }
            }
            try await self.cancel(ended)
            if !ended.isEmpty { try await self.ask() }
            if answers.contains(where: \.wantsList) { try await self.beat(withList: true) }
        default:
            self.logger.error("unknown message", metadata: ["type": "\(delivery.type ?? "none")"])
        }
    }

    private func work(off offer: Offer) async throws {
        let descriptions = Dictionary(uniqueKeysWithValues: offer.tasks.map { ($0.task, $0) })
        var running: [RunningItem] = []
        var (endings, single): ([Duration: Ending], [Ending]) = ([:], [])
        let now = Timestamp(secondsSince1970: Date().timeIntervalSince1970)
        let submission = self.manner.submits ? "\(self.agent)-\(offer.question)" : nil
        let lost = self.manner.submits ? self.manner.loses(offer) : []
        for job in offer.jobs {
            guard let description = descriptions[job.name.task] else { continue }
            let node = self.node(for: job, avoiding: offer.avoidNodes ?? [])
            var behaviour = lost.contains(job.name.key) ? .lose : self.behaviour(job, description, node)
            if case .ignore = behaviour { continue }
            self.state.withLockedValue { $0.held.insert(job.name, cores: description.requirement.cores) }
            let item = RunningItem(
                name: job.name,
                sequence: 1,
                agent: self.agent,
                node: node,
                batchID: submission.map { "\($0).\(running.count)" },
                submission: submission,
                step: description.steps[0].name,
                at: now
            )
            running.append(item)
            var duration = Duration.zero
            while case .after(let time, let next) = behaviour { (duration, behaviour) = (duration + time, next) }
            var event: (@Sendable () async -> Void)?
            if case .until(let word, let next) = behaviour { (event, behaviour) = (word, next) }
            if case .comeBack(let word, let change) = behaviour {
                var ending = Ending(event: word, isForgotten: true)
                ending.finished.append(
                    Finishing(item: self.manifest(job, description, node, now, duration), change: change)
                )
                single.append(ending)
                behaviour = .lose
            }
            var ending = event == nil ? endings[duration] ?? Ending() : Ending()
            (ending.duration, ending.event) = (duration, event)
            switch behaviour {
            case .finish:
                ending.finished.append(Finishing(item: self.manifest(job, description, node, now, duration)))
            case .finishWith(let change):
                ending.finished.append(
                    Finishing(item: self.manifest(job, description, node, now, duration), change: change)
                )
            case .fail(let failures): ending.failed.append(self.failure(job, failures, node, now, duration))
            case .lose: ending.lost.append(job.name.key)
            case .hang, .ignore, .after, .until, .comeBack: break
            }
            if event == nil { endings[duration] = ending } else { single.append(ending) }
        }
        self.state.withLockedValue { state in
            state.seen += offer.jobs.count
            state.taken = max(state.taken, offer.through ?? 0)
        }
        let atOnce = endings.removeValue(forKey: .zero) ?? Ending()
        try await self.report(running, atOnce.finished.map { $0.finish() }, atOnce.failed)
        try await self.forget(atOnce)
        for ending in Array(endings.values) + single { self.runsOn.yield(ending) }
    }

    private func end(_ ending: Ending) async throws {
        if ending.isForgotten { return try await self.report([], ending.finished.map { $0.finish() }, []) }
        // What was killed meanwhile is not reported, as a real agent would not.
        let held = self.state.withLockedValue { $0.held.keys }
        try await self.report(
            [],
            ending.finished.filter { held.contains($0.key) }.map { $0.finish() },
            ending.failed.filter { held.contains($0.name.key) }
        )
        try await self.forget(ending)
    }

    /// They are held no longer: there is room for others.
    private func forget(_ ending: Ending) async throws {
        let ended = ending.finished.map(\.key) + ending.failed.map(\.name.key)
        self.state.withLockedValue { state in
            for key in ended + ending.lost { _ = state.held.remove(key) }
        }
        if self.manner.keepsAsking || !ended.isEmpty { try await self.ask() }
    }

    /// Says that attempts were ended on request.
    private func cancel(_ ended: [AttemptName]) async throws {
        guard !ended.isEmpty, !self.manner.isSilent else { return }
        try await self.send(
            ended.map {
                CancelledItem(
                    name: $0,
                    sequence: 3,
                    agent: self.agent,
                    reason: "killed on request",
                    usage: Self.usage(.zero),
                    at: Timestamp(secondsSince1970: Date().timeIntervalSince1970)
                )
            },
            RoutingKey.cancelled
        )
    }

    private func report(_ running: [RunningItem], _ finished: [FinishedItem], _ failed: [FailedItem]) async throws {
        guard !self.manner.isSilent else { return }
        guard self.manner.repeatsItself else {
            try await self.send(running, RoutingKey.running)
            try await self.send(finished, RoutingKey.finished)
            return try await self.send(failed, RoutingKey.failed)
        }
        for _ in 1...2 {
            try await self.send(failed, RoutingKey.failed)
            try await self.send(finished, RoutingKey.finished)
            try await self.send(running, RoutingKey.running)
        }
        let foreign = OutgoingMessage.freshID()
        try await self.send(failed.map { Self.changed($0) { $0.name.token = foreign } }, RoutingKey.failed)
        try await self.send(finished.map { Self.changed($0) { $0.name.token = foreign } }, RoutingKey.finished)
        try await self.send(running.map { Self.changed($0) { $0.name.token = foreign } }, RoutingKey.running)
    }

    private static func changed<Item>(_ item: Item, _ change: (inout Item) -> Void) -> Item {
        var item = item
        change(&item)
        return item
    }
}
