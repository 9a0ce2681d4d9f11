import Catalog
import Domain
import HTTPTypes
import Messages
import Postgres

/// What people say of files, how they find them, and the sets of datasets they make.
extension Route {
    static let metadata: [Route] = [
        .get("/files", query: Self.pageParameters.union(Listings.files.filters.map(\.name)).union(["where"])) {
            gateway,
            call in
            guard let text = call.query["where"] else { return try await gateway.list(Listings.files, call) }
            return try await Self.search(text, gateway, call)
        },
        .get("/files/count", query: ["where"]) { gateway, call in
            let text = try call.requiredQuery("where")
            return try await gateway.database.withTransaction(.readOnlySnapshot) { transaction in
                let search = try await FileSearch.prepare(text, for: .all, in: transaction)
                let (files, bytes, events) = try await transaction.query(search.count).first ?? (0, 0, 0)
                return try .value(FileCount(files: files, bytes: bytes, events: events, search: SearchNote(search)))
            }
        },
        .get("/containers/{container}") { gateway, call in
            let name = try call.text("container")
            return .json(try await gateway.object(ContainerStatements.container(name), "container \(name.prefix(80))"))
        },
        .get("/containers/{container}/files", query: Self.pageParameters) { gateway, call in
            let name = try call.text("container")
            _ = try await gateway.object(ContainerStatements.named(name), "container \(name.prefix(80))")
            let query = try Gateway.query(call)
            let rows = try await gateway.database.query(try ContainerFiles.page(of: name, query))
            let page = Listings.files.page(rows, limit: query.limit)
            return try .list(page.rows, next: page.next)
        },
    ]

    static let metadataChanges: [Route] = [
        .post("/metadata", role: .operator) { gateway, call in
            let body = try call.body(["field", "type", "description"])
            let (name, text) = (try body.text("field"), try body.optionalText("description") ?? "")
            guard let type = try body.optionalWord("type", MetadataType.self) else {
                throw Refusal(.badRequest, "type is missing")
            }
            return try await gateway.change(call) { try await $0.addField(name, type: type, description: text) }
        },
        .post("/metadata/{field}/remove", role: .operator) { gateway, call in
            _ = try call.body([])
            let name = try call.text("field")
            return try await gateway.change(call) { try await $0.removeField(name) }
        },
        .post("/files/tag", role: .physicist) { gateway, call in
            let body = try call.body(["lfn", "metadata", "remove"])
            let (lfn, values, gone) = (try body.text("lfn"), try body.scalars("metadata"), try body.texts("remove"))
            return try await gateway.change(call) { try await $0.tag(file: lfn, values, remove: gone) }
        },
        .post("/datasets/{dataset}/tag", role: .physicist) { gateway, call in
            let body = try call.body(["metadata", "remove"])
            let (name, values, gone) = (
                try call.text("dataset"), try body.scalars("metadata"), try body.texts("remove")
            )
            return try await gateway.change(call) { try await $0.tag(dataset: name, values, remove: gone) }
        },
        .post("/containers", role: .physicist) { gateway, call in
            let name = try call.body(["container"]).text("container")
            return try await gateway.change(call) { try await $0.createContainer(name) }
        },
        Self.members("add") { try await $0.add($2, to: $1) },
        Self.members("remove") { try await $0.remove($2, from: $1) },
        .post("/containers/{container}/close", role: .physicist) { gateway, call in
            _ = try call.body([])
            let name = try call.text("container")
            return try await gateway.change(call) { try await $0.close(container: name) }
        },
    ]

    private static func members(
        _ word: String,
        _ change: @escaping @Sendable (Operations, String, [String]) async throws -> Outcome
    ) -> Route {
        .post("/containers/{container}/\(word)", role: .physicist) { gateway, call in
            let (name, datasets) = (try call.text("container"), try call.body(["datasets"]).texts("datasets"))
            return try await gateway.change(call) { try await change($0, name, datasets) }
        }
    }

    /// A page of what a query finds, and how it was found.
    private static func search(_ text: String, _ gateway: Gateway, _ call: Call) async throws -> Reply {
        var query = try Gateway.query(call)
        query.filters["where"] = nil
        let asked = query
        return try await gateway.database.withTransaction(.readOnlySnapshot) { transaction in
            let search = try await FileSearch.prepare(text, for: .page, in: transaction)
            let page = Listings.files.page(
                try await transaction.query(try search.page(asked)),
                limit: asked.limit
            )
            return try .list(page.rows, next: page.next, more: ("search", WireFormat.text(SearchNote(search))))
        }
    }
}

/// The sums over what a query finds.
private struct FileCount: Encodable {
    var files: Int64
    var bytes: Int64
    var events: Int64
    var search: SearchNote
}

/// How a query was answered.
private struct SearchNote: Encodable {
    var indexed: [String]
    var unindexed: [String]
    var advice: String?

    init(_ search: FileSearch) {
        self.indexed = search.indexed
        self.unindexed = search.unindexed
        self.advice = search.advice
    }
}
