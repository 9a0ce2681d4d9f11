import AMQP
import Catalog
import Domain
import Foundation
import Messages
import NIOConcurrencyHelpers
import Postgres
import SimulatedSite
import TestSupport
import Testing

/// What comes through the queues: malformed, twice, in the wrong order, from the past. Through the real broker into the real
/// services.
@Suite(.serialized) struct HandlerTests {
    /// Every queue that a service consumes, by the exchange and routing key that lead to it, and the type of its items.
    private static let ways: [(exchange: String, key: String, type: String)] = [
        (Exchange.site("ALPHA"), RoutingKey.work, WorkItem.type),
        (Exchange.site("ALPHA"), RoutingKey.running, RunningItem.type),
        (Exchange.site("ALPHA"), RoutingKey.failed, FailedItem.type),
        (Exchange.site("ALPHA"), RoutingKey.cancelled, CancelledItem.type),
        (Exchange.site("ALPHA"), RoutingKey.finished, FinishedItem.type),
        (Exchange.site("ALPHA"), RoutingKey.heartbeat, HeartbeatItem.type),
        (Exchange.site("ALPHA"), RoutingKey.progress, ProgressItem.type),
        (Exchange.command, RoutingKey.verdict("resubmit"), VerdictItem.type),
        (Exchange.command, RoutingKey.rejected, RejectedItem.type),
        (Exchange.command, RoutingKey.transfer("HOME-DISK"), TransferItem.type),
        (Exchange.command, RoutingKey.books("settled"), BooksItem.type),
        (Exchange.command, RoutingKey.control("scheduler"), ControlItem.type),
        (Exchange.command, RoutingKey.control("monitor"), ControlItem.type),
        (Exchange.command, RoutingKey.control("bookkeeper"), ControlItem.type),
        (Exchange.command, RoutingKey.control("transfer"), ControlItem.type),
    ]

    private static let bodies = ["not JSON", "[]", #"{"items": 3}"#, #"{"items": []}"#, #"{"items": [{}]}"#]

    @Test func aMalformedMessageGoesToTheDeadLettersAndHoldsUpNothing() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            let dead = try await QueueWatch(centre, queue: Queue.deadLetters)
            var messages: [OutgoingMessage] = []
            for way in Self.ways {
                for body in Self.bodies { messages.append(Self.message(way.exchange, way.key, way.type, body)) }
                messages.append(Self.message(way.exchange, way.key, "nobody.knows.v1", #"{"items": [{}]}"#))
            }
            messages.append(try Self.questionWithZero())
            try await centre.send(messages)
            // Progress may be lost, and its overflow must not flood the dead letters: what is wrong there is only logged.
            var left = Set(messages.filter { $0.routingKey != RoutingKey.progress }.map(\.messageID))
            for await delivery in dead.deliveries {
                // At least once: one that comes twice was removed before.
                left.remove(delivery.messageID ?? "")
                if left.isEmpty { break }
            }
            let agent = try await centre.agent("ALPHA")
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 20)
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            await dead.stop()
            // It is served with the questions of others, which it must not fail.
            let log = try String(contentsOfFile: "\(centre.folder)/scheduler-1.log", encoding: .utf8)
            #expect(!log.contains("sweep failed"))
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// The agent says the end before the beginning, everything twice, and speaks for attempts that are not its; every command
    /// between the services is sent a second time. The books are the same as without.
    @Test func whatComesTwiceLateOrFromStrangersCountsOnce() async throws {
        // No brake: so many failures would pause the task.
        let config = "monitor:\n  brakes: {failureShare: 1, dominantShare: 1, minJobs: 1000000}\n"
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper", "transfer"]) { centre, processes in
            processes.append(try await centre.start("monitor", config: config))
            let watch = try await centre.events(["request.#", "verdict.#"])
            let echo = try await QueueWatch(
                centre,
                exchange: Exchange.command,
                keys: ["verdict.*", "books.*", "transfer.*", "attempt.*"]
            )
            let echoing = Task {
                var known: Set<String> = []
                for await delivery in echo.deliveries where known.insert(delivery.messageID ?? "").inserted {
                    // The same message once more, after what came since.
                    try await centre.send([delivery.again])
                }
            }
            let agent = try await centre.agent("ALPHA", manner: .init(repeatsItself: true)) { job, _ in
                switch (job.name.index % 4, job.name.attempt) {
                case (1, 1): .fail([Failure(.payloadExit, "exit code 1")])
                case (2, 1...2): .fail([Failure(.nodeSpawn, "fork: resource temporarily unavailable")])
                case (3, 1):
                    .finishWith { item in
                        var item = item
                        item.eventsRead += 1
                        return item
                    }
                default: .finish
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 200, merge: true)
            let seen = try await watch.finish(of: request)
            running.cancel()
            echoing.cancel()
            await watch.stop()
            await echo.stop()
            let verdicts = seen.filter { $0.key.hasPrefix("verdict.") }.map(\.event.entity)
            #expect(verdicts.count == 200 && Set(verdicts).count == 200)
            let failures = try await centre.one("SELECT sum(failures)::bigint FROM job_view", as: Int64.self)
            #expect(failures == 100)
            let events = try await centre.one(
                "SELECT sum(events)::bigint FROM accepted WHERE stream = 'gen'",
                as: Int64.self
            )
            #expect(events == 2000)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// A question that is well formed, with a text that PostgreSQL cannot hold.
    private static func questionWithZero() throws -> OutgoingMessage {
        let item = WorkItem(
            agent: "zero\0",
            session: OutgoingMessage.freshID(),
            question: 1,
            room: 1,
            capacity: Capacity(
                cores: 1,
                memoryMBPerCore: 1000,
                walltimeSeconds: 1000,
                diskMB: 1000,
                platform: "linux-x86_64"
            ),
            replyTo: Queue.agent(site: "ALPHA", agent: "zero")
        )
        let body = String(decoding: try Batch([item]).encoded(), as: UTF8.self)
        return Self.message(Exchange.site("ALPHA"), RoutingKey.work, WorkItem.type, body)
    }

    private static func message(_ exchange: String, _ key: String, _ type: String, _ body: String) -> OutgoingMessage {
        OutgoingMessage(
            exchange: exchange,
            routingKey: key,
            body: Array(body.utf8),
            type: type,
            messageID: OutgoingMessage.freshID(),
            contentType: "application/json"
        )
    }
}

extension Delivery {
    /// The same message, to be published again.
    fileprivate var again: OutgoingMessage {
        OutgoingMessage(
            exchange: self.exchange,
            routingKey: self.routingKey,
            body: self.body,
            type: self.type,
            messageID: self.messageID ?? OutgoingMessage.freshID(),
            contentType: "application/json"
        )
    }
}
