import HTTPTypes
import Catalog
import Domain
import Messages
import Postgres

/// Single things.
extension Route {
    static let objects: [Route] = [
        .get("/requests/{request}") { gateway, call in
            let id = try call.integer("request")
            let row = try await gateway.object(ObjectStatements.request(id), "request \(id)")
            let facts = try RequestFacts(row)
            let allowed = ObjectText.adding("actions", try WireFormat.text(facts.actions(call.caller)), to: row)
            let ofCleanup = try WireFormat.text(facts.cleanupActions(call.caller))
            return .json(ObjectText.adding("cleanup_actions", ofCleanup, to: allowed))
        },
        .get("/tasks/{task}") { gateway, call in
            let id = try call.integer("task")
            let row = try await gateway.object(ObjectStatements.task(id), "task \(id)")
            let actions = try WireFormat.text(TaskFacts(row).actions(call.caller))
            return .json(ObjectText.adding("actions", actions, to: row))
        },
        .get("/requests/{request}/history", query: Self.pageParameters) { gateway, call in
            let id = try call.integer("request")
            _ = try await Self.row(gateway, Listings.requests, "request", String(id))
            return try await gateway.list(Listings.history(ofRequest: id), call)
        },
        .get("/tasks/{task}/history", query: Self.pageParameters) { gateway, call in
            let id = try call.integer("task")
            _ = try await Self.row(gateway, Listings.tasks, "task", String(id))
            return try await gateway.list(Listings.history(ofTask: id), call)
        },
        .get("/tasks/{task}/recovery") { gateway, call in
            .json(try await Operations(gateway.database, caller: call.caller).check(task: try call.integer("task")))
        },
        .get("/jobs/{task}/{index}") { gateway, call in
            let job = try call.job()
            return try await gateway.unlessArchived(job.task) {
                .json(try await gateway.object(ObjectStatements.job(job), "job \(job)"))
            }
        },
        .get("/jobs/{task}/{index}/history", query: Self.pageParameters) { gateway, call in
            let job = try call.job()
            return try await gateway.list(
                Listings.transitions,
                call,
                scope: Listings.ofJob(task: job.task, index: job.index)
            )
        },
        .get("/jobs/{task}/{index}/why") { gateway, call in
            let job = try call.job()
            return try await gateway.unlessArchived(job.task) {
                // A job without a row waits in a range, unless its task is archived.
                if try await !gateway.database.query(ArchiveStatements.archived(job.task)).isEmpty {
                    _ = try await gateway.object(ObjectStatements.job(job), "job \(job)")
                }
                return try await Why(gateway).answer(job)
            }
        },
        .get("/jobs/{task}/{index}/log", query: ["attempt"]) { gateway, call in
            let job = try call.job()
            let attempt = try call.optionalQueryInteger("attempt", in: 1...Int(Int32.max))
            return try await gateway.unlessArchived(job.task) {
                .json(try await gateway.object(ObjectStatements.log(job, attempt: attempt), "attempt of job \(job)"))
            }
        },
        .get("/attempts/{task}/{index}/{attempt}") { gateway, call in
            let key = AttemptKey(try call.job(), attempt: Int(try call.integer("attempt")))
            return try await gateway.unlessArchived(key.task) {
                .json(try await gateway.object(ObjectStatements.attempt(key), "attempt \(key)"))
            }
        },
        .get("/datasets/{dataset}") { gateway, call in
            let name = try call.text("dataset")
            return .json(try await gateway.object(ObjectStatements.dataset(name), "dataset \(name.prefix(80))"))
        },
        .get("/datasets/{dataset}/files", query: Self.pageParameters) { gateway, call in
            let name = try call.text("dataset")
            _ = try await Self.row(gateway, Listings.datasets, "dataset", name)
            return try await gateway.list(Listings.datasetFiles, call, scope: Listings.isDataset(name))
        },
        .get("/files/show", query: ["lfn"]) { gateway, call in
            let lfn = try call.requiredQuery("lfn")
            return .json(try await gateway.object(ObjectStatements.file(lfn), "file \(lfn.prefix(200))"))
        },
        .get("/files/parents", query: ["lfn", "depth"]) { gateway, call in
            try await Self.relatives(gateway, call) { ObjectStatements.ancestors($0, depth: $1) }
        },
        .get("/files/children", query: ["lfn", "depth"]) { gateway, call in
            try await Self.relatives(gateway, call) { ObjectStatements.descendants($0, depth: $1) }
        },
        .get("/sites/{site}") { gateway, call in
            let name = try call.text("site")
            return .json(try await gateway.object(ObjectStatements.site(name), "site \(name.prefix(80))"))
        },
        .get("/samples/{root_name}") { gateway, call in
            try await Self.row(gateway, Listings.samples, "root_name", try call.text("root_name"))
        },
        .get("/workflows/{name}", query: ["version"]) { gateway, call in
            let name = try call.text("name")
            let version = try call.optionalQueryInteger("version", in: 1...Int(Int32.max))
            return .json(
                try await gateway.object(
                    ObjectStatements.workflow(name, version: version),
                    "workflow \(name.prefix(80))\(version.map { " version \($0)" } ?? "")"
                )
            )
        },
        .get("/transfers/{transfer}") { gateway, call in
            try await Self.row(gateway, Listings.transfers, "transfer", String(try call.integer("transfer")))
        },
        .get("/rules/{rule}") { gateway, call in
            let name = try call.text("rule")
            return .json(try await gateway.object(RuleStatements.rule(name), "rule \(name.prefix(80))"))
        },
    ]

    /// The one row of a listing that a filter picks.
    private static func row(
        _ gateway: Gateway,
        _ listing: Listing,
        _ filter: String,
        _ value: String
    ) async throws -> Reply {
        // A comma would make it two values.
        guard !value.contains(",") else { throw Refusal(.notFound, "there is no such \(filter)") }
        var query = Listing.Query()
        query.filters = [filter: value]
        query.limit = 1
        guard let row = try await gateway.database.query(try listing.statement(query)).first else {
            throw Refusal(.notFound, "there is no \(filter) \(value.prefix(80))")
        }
        return .json(row.1)
    }

    private static func relatives(
        _ gateway: Gateway,
        _ call: Call,
        _ statement: (String, Int) -> Statement<String>
    ) async throws -> Reply {
        let lfn = try call.requiredQuery("lfn")
        let depth = try call.optionalQueryInteger("depth", in: 1...1000) ?? 1000
        _ = try await gateway.object(ObjectStatements.file(lfn), "file \(lfn.prefix(200))")
        let rows = try await gateway.database.query(statement(lfn, depth))
        let isWhole = rows.count <= Listing.largestPage
        return try .list(Array(rows.prefix(Listing.largestPage)), next: nil, more: ("complete", "\(isWhole)"))
    }
}
