import AMQP
import Logging

/// Brings the journal's reports to the broker, each until it is confirmed.
struct Courier: Sendable {
    let journal: Journal
    let post: SitePost
    let bell: Bell
    let logger: Logger

    /// Delivers at each ring, until the bell is finished.
    func run() async {
        for await _ in self.bell.rings { await self.deliver() }
    }

    /// Delivers what waits; returns when nothing does, there is no connection, or the broker refuses something.
    func deliver() async {
        do {
            while self.post.isConnected, try await self.deliverSome() {}
        } catch is CancellationError {
            return
        } catch {
            self.logger.warning("reports stay in the journal", metadata: ["reason": "\(error)"])
        }
    }

    /// - Returns: whether to go on at once.
    private func deliverSome() async throws -> Bool {
        let messages = ReportQueue.next(try await self.journal.pending(), freshID: OutgoingMessage.freshID)
        guard !messages.isEmpty else { return false }
        try await self.journal.assign(messages)
        let outcomes = try await self.post.send(messages)
        var confirmed: [String] = []
        for (message, outcome) in zip(messages, outcomes) {
            if outcome == .confirmed {
                confirmed.append(message.id)
            } else {
                self.logger.warning(
                    "the broker did not take a report; it stays in the journal",
                    metadata: ["message": "\(message.id)", "key": "\(message.routingKey)", "outcome": "\(outcome)"]
                )
            }
        }
        try await self.journal.confirm(confirmed)
        return confirmed.count == messages.count
    }
}
