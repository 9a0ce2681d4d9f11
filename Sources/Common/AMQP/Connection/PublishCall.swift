import NIOConcurrencyHelpers

/// One call of `publish`: its messages and what became of them. One continuation for all.
final class PublishCall: Sendable {
    let messages: [OutgoingMessage]
    private let result = OneShot<[PublishOutcome]>()
    private let outcomes: NIOLockedValueBox<(left: Int, all: [PublishOutcome])>

    init(_ messages: [OutgoingMessage]) {
        self.messages = messages
        let unknown = [PublishOutcome](repeating: .refused, count: messages.count)
        self.outcomes = NIOLockedValueBox((messages.count, unknown))
    }

    /// Nobody waits any more: what is not sent yet need not be, what is unanswered need not be repeated.
    var isAbandoned: Bool { self.result.isFinished }

    func value() async throws -> [PublishOutcome] { try await self.result.value() }

    /// Notes what became of the message at `index`; to be called once for each.
    func settle(_ index: Int, _ outcome: PublishOutcome) {
        let complete = self.outcomes.withLockedValue { outcomes -> [PublishOutcome]? in
            outcomes.all[index] = outcome
            outcomes.left -= 1
            return outcomes.left == 0 ? outcomes.all : nil
        }
        if let complete { self.result.succeed(complete) }
    }

    func fail(_ error: any Error) { self.result.fail(error) }
}
