import Catalog
import Domain
import HTTPTypes
import Messages
import Postgres

/// What fails, where, how often, and what it costs.
extension Route {
    static let errors: [Route] = [
        Self.summed("/tasks/{task}/debug") { gateway, call in
            let id = try call.integer("task")
            return try await Self.debug(gateway, .task(id), "task \(id)")
        },
        Self.summed("/requests/{request}/debug") { gateway, call in
            let id = try call.integer("request")
            return try await Self.debug(gateway, .request(id), "request \(id)")
        },
        Self.summed("/errors", query: ["since", "by", "order"]) { gateway, call in
            let by = try call.word("by", default: ErrorStatements.By.class)
            let order = try call.word("order", default: ErrorStatements.Order.count)
            return try await Self.list(gateway, by, order, try Window.start(call))
        },
        Self.summed("/errors/matrix", query: ["since", "by", "request"]) { gateway, call in
            let by = try call.word("by", default: MatrixStatements.By.task)
            let request = try call.optionalQueryInteger("request", in: 1...Int.max).map { Int64($0) }
            let statement = MatrixStatements.matrix(by, since: try Window.start(call), request: request)
            return .json(try await gateway.object(statement, "matrix"))
        },
        Self.summed("/errors/rules", query: ["since"]) { gateway, call in
            .json(try await gateway.object(RuleUseStatements.uses(since: try Window.start(call)), "use of rules"))
        },
        .get("/efficiency", query: ["since", "by"]) { gateway, call in
            let by = try call.word("by", default: EfficiencyStatements.By.site)
            let statement = EfficiencyStatements.efficiency(by, since: try Window.start(call))
            return .json(try await gateway.object(statement, "efficiency"))
        },
    ]

    /// An answer from the sums of failures, which hold by then all that have a verdict.
    private static func summed(_ path: String, query: Set<String> = [], _ handle: @escaping Handle) -> Route {
        .get(path, query: query) { gateway, call in
            try await FailureSums.complete(gateway.database)
            return try await handle(gateway, call)
        }
    }

    /// The first row is what is said of all groups.
    private static func list(
        _ gateway: Gateway,
        _ by: ErrorStatements.By,
        _ order: ErrorStatements.Order,
        _ start: WindowStart
    ) async throws -> Reply {
        let rows = try await gateway.database.query(ErrorStatements.errors(by, order: order, since: start))
        let isNamed = by == .code || by == .fingerprint
        let items = try rows.dropFirst().map { isNamed ? try Self.named($0.1, code: $0.0) : $0.1 }
        return .json(ObjectText.adding("items", "[\(items.joined(separator: ","))]", to: rows.first?.1 ?? "{}"))
    }

    private static func debug(
        _ gateway: Gateway,
        _ scope: DebugStatements.Scope,
        _ name: String
    ) async throws -> Reply {
        guard try await !gateway.database.query(DebugStatements.exists(scope)).isEmpty else {
            throw Refusal(.notFound, "there is no \(name)")
        }
        let rows = try await gateway.database.query(DebugStatements.groups(scope))
        let groups = try rows.map { try Self.named($0.2, code: $0.0) }
        let failures = rows.first?.1 ?? 0
        let archived = try await gateway.database.query(DebugStatements.archived(scope)).map(ArchivedLine.Row.init)
        return .json(
            """
            {"items":[\(groups.joined(separator: ","))],"next":null,"failures":\(failures),\
            "complete":\(archived.isEmpty),"archived":\(try WireFormat.text(archived))}
            """
        )
    }

    /// The object with the name of its code; null for a code that is not ours.
    private static func named(_ object: String, code: Int32?) throws -> String {
        let name = code.flatMap { FailureCode(rawValue: Int($0))?.name }
        return ObjectText.adding("name", try name.map { try WireFormat.text($0) } ?? "null", to: object)
    }
}
