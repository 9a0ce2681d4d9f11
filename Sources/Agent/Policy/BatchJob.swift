import Domain

/// The job of a batch system that the agent itself runs in.
struct BatchJob: Sendable, Equatable {
    var system: String
    /// As the batch system is asked about it, and as people know it.
    var id: String
    /// When the slot is over; nil: the batch system does not tell.
    var end: Timestamp?
    /// The submission that it is part of (an array or a cluster of jobs, or itself), with the batch system and, where that is told, the
    /// cluster or server: `slurm:hpc1:4711`. A site may have several, and each counts from 1. nil: not known.
    var submission: String?
    /// Which part of the submission it is, as the batch system writes it: `4711_3`; nil: not known.
    var element: String?

    init(system: String, id: String, end: Timestamp? = nil, submission: String? = nil, element: String? = nil) {
        self.system = system
        self.id = id
        self.end = end
        self.submission = submission
        self.element = element
    }

    /// What is reported of the jobs that an agent ends because it stops itself.
    ///
    /// - Parameters:
    ///   - isSignalled: whether it was told to by a signal, and not by the end of a connection.
    ///   - isPreempted: what the batch system says of it; nil: it could not be asked.
    static func failure(of batch: BatchJob?, isSignalled: Bool, isPreempted: Bool?, now: Timestamp) -> Failure {
        guard let batch, isSignalled else {
            return Failure(.agentRestarted, "the agent was stopped while the job ran", source: .agent)
        }
        let name = "\(batch.system) job \(batch.id)"
        // Batch systems warn some minutes before the end of a slot, if they are asked to.
        if let end = batch.end, now >= end.adding(seconds: -600) {
            return Failure(.slotTooShort, "the agent's slot, \(name), came to its end", source: .executor)
        }
        guard isPreempted != true else {
            return Failure(.preempted, "the batch system preempted the agent, \(name)", source: .executor)
        }
        let how = isPreempted == nil ? "preempted, removed or drained" : "removed or drained"
        return Failure(
            .batchRemoved,
            "the batch system ended the agent, \(name), with a signal: \(how)",
            source: .executor
        )
    }

    /// How to ask the batch system about the job: a program and its arguments; nil: it has no word for preemption that a job
    /// could read while it is ended.
    var inquiry: (program: String, arguments: [String])? {
        self.system == "slurm" ? ("scontrol", ["--oneliner", "show", "job", self.id]) : nil
    }

    /// Whether what `scontrol show job` says of a running job means that it is being preempted; nil: it says nothing about it.
    ///
    /// Slurm prints PreemptTime=None, or the time at which it told the job to end (`slurm_sprint_job_info`, src/api/job_info.c),
    /// and no such word where preemption is off: then nothing is preempted.
    static func isPreempted(scontrol text: String) -> Bool? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.contains(where: { $0.hasPrefix("JobId=") }) else { return nil }
        guard let word = words.first(where: { $0.hasPrefix("PreemptTime=") }) else { return false }
        return !["None", "N/A", "Unknown"].contains(word.dropFirst("PreemptTime=".count))
    }
}
