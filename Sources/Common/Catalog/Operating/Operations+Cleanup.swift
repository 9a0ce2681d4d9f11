import Domain
import Messages
import Postgres

/// How what a request made is deleted when it is cancelled.
package struct Cleaning: Sendable, Hashable {
    /// Also what stands in containers and is subscribed to other storage.
    package var force: Bool

    package init(force: Bool = false) { self.force = force }
}

/// Deleting what cancelled requests made. People ask for it; the Bookkeeper carries it out, step by step: see ``Cleanup``.
extension Operations {
    /// Records the clean-up of a request that is cancelled in this transaction, or was before.
    ///
    /// - Throws: ``CatalogRefusal`` (permission) when files of closed datasets, or what others hold, is not the caller's to delete.
    func clean(
        _ request: Int64,
        _ cleaning: Cleaning,
        reason: String?,
        in transaction: PostgresTransaction
    ) async throws -> Outcome {
        let former = try await transaction.query(CleanupStatements.lock(request)).first
        let datasets = try await transaction.query(CleanupStatements.datasets(of: request))
        // Not those of an open clean-up: its steps lock their part first.
        if former?.0 != "open" { _ = try await transaction.query(CleanupStatements.lockDatasets(datasets.map(\.0))) }
        try self.mayClean(datasets, cleaning)
        let mayTakeClosed = self.caller.role >= CleanupPolicy.role(closed: true, force: false)
        if let former, former.0 == "open" {
            // An operator takes over what a physicist began.
            guard cleaning.force && former.1 == nil || mayTakeClosed && !former.2 else {
                return Outcome(changed: false, lines: ["request \(request) is being cleaned up already"], result: "{}")
            }
            try await transaction.execute(
                CleanupStatements.widen(request, forcedBy: cleaning.force ? self.caller.who : nil)
            )
        } else if let former, try await transaction.query(CleanupStatements.isLeft(of: request)).first != true {
            // Who asked for the one that was, and when and how it ended, stays known.
            return Outcome(
                changed: false,
                lines: ["nothing is left to delete of request \(request): its clean-up is \(former.0)"],
                result: "{}"
            )
        } else {
            try await transaction.execute(
                CleanupStatements.begin(
                    request,
                    closedToo: mayTakeClosed,
                    forcedBy: cleaning.force ? self.caller.who : nil,
                    reason: reason,
                    who: self.caller.who
                )
            )
        }
        return Outcome(
            lines: try await self.outlook(request, datasets, cleaning, in: transaction),
            result: "{}",
            messages: try OutboxMessage.control("bookkeeper", .request, ids: [request])
        )
    }

    private typealias Dataset = (Int64, String, Bool, Int64, Int64)

    private func mayClean(_ datasets: [Dataset], _ cleaning: Cleaning) throws(CatalogRefusal) {
        if cleaning.force {
            try self.caller.need(
                CleanupPolicy.role(closed: false, force: true),
                to: "delete files that are in containers or subscribed"
            )
        }
        if let closed = datasets.first(where: { $0.2 && $0.3 > 0 }) {
            try self.caller.need(
                CleanupPolicy.role(closed: true, force: false),
                to: "delete the files of dataset \(closed.1), which is closed"
            )
        }
    }

    /// What will go, and what keeps the rest.
    private func outlook(
        _ request: Int64,
        _ datasets: [Dataset],
        _ cleaning: Cleaning,
        in transaction: PostgresTransaction
    ) async throws -> [String] {
        let rows = try await transaction.query(CleanupStatements.facts(datasets.map(\.0), of: request))
        var kept: [Int64: CleanupObstacle] = [:]
        for row in rows {
            var (dataset, facts) = CleanupStatements.facts(row: row)
            (facts.includesClosed, facts.isForced) = (true, cleaning.force)
            // Attempts end by themselves.
            facts.liveAttempts = 0
            kept[dataset] = CleanupPolicy.obstacle(facts)
        }
        let full = datasets.filter { $0.3 > 0 }
        let going = full.filter { kept[$0.0] == nil }
        let files = going.reduce(0) { $0 + $1.3 }
        let bytes = going.reduce(0) { $0 + $1.4 }
        let first =
            "its clean-up deletes \(files) files (\(bytes) bytes) of \(going.count) datasets, and what still comes"
        return [first]
            + datasets.compactMap { dataset in
                kept[dataset.0].map { "dataset \(dataset.1) (\(dataset.3) files) is not deleted yet: it \($0.text)" }
            } + ["how far it is: millrace cleanup show \(request)"]
    }

    /// Deletes what others hold as well.
    package func forceCleanup(_ request: Int64) async throws -> Outcome {
        try self.caller.need(CleanupPolicy.role(closed: true, force: true), to: "force a clean-up")
        return try await self.change { transaction in
            let former = try await self.openCleanup(request, in: transaction)
            if former == nil {
                try await transaction.execute(CleanupStatements.widen(request, forcedBy: self.caller.who))
            }
            return Outcome(
                changed: former == nil,
                lines: [
                    former.map { "the clean-up of request \(request) is forced already, by \($0)" }
                        ?? "the clean-up of request \(request) deletes what is in containers or subscribed as well"
                ],
                result: try await self.object(
                    CleanupStatements.cleanup(request),
                    in: transaction,
                    "clean-up \(request)"
                ),
                messages: try OutboxMessage.control("bookkeeper", .request, ids: [request])
            )
        }
    }

    /// Keeps what has not gone yet. What went does not come back.
    package func stopCleanup(_ request: Int64) async throws -> Outcome {
        try await self.change { transaction in
            let locked = try await self.lock(request, in: transaction)
            try locked.checkOwner(self.caller, to: "stop its clean-up")
            _ = try await self.openCleanup(request, in: transaction)
            try await transaction.execute(CleanupStatements.stop(request, who: self.caller.who))
            return Outcome(
                lines: ["the clean-up of request \(request) is stopped: what it has not taken out yet is kept"],
                result: try await self.object(
                    CleanupStatements.cleanup(request),
                    in: transaction,
                    "clean-up \(request)"
                )
            )
        }
    }

    /// - Returns: who forces it; nil: nobody.
    private func openCleanup(_ request: Int64, in transaction: PostgresTransaction) async throws -> String? {
        guard let (state, forcedBy, _) = try await transaction.query(CleanupStatements.lock(request)).first else {
            throw CatalogRefusal(
                .missing,
                "request \(request) has no clean-up: millrace request cancel \(request) --delete-outputs begins one"
            )
        }
        guard state == "open" else { throw CatalogRefusal(.state, "the clean-up of request \(request) is \(state)") }
        return forcedBy
    }
}
