import Catalog
import HTTPTypes
import Hummingbird
import NIOCore
import Postgres

/// Server-sent events of one client (WHATWG HTML, section 9.2).
struct EventStream: Sendable {
    /// What a client that comes back gets from the log, at most.
    private static let replayLimit = 10_000
    private static let page = 1000

    private let gateway: Gateway
    private let kinds: Set<String>
    private let lastID: Int64?

    init(_ gateway: Gateway, _ call: Call) throws(Refusal) {
        self.gateway = gateway
        self.kinds = Set((call.query["kind"] ?? "").split(separator: ",").map(String.init))
        let header = HTTPField.Name("Last-Event-ID").flatMap { call.request.headers[$0] }
        guard let text = call.query["lastEventId"] ?? header, !text.isEmpty else {
            self.lastID = nil
            return
        }
        guard let id = Int64(text) else {
            throw Refusal(.badRequest, "Last-Event-ID: \(text.prefix(40)) is not a number")
        }
        self.lastID = id
    }

    func response(channel: any Channel) -> Response {
        // Before the log is read, so that nothing falls between the two.
        let signals = self.gateway.hub.subscribe { channel.close(promise: nil) }
        let body = ResponseBody { writer in
            try await writer.write(ByteBuffer(string: "retry: 2000\n: connected\n\n"))
            let sent = try await self.replay(&writer)
            for await signal in signals {
                switch signal {
                case .heartbeat: try await writer.write(ByteBuffer(string: ": alive\n\n"))
                case .event(let event):
                    guard !sent.contains(event.id), self.wants(event.kind) else { continue }
                    try await writer.write(ByteBuffer(string: Self.text(event)))
                }
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store"],
            body: body
        )
    }

    private func wants(_ kind: String) -> Bool { self.kinds.isEmpty || self.kinds.contains(kind) }

    /// Writes what the client missed. - Returns: the ids, which the feed may bring once more.
    private func replay(_ writer: inout any ResponseBodyWriter) async throws -> Set<Int64> {
        guard var position = self.lastID else { return [] }
        var sent: Set<Int64> = []
        while sent.count < Self.replayLimit {
            let rows = try await self.gateway.database.query(
                ReplayStatements.after(position, limit: Self.page)
            )
            for (id, kind, data) in rows {
                position = id
                sent.insert(id)
                guard self.wants(kind) else { continue }
                try await writer.write(ByteBuffer(string: Self.text(LiveEvent(id: id, kind: kind, data: data))))
            }
            if rows.count < Self.page { break }
        }
        return sent
    }

    /// The data is one line of JSON.
    private static func text(_ event: LiveEvent) -> String {
        "id: \(event.id)\nevent: \(event.kind)\ndata: \(event.data)\n\n"
    }
}
