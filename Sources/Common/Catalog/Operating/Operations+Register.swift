package import Domain
import Messages
import Postgres

/// Files that are there already.
extension Operations {
    /// How many files are registered at once, at most.
    package static let registeredAtOnce = 1000

    /// Says that files lie on a storage element, all of them or none. Each is read there before it is a file of the dataset. The same
    /// again changes nothing; other facts of a name that is known, or waits to be verified, are refused.
    ///
    /// - Parameter measured: of files without a checksum the one that is read first is taken for it.
    package func register(
        _ entries: [FileEntry],
        at storage: String,
        into dataset: String,
        measured: Bool,
        reason: String?
    ) async throws -> Outcome {
        try self.caller.need(.operator, to: "register files")
        guard (1...Self.registeredAtOnce).contains(entries.count) else {
            throw CatalogRefusal(.invalid, "files: 1 to \(Self.registeredAtOnce) at once, not \(entries.count)")
        }
        try Self.refuse(Self.mistakes(entries, measured: measured), .invalid, of: entries.count, "registered")
        return try await self.change { transaction in
            let storages = try await transaction.query(OperatingStatements.storages)
            guard storages.contains(storage) else {
                throw CatalogRefusal(.missing, "there is no storage element \(Quoted.short(storage))")
            }
            let id = try await self.open(dataset, in: transaction)
            let schema = try await MetadataStatements.schema(in: transaction)
            let tags = try Self.tags(of: entries, schema)
            let steps = try await self.steps(entries, at: storage, dataset: id, in: transaction)
            let place = Place(storage: storage, dataset: id, measured: measured, reason: reason)
            return try await self.carryOut(
                Plan(entries: entries, steps: steps, tags: tags),
                at: place,
                name: dataset,
                in: transaction
            )
        }
    }

    private struct Place: Sendable {
        let storage: String
        let dataset: Int64
        let measured: Bool
        let reason: String?
    }

    private struct Plan: Sendable {
        let entries: [FileEntry]
        let steps: [RegistrationPolicy.Step]
        /// Of each entry.
        let tags: [[MetadataTag]]

        /// Entries whose step has a number of this kind, with it.
        func chosen(_ number: (RegistrationPolicy.Step) -> Int64?) -> [(id: Int64, place: Int)] {
            self.steps.enumerated().compactMap { place, step in number(step).map { ($0, place) } }
        }
    }

    // MARK: What is wrong

    private static func mistakes(_ entries: [FileEntry], measured: Bool) -> [CatalogRefusal.ItemProblem] {
        var seen: Set<String> = []
        var found: [CatalogRefusal.ItemProblem] = []
        for (place, entry) in entries.enumerated() {
            for problem in entry.problems(measured: measured) {
                found.append(.init(item: place, field: problem.field, text: problem.text))
            }
            if !seen.insert(entry.lfn).inserted {
                found.append(.init(item: place, field: "lfn", text: "\(Quoted.short(entry.lfn)) is there twice"))
            }
        }
        return found
    }

    private static func tags(
        _ entries: [FileEntry],
        _ schema: QuerySchema
    ) -> (
        tags: [[MetadataTag]], problems: [CatalogRefusal.ItemProblem]
    ) {
        var (tags, problems): ([[MetadataTag]], [CatalogRefusal.ItemProblem]) = ([], [])
        for (place, entry) in entries.enumerated() {
            do {
                tags.append(try Self.tags(entry.metadata, schema))
            } catch {
                tags.append([])
                problems.append(.init(item: place, field: "metadata", text: error.description))
            }
        }
        return (tags, problems)
    }

    private static func tags(of entries: [FileEntry], _ schema: QuerySchema) throws -> [[MetadataTag]] {
        let (tags, problems) = Self.tags(entries, schema)
        try Self.refuse(problems, .invalid, of: entries.count, "registered")
        return tags
    }

    // MARK: What is done

    /// What follows for each entry, with all that it depends on locked.
    private func steps(
        _ entries: [FileEntry],
        at storage: String,
        dataset: Int64,
        in transaction: PostgresTransaction
    ) async throws -> [RegistrationPolicy.Step] {
        let lfns = entries.map(\.lfn)
        _ = try await transaction.query(RegisteringStatements.lock(lfns, at: storage))
        var known = entries.map { _ in KnownFile() }
        for row in try await transaction.query(RegisteringStatements.earlier(lfns, at: storage)) {
            guard let state = RegistrationState(rawValue: row.2) else {
                throw CatalogRefusal(.state, "registration \(row.1) is \(row.2), which this program does not know")
            }
            let facts = KnownFile.Facts(bytes: row.3, adler32: row.4, crc32c: row.5, events: row.6)
            known[Int(row.0) - 1].earlier = .init(id: row.1, state: state, facts: facts, dataset: row.7)
        }
        for row in try await transaction.query(RegisteringStatements.books(lfns, at: storage, dataset: dataset)) {
            known[Int(row.0) - 1].book = .init(
                file: row.1,
                facts: .init(bytes: row.2, adler32: row.3, crc32c: row.4, events: row.5),
                isLost: row.6,
                task: row.7,
                replica: row.8,
                isMember: row.9
            )
        }
        let steps = zip(entries, known).map { RegistrationPolicy.step($0, dataset: dataset, $1) }
        let problems = steps.enumerated().compactMap { place, step -> CatalogRefusal.ItemProblem? in
            guard case .refuse(let problem) = step else { return nil }
            let text = problem.field == "lfn" ? "\(lfns[place]) \(problem.text)" : "\(problem.text) (\(lfns[place]))"
            return .init(item: place, field: problem.field, text: text)
        }
        try Self.refuse(problems, of: entries.count, "registered at \(storage)")
        return steps
    }

