import Catalog
import Domain
import Foundation
import Logging
import NIOConcurrencyHelpers
import Postgres
import TestSupport
import Testing

/// The hot statements on a catalogue that has grown since its tables were analysed: the worst the planner can be given. No
/// statement, no trigger and no check of a key may read more of a large table than its batch needs.
///
/// Found so: a report that read every attempt of its task, an acceptance that read every output and every replica of it, and a
/// feed that read all it had not published.
@Suite struct PlanTests {
    /// What changes rows that it finds by a join, and does nothing else.
    private static let matched: Set = ["verdicts", "lease of jobs that waited again"]
    private static let anyParameters: SQL = "SET LOCAL plan_cache_mode = force_generic_plan"
    /// Longer than the test takes.
    private static let longer = Duration.seconds(3600)
    /// Rows of one table that one plan may read for a batch of ``GrownWorld/batch``.
    private static let limit = 25.0 * Double(GrownWorld.batch)

    /// One session for all, set as a service's. Either nothing is prepared, and its plans for triggers and checks of keys are those it
    /// made while the tables were empty; or all plans are as old as a service's at most, and those of statements may be for any
    /// parameters, as they are for what is sent again and again; or those of statements, too, were made while the tables were empty, as
    /// in the first seconds of a new farm. The tables were never analysed, or while they were empty, as by somebody who analyses a new
    /// farm by hand: of those the planner assumes that nothing is in them. Plans made then are bad ones where rows to be changed are joined
    /// with a batch (``matched``), for the five seconds that a service keeps a plan.
    @Test(arguments: [nil, Duration.zero, Self.longer], [false, true])
    func noHotStatementReadsAWholeTable(planAge: Duration?, isAnalysed: Bool) async throws {
        let url = try await CatalogDatabase.make()
        let plans = PlanCollector()
        var options = PostgresOptions()
        options.setForBatches()
        options.planAge = planAge
        options.poolSize = 1
        let client = PostgresClient(url: url, options: options, logger: plans.logger)
        let running = Task { try await client.run() }
        try await Self.run(GrownWorld.script[0], url)
        if isAnalysed { try await Self.run("ANALYZE", url) }
        for _ in 1...10 {
            await #expect(throws: RolledBack.self) {
                try await client.withTransaction { transaction in
                    for statement in GrownWorld.life { _ = try await transaction.execute(statement) }
                    throw RolledBack()
                }
            }
        }
        if planAge == Self.longer { try await Self.planAll(client) }
        try await Self.run(GrownWorld.script[1], url)
        for (name, statements) in GrownWorld.hot {
            // What comes a second time is prepared, and its plan is then for any parameters.
            let passes = planAge == nil ? [PlanCollector.start] : [[], PlanCollector.start + [Self.anyParameters]]
            for settings in passes {
                // Rolled back, so that each finds the world as it was.
                await #expect(throws: RolledBack.self, "\(name)") {
                    try await client.withTransaction { transaction in
                        try await transaction.execute(settings)
                        for statement in statements { _ = try await transaction.execute(statement) }
                        throw RolledBack()
                    }
                }
            }
            let read = plans.take()
            #expect(!read.isEmpty, "\(name): no plan was seen")
            Self.checkSums(name, Set(read.flatMap(\.rows.keys)))
            if planAge == Self.longer, isAnalysed, Self.matched.contains(name) { continue }
            for plan in read {
                for (table, rows) in plan.rows where rows > Self.limit {
                    Issue.record("\(name) reads \(Int(rows)) rows of \(table): \(plan.query.prefix(160))")
                }
            }
        }
        running.cancel()
        _ = await running.result
    }

    /// Every hot statement, prepared and planned for any parameters while there is nothing.
    private static func planAll(_ client: PostgresClient) async throws {
        for (_, statements) in GrownWorld.hot {
            for statement in statements {
                for _ in 1...3 {
                    do {
                        try await client.withTransaction { transaction in
                            try await transaction.execute(Self.anyParameters)
                            _ = try await transaction.execute(statement)
                            throw RolledBack()
                        }
                    } catch is RolledBack {
                        // As meant.
                    } catch is PostgresError {
                        // What it is about is not there yet: planned it is.
                    }
                }
            }
        }
    }

    /// No failure waits for the sums of failures, nor does what is done about it.
    private static func checkSums(_ name: String, _ tables: Set<String>) {
        let sums: Set = ["failure_total", "failure_place", "failure_kind", "rule_total"]
        switch name {
        case "failed": #expect(tables.isDisjoint(with: sums) && tables.contains("uncounted"), "\(tables)")
        case "verdicts": #expect(tables.isDisjoint(with: sums.union(["uncounted", "recount"])), "\(tables)")
        case "failure sums": #expect(tables.isSuperset(of: sums), "\(tables)")
        default: break
        }
    }

    private static func run(_ script: String, _ url: String) async throws {
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) { try await $0.executeScript(script) }
    }

    private struct RolledBack: Error {}
}

