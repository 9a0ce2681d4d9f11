@testable import AMQP
import Testing

@Suite struct AMQPEndpointTests {
    @Test(arguments: [
        ("amqp://u:p@h:1/v", AMQPEndpoint(user: "u", password: "p", host: "h", port: 1, virtualHost: "v")),
        ("AMQP://h", AMQPEndpoint(host: "h")),
        ("amqp://h/", AMQPEndpoint(host: "h")),
        ("amqp://u@h:65535", AMQPEndpoint(user: "u", host: "h", port: 65535)),
        ("amqp://h/%2F", AMQPEndpoint(host: "h", virtualHost: "/")),
        ("amqp://h/a%2fb", AMQPEndpoint(host: "h", virtualHost: "a/b")),
        ("amqp://a%40b:p%3Aq%40@h", AMQPEndpoint(user: "a@b", password: "p:q@", host: "h")),
        ("amqp://gr%C3%BCn:@[::1]:9", AMQPEndpoint(user: "grün", password: "", host: "::1", port: 9)),
        ("amqp://[fe80::1]", AMQPEndpoint(host: "fe80::1")),
    ]) func addressesAreRead(_ url: String, _ expected: AMQPEndpoint) throws {
        let endpoint = try AMQPEndpoint(url: url)
        #expect(endpoint == expected)
        #expect(endpoint.password == expected.password)
    }

    @Test(arguments: [
        "", "h", "h:5672", "http://h", "amqps://u:secret@h", "amqp://", "amqp://u:secret@", "amqp://h:", "amqp://h:0",
        "amqp://h:65536", "amqp://h:x", "amqp://h/a/b", "amqp://h/v?x=1", "amqp://u:secret%4@h", "amqp://%ff@h",
        "amqp://[::1", "amqp://[::1]x", "amqp://h/%00",
    ]) func badAddressesAreOneErrorWithoutThePassword(_ url: String) {
        let error = #expect(throws: AMQPError.self) { try AMQPEndpoint(url: url) }
        #expect(error?.code == .invalidURL)
        #expect(error?.description.contains("\n") == false)
        #expect(error?.description.contains("secret") == false)
    }

    @Test func noDescriptionShowsThePassword() throws {
        let endpoint = try AMQPEndpoint(url: "amqp://us%2Fer:secret@h:1/a%2Fb")
        var dumped = ""
        dump(endpoint, to: &dumped)
        for text in ["\(endpoint)", String(reflecting: endpoint), "\([endpoint])", dumped] {
            #expect(!text.contains("secret"))
            #expect(text.contains("amqp://us%2Fer@h:1/a%2Fb"))
        }
    }
}

@Suite struct MessageValidationTests {
    private func code(_ change: (inout OutgoingMessage) -> Void) -> AMQPError.Code? {
        var message = OutgoingMessage(exchange: "e", routingKey: "k", body: [])
        change(&message)
        do {
            try message.validate()
            return nil
        } catch {
            return error.code
        }
    }

    @Test func shortStringsOfMoreThan255BytesAreRefused() {
        let longest = String(repeating: "x", count: 255)
        // 128 characters, 256 bytes: bytes count.
        let tooLong = String(repeating: "ü", count: 128)
        let fields: [WritableKeyPath<OutgoingMessage, String>] = [\.exchange, \.routingKey, \.messageID]
        for field in fields {
            #expect(self.code { $0[keyPath: field] = longest } == nil)
            #expect(self.code { $0[keyPath: field] = tooLong } == .invalidArgument)
        }
        let optional: [WritableKeyPath<OutgoingMessage, String?>] = [\.type, \.contentType, \.replyTo, \.correlationID]
        for field in optional {
            #expect(self.code { $0[keyPath: field] = longest } == nil)
            #expect(self.code { $0[keyPath: field] = tooLong } == .invalidArgument)
        }
        #expect(self.code { $0.headers = [tooLong: 1] } == .invalidArgument)
        #expect(self.code { $0.headers = ["a": .array([.table([tooLong: 1])])] } == .invalidArgument)
        #expect(self.code { $0.headers = ["a": .string(tooLong)] } == nil)
    }

