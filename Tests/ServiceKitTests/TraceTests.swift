import Logging
import Messages
import NIOConcurrencyHelpers
import Testing

@testable import ServiceKit

/// W3C Trace Context through messages.
@Suite struct TraceTests {
    private let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func aHeaderOfTheStandardIsRead() {
        #expect(TraceContext(header: self.header)?.trace == "4bf92f3577b34da6a3ce929d0e0e4736")
        // A later version may have more parts.
        #expect(TraceContext(header: "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x") != nil)
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
    ])
    func anythingElseIsNoTrace(_ text: String) { #expect(TraceContext(header: text) == nil) }

    @Test func aMessageWithoutACauseBeginsATraceAndAnotherCarriesOn() {
        let id = "6e1ff1b0-5a6c-4f0e-8f0a-0123456789ab"
        #expect(TraceContext.header(messageID: id) == "00-6e1ff1b05a6c4f0e8f0a0123456789ab-6e1ff1b05a6c4f0e-01")
        TraceContext.$current.withValue(TraceContext(header: self.header)) {
            #expect(TraceContext.header(messageID: id) == "00-4bf92f3577b34da6a3ce929d0e0e4736-6e1ff1b05a6c4f0e-01")
        }
    }

    @Test func whatAHandlerWritesCarriesTheTraceOfItsMessage() async {
        let written = NIOLockedValueBox<[String]>([])
        let health = HealthState(identity: Identity(service: "test"))
        let loop = HandlerLoop<Void>(
            queue: "q",
            retry: RetryPolicy(),
            health: health,
            component: health.component("q"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            decode: { _ in },
            handle: { batch in
                let message = PreparedMessage(id: "a-b", exchange: "e", routingKey: "k", type: "t", body: [])
                written.withLockedValue { $0.append(message.traceparent) }
                return batch.map { _ in .done }
            }
        )
        let message = ReceivedMessage(
            type: "t",
            body: [],
            messageID: "m",
            exchange: "e",
            routingKey: "k",
            trace: TraceContext(header: self.header)
        )
        _ = await loop.handle([message])
        #expect(written.withLockedValue { $0 } == ["00-4bf92f3577b34da6a3ce929d0e0e4736-ab-01"])
        #expect(TraceContext.current == nil)
    }
}
