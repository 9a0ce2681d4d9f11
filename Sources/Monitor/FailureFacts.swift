import Catalog
import Domain
import Messages
import Postgres

/// What the policy is told of failed attempts, read in one round trip. The caller holds the locks of their jobs.
struct FailureFacts {
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

    init(_ failed: [FailureDesk.Failed], in transaction: PostgresTransaction) async throws {
        let keys = failed.map(\.key.job)
        let symptoms = failed.compactMap(Self.symptom)
        var batch = QueryBatch()
        let sites = batch.add(ReportStatements.allowedSites)
        let places = batch.add(BrakeStatements.places)
        let jobs = batch.add(FailureFactStatements.jobs(keys))
        let history = batch.add(FailureFactStatements.history(keys))
        let raised = batch.add(FailureFactStatements.raised(Set(keys.map(\.task)).sorted()))
        let inputs = symptoms.isEmpty ? nil : batch.add(SuspicionStatements.inputs(symptoms))
        let found = try await transaction.results(of: batch)

        self.sites = try found.of(sites)
        self.excluded = Set(try found.of(places).map { "\($0.0)/\($0.1)" })
        for row in try found.of(jobs) {
            let key = JobKey(task: row.0, index: row.1)
            var job = Job()
            (job.kind, job.maxAttempts, job.workflow, job.software) = (row.2, Int(row.3), row.4, row.5)
            (job.cores, job.memoryMB, job.walltimeSeconds) = (Int(row.6), Int(row.7), Double(row.8))
            (job.events, job.counted) = (Int(row.9), Int(row.10))
            self.jobs[key] = job
        }
        for row in try found.of(history) {
            let key = JobKey(task: row.0, index: row.1)
            self.jobs[key, default: Job()].fingerprints.append(row.2)
            self.jobs[key, default: Job()].rules[row.3, default: 0] += 1
        }
        if let inputs {
            for row in try found.of(inputs) {
                let key = JobKey(task: row.0, index: row.1)
                var job = self.jobs[key] ?? Job()
                self.suspects[key, default: []].append(row.2)
                job.goodReplicas = min(job.goodReplicas ?? Int.max, Int(row.3))
                job.otherInputsFail = job.otherInputsFail || row.4 >= Self.manyInputs
                self.jobs[key] = job
            }
        }
        for row in try found.of(raised) { self.raised[row.0] = row.1 }
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
