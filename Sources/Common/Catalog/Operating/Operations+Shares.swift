import Domain
import Messages
import Postgres

/// How capacity is divided among requests.
extension Operations {
    /// A share. Its parent must have no requests of its own: what is divided further is not used itself.
    ///
    /// - Parameters:
    ///   - parent: nil: it is divided from the whole.
    ///   - weight: beside its siblings'.
    package func addShare(_ share: String, parent: String?, weight: Double) async throws -> Outcome {
        try self.caller.need(.administrator, to: "add a share")
        guard WorkflowDocument.isName(share) else {
            throw CatalogRefusal(.invalid, "share: \(Quoted.short(share)) is not a name: letters, digits, _ . -")
        }
        try Self.check(weight: weight)
        return try await self.change { transaction in
            if try await transaction.query(ShareStatements.lock(share)).first != nil {
                throw CatalogRefusal(.state, "share \(share) exists already")
            }
            if let parent {
                let (_, _, requests) = try await self.lock(share: parent, in: transaction)
                guard requests == 0 else {
                    throw CatalogRefusal(
                        .state,
                        "share \(parent) has \(requests) requests of its own: give them another share before it is divided"
                    )
                }
            }
            try await transaction.execute(
                ShareStatements.add(share, parent: parent, weight: weight, who: self.caller.who)
            )
            return try await self.outcome("share \(share) added, with weight \(weight)", share, in: transaction)
        }
    }

    package func setShare(_ share: String, weight: Double) async throws -> Outcome {
        try self.caller.need(.administrator, to: "change a share")
        try Self.check(weight: weight)
        return try await self.change { transaction in
            _ = try await self.lock(share: share, in: transaction)
            try await transaction.execute(ShareStatements.weigh(share, weight, who: self.caller.who))
            return try await self.outcome("share \(share) has weight \(weight)", share, in: transaction)
        }
    }

    /// Only one without children and without requests that have not ended.
    package func removeShare(_ share: String) async throws -> Outcome {
        try self.caller.need(.administrator, to: "remove a share")
        return try await self.change { transaction in
            let (_, children, requests) = try await self.lock(share: share, in: transaction)
            guard children == 0, requests == 0 else {
                throw CatalogRefusal(
                    .state,
                    "share \(share) has \(children) shares below it and \(requests) requests that have not ended"
                )
            }
            let row = try await self.object(ShareStatements.row(share), in: transaction, "share \(share)")
            try await transaction.execute(ShareStatements.remove(share))
            return Outcome(lines: ["share \(share) removed"], result: row)
        }
    }

    /// Gives a request another priority, or another share, for what of it waits and what will.
    ///
    /// - Parameters:
    ///   - priority: nil: as it is.
    ///   - share: nil: as it is; empty: none.
    package func change(
        _ request: Int64,
        priority: Int?,
        share: String?,
        version: Int64?,
        reason: String?
    ) async throws -> Outcome {
        try await self.change { transaction in
            let locked = try await self.lock(request, in: transaction)
            try locked.check(.change, by: self.caller, expected: version)
            guard priority != nil || share != nil else {
                throw CatalogRefusal(.invalid, "nothing to change: give a priority, a share, or both")
            }
            if let priority { try Self.check(priority: priority) }
            let target = share.flatMap { $0.isEmpty ? nil : $0 }
            if let target { try await self.checkLeaf(target, in: transaction) }
            _ = try await transaction.query(ShareStatements.lockTasks(of: request))
            var lines: [String] = []
            if let priority {
                try await transaction.execute(ShareStatements.prioritise(request: request, priority))
                lines.append("request \(request) has priority \(priority)")
            }
            if share != nil {
                let classes = try await transaction.query(ShareStatements.reclass(request: request, share: target))
                try await transaction.execute(
                    ShareStatements.move(
                        request: request,
                        share: target,
                        classes: classes.filter { $0.0 != $0.1 }.map { (old: $0.0, new: $0.1) }
                    )
                )
                lines.append("request \(request) counts for \(target.map { "share \($0)" } ?? "no share")")
            }
            try await transaction.execute(
                ExtendStatements.touch(
                    request: request,
                    what: lines.joined(separator: "; "),
                    reason: reason,
                    who: self.caller.who
                )
            )
            return Outcome(
                lines: lines,
                result: try await self.object(
                    OperatingStatements.requestRow(request),
                    in: transaction,
                    "request \(request)"
                ),
                messages: try OutboxMessage.control("scheduler", .work)
            )
        }
    }

    /// A share that requests can count for: one that is not divided further. Locked, so that it stays so.
    func checkLeaf(_ share: String, in transaction: PostgresTransaction) async throws {
        let (_, children, _) = try await self.lock(share: share, in: transaction)
        guard children == 0 else {
            throw CatalogRefusal(
                .invalid,
                "share \(share) is divided into \(children) others: a request counts for one of those"
            )
        }
    }

    private func lock(
        share: String,
        in transaction: PostgresTransaction
    ) async throws -> (parent: String?, children: Int64, requests: Int64) {
        guard let row = try await transaction.query(ShareStatements.lock(share)).first else {
            throw CatalogRefusal(.missing, "there is no share \(Quoted.short(share)); see millrace share list")
        }
        return (row.0, row.1, row.2)
    }

    private func outcome(_ line: String, _ share: String, in transaction: PostgresTransaction) async throws -> Outcome {
        Outcome(
            lines: [line],
            result: try await self.object(ShareStatements.row(share), in: transaction, "share \(share)"),
            messages: try OutboxMessage.control("scheduler", .work)
        )
    }

    private static func check(weight: Double) throws(CatalogRefusal) {
        guard weight > 0, weight <= 1_000_000 else {
            throw CatalogRefusal(.invalid, "weight: \(weight) is not more than 0 and at most 1000000")
        }
    }
}
