import HTTPTypes
import Catalog
import Logging
import Postgres
import ServiceKit

/// What the routes work with.
struct Gateway: Sendable {
    let database: PostgresClient
    let hub: EventHub
    let board: StatsBoard
    let identification: Identification
    let health: HealthState
    let metrics: PrometheusRegistry
    let logger: Logger
    /// Takes the messages of a change that was just committed.
    let sent: @Sendable ([Catalog.OutboxMessage]) -> Void
    /// Makes the exchange of a new site.
    let declareSite: @Sendable (String) async throws -> Void

    /// A page of a listing, as a call asks for it.
    func list(_ listing: Listing, _ call: Call, scope: SQL? = nil) async throws -> Reply {
        let query = try Self.query(call)
        let rows = try await self.database.query(try listing.statement(query, scope: scope))
        let page = listing.page(rows, limit: query.limit)
        return try .list(page.rows, next: page.next)
    }

    static func query(_ call: Call) throws(Refusal) -> Listing.Query {
        var query = Listing.Query()
        query.filters = call.query.filter { !Route.pageParameters.contains($0.key) }
        query.after = call.query["after"]
        query.limit = try call.optionalQueryInteger("limit", in: 1...Listing.largestPage) ?? Listing.usualPage
        switch call.query["order"] {
        case nil, "asc": query.isDescending = false
        case "desc": query.isDescending = true
        case let other?: throw Refusal(.badRequest, "order is asc or desc, not \(other.prefix(40))")
        }
        return query
    }

    /// One object.
    func object(_ statement: Statement<String>, _ name: String) async throws -> String {
        guard let row = try await self.database.query(statement).first else {
            throw Refusal(.notFound, "there is no \(name)")
        }
        return row
    }

    /// Runs a change and answers with what it did.
    func change(_ call: Call, _ body: (Operations) async throws -> Outcome) async throws -> Reply {
        let operations = Operations(self.database, caller: call.caller, isDryRun: call.isDryRun)
        let outcome = try await body(operations)
        if outcome.changed && !call.isDryRun {
            self.sent(outcome.messages)
            self.logger.info(
                "changed",
                metadata: ["who": "\(call.caller.who)", "what": "\(outcome.lines.first ?? "")"]
            )
        }
        return try .outcome(outcome, isDryRun: call.isDryRun)
    }
}
