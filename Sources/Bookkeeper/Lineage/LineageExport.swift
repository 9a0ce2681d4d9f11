import Catalog
import Domain
import Logging
import Messages
import Metrics
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle

/// Exports what the log says of attempts as run events, in its order, at least once.
///
/// One Bookkeeper does, by a lease on a row that also says how far the export is. A target that is away or slow holds up nothing but
/// the export itself: it is tried again after a pause that grows, and the service stays ready.
final class LineageExport: Sendable {
    private struct Trouble {
        var failures = 0
        /// No try before this.
        var notBefore: ContinuousClock.Instant?
    }

    private let database: PostgresClient
    private let target: any LineageTarget
    private let config: LineageConfig
    private let holder: String
    private let logger: Logger
    private let trouble = NIOLockedValueBox(Trouble())
    /// Rows of the log that are read at once.
    private let batch: Int64 = 2000
    private static let leaseSeconds = 60.0
    /// How long the mark may stay behind what was delivered.
    private static let markEvery: Duration = .seconds(3)

    init(
        database: PostgresClient,
        target: any LineageTarget,
        config: LineageConfig,
        holder: String,
        logger: Logger
    ) {
        self.database = database
        self.target = target
        self.config = config
        self.holder = holder
        self.logger = logger
    }

    convenience init(_ config: LineageConfig, database: PostgresClient, holder: String, logger: Logger) {
        let target: any LineageTarget =
            switch config.target {
            case .file(let path): LineageFile(path: path)
            case .url(let url, let tokenFile): LineageEndpoint(url: url, tokenFile: tokenFile, timeout: config.timeout)
            }
        self.init(database: database, target: target, config: config, holder: holder, logger: logger)
    }

    /// Exports what there is. Trouble with the target is told, counted and waited out; trouble with the catalogue is thrown.
    func turn() async throws -> PeriodicSweep.Result {
        if let wait = self.trouble.withLockedValue({ $0.notBefore }), ContinuousClock.now < wait { return .done }
        do {
            let result = try await self.export()
            self.trouble.withLockedValue { $0 = Trouble() }
            return result
        } catch let error as LineageError {
            let pause = self.trouble.withLockedValue { trouble -> Duration in
                trouble.failures += 1
                var random = SystemRandomNumberGenerator()
                let backOff = BackOff(first: self.config.pause, longest: self.config.longestPause)
                let pause = backOff.delay(after: trouble.failures, using: &random)
                trouble.notBefore = ContinuousClock.now + pause
                return pause
            }
            Counter(label: "millrace.lineage.failures").increment()
            self.logger.warning("lineage not exported", metadata: ["error": "\(error)", "again": "\(pause)"])
            return .done
        }
    }

    private func export() async throws -> PeriodicSweep.Result {
        guard
            let (exported, term) = try await self.database.query(
                LineageStatements.lease(holder: self.holder, seconds: Self.leaseSeconds)
            ).first
        else { return .done }
        let last = try await self.database.query(FeedStatements.lastID).first ?? 0
        Gauge(label: "millrace.lineage.behind").record(last - exported)
        guard last > exported, let horizon = try await self.database.query(FeedStatements.horizon).first else {
            return .done
        }
        while try await self.database.query(FeedStatements.isPassed(horizon: horizon)).first != true {
            // A transaction that was open when the horizon was drawn: milliseconds, as a rule.
            try await Task.sleep(for: .milliseconds(5))
        }
        var done = exported
        while done < last && !Task.isShuttingDownGracefully {
            let through = min(last, done + self.batch)
            guard try await self.export(after: done, through: through, term: term) else { return .done }
            done = through
        }
        return .more
    }

    /// - Returns: false: somebody else leads now, or the service is to end.
    private func export(after: Int64, through: Int64, term: Int64) async throws -> Bool {
        let rows = try await self.database.withTransaction {
            try await $0.query(LineageStatements.ended(after: after, through: through))
        }
        var marked = after
        var delivered = after
        var lastMark = ContinuousClock.now
        do {
            for (id, text) in rows {
                if Task.isShuttingDownGracefully { break }
                if ContinuousClock.now - lastMark > Self.markEvery {
                    guard try await self.mark(delivered, after: marked, term: term) else { return false }
                    (marked, lastMark) = (delivered, ContinuousClock.now)
                }
                try await self.deliver(text)
                delivered = id
            }
        } catch let error as LineageError {
            // What was taken before is not sent again.
            if delivered > marked { _ = try await self.mark(delivered, after: marked, term: term) }
            throw error
        }
        let isWhole = rows.last.map { $0.0 == delivered } ?? true
        return try await self.mark(isWhole ? through : delivered, after: marked, term: term) && isWhole
    }

    private func deliver(_ text: String) async throws {
        let facts = try WireFormat.value(LineageFacts.self, from: text)
        guard let event = RunEvent(facts, namespace: self.config.namespace) else {
            throw LineageError(description: "request \(facts.request) has no UUID")
        }
        guard try await self.target.deliver(try WireFormat.text(event)) else {
            Counter(label: "millrace.lineage.refused").increment()
            let attempt = "\(facts.task).\(facts.index).\(facts.attempt)"
            self.logger.error(
                "the lineage endpoint refuses an event, it is left out",
                metadata: ["attempt": "\(attempt)"]
            )
            return
        }
        Counter(label: "millrace.lineage.events").increment()
    }

    private func mark(_ id: Int64, after: Int64, term: Int64) async throws -> Bool {
        try await self.target.settle()
        let kept = try await self.database.execute(
            LineageStatements.exported(
                id,
                after: after,
                holder: self.holder,
                term: term,
                seconds: Self.leaseSeconds
            )
        )
        return kept == 1
    }
}
