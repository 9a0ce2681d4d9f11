import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres

/// Turns approved tasks whose inputs are ready into jobs that wait.
struct Expander: Sendable {
    let database: PostgresClient
    let outbox: OutboxService
    let classes: ClassTable
    let bell: FeedBell
    let logger: Logger
    /// Rung when jobs wait.
    let wake: @Sendable () -> Void
    /// Tasks that are looked at in one statement: those that cannot begin yet hide none that can.
    var page = 500

    private typealias WaitingTask = (
        id: Int64, request: Int64, kind: String, isWithoutInputs: Bool, perJob: Int64?, scouts: Int32,
        perJobFiles: Int64?, perJobBytes: Int64?, groupBy: [String], continues: Int64?
    )

    /// Starts every task that can start. Returns whether there may be more.
    func expand() async throws -> Bool {
        var started = 0
        var rows = try await self.database.query(ExpansionStatements.waiting(limit: self.page))
        while !rows.isEmpty {
            started += try await self.expand(rows)
            guard rows.count == self.page, let last = rows.last?.0 else { break }
            rows = try await self.database.query(ExpansionStatements.waiting(after: last, limit: self.page))
        }
        if started > 0 {
            self.bell.ring()
            self.wake()
        }
        return started > 0
    }

    private typealias Row = (Int64, Int64, String, Bool, Int64?, Int32, Int64?, Int64?, [String], Int64?)

    /// How many of them have begun.
    private func expand(_ rows: [Row]) async throws -> Int {
        var started = 0
        for row in rows {
            let task: WaitingTask = (
                row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7, row.8, row.9
            )
            let hasStarted = try await OneOfMany.attempt(task.id, "cannot be expanded", logger: self.logger) {
                try await self.expand(task)
            }
            if hasStarted == true { started += 1 }
        }
        return started
    }

    private func expand(_ task: WaitingTask) async throws -> Bool {
        if task.isWithoutInputs { return try await self.startWithoutInputs(task) }
        switch try await self.inputs(of: task) {
        case .notReady: return try await self.begin(task)
        case .lost(let why): return try await self.fail(task, why)
        case .ready(let jobs, counted: let counted):
            do {
                return try await self.start(task, jobs, counted: counted)
            } catch is InputsChanged {
                // The next turn finds what is left.
                return false
            }
        }
    }

    private func startWithoutInputs(_ task: WaitingTask) async throws -> Bool {
        let jobs = try await self.database.withTransaction { transaction -> Int64? in
            guard let present = try await self.lock(task, in: transaction), let jobs = present.jobs else { return nil }
            let ranges = IndexRange.cut(jobs: jobs, scouts: Int64(task.scouts))
            try await transaction.execute([
                ExpansionStatements.insertRanges(
                    task: task.id,
                    ranges: ranges,
                    classID: present.classID,
                    priority: present.priority
                ), ExpansionStatements.startWithoutInputs(task.id), TaskControlStatements.hold(task: task.id),
                ExpansionStatements.requestRuns(task.request),
            ])
            return jobs
        }
        // An earlier version has made all its events.
        if jobs == 0 { self.outbox.send(try await Settlement.settle([task.id], in: self.database)) }
        return jobs != nil
    }

    /// Some of what a task was to read, or has left out as made, was deleted, or declared bad, meanwhile.
    private struct InputsChanged: Error {}

    private enum Readiness {
        case notReady
        /// What it depends on failed.
        case lost(String)
        case ready([GroupedJob], counted: [Counted])
    }

    /// A dataset whose files count as made, and how many of them clean-ups had taken out.
    private typealias Counted = (dataset: Int64, gone: Int64)

