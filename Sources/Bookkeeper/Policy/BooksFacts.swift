import Catalog
import Domain
import Messages
import Postgres

/// What the books know when they judge a manifest.
struct BooksFacts: Sendable {
    struct Job: Sendable, Hashable {
        let state: JobState
        let eventsExpected: Int64
        /// Where they begin; nil: it has no range of its own.
        var firstEvent: Int64?
        /// All of them; nil: not looked up, since its manifest tells of no ranges, or not known.
        var slices: [JobSlice]?
    }

    struct Lease: Sendable, Hashable {
        let attempt: Int
        let token: String
        let site: String
    }

    /// How an attempt ended.
    struct End: Sendable, Hashable {
        let token: String
        let site: String
        /// Nil: it has not.
        let state: AttemptState?
        var code: Int?
        /// The books refused a manifest of it.
        var isRefused = false
        /// Its task is in the archive, or on its way there or back.
        var isArchived = false
    }

    var jobs: [JobKey: Job] = [:]
    /// Attempts whose manifests came when they were not live.
    var ends: [AttemptKey: End] = [:]
    var leases: [JobKey: Lease] = [:]
    /// Streams of each task: name to whether it holds events.
    var streams: [Int64: [String: Bool]] = [:]
    var descriptions: [Int64: JobDescription] = [:]
    var storages: Set<String> = []
    /// Names in the manifests that are registered already.
    var takenNames: Set<String> = []

    init() {}

    /// Adds tasks. When more than `limit` are known already, the others are forgotten: a long-lived service must not grow with finished
    /// tasks. Those of `read` stay whatever happens: a manifest of a task that is not known would be refused.
    mutating func learn(_ read: BooksFacts, limit: Int) {
        if self.descriptions.count > limit { (self.descriptions, self.streams) = ([:], [:]) }
        self.addTasks(of: read) { _ in true }
    }

    mutating func addTasks(of other: BooksFacts, where isWanted: (Int64) -> Bool) {
        for (task, description) in other.descriptions where isWanted(task) { self.descriptions[task] = description }
        for (task, streams) in other.streams where isWanted(task) { self.streams[task] = streams }
    }
}
