import AMQP
import Logging
import Messages
import Metrics
import ServiceLifecycle

/// From messages to settlements: decoding, handling, trying again. Knows no broker.
struct HandlerLoop<Content: Sendable>: Sendable {
    let queue: String
    let retry: RetryPolicy
    let health: HealthState
    let component: HealthComponent
    let logger: Logger
    let decode: ConsumerService<Content>.Decode
    let handle: ConsumerService<Content>.Handle
    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    var now: @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }

    /// A settlement for each message, in their order.
    func handle(_ messages: [ReceivedMessage]) async -> [Settlement] {
        self.component.began()
        defer { self.component.ended() }
        var outcomes = [Handled?](repeating: nil, count: messages.count)
        var usable: [(place: Int, received: Received<Content>)] = []
        for (place, message) in messages.enumerated() {
            do {
                usable.append((place, Received(message: message, content: try self.decode(message))))
            } catch {
                outcomes[place] = .reject(error.description)
            }
        }
        let handled = await self.persist(usable.map(\.received))
        for (item, outcome) in zip(usable, handled) { outcomes[item.place] = outcome }
        return zip(messages, outcomes).map { self.settlement($0, $1 ?? .retry) }
    }

    /// Handles until each message has an outcome, or may be held no longer (nil).
    private func persist(_ batch: [Received<Content>]) async -> [Handled?] {
        var outcomes = [Handled?](repeating: nil, count: batch.count)
        var failures = 0
        let began = self.now()
        while true {
            let open = outcomes.indices.filter { outcomes[$0] == nil }
            guard !open.isEmpty else { return outcomes }
            do {
                // The first time together; after a failure each alone, to tell the bad from the good.
                for places in failures == 0 ? [open] : open.map({ [$0] }) {
                    try await self.attempt(places, batch, &outcomes)
                }
            } catch {
                return outcomes
            }
            let rest = outcomes.indices.filter { outcomes[$0] == nil }
            guard !rest.isEmpty else { return outcomes }
            // Some went and others did not: the fault is in those messages, and holding them helps nobody.
            guard failures == 0 || rest.count == open.count else { return outcomes }
            failures += 1
            guard await self.pause(failures, held: began.duration(to: self.now())) else { return outcomes }
        }
    }

    /// One call of the handler; what it throws is noted.
    ///
    /// - Throws: `CancellationError`: the process ends.
    private func attempt(
        _ places: [Int],
        _ batch: [Received<Content>],
        _ outcomes: inout [Handled?]
    ) async throws {
        let clock = ContinuousClock()
        let began = clock.now
        do {
            // A batch has one trace, that of its first message: what follows from it is one transaction.
            let trace = places.first.flatMap { batch[$0].message.trace }
            let handled = try await TraceContext.$current.withValue(trace) {
                try await self.handle(places.map { batch[$0] })
            }
            guard handled.count == places.count else {
                throw HandlerError(
                    "the handler of \(self.queue) gave \(handled.count) outcomes for \(places.count) messages"
                )
            }
            for (place, outcome) in zip(places, handled) { outcomes[place] = outcome }
            self.component.progress()
        } catch {
            if Task.isCancelled { throw CancellationError() }
            self.component.failing("\(error)")
            self.logger.warning(
                "handler failed",
                metadata: ["queue": "\(self.queue)", "messages": "\(places.count)", "error": "\(error)"]
            )
        }
        Timer(label: "millrace.consumer.handle", dimensions: [("queue", self.queue)])
            .recordNanoseconds(began.duration(to: clock.now).nanoseconds)
    }

    /// Waits, or says that the batch is to be given back.
    private func pause(_ failures: Int, held: Duration) async -> Bool {
        let step = self.retry.step(
            failures: failures,
            held: held,
            outage: self.health.connectionProblem() != nil,
            spread: Double.random(in: 0...1)
        )
        guard case .pause(let duration) = step, !Task.isShuttingDownGracefully else { return false }
        do {
            // Ends early when the process is to end: the queue gets its messages back.
            try await cancelWhenGracefulShutdown { try await self.sleep(duration) }
            return true
        } catch {
            return false
        }
    }

    private func settlement(_ message: ReceivedMessage, _ outcome: Handled) -> Settlement {
        let (settlement, name): (Settlement, String) =
            switch outcome {
            case .done: (.acknowledge, "done")
            case .retry: (.requeue, "retry")
            case .reject: (.reject, "reject")
            }
        Counter(label: "millrace.consumer.messages", dimensions: [("queue", self.queue), ("result", name)]).increment()
        if case .reject(let reason) = outcome {
            self.logger.error(
                "message rejected",
                metadata: [
                    "queue": "\(self.queue)", "reason": "\(reason)", "messageID": "\(message.messageID)",
                    "type": "\(message.type)", "trace": "\(message.trace?.trace ?? "none")",
                    "exchange": "\(message.exchange)", "key": "\(message.routingKey)",
                ]
            )
        }
        return settlement
    }
}

/// A handler that does not keep its promise.
struct HandlerError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension Duration {
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