/// Takes the plans that PostgreSQL's auto_explain sends as notices, those of triggers included.
private final class PlanCollector: Sendable {
    struct Plan: Sendable {
        let query: String
        /// Rows read of each table.
        let rows: [String: Double]
    }

    /// What makes a transaction tell its plans.
    static let start: [SQL] = [
        "LOAD 'auto_explain'", "SET LOCAL auto_explain.log_min_duration = 0", "SET LOCAL auto_explain.log_analyze = on",
        "SET LOCAL auto_explain.log_nested_statements = on", "SET LOCAL auto_explain.log_format = json",
        "SET LOCAL auto_explain.log_timing = off", "SET LOCAL auto_explain.log_level = notice",
        "SET LOCAL statement_timeout = 0",
    ]

    private let plans = NIOLockedValueBox<[Plan]>([])

    var logger: Logger {
        Logger(label: "plans") { _ in
            NoticeHandler { [plans] text in
                guard let plan = Self.plan(text) else { return }
                plans.withLockedValue { $0.append(plan) }
            }
        }
    }

    func take() -> [Plan] {
        self.plans.withLockedValue { plans in
            defer { plans = [] }
            return plans
        }
    }

    private static func plan(_ notice: String) -> Plan? {
        // The client makes one line of a notice, with "; " between the lines.
        guard let start = notice.range(of: "plan:; ") else { return nil }
        let json = notice[start.upperBound...].replacingOccurrences(of: "; ", with: " ")
        guard let tree = (try? JSONSerialization.jsonObject(with: Data(json.utf8))) as? [String: Any],
            let root = tree["Plan"] as? [String: Any]
        else {
            Issue.record("a plan that cannot be read: \(notice.prefix(300))")
            return nil
        }
        var rows: [String: Double] = [:]
        Self.add(root, to: &rows)
        return Plan(query: tree["Query Text"] as? String ?? "", rows: rows)
    }

    private static func add(_ node: [String: Any], to rows: inout [String: Double]) {
        let loops = (node["Actual Loops"] as? NSNumber)?.doubleValue ?? 1
        // Two batches compared row by row: its square is read, from no table at all.
        if let compared = (node["Rows Removed by Join Filter"] as? NSNumber)?.doubleValue {
            rows["a join of \(node["Node Type"] ?? "?")", default: 0] += compared * loops
        }
        if let table = node["Relation Name"] as? String {
            let kinds = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"]
            let perLoop = kinds.reduce(0.0) { $0 + ((node[$1] as? NSNumber)?.doubleValue ?? 0) }
            rows[table, default: 0] += perLoop * loops
        }
        for child in node["Plans"] as? [[String: Any]] ?? [] { self.add(child, to: &rows) }
    }
}

private struct NoticeHandler: LogHandler {
    let take: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) { self.take(event.message.description) }

    func log(
        level: Logger.Level,
        message: Logger.Message,
        metadata: Logger.Metadata?,
        source: String,
        file: String,
        function: String,
        line: UInt
    ) { self.take(message.description) }

    init(_ take: @escaping @Sendable (String) -> Void) { self.take = take }
}
