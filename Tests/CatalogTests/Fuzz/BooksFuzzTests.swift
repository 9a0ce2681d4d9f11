import Catalog
import Foundation
import NIOConcurrencyHelpers
import Postgres
import Testing

/// Eight clients at once do at random what the services do, to the same rows, and try to break the rules of the books. What they
/// were told must be what the books hold, and the doctor must find nothing.
///
/// `MILLRACE_FUZZ` is the number of transactions, `MILLRACE_FUZZ_SEED` the seed of an earlier run. The seed decides what each
/// client draws; how the clients interleave, the machine decides.
@Suite struct BooksFuzzTests {
    private static func setting(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func theBooksHoldWhatTheClientsWereTold() async throws {
        let total = Int(Self.setting("MILLRACE_FUZZ") ?? 5000)
        let seed = Self.setting("MILLRACE_FUZZ_SEED") ?? UInt64.random(in: 0...UInt64.max)
        print("fuzz: \(total) transactions, MILLRACE_FUZZ_SEED=\(seed)")
        let url = try await CatalogDatabase.make()
        try await PostgresSession.with(url: url, logger: CatalogDatabase.logger) {
            try await $0.executeScript(FuzzWorld.script)
        }
        let ledger = NIOLockedValueBox(FuzzLedger())
        let began = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...FuzzWorld.clients {
                group.addTask {
                    try await Self.withClient(url) { database in
                        try await FuzzClient(number: number, database: database, ledger: ledger, seed: seed)
                            .run(until: total)
                    }
                }
            }
            try await group.waitForAll()
        }
        let told = ledger.withLockedValue { $0 }
        Self.report(told, ContinuousClock.now - began)
        for fault in told.faults { Issue.record("\(fault)") }
        try await Self.withClient(url) { database in
            // Nothing publishes here: words that wait for a relay are no fault. Workers that were slow are noticed.
            try await database.execute("DELETE FROM outbox")
            try await database.execute(TransferStatements.expire)
            var audit = FuzzAudit(database, told)
            try await audit.run()
            for difference in audit.differences { Issue.record("\(difference)") }
            for diagnosis in try await Doctor.examine(database) {
                #expect(diagnosis.violations == 0, "\(diagnosis)")
            }
        }
        #expect(told.hasBeenEverywhere, "never tried: \(told.untried)")
    }

    private static func withClient(
        _ url: String,
        _ body: @escaping @Sendable (PostgresClient) async throws -> Void
    ) async throws {
        var options = PostgresOptions()
        options.poolSize = 1
        options.setForBatches()
        options.statementTimeout = .seconds(1800)
        let client = PostgresClient(url: url, options: options, logger: CatalogDatabase.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await client.run() }
            defer { group.cancelAll() }
            try await body(client)
        }
    }

    private static func report(_ told: FuzzLedger, _ time: Duration) {
        func list(_ counts: [String: Int]) -> String {
            counts.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        }
        let tried = told.attacks.values.reduce(0, +)
        print(
            """
            fuzz: \(told.transactions) transactions of \(FuzzWorld.clients) clients in \(time), \(told.accepted.count) acceptances with \
            \(told.accepted.values.reduce(0) { $0 + $1.outputs.count }) outputs, \(told.revoked.count) revoked, \
            \(told.grouped.count) tasks grouped, \(told.doneTransfers.count) transfers done
            fuzz: \(tried) attempts to break a rule: \(list(told.attacks))
            fuzz: refused by: \(list(told.refusals))
            """
        )
    }
}
