import Domain

/// Whether the node was started again while a job ran on it.
enum NodeBoot {
    /// When the node was started.
    ///
    /// - Parameter stat: of `/proc/stat`.
    /// - Returns: nil: it does not say.
    static func time(stat: String) -> Timestamp? {
        for line in stat.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "btime", let seconds = UInt32(words[1]) {
                return Timestamp(secondsSince1970: Double(seconds))
            }
        }
        return nil
    }

    /// What is reported of a job that ran when an earlier run of the agent ended.
    static func failure(started: Timestamp?, boot: Timestamp?) -> Failure {
        guard let started, let boot, started < boot else {
            return Failure(.agentRestarted, "the agent was restarted while the job ran", source: .agent)
        }
        return Failure(.nodeRebooted, "the node was started again at \(boot), while the job ran", source: .agent)
    }
}
