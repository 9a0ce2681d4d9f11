import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// Grouping of inputs, ends of tasks, transfers and datasets.
extension FuzzClient {
    /// Starts one task, as the Scheduler does; now and then without its lock, so that only the keys refuse a second grouping.
    func expand() async throws {
        let rows = try await self.database.query(ExpansionStatements.waiting(limit: 100))
        guard let row = rows.randomElement(using: &self.random) else { return }
        guard row.3 else { return try await self.group(row.0, request: row.1, kind: row.2, perJob: row.4) }
        _ = try await self.transact { transaction in
            _ = try await transaction.query(SettlingStatements.lockRequest(row.1))
            guard let jobs = try await transaction.query(ExpansionStatements.lock(row.0)).first?.0 else { return }
            let ranges = IndexRange.cut(jobs: jobs, scouts: 0)
            try await transaction.execute([
                ExpansionStatements.insertRanges(task: row.0, ranges: ranges, classID: 1, priority: 100),
                ExpansionStatements.startWithoutInputs(row.0), ExpansionStatements.requestRuns(row.1),
            ])
        }
    }

    private func group(_ task: Int64, request: Int64, kind: String, perJob: Int64?) async throws {
        let inputs = try await self.database.query(ExpansionStatements.inputs(of: task))
        guard let parent = inputs.first?.1, inputs.first?.2 == TaskState.done.rawValue else { return }
        let files = try await self.database.query(ExpansionStatements.acceptedFiles(parent: parent, stream: "s0"))
            .map {
                InputFile(
                    file: $0.0,
                    events: $0.1,
                    bytes: $0.5,
                    origin: JobKey(task: $0.2, index: $0.3),
                    stream: $0.4
                )
            }
        // Merges by size: several jobs of one task share out its inputs.
        let size = JobSize(events: kind == "merge" ? 20 : perJob)
        let jobs = InputGrouping.jobs(kind: kind, inputs: files, size: size, limit: nil)
        let isCareless = !jobs.isEmpty && self.chance(40)
        let done = try await self.transact(refusals: isCareless ? Self.constraints : []) { transaction -> Bool in
            if !isCareless {
                _ = try await transaction.query(SettlingStatements.lockRequest(request))
                guard try await !transaction.query(ExpansionStatements.lock(task)).isEmpty else { return false }
            }
            try await transaction.execute([
                ExpansionStatements.insertJobs(task: task, jobs: jobs),
                ExpansionStatements.insertInputs(task: task, jobs: jobs),
            ])
            if kind == "merge" {
                try await transaction.execute(ExpansionStatements.insertMergeInputs(task: task, jobs: jobs))
            }
            let (count, events) = (Int64(jobs.count), jobs.reduce(0) { $0 + $1.events })
            try await transaction.execute([
                ExpansionStatements.insertRanges(
                    task: task,
                    ranges: IndexRange.cut(jobs: count, scouts: 0),
                    classID: 1,
                    priority: 100
                ), ExpansionStatements.start(task: task, jobs: count, events: events, classID: 1),
                ExpansionStatements.requestRuns(request),
            ])
            return true
        }
        guard done == true else { return }
        self.ledger.withLockedValue {
            if $0.grouped.updateValue(jobs, forKey: task) != nil { $0.faults.append("task \(task) was grouped twice") }
        }
    }

    func settle() async throws {
        _ = try await Settlement.settle(try await self.database.query(SettlingStatements.open), in: self.database)
        self.ledger.withLockedValue { $0.transactions += 1 }
    }

    // MARK: - transfers

    func leaseTransfers() async throws {
        let (destination, limit) = (self.chance(70) ? "HOME" : "FAR", Int.random(in: 1...20, using: &self.random))
        // One in twenty workers is slower than its lease.
        let seconds = self.chance(5) ? 0.0 : 3600
        let leased = try await self.transact { transaction in
            try await transaction.query(
                TransferStatements.lease(
                    destination: destination,
                    worker: "fuzz\(self.number)",
                    seconds: seconds,
                    limit: limit
                )
            ).map { FuzzLedger.TransferLease(id: $0.0, token: $0.6) }
        }
        self.ledger.withLockedValue { for one in leased ?? [] { $0.leasedTransfers.insert(one) } }
    }