    private func carryOut(
        _ plan: Plan,
        at place: Place,
        name: String,
        in transaction: PostgresTransaction
    ) async throws -> Outcome {
        let new = plan.steps.indices.filter { plan.steps[$0] == .queue }
        let again = plan.chosen { if case .again(let id) = $0 { id } else { nil } }
        let waiting = plan.chosen { if case .waits(let id) = $0 { id } else { nil } }
        let joining = plan.chosen { if case .join(let file) = $0 { file } else { nil } }
        let there = plan.chosen { if case .isThere(let file) = $0 { file } else { nil } }
        let queued =
            try await self.insert(new, of: plan, at: place, in: transaction)
            + self.repeated(again, of: plan, at: place, in: transaction)
        _ = try await transaction.query(RegisteringStatements.say(Self.owned(queued, plan)))
        try await self.refuseOtherWords(plan, waiting, joining + there, in: transaction)
        let members = joining.map { (dataset: place.dataset, file: $0.id) }
        _ = try await DatasetStatements.enter(members, in: transaction)
        let transfers = try await transaction.query(DatasetStatements.carry(members, who: self.caller.who))
        let known = waiting.count + there.count
        var lines = ["\(queued.count) files of dataset \(name) are to be verified at \(place.storage)"]
        if !again.isEmpty { lines.append("\(again.count) of them were refused by what was stored before") }
        if !joining.isEmpty {
            lines.append("\(joining.count) files that are verified already are put into the dataset")
        }
        if known > 0 { lines.append("\(known) files were registered already: nothing to do") }
        let result = try await self.object(DataStatements.dataset(name), in: transaction, "dataset \(name)")
        return Outcome(
            changed: queued.count + joining.count > 0,
            lines: lines,
            result: [
                ("queued", queued.count), ("joined", joining.count), ("known", known),
            ].reduce(result) { ObjectText.adding($1.0, String($1.1), to: $0) },
            messages: try (queued.isEmpty ? [] : OutboxMessage.control("transfer", .registration))
                + (joining.isEmpty ? [] : OutboxMessage.arrived(transfers))
        )
    }

    private func insert(
        _ places: [Int],
        of plan: Plan,
        at place: Place,
        in transaction: PostgresTransaction
    ) async throws -> [(id: Int64, place: Int)] {
        guard !places.isEmpty else { return [] }
        let rows = try await transaction.query(
            RegisteringStatements.insert(
                places.map { plan.entries[$0] },
                at: place.storage,
                into: place.dataset,
                measured: place.measured,
                reason: place.reason,
                who: self.caller.who
            )
        )
        let numbers = Dictionary(rows.map { ($0.1, $0.0) }) { $1 }
        return places.compactMap { place in numbers[plan.entries[place].lfn].map { ($0, place) } }
    }

    private func repeated(
        _ chosen: [(id: Int64, place: Int)],
        of plan: Plan,
        at place: Place,
        in transaction: PostgresTransaction
    ) async throws -> [(id: Int64, place: Int)] {
        guard !chosen.isEmpty else { return [] }
        try await transaction.execute(
            RegisteringStatements.again(
                chosen.map { ($0.id, plan.entries[$0.place]) },
                into: place.dataset,
                measured: place.measured,
                reason: place.reason,
                who: self.caller.who
            )
        )
        return chosen
    }

    /// What was registered before keeps what was said of it then: to say something else is another thing, and done on purpose.
    private func refuseOtherWords(
        _ plan: Plan,
        _ waiting: [(id: Int64, place: Int)],
        _ files: [(id: Int64, place: Int)],
        in transaction: PostgresTransaction
    ) async throws {
        let registrations = try await transaction.query(RegisteringStatements.say(Self.owned(waiting, plan)))
        let known = try await transaction.query(RegisteringStatements.sayOfFiles(Self.owned(files, plan)))
        let wrong =
            waiting.filter { registrations.contains($0.id) }.map { ($0.place, "when it was registered") }
            + files.filter { known.contains($0.id) }.map {
                ($0.place, "in the catalogue; millrace file tag changes it")
            }
        let problems = wrong.sorted { $0.0 < $1.0 }.map { place, how in
            CatalogRefusal.ItemProblem(
                item: place,
                field: "metadata",
                text: "\(plan.entries[place].lfn): something else was said of it \(how)"
            )
        }
        try Self.refuse(problems, of: plan.entries.count, "registered")
    }

    private static func owned(
        _ chosen: [(id: Int64, place: Int)],
        _ plan: Plan
    ) -> [(owner: Int64, tag: MetadataTag)] {
        chosen.flatMap { one in plan.tags[one.place].map { (one.id, $0) } }
    }
}
