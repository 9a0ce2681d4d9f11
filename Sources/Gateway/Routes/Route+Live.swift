import Access
import Catalog
import Domain
import HTTPTypes
import Hummingbird
import Messages

/// What moves, and what describes the rest.
extension Route {
    static let live: [Route] = [
        .get("/stats") { gateway, _ in try .value(try await gateway.board.stats()) },
        .get("/events", query: ["kind", "lastEventId"]) { gateway, call in
            .response(try EventStream(gateway, call).response(channel: call.context.channel))
        },
        .get("/plots/file", query: ["lfn"]) { gateway, call in
            .response(try await ArtefactFile.response(try call.requiredQuery("lfn"), gateway))
        },
        .get("/me") { _, call in
            try .value(
                Me(
                    who: call.caller.who,
                    role: call.caller.role,
                    expires: Timestamp(microseconds: call.token.expires * 1_000_000)
                )
            )
        },
        .get("/openapi.json") { _, _ in .json(Assets.openAPI) },
    ]

    private struct Me: Encodable {
        let who: String
        let role: Role
        let expires: Timestamp
    }
}
