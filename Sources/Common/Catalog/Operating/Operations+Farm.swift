package import Domain
import Messages
import Postgres

extension Operations {
    /// A site, allowed from the start. Its exchange and its account at the broker are the caller's business.
    ///
    /// - Parameter lostAfter: seconds of silence after which its attempts are lost.
    package func addSite(_ site: String, cloud: String?, lostAfter: Double) async throws -> Outcome {
        try self.caller.need(.administrator, to: "add a site")
        try Self.checkName(site, "site")
        guard lostAfter > 0, lostAfter <= 2_592_000 else {
            throw CatalogRefusal(.invalid, "lost_after: \(lostAfter) is not from 1 to 2592000 seconds")
        }
        return try await self.change { transaction in
            if try await !transaction.query(OperatingStatements.sites([site])).isEmpty {
                throw CatalogRefusal(.state, "site \(site) exists already")
            }
            try await transaction.execute(
                OperatingStatements.insertSite(site, cloud: cloud, lostAfter: lostAfter, who: self.caller.who)
            )
            return Outcome(
                lines: ["site \(site) added: its agents may ask for work"],
                result: try await self.object(OperatingStatements.siteRow(site), in: transaction, "site \(site)")
            )
        }
    }

    /// Lets a site have work, finish, or have none. The same again takes the site over from the Monitor, lets its excluded nodes back in
    /// (allow), or notes another reason or time.
    ///
    /// - Parameters:
    ///   - reason: nil: the old one stays, if the same was decided before.
    ///   - until: when the Monitor lets it in again; nil: when an operator does.
    package func setSite(_ site: String, _ action: SiteAction, reason: String?, until: Moment?) async throws -> Outcome
    {
        try self.caller.need(action.role, to: "\(action.rawValue) a site")
        let target = action.target
        if target == .allowed, until != nil {
            throw CatalogRefusal(.invalid, "until: a site is allowed without an end; a time is for drain and ban")
        }
        return try await self.change { transaction in
            let locked = try await transaction.query(OperatingStatements.lockSite(site, until: until)).first
            guard let (access, who, old, end, hasPassed) = locked else {
                throw CatalogRefusal(.missing, "there is no site \(Quoted.short(site))")
            }
            if let until, hasPassed { throw CatalogRefusal(.invalid, "until: \(until) has passed") }
            let forgotten: [String] = try await transaction.query(
                OperatingStatements.forgetExclusion(site, nodesToo: target == .allowed)
            )
            let isSame = access == target.rawValue
            // Only then does what is left out stay as it is: the Monitor's reason is not an operator's.
            let isRepeated = isSame && who != "monitor" && forgotten.isEmpty
            if isRepeated, end == until, reason == nil || reason == old {
                return Outcome(
                    changed: false,
                    lines: [
                        "site \(site) is \(access) already, by \(who ?? "a service"): \(old ?? "no reason given")"
                    ],
                    result: try await self.object(OperatingStatements.siteRow(site), in: transaction, "site \(site)")
                )
            }
            let kept = isRepeated ? old : nil
            let cause = reason ?? kept ?? "set by \(self.caller.who)"
            try await transaction.execute(
                OperatingStatements.moveSite(site, to: target, reason: cause, until: until, who: self.caller.who)
            )
            let ending = until.map { " until \($0)" } ?? ""
            var lines = ["site \(site) is \(target.rawValue)\(ending), it was \(access)"]
            if isSame { lines = ["site \(site) stays \(access)\(ending): \(cause)"] }
            let nodes = forgotten.filter { !$0.isEmpty }.count
            if nodes > 0 { lines.append("excluded nodes that get work again: \(nodes)") }
            return Outcome(
                lines: lines,
                result: try await self.object(OperatingStatements.siteRow(site), in: transaction, "site \(site)"),
                messages: try OutboxMessage.control("scheduler", .work)
            )
        }
    }

