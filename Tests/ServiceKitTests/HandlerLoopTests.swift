import AMQP
import Logging
import Messages
import NIOConcurrencyHelpers
import Testing

@testable import ServiceKit

/// The decisions between messages and settlements, without a broker.
@Suite struct HandlerLoopTests {
    private struct Trouble: Error {}

    /// What the handler was given, and how long it was made to pause.
    private struct Record: Sendable {
        let calls = NIOLockedValueBox<[[String]]>([])
        let pauses = NIOLockedValueBox<[Duration]>([])
        let time = NIOLockedValueBox(ContinuousClock.now)
    }

    private let health = HealthState(identity: Identity(service: "test"))
    private let record = Record()

    /// A loop whose handler fails as `failing` says, told the content and the number of the call.
    private func loop(
        retry: RetryPolicy = RetryPolicy(),
        _ decide: @escaping @Sendable ([String], Int) throws -> [Handled]
    ) -> HandlerLoop<String> {
        let record = self.record
        var loop = HandlerLoop<String>(
            queue: "q",
            retry: retry,
            health: self.health,
            component: self.health.component("q"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            decode: { message throws(MessageError) in
                guard message.type == "good" else { throw MessageError(type: message.type, reason: "is bad") }
                return message.messageID
            },
            handle: { batch in
                let contents = batch.map(\.content)
                let number = record.calls.withLockedValue { calls in
                    calls.append(contents)
                    return calls.count
                }
                return try decide(contents, number)
            }
        )
        loop.sleep = { duration in
            record.pauses.withLockedValue { $0.append(duration) }
            record.time.withLockedValue { $0 += duration }
        }
        loop.now = { record.time.withLockedValue { $0 } }
        return loop
    }

    private func message(_ id: String, type: String = "good") -> ReceivedMessage {
        ReceivedMessage(type: type, body: [], messageID: id, exchange: "e", routingKey: "k")
    }

    private var calls: [[String]] { self.record.calls.withLockedValue { $0 } }
    private var paused: Duration { self.record.pauses.withLockedValue { $0 }.reduce(.zero, +) }

    @Test func theHandlerSeesABatchInOrderAndDecidesForEach() async {
        let loop = self.loop { _, _ in [.done, .reject("no"), .retry] }
        let settlements = await loop.handle([self.message("a"), self.message("b"), self.message("c")])
        #expect(settlements == [.acknowledge, .reject, .requeue])
        #expect(self.calls == [["a", "b", "c"]])
        #expect(self.paused == .zero)
    }

    @Test func aMalformedMessageIsRejectedAloneAndTheOthersAreHandled() async {
        let loop = self.loop { contents, _ in contents.map { _ in .done } }
        let settlements = await loop.handle([self.message("a"), self.message("b", type: "x"), self.message("c")])
        #expect(settlements == [.acknowledge, .reject, .acknowledge])
        #expect(self.calls == [["a", "c"]])
    }

    @Test func onlyMalformedMessagesDoNotReachTheHandler() async {
        let loop = self.loop { _, _ in throw Trouble() }
        #expect(await loop.handle([self.message("a", type: "x")]) == [.reject])
        #expect(self.calls.isEmpty)
    }

    @Test func afterAFailureEachIsTriedAloneSoThatABadOneHoldsUpNobody() async {
        let loop = self.loop { contents, _ in
            guard !contents.contains("b") else { throw Trouble() }
            return contents.map { _ in .done }
        }
        let settlements = await loop.handle([self.message("a"), self.message("b"), self.message("c")])
        #expect(settlements == [.acknowledge, .requeue, .acknowledge])
        #expect(self.calls == [["a", "b", "c"], ["a"], ["b"], ["c"]])
    }

    @Test func aShortFailureOfEverythingCostsNoDelivery() async {
        let loop = self.loop { contents, number in
            guard number > 5 else { throw Trouble() }
            return contents.map { _ in .done }
        }
        #expect(await loop.handle([self.message("a"), self.message("b")]) == [.acknowledge, .acknowledge])
        #expect(self.health.readiness().checks.first?.reason == nil)
    }

    @Test func aLongFailureGivesTheBatchBackAfterTheHold() async {
        let loop = self.loop { _, _ in throw Trouble() }
        #expect(await loop.handle([self.message("a"), self.message("b")]) == [.requeue, .requeue])
        let policy = RetryPolicy()
        #expect(self.paused >= policy.hold)
        #expect(self.paused < policy.hold + policy.longestPause)
        #expect(self.health.readiness().checks.first?.reason == "Trouble()")
    }

    @Test func duringAnOutageTheBatchIsHeldLonger() async {
        self.health.watch(connection: "database") { "refused" }
        let loop = self.loop { _, _ in throw Trouble() }
        #expect(await loop.handle([self.message("a")]) == [.requeue])
        #expect(self.paused >= RetryPolicy().outageHold)
    }

    @Test func aWrongNumberOfOutcomesIsAFailure() async {
        let loop = self.loop { contents, number in number == 1 ? [.done] : contents.map { _ in .done } }
        #expect(await loop.handle([self.message("a"), self.message("b")]) == [.acknowledge, .acknowledge])
        #expect(self.calls == [["a", "b"], ["a"], ["b"]])
    }

    @Test func pausesGrowToTheLongestAndAreSpread() {
        let policy = RetryPolicy()
        func pause(_ failures: Int, _ spread: Double) -> RetryPolicy.Step {
            policy.step(failures: failures, held: .zero, outage: false, spread: spread)
        }
        #expect(pause(1, 1) == .pause(.milliseconds(200)))
        #expect(pause(1, 0) == .pause(.milliseconds(100)))
        #expect(pause(3, 1) == .pause(.milliseconds(800)))
        #expect(pause(60, 1) == .pause(.seconds(10)))
        #expect(policy.step(failures: 1, held: policy.hold, outage: false, spread: 0) == .giveBack)
        #expect(policy.step(failures: 1, held: policy.hold, outage: true, spread: 0) != .giveBack)
        #expect(policy.step(failures: 1, held: policy.outageHold, outage: true, spread: 0) == .giveBack)
    }
}
