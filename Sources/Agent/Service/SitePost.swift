import AMQP
import Domain
import Logging
import Messages

/// Sends what an agent says, to the one exchange it may write.
struct SitePost: Sendable {
    let site: String
    let publisher: AMQPPublisher
    let logger: Logger

    var isConnected: Bool { self.publisher.isConnected }

    /// Sends one item now, or not at all: what is said here is said again later, newer.
    ///
    /// - Returns: whether the broker has it.
    @discardableResult
    func say<Item: MessageItem>(_ items: [Item], routingKey: String, isMandatory: Bool = true) async -> Bool {
        guard self.isConnected else { return false }
        do {
            let body = try Batch(items).encoded()
            let id = OutgoingMessage.freshID()
            let message = self.message(id, Item.type, routingKey, body, isPersistent: false, isMandatory: isMandatory)
            let outcome = try await self.publisher.publish([message])
            if outcome != [.confirmed], isMandatory {
                self.logger.warning(
                    "the broker did not take a message; is the site known there? (`millrace site add`)",
                    metadata: ["type": "\(Item.type)", "outcome": "\(outcome)"]
                )
            }
            return outcome == [.confirmed]
        } catch is CancellationError {
            return false
        } catch {
            self.logger.warning("could not send", metadata: ["type": "\(Item.type)", "reason": "\(error)"])
            return false
        }
    }

    /// Sends reports, each message with the id it has in the journal.
    func send(_ reports: [ReportMessage]) async throws -> [PublishOutcome] {
        try await self.publisher.publish(
            reports.map {
                self.message($0.id, $0.type, $0.routingKey, $0.body, isPersistent: true, isMandatory: true)
            }
        )
    }

    private func message(
        _ id: String,
        _ type: String,
        _ routingKey: String,
        _ body: [UInt8],
        isPersistent: Bool,
        isMandatory: Bool
    ) -> OutgoingMessage {
        OutgoingMessage(
            exchange: Exchange.site(self.site),
            routingKey: routingKey,
            body: body,
            mandatory: isMandatory,
            persistent: isPersistent,
            type: type,
            messageID: id,
            timestamp: Now.timestamp.microseconds / 1_000_000,
            contentType: "application/json",
            headers: [TraceContext.header: .string(TraceContext.header(messageID: id))]
        )
    }
}