    @Test func headersAndBodiesThatNoFrameOrBrokerTakesAreRefused() {
        #expect(self.code { $0.headers = ["a": .string(String(repeating: "x", count: 65_536))] } == .invalidArgument)
        #expect(self.code { $0.body = Array(repeating: 0, count: 16 * 1024 * 1024) } == nil)
        #expect(self.code { $0.body = Array(repeating: 0, count: 16 * 1024 * 1024 + 1) } == .invalidArgument)
        #expect(self.code { $0.timestamp = -1 } == .invalidArgument)
    }

    @Test func freshIDsAreDistinctVersionFourUUIDs() throws {
        let ids = (0..<1000).map { _ in OutgoingMessage.freshID() }
        #expect(Set(ids).count == 1000)
        let form = try Regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
        for id in ids { #expect(id.wholeMatch(of: form) != nil) }
    }
}

@Suite struct TopologyTests {
    @Test func mergingReplacesByNameAndRemovingTakesTheBindingsToo() {
        let first = Topology(
            exchanges: [.init("a"), .init("b")],
            queues: [.quorum("q"), .quorum("r")],
            bindings: [.init(from: "a", to: .queue("q"), routingKey: "#")]
        )
        let second = Topology(
            exchanges: [.init("b", kind: .fanout)],
            queues: [.init("q")],
            bindings: [
                .init(from: "a", to: .queue("q"), routingKey: "#"),
                .init(from: "a", to: .exchange("b"), routingKey: "x"),
            ]
        )
        let both = first.merging(second)
        #expect(both.exchanges == [.init("a"), .init("b", kind: .fanout)])
        #expect(both.queues == [.quorum("r"), .init("q")])
        #expect(both.bindings == second.bindings)
        let less = both.removing(queue: "q")
        #expect(less.queues == [.quorum("r")])
        #expect(less.bindings == [.init(from: "a", to: .exchange("b"), routingKey: "x")])
    }
}

@Suite struct ContentAssemblerTests {
    private let deliver = IncomingFrame.deliver(tag: 7, redelivered: true, exchange: "e", routingKey: "k")

    @Test func aBodyInSeveralFramesBecomesOneDelivery() throws {
        var assembler = ContentAssembler()
        #expect(try assembler.take(self.deliver) == nil)
        #expect(try assembler.take(.header(.init(), bodySize: 5)) == nil)
        #expect(try assembler.take(.body([1, 2])) == nil)
        // Frames of channel 0 and heartbeats may come in between.
        #expect(try assembler.take(.blocked(reason: "low")) == .blocked(reason: "low"))
        let event = try assembler.take(.body([3, 4, 5]))
        guard case .delivered(let delivery) = event else {
            Issue.record("no delivery but \(String(describing: event))")
            return
        }
        #expect(delivery.body == [1, 2, 3, 4, 5])
        #expect(delivery.tag == 7)
        #expect(delivery.redelivered)
        #expect(assembler == ContentAssembler())
    }

    @Test func anEmptyBodyNeedsNoFrame() throws {
        var assembler = ContentAssembler()
        var properties = Delivery.Properties()
        properties.messageID = "id"
        _ = try assembler.take(.returned(code: 312, text: "NO_ROUTE", exchange: "e", routingKey: "k"))
        let event = try assembler.take(.header(properties, bodySize: 0))
        #expect(event == .returned(code: 312, text: "NO_ROUTE", exchange: "e", routingKey: "k", messageID: "id"))
    }

    @Test func disorderEndsTheConnection() {
        let sequences: [[IncomingFrame]] = [
            [.body([1])], [.header(.init(), bodySize: 1)], [self.deliver, self.deliver], [self.deliver, .body([1])],
            [self.deliver, .header(.init(), bodySize: 1), .body([1, 2])],
            [self.deliver, .header(.init(), bodySize: 1), self.deliver],
            [self.deliver, .header(.init(), bodySize: .max)],
            [.connectionClosed(code: 320, text: "CONNECTION_FORCED")],
        ]
        for frames in sequences {
            var assembler = ContentAssembler()
            let error = #expect(throws: AMQPError.self, "\(frames)") {
                for frame in frames { _ = try assembler.take(frame) }
            }
            #expect(error?.code == .connectionLost)
        }
        var assembler = ContentAssembler()
        let closed = #expect(throws: AMQPError.self) {
            try assembler.take(.channelClosed(code: 404, text: "NOT_FOUND"))
        }
        #expect(closed?.code == .refusedByBroker(404))
    }
}
