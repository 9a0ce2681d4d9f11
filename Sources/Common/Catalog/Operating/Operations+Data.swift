import Domain
import Messages
import Postgres

extension Operations {
    /// Nothing is added to the dataset any more. One that a task still fills closes by itself when the task is done.
    package func close(dataset: String, reason: String?) async throws -> Outcome {
        try self.caller.need(.operator, to: "close a dataset")
        return try await self.change { transaction in
            let (id, state, task, taskState) = try await self.lock(dataset: dataset, in: transaction)
            guard state == DatasetState.open.rawValue else {
                throw CatalogRefusal(.state, "dataset \(dataset) is closed already")
            }
            if let task, let state = taskState.flatMap(TaskState.init(rawValue:)), !state.isTerminal {
                throw CatalogRefusal(
                    .state,
                    "dataset \(dataset) is being filled by task \(task), which is \(state.rawValue): it closes when that is done"
                )
            }
            // One that has finished before it heard that it was to end is accepted.
            if let task, let live = try await transaction.query(DataStatements.live(task: task)).first, live > 0 {
                throw CatalogRefusal(
                    .state,
                    "\(live) attempts of task \(task) have not answered yet, and may have finished: close dataset \(dataset) when their agents have"
                )
            }
            let cause = reason ?? "closed by \(self.caller.who)"
            try await transaction.execute(DataStatements.close(dataset: id, cause: cause, who: self.caller.who))
            return Outcome(
                lines: ["dataset \(dataset) is closed: it will never change again"],
                result: try await self.object(DataStatements.dataset(dataset), in: transaction, "dataset \(dataset)"),
                messages: try OutboxMessage.control("scheduler", .dataset)
            )
        }
    }

    /// Every file of the dataset is to be at the storage element too: those there are now, and those that come.
    package func subscribe(dataset: String, to storage: String) async throws -> Outcome {
        try self.caller.need(.operator, to: "subscribe a dataset")
        return try await self.change { transaction in
            let id = try await self.lock(dataset: dataset, in: transaction).0
            let known: [String] = try await transaction.query(OperatingStatements.storages)
            guard known.contains(storage) else {
                throw CatalogRefusal(.missing, "there is no storage element \(Quoted.short(storage))")
            }
            let isNew =
                try await transaction.query(
                    DataStatements.subscribe(dataset: id, storage: storage, who: self.caller.who)
                ).first ?? false
            let transfers = try await transaction.query(
                DataStatements.fill(dataset: id, storage: storage, who: self.caller.who)
            )
            return Outcome(
                changed: isNew || !transfers.isEmpty,
                lines: [
                    isNew
                        ? "dataset \(dataset) is subscribed to \(storage)"
                        : "dataset \(dataset) is subscribed to \(storage) already",
                    "\(transfers.count) files are on their way",
                ],
                result: ObjectText.adding(
                    "transfers",
                    String(transfers.count),
                    to: try await self.object(DataStatements.dataset(dataset), in: transaction, "dataset \(dataset)")
                ),
                messages: try Self.wake(transfers, to: storage)
            )
        }
    }

