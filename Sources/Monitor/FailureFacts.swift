import Catalog
import Domain
import Messages
import Postgres

/// What the policy is told of failed attempts. The caller holds the locks of their jobs.
struct FailureFacts {
    /// The questions, asked in one round trip with the locks: each statement sees what is there when those before it hold theirs.
    struct Asked {
        fileprivate let sites: QueryBatch.Query<String>
        fileprivate let places: QueryBatch.Query<String, String>
        fileprivate let jobs:
            QueryBatch.Query<Int64, Int64, String, Int32, String, [String], Int32, Int32, Int32, Int64, Int32>
        fileprivate let history: QueryBatch.Query<Int64, Int64, String, String>
        fileprivate let raised: QueryBatch.Query<Int64, Double>

        /// - Parameters:
        ///   - jobs: those that may have failed, each once.
        ///   - batch: has the locks already.
        init(_ jobs: [JobKey], behind batch: inout QueryBatch) {
            self.sites = batch.add(ReportStatements.allowedSites)
            self.places = batch.add(BrakeStatements.places)
            self.jobs = batch.add(FailureFactStatements.jobs(jobs))
            self.history = batch.add(FailureFactStatements.history(jobs))
            self.raised = batch.add(FailureFactStatements.raised(Set(jobs.map(\.task)).sorted()))
        }
    }

    private struct Job {
        var counted = 0
        var kind = ""
        var maxAttempts = 1
        var workflow = ""
        var software: [String] = []
        var cores = 1
        var memoryMB: Int?
        var walltimeSeconds: Double?
        var events = 0
        var goodReplicas: Int?
        var otherInputsFail = false
        var fingerprints: [String] = []
        var rules: [String: Int] = [:]
    }

    private var jobs: [JobKey: Job] = [:]
    private var raised: [Int64: Double] = [:]
    /// The inputs that failures with a code of the input layer are about.
    private(set) var suspects: [JobKey: [Int64]] = [:]
    /// When so many other files cannot be read at a site, it is the site.
    private static let manyInputs = 3
    private let sites: [String]
    /// As site/node; the node is empty when all of the site is meant.
    private let excluded: Set<String>

    /// - Parameters:
    ///   - asked: at least of their jobs.
    ///   - transaction: is asked once more, of inputs that could not be read.
    init(
        _ failed: [FailureDesk.Failed],
        _ asked: Asked,
        _ found: QueryBatch.Results,
        in transaction: PostgresTransaction
    ) async throws {
        self.sites = try found.of(asked.sites)
        self.excluded = Set(try found.of(asked.places).map { "\($0.0)/\($0.1)" })
        for row in try found.of(asked.jobs) {
            let key = JobKey(task: row.0, index: row.1)
            var job = Job()
            (job.kind, job.maxAttempts, job.workflow, job.software) = (row.2, Int(row.3), row.4, row.5)
            (job.cores, job.memoryMB, job.walltimeSeconds) = (Int(row.6), Int(row.7), Double(row.8))
            (job.events, job.counted) = (Int(row.9), Int(row.10))
            self.jobs[key] = job
        }
        for row in try found.of(asked.history) {
            let key = JobKey(task: row.0, index: row.1)
            self.jobs[key, default: Job()].fingerprints.append(row.2)
            self.jobs[key, default: Job()].rules[row.3, default: 0] += 1
        }
        let symptoms = failed.compactMap(Self.symptom)
        if !symptoms.isEmpty {
            for row in try await transaction.query(SuspicionStatements.inputs(symptoms)) {
                let key = JobKey(task: row.0, index: row.1)
                var job = self.jobs[key] ?? Job()
                self.suspects[key, default: []].append(row.2)
                job.goodReplicas = min(job.goodReplicas ?? Int.max, Int(row.3))
                job.otherInputsFail = job.otherInputsFail || row.4 >= Self.manyInputs
                self.jobs[key] = job
            }
        }
        for row in try found.of(asked.raised) { self.raised[row.0] = row.1 }
    }

    /// What a failure says of an input; nil: its cause is no input.
    static func symptom(_ one: FailureDesk.Failed) -> SuspicionStatements.Symptom? {
        guard let cause = one.failures.cause, cause.layer == .input else { return nil }
        return .init(key: one.key, site: one.site, code: cause.code, diagnostic: cause.diagnostic)
    }

    func attempt(_ one: FailureDesk.Failed) -> FailedAttempt {
        let job = self.jobs[one.key.job] ?? Job()
        let peak = one.usage.map { Int($0.memoryPeak / 1_048_576) }
        return FailedAttempt(
            key: one.key,
            site: one.site,
            node: one.node,
            workflow: job.workflow,
            taskKind: job.kind,
            software: job.software,
            failures: one.failures,
            countedBefore: job.counted,
            maxAttempts: job.maxAttempts,
            earlierFingerprints: job.fingerprints,
            ruleUses: job.rules,
            placeIsExcluded: !self.excluded.isDisjoint(with: ["\(one.site)/", "\(one.site)/\(one.node ?? "")"]),
            otherSites: self.sites.filter { $0 != one.site }.count,
            // Which nodes a site has, it alone knows: one that has no other gives the job to the same again.
            otherNodes: 1,
            cores: job.cores,
            memoryMB: job.memoryMB,
            memoryPeakMB: peak.flatMap { $0 > 0 ? $0 : nil },
            raisedShare: self.raised[one.key.task] ?? 0,
            walltimeSeconds: job.walltimeSeconds,
            events: job.events,
            goodReplicas: job.goodReplicas,
            otherInputsFail: job.otherInputsFail
        )
    }
}
