import Catalog
import Domain
import HTTPTypes
import Messages
import Postgres
import ServiceKit

/// What was: production over time, and the archive.
extension Route {
    static let history: [Route] = [
        .get("/report", query: ["since", "by", "then"]) { gateway, call in
            let by = try call.word("by", default: ProductionStatements.By.day)
            let then = try call.query["then"].map { _ in try call.word("then", default: by) }
            guard then != by else { throw Refusal(.badRequest, "then: \(by.rawValue) is what by says already") }
            let start = try Window.start(call, default: "365d")
            return .json(try await gateway.object(ProductionStatements.report(by, then: then, since: start), "report"))
        },
        .post("/archive", role: .operator) { gateway, call in
            let body = try call.body(["older_than", "reason"])
            let (text, reason) = (try body.text("older_than"), try body.reason())
            guard let age = DurationText.parse(text), age > .zero else {
                throw Refusal(.badRequest, "older_than must be a length of time such as 90d, not \(text.prefix(40))")
            }
            return try await gateway.change(call) {
                try await $0.archive(olderThan: age / .seconds(1), reason: reason)
            }
        },
        Self.moving("/tasks/{task}/archive", "task") { try await $0.archive(task: $1, reason: $2) },
        Self.moving("/tasks/{task}/restore", "task") { try await $0.restore(task: $1, reason: $2) },
        Self.moving("/requests/{request}/archive", "request") { try await $0.archive(request: $1, reason: $2) },
        Self.moving("/requests/{request}/restore", "request") { try await $0.restore(request: $1, reason: $2) },
    ]

    private static func moving(
        _ path: String,
        _ parameter: String,
        _ change: @escaping @Sendable (Operations, Int64, String?) async throws -> Outcome
    ) -> Route {
        .post(path, role: .operator) { gateway, call in
            let (id, reason) = (try call.integer(parameter), try call.body(["reason"]).reason())
            return try await gateway.change(call) { try await change($0, id, reason) }
        }
    }
}

extension Gateway {
    /// The answer, and where there is none because the task's rows are archived, that they are and how to get them back.
    func unlessArchived(_ task: Int64, _ answer: () async throws -> Reply) async throws -> Reply {
        do {
            return try await answer()
        } catch let refusal as Refusal where refusal.status == .notFound {
            guard let (state, since, who) = try await self.database.query(ArchiveStatements.archived(task)).first else {
                throw refusal
            }
            let line = ArchivedLine.text(task: task, state: state, since: since, who: who)
            throw Refusal(.notFound, "\(refusal.description): \(line)")
        }
    }
}

/// What is said of a task whose jobs are not where they were made: in one line when, by whom, and how to get them back.
enum ArchivedLine {
    static func text(task: Int64, state: String, since: Moment, who: String) -> String {
        switch state {
        case "archived":
            "task \(task) is archived since \(since) (by \(who)); millrace task restore \(task) brings it back"
        case "restoring": "task \(task) is being restored (by \(who)): wait until it is back"
        default:
            "task \(task) is on its way into the archive (by \(who)); millrace task restore \(task) brings it back"
        }
    }

    /// As a member of an answer.
    struct Row: Encodable {
        let task: Int64
        let state: String
        let since: Moment
        let who: String
        let line: String

        init(_ row: (Int64, String, Moment, String)) {
            (self.task, self.state, self.since, self.who) = row
            self.line = ArchivedLine.text(task: row.0, state: row.1, since: row.2, who: row.3)
        }
    }
}
