import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// The life of jobs, as Scheduler, Monitor and Bookkeeper write it.
extension FuzzClient {
    func campaign() async throws {
        guard self.ledger.withLockedValue({ $0.live.elements.count < 100 }) else { return }
        let streams = Int.random(in: 1...14, using: &self.random)
        let jobs = Int64.random(in: 2...10, using: &self.random)
        let subscribed = (0..<streams).map { _ in self.chance(20) }
        let made = try await self.transact { transaction -> [FuzzTask] in
            let request = try await transaction.query(FuzzWorld.request)[0]
            let ids = try await transaction.query(FuzzWorld.tasks(request: request, jobs: jobs))
            let makes = (0..<streams).map {
                // The last of many is an artefact, such as a plot.
                FuzzTask.Stream(name: "s\($0)", counted: $0 < 3 || $0 < streams - 1, isSubscribed: subscribed[$0])
            }
            let whole = [FuzzTask.Stream(name: "whole", counted: true, isSubscribed: false)]
            let tasks = zip(ids, ["make", "merge", "cut"]).map {
                FuzzTask(id: $0, request: request, kind: $1, streams: $1 == "make" ? makes : whole)
            }
            for task in tasks { try await transaction.execute(FuzzWorld.streams(task)) }
            try await transaction.execute([
                FuzzWorld.reads(ids[1], from: ids[0]), FuzzWorld.reads(ids[2], from: ids[0]),
                FuzzWorld.approve(request),
            ])
            return tasks
        }
        self.ledger.withLockedValue { for task in made ?? [] { $0.tasks[task.id] = task } }
    }

    func lease() async throws {
        let wanted = Int64.random(in: 1...12, using: &self.random)
        let holder = Int32(self.number)
        let leased = try await self.transact { transaction -> [(AttemptKey, UUIDText, Int64)] in
            let ranges = try await transaction.query(
                LeasingStatements.candidates(classes: [1], site: "LOCAL", node: nil, perClass: 4, patient: false)
            )
            guard let range = ranges.last else { return [] }
            let (taken, rest) = IndexRange(first: range.1, last: range.2).taking(wanted)
            let leases = (taken.first...taken.last).map {
                NewLease(
                    job: JobKey(task: range.0, index: $0),
                    holder: holder,
                    site: "LOCAL",
                    agent: "a\(holder)",
                    token: .random()
                )
            }
            try await transaction.execute(LeasingStatements.cut([Cut(task: range.0, key: range.1, rest: rest)]))
            let rows = try await transaction.query(LeasingStatements.lease(leases))
            let tokens = Dictionary(uniqueKeysWithValues: leases.map { ($0.job, $0.token) })
            return rows.compactMap { row in
                let key = AttemptKey(task: row.0, index: row.1, attempt: Int(row.2))
                return tokens[key.job].map { (key, $0, row.3) }
            }
        }
        if leased?.isEmpty ?? true { return try await self.campaign() }
        self.ledger.withLockedValue { for one in leased ?? [] { $0.lease(one.0, one.1, events: one.2) } }
    }

    /// Those that are still live under the token they were leased with; jobs and leases stay locked.
    func lock(_ keys: [AttemptKey], in transaction: PostgresTransaction) async throws -> [AttemptKey] {
        let jobs = Array(Set(keys.map(\.job))).sorted()
        let tokens = self.ledger.withLockedValue { ledger in keys.map { ledger.tokens[$0]?.text } }
        _ = try await transaction.query(ReportStatements.lockJobs(jobs))
        var leases: [AttemptKey: String] = [:]
        for row in try await transaction.query(ReportStatements.lockLeases(jobs)) {
            leases[AttemptKey(task: row.0, index: row.1, attempt: Int(row.2))] = row.3.text
        }
        return zip(keys, tokens).compactMap { key, token in
            token != nil && leases[key] == token ? key : nil
        }
    }

    func reportRunning() async throws {
        let keys = self.draw(most: 10) { $0.live }
        _ = try await self.transact { transaction in
            let held = try await self.lock(keys, in: transaction)
            try await transaction.execute(
                ReportStatements.running(
                    held.map { .init(key: $0, sequence: 1, step: "s", node: "n", batchID: nil, at: .now) }
                )
            )
        }
    }

    /// - Parameter locking: as the Bookkeeper does it. If not, only the keys keep two clients from accepting the same job.
    func accept(locking: Bool) async throws {
        let keys = self.draw(most: 6) { $0.live }
        let plan = keys.compactMap { self.manifest(of: $0) }
        guard !plan.isEmpty else { return }
        let done = try await self.transact(refusals: locking ? [] : Self.constraints) {
            transaction -> ([Acceptance], Int) in
            var batch = plan
            if locking {
                let held = try await self.lock(keys, in: transaction)
                batch = plan.filter { held.contains($0.key) }
            }
            let transfers = try await transaction.query(AcceptStatements.accept(batch))
            return (batch, transfers.count)
        }
        guard let done else { return }
        self.ledger.withLockedValue { ledger in
            for one in done.0 { ledger.accept(one) }
            ledger.transfers += done.1
        }
    }