    private func inputs(of task: WaitingTask) async throws -> Readiness {
        let inputs = try await self.database.query(ExpansionStatements.inputs(of: task.id))
        // First what will never come: nobody waits for the others then.
        for input in inputs {
            if let parent = input.2, parent == TaskState.failed.rawValue || parent == TaskState.aborted.rawValue {
                return .lost("task \(input.1 ?? 0), which it reads, is \(parent)")
            }
        }
        for input in inputs {
            if let parent = input.2 {
                guard parent == TaskState.done.rawValue else { return .notReady }
            } else if input.4 != nil {
                guard input.5 == DatasetState.closed.rawValue else { return .notReady }
            } else if input.9 != nil {
                guard input.10 else { return .notReady }
            }
        }
        // Before it is asked what is made: what is deleted after this is noticed when the task begins.
        let counted = inputs.allSatisfy { $0.7 == nil } ? [] : try await self.counted(for: task)
        // A file that two inputs name is read once.
        var places: [Int64: Int] = [:]
        var files: [InputFile] = []
        // What a query or a container holds now may be more than what was asked for when an earlier version began.
        let begun =
            task.continues == nil ? [] : try await self.database.query(ContinuingStatements.hasBegun(before: task.id))
        let isFrozen = begun.first == true
        for input in inputs {
            let found: [InputFile]
            if let parent = input.1, let stream = input.3 {
                found = try await self.accepted(parent, stream)
            } else if isFrozen && (input.8 ?? input.9) != nil {
                found = try await self.database.query(ContinuingStatements.begunFiles(before: task.id)).map(Self.file)
            } else if let query = input.8 {
                do {
                    found = try await self.search(query)
                } catch let refusal as CatalogRefusal {
                    return .lost(refusal.description)
                }
            } else {
                let rows: [FileRow]
                if let container = input.9 {
                    guard let held = try await self.files(of: container) else { return .notReady }
                    rows = held
                } else if let dataset = input.4 {
                    rows = try await self.database.query(ExpansionStatements.datasetFiles(dataset))
                } else {
                    rows = []
                }
                found = try await self.missing(of: rows.map(Self.file), in: input.7)
            }
            for file in found {
                if let place = places[file.file] {
                    files[place] = files[place].joined(with: file)
                } else {
                    places[file.file] = files.count
                    files.append(file)
                }
            }
        }
        let read = files
        let keyed: [InputFile]
        do {
            keyed = try await self.database.withTransaction { transaction in
                let left =
                    task.continues == nil
                    ? read : try await EarlierReads.leaveOut(of: read, for: task.id, in: transaction)
                return try await InputKeys.read(left, by: task.groupBy, in: transaction)
            }
        } catch let refusal as CatalogRefusal {
            return .lost(refusal.description)
        }
        return .ready(
            InputGrouping.jobs(
                kind: task.kind,
                inputs: keyed,
                size: JobSize(events: task.perJob, files: task.perJobFiles, bytes: task.perJobBytes),
                limit: inputs.compactMap(\.6).first
            ),
            counted: counted
        )
    }

    private func counted(for task: WaitingTask) async throws -> [Counted] {
        try await self.database.query(DerivedStatements.counted(for: task.id)).map { ($0.0, $0.1) }
    }

    /// Holds the datasets whose files were left out as made, so that no clean-up takes one until the task has begun; afterwards it finds
    /// the task.
    ///
    /// - Throws: ``InputsChanged`` when a clean-up has taken some, or what the task names holds other datasets than before.
    private func keep(_ counted: [Counted], for task: WaitingTask, in transaction: PostgresTransaction) async throws {
        guard !counted.isEmpty else { return }
        _ = try await transaction.query(DerivedStatements.keep(counted.map(\.dataset)))
        let present = try await transaction.query(DerivedStatements.counted(for: task.id))
        guard present.elementsEqual(counted, by: { $0.0 == $1.dataset && $0.1 == $1.gone }) else {
            throw InputsChanged()
        }
    }

    /// The same files without the events of which a dataset, or container, has what was made of them; nil: as they are.
    private func missing(of files: [InputFile], in name: String?) async throws -> [InputFile] {
        guard let name else { return files }
        return try await self.database.withTransaction { transaction in
            try await EarlierReads.leaveOut(of: files, madeIn: name, in: transaction)
        }
    }

    /// The files of a container; nil: one of its datasets is open. It may have joined since the inputs were looked at, and what comes into it
    /// later would never be read.
    private func files(of container: String) async throws -> [FileRow]? {
        try await self.database.withTransaction(.readOnlySnapshot) { transaction -> [FileRow]? in
            guard try await transaction.query(ExpansionStatements.containerIsClosed(container)).first == true else {
                return nil
            }
            return try await transaction.query(ExpansionStatements.containerFiles(container))
        }
    }

    private typealias FileRow = (Int64, Int64, Int64?, Int64?, String?, Int64)

    private static func file(_ row: FileRow) -> InputFile {
        let origin = row.2.flatMap { task in row.3.map { JobKey(task: task, index: $0) } }
        return InputFile(file: row.0, events: row.1, bytes: row.5, origin: origin, stream: row.4)
    }

    private func accepted(_ parent: Int64, _ stream: String) async throws -> [InputFile] {
        try await self.database.query(ExpansionStatements.acceptedFiles(parent: parent, stream: stream)).map {
            InputFile(file: $0.0, events: $0.1, bytes: $0.5, origin: JobKey(task: $0.2, index: $0.3), stream: $0.4)
        }
    }

    /// The files that a query finds now: what the task reads of them is frozen with its jobs.
    ///
    /// - Throws: ``CatalogRefusal`` for a query that means nothing any more, or takes too long.
    private func search(_ query: String) async throws -> [InputFile] {
        try await self.database.withTransaction(.readOnlySnapshot) { transaction in
            var advice: String?
            do {
                let search = try await FileSearch.prepare(query, for: .all, in: transaction)
                advice = search.advice
                return try await transaction.query(search.inputs).map(Self.file)
            } catch let error as PostgresError where error.sqlState == "57014" {
                throw CatalogRefusal(.state, "its query takes too long: \(advice ?? "add a narrower condition")")
            }
        }
    }