    /// A storage element. Only posix folders can be used by this version.
    package func addStorage(
        _ name: String,
        site: String?,
        kind: String,
        base: String,
        limit: Int
    ) async throws -> Outcome {
        try self.caller.need(.administrator, to: "add a storage element")
        try Self.checkName(name, "storage")
        guard kind == "posix" else {
            throw CatalogRefusal(.invalid, "kind: \(Quoted.short(kind)) is not known; known: posix")
        }
        guard base.hasPrefix("/"), !base.contains("\0"), !base.split(separator: "/").contains("..") else {
            throw CatalogRefusal(.invalid, "base: \(Quoted.short(base)) is not an absolute folder without ..")
        }
        guard (1...1000).contains(limit) else {
            throw CatalogRefusal(.invalid, "limit_active: \(limit) is not from 1 to 1000")
        }
        return try await self.change { transaction in
            let known: [String] = try await transaction.query(OperatingStatements.storages)
            if known.contains(name) {
                throw CatalogRefusal(.state, "storage element \(name) exists already")
            }
            try await transaction.execute(
                OperatingStatements.insertStorage(name, site: site, kind: kind, base: base, limit: limit)
            )
            return Outcome(
                lines: ["storage element \(name) added: \(kind) at \(base)"],
                result: try await self.object(OperatingStatements.storage(name), in: transaction, "storage \(name)"),
                messages: try ["transfer", "bookkeeper"].flatMap { try OutboxMessage.control($0, .storage) }
            )
        }
    }

    package func addCloud(_ name: String) async throws -> Outcome {
        try self.caller.need(.administrator, to: "add a cloud")
        guard WorkflowDocument.isName(name) else {
            throw CatalogRefusal(.invalid, "cloud: \(Quoted.short(name)) is not a name: letters, digits, _ . -")
        }
        return try await self.change { transaction in
            let made = try await transaction.execute(OperatingStatements.insertCloud(name)) == 1
            return Outcome(
                changed: made,
                lines: [made ? "cloud \(name) added" : "cloud \(name) is there already"],
                result: "{\"cloud\":\"\(name)\"}"
            )
        }
    }

    /// A transfer that failed or was cancelled is queued again, with all its tries.
    package func retryTransfer(_ transfer: Int64, reason: String?) async throws -> Outcome {
        try await self.moveTransfer(
            transfer,
            to: .queued,
            from: [.failed, .cancelled],
            "retry",
            reason: reason ?? "retried"
        )
    }

    /// A transfer that is not done is given up. A worker that still copies learns it when it renews its lease, and removes what it wrote
    /// instead of publishing it; what it published before that lies there, and a retry finds it.
    package func cancelTransfer(_ transfer: Int64, reason: String?) async throws -> Outcome {
        try await self.moveTransfer(
            transfer,
            to: .cancelled,
            from: [.queued, .active],
            "cancel",
            reason: reason ?? "cancelled"
        )
    }

    private func moveTransfer(
        _ transfer: Int64,
        to target: TransferState,
        from states: [TransferState],
        _ action: String,
        reason: String
    ) async throws -> Outcome {
        try self.caller.need(.operator, to: "\(action) a transfer")
        return try await self.change { transaction in
            // Whoever declares its file lost has ended, and is seen; or waits, and then finds it queued.
            if target == .queued { _ = try await transaction.query(TransferStatements.lockFile(of: transfer)) }
            guard let row = try await transaction.query(OperatingStatements.lockTransfer(transfer)).first else {
                throw CatalogRefusal(.missing, "there is no transfer \(transfer)")
            }
            guard states.contains(where: { $0.rawValue == row.0 }) else {
                throw CatalogRefusal(
                    .state,
                    "transfer \(transfer) is \(row.0), changed by \(row.3 ?? "a service") at \(row.4); \(action) is possible in: "
                        + states.map(\.rawValue).joined(separator: ", ")
                )
            }
            if target == .queued {
                // What ended it is final, or another one has been made since.
                if row.5 {
                    throw CatalogRefusal(.state, "file \(row.2) is declared lost: there is nothing to transfer")
                }
                if let other = row.6 {
                    throw CatalogRefusal(.state, "transfer \(other) takes \(row.2) to \(row.1) already")
                }
            }
            try await transaction.execute(
                OperatingStatements.moveTransfer(transfer, to: target, reason: reason, who: self.caller.who)
            )
            return Outcome(
                lines: ["transfer \(transfer) of \(row.2) to \(row.1) is \(target.rawValue)"],
                result: try await self.object(
                    OperatingStatements.transfer(transfer),
                    in: transaction,
                    "transfer \(transfer)"
                ),
                messages: target == .queued
                    ? try OutboxMessage.messages(
                        [TransferItem(transfer: transfer)],
                        routingKey: RoutingKey.transfer(row.1)
                    )
                    : []
            )
        }
    }

    /// Sites and storage elements are part of routing keys and account names: no dots.
    private static func checkName(_ name: String, _ what: String) throws(CatalogRefusal) {
        guard WorkflowDocument.isName(name), !name.contains(".") else {
            throw CatalogRefusal(
                .invalid,
                "\(what): \(Quoted.short(name)) is not a name: letters, digits, _ -, at most 64"
            )
        }
    }
}
