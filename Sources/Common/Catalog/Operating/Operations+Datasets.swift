import Domain
import Messages
import Postgres

/// Datasets that no task fills: people put files into them.
extension Operations {
    /// An open dataset. The same again changes nothing.
    ///
    /// - Parameters:
    ///   - home: the storage element where its files belong; nil: the oldest one.
    ///   - metadata: what holds for every file of it, field to value.
    package func createDataset(
        _ name: String,
        home: String?,
        metadata: [String: String],
        reason: String?
    ) async throws -> Outcome {
        try self.caller.need(.operator, to: "make a dataset")
        guard WorkflowDocument.isDatasetName(name) else {
            throw CatalogRefusal(
                .invalid,
                "dataset: \(Quoted.short(name)) is not a dataset name: letters, digits, _ . + -, at most 255"
            )
        }
        return try await self.change { transaction in
            let storages = try await transaction.query(OperatingStatements.storages)
            guard let place = home ?? storages.first, storages.contains(place) else {
                let known = storages.joined(separator: ", ")
                throw CatalogRefusal(
                    .missing,
                    "there is no storage element \(Quoted.short(home ?? "")); known: \(known)"
                )
            }
            let made = try await transaction.query(
                DatasetStatements.insert(name, home: place, cause: reason, who: self.caller.who)
            ).first
            guard let (id, state, task, kept) = try await transaction.query(DatasetStatements.find(name)).first else {
                throw CatalogRefusal(.state, "dataset \(name) was changed meanwhile; try again")
            }
            if made == nil {
                try Self.isOpen(name, state, task, "it exists and")
                guard home == nil || home == kept else {
                    throw CatalogRefusal(.state, "dataset \(name) exists, with \(kept) as its home")
                }
            }
            let tags = try Self.tags(metadata, try await MetadataStatements.schema(in: transaction))
            let said = try await transaction.execute(MetadataStatements.tag(dataset: id, tags))
            if said > 0 {
                try await self.note("dataset:\(name)", .changed, metadata.mapValues { $0 }, in: transaction)
            }
            let words = metadata.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
            return Outcome(
                changed: made != nil || said > 0,
                lines: [
                    made != nil
                        ? "dataset \(name) made: open, at home at \(kept)"
                        : "dataset \(name) is there already, at home at \(kept)"
                ] + (said > 0 ? ["it and its files: \(words.joined(separator: ", "))"] : []),
                result: try await self.object(DataStatements.dataset(name), in: transaction, "dataset \(name)"),
                messages: made != nil ? try OutboxMessage.control("scheduler", .dataset) : []
            )
        }
    }

    /// Puts files of the catalogue into an open dataset that no task fills. What is in it stays.
    package func add(files lfns: [String], to dataset: String) async throws -> Outcome {
        try self.caller.need(.operator, to: "put files into a dataset")
        guard (1...1000).contains(lfns.count) else {
            throw CatalogRefusal(.invalid, "files: name 1 to 1000 of them, not \(lfns.count)")
        }
        return try await self.change { transaction in
            let id = try await self.open(dataset, in: transaction)
            let files = try await transaction.query(DatasetStatements.lockFiles(lfns))
            try Self.refuse(Self.problems(of: lfns, known: files), of: lfns.count, "put into dataset \(dataset)")
            // Before the files: a clean-up of what they came from sees this, or this sees the clean-up.
            let sources = Array(Set(files.compactMap(\.4))).sorted()
            _ = try await transaction.query(DatasetStatements.needFiles(of: sources))
            try await transaction.execute(DatasetStatements.drawFrom(sources, into: id))
            let joined = try await DatasetStatements.enter(files.map { (id, $0.0) }, in: transaction)
            let transfers = try await transaction.query(
                DatasetStatements.carry(joined.map { (id, $0) }, who: self.caller.who)
            )
            if !joined.isEmpty {
                let added = Set(joined)
                let names = files.filter { added.contains($0.0) }.map(\.1).joined(separator: " ")
                try await self.note("dataset:\(dataset)", .changed, ["files added": names], in: transaction)
            }
            return Outcome(
                changed: !joined.isEmpty,
                lines: [
                    "\(joined.count) files put into dataset \(dataset), \(lfns.count - joined.count) were in it",
                    "\(transfers.count) transfers to where the dataset belongs",
                ],
                result: try await self.object(DataStatements.dataset(dataset), in: transaction, "dataset \(dataset)"),
                messages: joined.isEmpty ? [] : try OutboxMessage.arrived(transfers)
            )
        }
    }

    // MARK: Steps

    /// A dataset into which people may put files, not locked: the constraints of what is written lock it.
    func open(_ name: String, in transaction: PostgresTransaction) async throws -> Int64 {
        guard let (id, state, task, _) = try await transaction.query(DatasetStatements.find(name)).first else {
            throw CatalogRefusal(
                .missing,
                "there is no dataset \(Quoted.short(name)); millrace dataset create makes one"
            )
        }
        try Self.isOpen(name, state, task, "it")
        return id
    }

    private static func isOpen(_ name: String, _ state: String, _ task: Int64?, _ word: String) throws(CatalogRefusal) {
        if let task {
            throw CatalogRefusal(
                .state,
                "dataset \(name): \(word) is filled by task \(task), and nothing else comes into it"
            )
        }
        if state != DatasetState.open.rawValue {
            throw CatalogRefusal(.state, "dataset \(name): \(word) is closed, and never changes again")
        }
    }

    private static func problems(
        of lfns: [String],
        known files: [(Int64, String, Bool, Bool, Int64?)]
    ) -> [CatalogRefusal.ItemProblem] {
        let known = Dictionary(files.map { ($0.1, $0) }) { $1 }
        return lfns.enumerated().compactMap { place, lfn in
            let reason: String? =
                switch known[lfn] {
                case nil: "is not in the catalogue: millrace file register brings a file in"
                case let file? where file.2: "is declared lost"
                case let file? where !file.3: "has no good replica"
                default: nil
                }
            return reason.map { CatalogRefusal.ItemProblem(item: place, field: "lfn", text: "\(lfn) \($0)") }
        }
    }

    /// How many problems are told.
    private static let mostProblems = 100

    /// - Throws: ``CatalogRefusal`` if there is a problem: all or nothing.
    static func refuse(
        _ problems: [CatalogRefusal.ItemProblem],
        _ kind: CatalogRefusal.Kind = .state,
        of count: Int,
        _ action: String
    ) throws(CatalogRefusal) {
        guard let first = problems.first else { return }
        let wrong = Set(problems.map(\.item)).count
        throw CatalogRefusal(
            kind,
            "\(wrong) of \(count) files cannot be \(action), so none is; the first: \(first.field): \(first.text)",
            problems: Array(problems.prefix(Self.mostProblems))
        )
    }
}