    /// A task that can takes its inputs as they come, from tasks that still run. The class is narrowed to agents that can read the
    /// home of what it reads.
    private func begin(_ task: WaitingTask) async throws -> Bool {
        guard try await !self.database.query(FeedingStatements.canBegin(task.id)).isEmpty else { return false }
        return try await self.database.withTransaction { transaction in
            guard let present = try await self.lock(task, in: transaction),
                try await !transaction.query(FeedingStatements.canBegin(task.id)).isEmpty
            else { return false }
            _ = try await transaction.query(FeedingStatements.lockDatasets(of: task.id))
            let homes = try await transaction.query(FeedingStatements.homes(task.id))
            let classID = try await self.classID(present.classID, reaching: homes, in: transaction)
            try await transaction.execute(
                FeedingStatements.begin(task.id) + [
                    FeedingStatements.narrow(task.id, to: classID), ExpansionStatements.requestRuns(task.request),
                ]
            )
            return true
        }
    }

    private func start(_ task: WaitingTask, _ jobs: [GroupedJob], counted: [Counted]) async throws -> Bool {
        let files = Array(Set(jobs.flatMap { $0.slices.map(\.input.file) })).sorted()
        let storage = try await self.database.query(ExpansionStatements.commonStorage(files))
        let started = try await self.database.withTransaction { transaction -> Bool in
            guard let present = try await self.lock(task, in: transaction) else { return false }
            // Files before jobs, in the order of their numbers, as everybody does: who takes one out waits, and finds that it is read.
            if try await transaction.query(ExpansionStatements.lockFiles(files)).first == true { throw InputsChanged() }
            try await self.keep(counted, for: task, in: transaction)
            let classID = try await self.classID(present.classID, reaching: Array(storage.prefix(1)), in: transaction)
            let count = Int64(jobs.count)
            var statements = [
                ExpansionStatements.insertJobs(task: task.id, jobs: jobs),
                ExpansionStatements.insertInputs(task: task.id, jobs: jobs),
            ]
            if task.kind == "merge" {
                statements.append(ExpansionStatements.insertMergeInputs(task: task.id, jobs: jobs))
            }
            statements += [
                ExpansionStatements.insertRanges(
                    task: task.id,
                    ranges: IndexRange.cut(jobs: count, scouts: Int64(task.scouts)),
                    classID: classID,
                    priority: present.priority
                ),
                ExpansionStatements.start(
                    task: task.id,
                    jobs: count,
                    events: jobs.reduce(0) { $0 + $1.events },
                    classID: classID
                ), TaskControlStatements.hold(task: task.id), ExpansionStatements.requestRuns(task.request),
            ]
            try await transaction.execute(statements)
            return true
        }
        // Without a single event to read the task has ended already.
        if started && jobs.isEmpty { self.outbox.send(try await Settlement.settle([task.id], in: self.database)) }
        return started
    }

    /// A class, narrowed to agents that can read the storage its inputs are on.
    private func classID(
        _ classID: Int32,
        reaching storage: [String],
        in transaction: PostgresTransaction
    ) async throws -> Int32 {
        guard !storage.isEmpty else { return classID }
        guard var requirement = try await self.classes.requirement(classID) else { return classID }
        requirement.storage = storage
        return try await transaction.query(RequestStatements.classID(requirement)).first ?? classID
    }

    private func fail(_ task: WaitingTask, _ why: String) async throws -> Bool {
        let words = try await self.database.withTransaction { transaction -> [OutboxMessage] in
            guard try await self.lock(task, in: transaction) != nil else { return [] }
            try await transaction.execute(
                RequestStatements.moveTask(task.id, to: .failed, pausedFrom: nil, cause: why, who: nil)
            )
            try await Settlement.settleRequest(task.request, in: transaction)
            let words = try OutboxMessage.control("scheduler", .task, ids: [task.id])
            try await transaction.execute(OutboxStatements.insert(words))
            return words
        }
        self.outbox.send(words)
        return !words.isEmpty
    }

    /// What operators may change of a task that waits: as it is while the task is locked.
    private struct Present {
        let jobs: Int64?
        let classID: Int32
        let priority: Int32
    }

    /// Request first, then task: the order of locks everywhere. Nil: somebody else was faster.
    private func lock(_ task: WaitingTask, in transaction: PostgresTransaction) async throws -> Present? {
        _ = try await transaction.query(SettlingStatements.lockRequest(task.request))
        return try await transaction.query(ExpansionStatements.lock(task.id)).first
            .map { Present(jobs: $0.0, classID: $0.1, priority: $0.2) }
    }
}
