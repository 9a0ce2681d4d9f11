import Domain
import Postgres

/// What the tasks of a request look for among the files, and what they say of theirs.
extension Operations {
    /// Every query that a task reads names fields there are, with values of their types; so do the fields it groups by.
    func checkQueries(of plans: [TaskPlan], in transaction: PostgresTransaction) async throws {
        if plans.contains(where: { !$0.groupBy.isEmpty }) {
            let schema = try await MetadataStatements.schema(in: transaction)
            for plan in plans {
                for name in plan.groupBy where schema.field(name) == nil {
                    throw CatalogRefusal(.invalid, "task \(plan.name), groupBy: \(schema.unknown(name))")
                }
            }
        }
        for plan in plans {
            for (position, query) in plan.inputs.map(\.query).enumerated() {
                guard let query else { continue }
                do {
                    _ = try await FileSearch.condition(query, in: transaction)
                } catch let refusal as CatalogRefusal {
                    throw CatalogRefusal(refusal.kind, "task \(plan.name), inputs[\(position)]: \(refusal.description)")
                }
            }
        }
    }

    /// Every query can be answered in time, and every container has datasets: when the tasks begin nobody looks on.
    func checkSearches(of plans: [TaskPlan], in transaction: PostgresTransaction) async throws {
        // First, so that a field that is there now is there when the tasks begin.
        let said = plans.flatMap(\.metadata.values).flatMap(\.keys)
        let fields = plans.flatMap(\.groupBy) + said
        _ = try await transaction.query(
            MetadataStatements.keepFields(fields, in: plans.flatMap(\.inputs).compactMap(\.query))
        )
        try await self.checkQueries(of: plans, in: transaction)
        let containers = plans.flatMap(\.inputs).compactMap(\.container)
        let sizes = Dictionary(
            try await transaction.query(ContainerStatements.sizes(containers)).map { ($0.0, $0.1) },
            uniquingKeysWith: { first, _ in first }
        )
        for name in containers {
            guard let size = sizes[name] else {
                throw CatalogRefusal(
                    .missing,
                    "there is no container \(Quoted.short(name)), which the request would read"
                )
            }
            if size == 0 {
                throw CatalogRefusal(.state, "container \(name), which the request would read, has no dataset yet")
            }
        }
        for plan in plans {
            for query in plan.inputs.compactMap(\.query) {
                var advice: String?
                do {
                    let search = try await FileSearch.prepare(query, for: .all, in: transaction)
                    advice = search.advice
                    _ = try await transaction.query(search.count)
                } catch let error as PostgresError where error.sqlState == "57014" {
                    throw CatalogRefusal(
                        .state,
                        "task \(plan.name): its query takes too long: \(advice ?? "add a narrower condition")"
                    )
                }
            }
        }
    }

    /// What the tasks say of their files, in the types of the fields: task to stream to values.
    func checkMetadata(
        of plans: [TaskPlan],
        in transaction: PostgresTransaction
    ) async throws -> [String: [String: [MetadataTag]]] {
        guard plans.contains(where: { !$0.metadata.isEmpty }) else { return [:] }
        let schema = try await MetadataStatements.schema(in: transaction)
        var said: [String: [String: [MetadataTag]]] = [:]
        for plan in plans {
            for (stream, values) in plan.metadata {
                do {
                    said[plan.name, default: [:]][stream] = try Self.tags(values, schema)
                } catch {
                    throw CatalogRefusal(error.kind, "task \(plan.name), output \(stream): \(error.description)")
                }
            }
        }
        return said
    }

    /// Said once of each dataset: its files inherit it, and accepting one costs nothing more.
    func say(_ streams: [String: [MetadataTag]], of task: Int64, in transaction: PostgresTransaction) async throws {
        for (stream, tags) in streams.sorted(by: { $0.key < $1.key }) {
            for dataset in try await transaction.query(MetadataStatements.dataset(task: task, stream: stream)) {
                try await transaction.execute(MetadataStatements.tag(dataset: dataset, tags))
            }
        }
    }
}