    /// A replica is not what it should be, or the file as a whole is gone. The last good replica is condemned only when the caller
    /// says that the file is lost.
    ///
    /// - Parameters:
    ///   - storage: the bad replica; nil: all of them.
    ///   - isLost: no good replica is left, or is to be left.
    package func declareBad(
        file: String,
        at storage: String?,
        isLost: Bool,
        reason: String?
    ) async throws -> Outcome {
        try self.caller.need(.operator, to: "declare a file bad")
        return try await self.change { transaction in
            guard let (id, lost) = try await transaction.query(DataStatements.lock(file: file)).first else {
                throw CatalogRefusal(.missing, "there is no file \(Quoted.short(file))")
            }
            if lost { throw CatalogRefusal(.state, "file \(file) is declared lost already") }
            let replicas = try await transaction.query(DataStatements.replicas(id)).map { (storage: $0.0, state: $0.1) }
            if let storage, !replicas.contains(where: { $0.storage == storage }) {
                throw CatalogRefusal(.missing, "file \(file) has no replica on \(Quoted.short(storage))")
            }
            let condemned = storage.map { [$0] } ?? replicas.map(\.storage)
            let good = replicas.filter { $0.state == "available" && !condemned.contains($0.storage) }.map(\.storage)
            if good.isEmpty && !isLost {
                throw CatalogRefusal(
                    .state,
                    "no good replica of \(file) would be left: say that it is lost (--lost), or copy it to another storage first"
                )
            }
            if isLost && !good.isEmpty {
                throw CatalogRefusal(
                    .state,
                    "file \(file) is not lost: it has a good replica on \(good.joined(separator: ", "))"
                )
            }
            let cause = reason ?? "declared bad by \(self.caller.who)"
            try await transaction.execute(
                DataStatements.condemn(id, storages: condemned, cause: cause, who: self.caller.who)
            )
            guard !good.isEmpty else {
                let loss = try await self.lose(id, cause, in: transaction)
                let row = try await self.object(ObjectStatements.file(file), in: transaction, "file \(file)")
                return Outcome(
                    lines: ["file \(file) is lost"] + loss.lines,
                    result: ObjectText.adding("loss", try WireFormat.text(loss), to: row)
                )
            }
            let (lines, messages) = try await self.mend(id, file, condemned, from: good, cause, in: transaction)
            return Outcome(
                lines: lines,
                result: try await self.object(ObjectStatements.file(file), in: transaction, "file \(file)"),
                messages: messages
            )
        }
    }

    // MARK: Steps

    private func lock(
        dataset: String,
        in transaction: PostgresTransaction
    ) async throws -> (Int64, String, Int64?, String?) {
        guard let row = try await transaction.query(DataStatements.lock(dataset: dataset)).first else {
            throw CatalogRefusal(.missing, "there is no dataset \(Quoted.short(dataset))")
        }
        return row
    }

    /// One word is enough: a worker takes all that waits for its storage.
    private static func wake(_ transfers: [Int64], to storage: String) throws -> [OutboxMessage] {
        guard let first = transfers.first else { return [] }
        return try OutboxMessage.messages([TransferItem(transfer: first)], routingKey: RoutingKey.transfer(storage))
    }

    /// Where the file belongs it is fetched again, and takes the place of the bad one.
    private func mend(
        _ id: Int64,
        _ file: String,
        _ condemned: [String],
        from good: [String],
        _ cause: String,
        in transaction: PostgresTransaction
    ) async throws -> ([String], [OutboxMessage]) {
        var lines: [String] = []
        var messages: [OutboxMessage] = []
        for storage in condemned {
            let left = "good ones are left on \(good.joined(separator: ", "))"
            guard try await transaction.query(DataStatements.belongs(id, at: storage)).first == true else {
                lines.append("the replica of \(file) on \(storage) is bad; \(left)")
                continue
            }
            // What was there before us stays: the copy comes when a person has made room for it.
            let isTheirs = try await transaction.query(DataStatements.isRegistered(id, at: storage)).first ?? true
            let transfers = try await transaction.query(
                DataStatements.fetch(
                    id,
                    from: good[0],
                    to: storage,
                    replacing: !isTheirs,
                    cause: cause,
                    who: self.caller.who
                )
            )
            messages += try Self.wake(transfers, to: storage)
            lines.append(
                isTheirs
                    ? "the replica of \(file) on \(storage) is bad; \(left), but it was registered there and is never replaced: move it away, then millrace transfer retry \(transfers.map { String($0) }.joined())"
                    : "the replica of \(file) on \(storage) is bad; \(left), and it is copied again from \(good[0])"
            )
        }
        return (lines, messages)
    }
}