    /// Refused by the books, or lost: failed, judged, and waiting again or given up; three transactions as of three services.
    func refuse() async throws {
        guard let key = self.draw({ $0.live }) else { return }
        let (isLost, isLast) = (self.chance(30), self.chance(15))
        let ended = try await self.transact { transaction -> Bool in
            guard try await !self.lock([key], in: transaction).isEmpty else { return false }
            try await transaction.execute([
                ReportStatements.end([
                    .init(
                        key: key,
                        state: isLost ? .lost : .failed,
                        node: "n",
                        code: isLost ? 9001 : 8001,
                        blame: "payload",
                        diagnostic: "refused",
                        cause: "fuzz"
                    )
                ]),
                AcceptStatements.discard(
                    [("/fuzz/\(key)/s0", "DISK")],
                    graceSeconds: 1,
                    reason: "its attempt did not win"
                ),
            ])
            return true
        }
        guard ended == true else { return }
        self.ledger.withLockedValue { $0.end(key, isLost ? "lost" : "failed") }
        _ = try await self.transact { transaction in
            _ = try await transaction.query(ReportStatements.lockJobs([key.job]))
            try await transaction.execute([
                """
                INSERT INTO verdict (task, index, attempt, site, action, class, blame, code, diagnostic, fingerprint, rule, reason, counted)
                VALUES (\(key.task), \(key.index), \(Int32(key.attempt)), 'LOCAL', \(isLast ? "abort" : "resubmit"), 'payload', 'payload',
                        8001, 'd', 'f', 'payload', 'r', true)
                """, ReportStatements.moveJobs([(key.job, .recovering, true, "fuzz")]),
            ])
        }
        _ = try await self.transact { transaction in
            _ = try await transaction.query(VerdictStatements.open([key]))
            if !isLast {
                try await transaction.execute(VerdictStatements.wait([.init(job: key.job, notBefore: nil, classID: 1)]))
            }
            try await transaction.execute([
                ReportStatements.moveJobs([(key.job, isLast ? .aborted : .waiting, false, "fuzz")]),
                VerdictStatements.carriedOut([key]),
            ])
        }
        self.ledger.withLockedValue { $0.verdicts += 1 }
    }

    func giveBack() async throws {
        let keys = self.draw(most: 4) { $0.live }
        let attempts = self.ledger.withLockedValue { ledger in
            keys.compactMap { key in ledger.tokens[key].map { (key: key, token: $0) } }
        }
        let back = try await self.transact { transaction in
            try await transaction.query(LeasingStatements.giveBack(attempts)).map { JobKey(task: $0.0, index: $0.1) }
        }
        self.ledger.withLockedValue { ledger in
            for job in back ?? [] {
                for key in keys where key.job == job { ledger.end(key, "cancelled") }
            }
        }
    }

    /// What unmakes a winner: its files leave the datasets, its outputs the books, and the job waits again; refused once they are
    /// merged or closed.
    func revoke() async throws {
        guard let key = self.draw({ $0.winners }) else { return }
        let done = try await self.transact(refusals: ["23503", "MR003"]) { transaction -> Bool in
            let task = try await transaction.query(
                Statement(
                    "fuzz.task",
                    "SELECT state FROM task WHERE id = \(key.task) FOR NO KEY UPDATE",
                    returning: String.self
                )
            )
            guard task == ["running"] else { return false }
            _ = try await transaction.query(ReportStatements.lockJobs([key.job]))
            let mine: SQL = "task = \(key.task) AND index = \(key.index) AND attempt = \(Int32(key.attempt))"
            let gone = try await transaction.execute([
                """
                DELETE FROM dataset_file df USING output o
                WHERE o.task = \(key.task) AND o.index = \(key.index) AND o.attempt = \(Int32(key.attempt)) AND df.file = o.file
                  AND df.dataset IN (SELECT id FROM dataset WHERE task = \(key.task))
                """, "DELETE FROM accepted WHERE \(fragment: mine)", "DELETE FROM winner WHERE \(fragment: mine)",
            ])
            guard gone[2] == 1 else { return false }
            try await transaction.execute([
                ReportStatements.moveJobs([(key.job, .waiting, false, "revoked")]),
                VerdictStatements.wait([.init(job: key.job, notBefore: nil, classID: 1)]),
            ])
            return true
        }
        if done == true { self.ledger.withLockedValue { $0.revoke(key) } }
    }
}