    /// Done, failed and to be tried again, or failed for good; under the worker's token or under a wrong one, which must change nothing.
    func endTransfers() async throws {
        guard let first = self.draw({ $0.leasedTransfers }) else { return }
        if self.chance(15) { return try await self.failTransfer(first, isFinal: self.chance(40)) }
        let drawn = (0..<Int.random(in: 0...8, using: &self.random)).compactMap { _ in
            self.draw { $0.leasedTransfers }
        }
        let leases = Set([first] + drawn).sorted { $0.id < $1.id }
        let stranger = self.chance(5)
        let tokens = leases.map { (id: $0.id, token: stranger ? UUIDText.random() : $0.token) }
        let done = try await self.transact { try await $0.query(TransferStatements.done(tokens)) } ?? []
        self.ledger.withLockedValue { ledger in
            if stranger {
                ledger.attacks["transfers done under a wrong token", default: 0] += 1
                for id in done { ledger.faults.append("transfer \(id) was done under a wrong token") }
            } else {
                for id in done { ledger.finish(id) }
                for lease in leases { ledger.leasedTransfers.remove(lease) }
            }
        }
    }

    private func failTransfer(_ lease: FuzzLedger.TransferLease, isFinal: Bool) async throws {
        let failed = try await self.transact {
            try await $0.execute(
                TransferStatements.failed([(lease.id, lease.token, isFinal, 0, "fuzz")])
            )
        }
        self.ledger.withLockedValue { ledger in
            ledger.leasedTransfers.remove(lease)
            if failed == 1 && isFinal { ledger.failedTransfers.insert(lease.id) }
        }
    }

    func expireTransfers() async throws {
        _ = try await self.transact { try await $0.execute(TransferStatements.expire) }
    }

    func retryTransfer() async throws {
        guard let transfer = self.draw({ $0.failedTransfers }) else { return }
        let queued = try await self.transact {
            try await $0.execute(
                """
                UPDATE transfer SET state = 'queued', version = version + 1, not_before = '-infinity', tries = 0
                WHERE id = \(transfer) AND state = 'failed'
                """
            )
        }
        if queued == 1 { self.ledger.withLockedValue { _ = $0.failedTransfers.remove(transfer) } }
    }

    // MARK: - datasets of users

    func fillDataset() async throws {
        let dataset: Int64
        if let open = self.draw({ $0.openDatasets }), self.chance(98) {
            dataset = open
        } else {
            dataset = try await self.makeDataset()
        }
        let lfns = self.ledger.withLockedValue { ledger in
            ledger.winners.elements.suffix(50).compactMap { key in
                ledger.accepted[key]?.outputs.compactMap(\.file).first { $0.storage == "DISK" }?.lfn
            }
        }
        guard let lfn = lfns.randomElement(using: &self.random) else { return }
        // Somebody may close the dataset meanwhile, or have put the file in.
        let added = try await self.transact(refusals: ["23505", "MR003"]) {
            try await $0.execute(
                "INSERT INTO dataset_file (dataset, file) SELECT \(dataset), id FROM file WHERE lfn = \(lfn)"
            )
        }
        if added == 1 {
            self.ledger.withLockedValue { _ = $0.members.insert(.init(dataset: dataset, lfn: lfn)) }
        }
    }

    private func makeDataset() async throws -> Int64 {
        let name = "user.\(UUIDText.random())"
        let made = try await self.database.query(
            Statement(
                "fuzz.dataset",
                "INSERT INTO dataset (name, home) VALUES (\(name), 'DISK') RETURNING id",
                returning: Int64.self
            )
        )[0]
        self.ledger.withLockedValue {
            $0.transactions += 1
            $0.openDatasets.insert(made)
        }
        return made
    }

    func closeDataset() async throws {
        guard let dataset = self.draw({ $0.openDatasets }) else { return }
        let closed = try await self.transact {
            try await $0.execute(
                """
                UPDATE dataset SET state = 'closed', version = version + 1, closed = now()
                WHERE id = \(dataset) AND state = 'open'
                """
            )
        }
        guard closed == 1 else { return }
        self.ledger.withLockedValue {
            $0.openDatasets.remove(dataset)
            $0.closedDatasets.insert(dataset)
        }
    }
}
