import AMQP
import AsyncHTTPClient
import Catalog
import Domain
@testable import Gateway
import Messages
import HTTPTypes
import NIOCore
import NIOHTTP1
import PrivateServers
import ServiceKit
import TestSupport
import Testing

@Suite struct LiveTests {
    /// Reads events from the stream until `isEnough`.
    private func read(
        _ gateway: RunningGateway,
        _ path: String,
        lastID: Int64? = nil,
        onConnected: @escaping @Sendable () async throws -> Void = {},
        isEnough: (String) -> Bool
    ) async throws -> String {
        var request = HTTPClientRequest(url: "\(gateway.url)/api/v1\(path)")
        request.headers.add(name: "Authorization", value: "Bearer \(try await gateway.token(.viewer))")
        if let lastID { request.headers.add(name: "Last-Event-ID", value: "\(lastID)") }
        let response = try await RunningGateway.client.execute(request, timeout: .seconds(60))
        #expect(
            response.status == .ok
                && response.headers.first(name: "content-type")?.hasPrefix("text/event-stream") == true
        )
        var text = ""
        for try await part in response.body {
            let isFirst = text.isEmpty
            text += String(buffer: part)
            if isFirst { try await onConnected() }
            if isEnough(text) { break }
        }
        return text
    }

    static func publish(_ items: [EventItem], to url: String) async throws {
        let publisher = AMQPPublisher(endpoint: try AMQPEndpoint(url: url), name: "test events", logger: testLogger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await publisher.run() }
            defer { group.cancelAll() }
            _ = try await publisher.publish([
                OutgoingMessage(
                    exchange: Exchange.event,
                    routingKey: "request.1.running",
                    body: try Batch(items).encoded(),
                    type: EventItem.type,
                    contentType: "application/json"
                )
            ])
        }
    }

    static func event(_ id: Int64, _ entity: String) -> EventItem {
        EventItem(
            id: id,
            entity: entity,
            version: 1,
            from: "approved",
            to: "running",
            cause: nil,
            who: "test",
            at: Moment.now,
            detail: nil
        )
    }

    @Test func anEventOfTheBrokerReachesAClientThatAskedForItsKind() async throws {
        try await withGateway { gateway in
            try await gateway.waitUntilReady()
            let text = try await self.read(gateway, "/events?kind=request") {
                try await Self.publish(
                    [Self.event(900_001, "task:5"), Self.event(900_002, "request:5")],
                    to: gateway.amqpURL
                )
            } isEnough: {
                $0.contains("900002")
            }
            #expect(text.contains("id: 900002\nevent: request\ndata: {"))
            #expect(!text.contains("900001"))
        }
    }

    @Test func aClientThatComesBackGetsWhatItMissedFromTheLog() async throws {
        try await withGateway(production: Production.farm) { gateway in
            let log = try await gateway.get("/transitions").items.compactMap { $0["id"]?.integer }
            let first = try #require(log.first)
            let last = try #require(log.last)
            let text = try await self.read(gateway, "/events", lastID: first) { $0.contains("id: \(last)\n") }
            #expect(!text.contains("id: \(first)\n"))
            #expect(text.components("event: site").count == log.count)
            #expect(try await gateway.get("/events?lastEventId=x").status == 400)
        }
    }

    @Test func aClientThatDoesNotKeepUpIsDroppedAndTheOthersAreNot() async throws {
        let hub = EventHub(limit: 3)
        let (dropped, drop) = AsyncStream.makeStream(of: Void.self)
        let slow = hub.subscribe { drop.finish() }
        let event = EventHub.Signal.event(LiveEvent(id: 1, kind: "task", data: "{}"))
        hub.publish([event, event])
        let other = hub.subscribe {}
        hub.publish([event, event])
        for await _ in dropped {}
        #expect(hub.clientCount == 1)
        var seen = 0
        for await _ in slow { seen += 1 }
        #expect(seen == 3)
        hub.close()
        var rest = 0
        for await _ in other { rest += 1 }
        #expect(rest == 2 && hub.clientCount == 0)
        for await _ in hub.subscribe(drop: {}) { Issue.record("a closed hub has no events") }
    }

    @Test func ratesAndMinutesAreDifferencesOfCounters() {
        var history = StatsHistory()
        func sample(_ seconds: Double, done: Int64, failed: Int64 = 0) -> StatsSample {
            StatsSample(
                at: Moment(secondsSince1970: 6000 + seconds),
                jobs: JobTotals(active: 7, done: done),
                events: done * 10,
                failedLastMinute: failed
            )
        }
        history.add(sample(0, done: 100))
        #expect(history.rates.jobs_per_second == 0)
        history.add(sample(10, done: 150, failed: 6))
        history.add(sample(70, done: 160))
        history.add(sample(80, done: 155))
        #expect(history.minutes.map(\.done) == [50, 10] && history.minutes.map(\.failed) == [6, 0])
        #expect(history.minutes.map(\.events) == [500, 100])
        // Only the last half minute counts, and a revoked job is no negative rate.
        #expect(history.rates.window_seconds == 10 && history.rates.jobs_per_second == 0)
        #expect(history.recentPoints.count == 4 && history.minutes.last?.active == 7)
    }

    @Test func onlyRegisteredArtefactsAreServedAndNoLinkIsFollowed() async throws {
        let base = try TestFolder.make("artefacts")
        let bytes = String(repeating: "x", count: 70)
        try PrivateFiles.makeFolder("\(base)/1/simulate/plot/0")
        try PrivateFiles.write(bytes, to: "\(base)/1/simulate/plot/0/1.0.1.png")
        try await withGateway(production: Production.running(base: base)) { gateway in
            let plot = try await gateway.get("/plots/file?lfn=/1/simulate/plot/0/1.0.1.png")
            #expect(plot.status == 200 && plot.headers["content-type"] == "image/png" && plot.text == bytes)
            #expect(plot.headers["content-security-policy"]?.contains("sandbox") == true)
            for lfn in [
                "/etc/passwd", "/1/simulate/events/0/1.0.1.slcio", "/../etc/passwd",
                "/1/simulate/plot/0/../0/1.0.1.png",
            ] {
                #expect(try await gateway.get("/plots/file?lfn=\(lfn)").status == 404, "\(lfn)")
            }
        }
        #expect(ArtefactFile.read(base: base, lfn: "/1/simulate/plot/0/1.0.1.png", size: 70) != nil)
        #expect(ArtefactFile.read(base: base, lfn: "/1/simulate/plot/0/1.0.1.png", size: 71) == nil)
        #expect(ArtefactFile.read(base: base, lfn: "/1/../1/simulate/plot/0/1.0.1.png", size: 70) == nil)
        try makeLink("\(base)/link", to: "\(base)/1")
        try makeLink("\(base)/1/simulate/plot/0/l.png", to: "\(base)/1/simulate/plot/0/1.0.1.png")
        #expect(ArtefactFile.read(base: base, lfn: "/link/simulate/plot/0/1.0.1.png", size: 70) == nil)
        #expect(ArtefactFile.read(base: base, lfn: "/1/simulate/plot/0/l.png", size: 70) == nil)
        #expect(ArtefactFile.headers("/a/b.svg", 1)[.contentDisposition] == "attachment; filename=\"b.svg\"")
    }
}
