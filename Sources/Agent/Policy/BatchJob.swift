import Domain

/// The job of a batch system that the agent itself runs in, from its environment.
struct BatchJob: Sendable, Equatable {
    var system: String
    var id: String
    /// When the slot is over; nil: the batch system does not tell.
    var end: Timestamp?

    init(system: String, id: String, end: Timestamp? = nil) {
        self.system = system
        self.id = id
        self.end = end
    }

    /// Nil: none that is known. `JOB_ID` alone may be anybody's.
    init?(environment: [String: String]) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        if let id = value("SLURM_JOB_ID") {
            let seconds = value("SLURM_JOB_END_TIME").flatMap(Double.init)
            let end = seconds.flatMap { (1...1e11).contains($0) ? Timestamp(microseconds: Int64($0 * 1e6)) : nil }
            self.init(system: "slurm", id: id, end: end)
        } else if let id = value("PBS_JOBID") {
            self.init(system: "pbs", id: id)
        } else if let id = value("LSB_JOBID") {
            self.init(system: "lsf", id: id)
        } else if let id = value("OAR_JOB_ID") {
            self.init(system: "oar", id: id)
        } else if value("_CONDOR_JOB_AD") != nil || value("_CONDOR_SCRATCH_DIR") != nil {
            self.init(system: "htcondor", id: value("_CONDOR_SLOT") ?? "of unknown number")
        } else if value("SGE_TASK_ID") != nil, let id = value("JOB_ID") {
            self.init(system: "gridengine", id: id)
        } else {
            return nil
        }
    }

    /// What is reported of the jobs that an agent ends because it stops itself.
    ///
    /// - Parameter isSignalled: whether it was told to by a signal, and not by the end of a connection.
    static func failure(of batch: BatchJob?, isSignalled: Bool, now: Timestamp) -> Failure {
        guard let batch, isSignalled else {
            return Failure(.agentRestarted, "the agent was stopped while the job ran", source: .agent)
        }
        let name = "\(batch.system) job \(batch.id)"
        // Batch systems warn some minutes before the end of a slot, if they are asked to.
        if let end = batch.end, now >= end.adding(seconds: -600) {
            return Failure(.slotTooShort, "the agent's slot, \(name), came to its end", source: .executor)
        }
        return Failure(
            .batchRemoved,
            "the batch system ended the agent, \(name), with a signal: preempted, removed or drained",
            source: .executor
        )
    }
}
