import Domain
import Messages

/// The attempts that an agent holds, under which token, and the cores that they use.
struct HeldJobs: Sendable {
    private var jobs: [AttemptKey: (name: AttemptName, cores: Int)] = [:]
    private(set) var cores = 0

    var keys: Set<AttemptKey> { Set(self.jobs.keys) }

    mutating func insert(_ name: AttemptName, cores: Int) {
        _ = self.remove(name.key)
        self.jobs[name.key] = (name, cores)
        self.cores += cores
    }

    /// - Returns: as what it was held; nil: it was not.
    mutating func remove(_ key: AttemptKey) -> AttemptName? {
        guard let job = self.jobs.removeValue(forKey: key) else { return nil }
        self.cores -= job.cores
        return job.name
    }
}
