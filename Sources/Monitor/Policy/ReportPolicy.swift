import Catalog
import Domain
import Messages
import Postgres

/// A report about an attempt, with the site whose exchange brought it.
enum Report: Sendable {
    case running(RunningItem)
    case failed(FailedItem)
    case cancelled(CancelledItem)

    var name: AttemptName {
        switch self {
        case .running(let item): item.name
        case .failed(let item): item.name
        case .cancelled(let item): item.name
        }
    }

    var sequence: Int64 {
        switch self {
        case .running(let item): item.sequence
        case .failed(let item): item.sequence
        case .cancelled(let item): item.sequence
        }
    }

    /// In which batch submission it went, and in which part of it.
    var batch: (submission: String?, batchID: String?) {
        switch self {
        case .running(let item): (item.submission, item.batchID)
        case .failed(let item): (item.submission, item.batchID)
        case .cancelled: (nil, nil)
        }
    }

    var agent: String {
        switch self {
        case .running(let item): item.agent
        case .failed(let item): item.agent
        case .cancelled(let item): item.agent
        }
    }
}

/// What the catalogue says of a job's live attempt.
struct LiveLease: Sendable, Hashable {
    let attempt: Int
    let token: String
    let site: String
    var sequence: Int64
}

/// Which reports count: pure. First terminal state wins, a lower sequence changes nothing, an older attempt or a wrong token
/// changes nothing and tells the agent to end that job.
struct ReportPolicy {
    struct Accepted {
        let report: Report
        let site: String
    }

    /// Reports that an attempt runs: the last of each attempt.
    private(set) var running: [AttemptKey: RunningItem] = [:]
    private(set) var failed: [(item: FailedItem, site: String)] = []
    private(set) var cancelled: [(item: CancelledItem, site: String)] = []
    /// To be ended by their agent: site, agent, attempt.
    private(set) var stale: [(site: String, agent: String, key: AttemptKey)] = []
    /// Counted only.
    private(set) var ignored = 0

    /// - Parameters:
    ///   - reports: in the order in which they arrived, with their senders' sites.
    ///   - leases: the live attempts of their jobs.
    init(reports: [(site: String, report: Report)], leases: [JobKey: LiveLease]) {
        var leases = leases
        for (site, report) in reports {
            let key = report.name.key
            guard var lease = leases[key.job], lease.attempt == key.attempt,
                lease.token == report.name.token.lowercased()
            else {
                self.ignored += 1
                if case .running = report { self.stale.append((site, report.agent, key)) }
                continue
            }
            guard lease.site == site, report.sequence > lease.sequence else {
                self.ignored += 1
                continue
            }
            lease.sequence = report.sequence
            leases[key.job] = lease
            switch report {
            case .running(let item):
                self.running[key] = item
            case .failed(let item):
                self.running[key] = nil
                self.failed.append((item, site))
                leases[key.job] = nil
            case .cancelled(let item):
                self.running[key] = nil
                self.cancelled.append((item, site))
                leases[key.job] = nil
            }
        }
    }
}
