/// Whether an agent keeps its free cores for a job whose turn it is and that needs more of them. Batch systems call it a reservation
/// (`max_reservation` in sched_conf(5) of Grid Engine, `SLOT_RESERVE` in lsb.queues(5) of LSF) or draining (`condor_defrag` of HTCondor).
///
/// Cores that are kept do nothing until enough are free. So few agents keep some at the same time, and none for what cannot come from them.
package struct ReservationPolicy: Sendable, Hashable {
    /// The part of all agents that may keep cores at the same time, 0 to 1; one always may, unless this is 0: then none does.
    package var part: Double

    package init(part: Double = 0.1) { self.part = part }

    /// An agent with less room than the job needs whose turn it is.
    package struct Case: Sendable, Hashable {
        /// What one job needs.
        package var cores: Int
        /// Free cores, and those of jobs that have just been given to it and need fewer.
        package var room: Int
        /// Jobs of the same class that wait and that the agent may have.
        package var waiting: Int64
        /// Other agents that keep cores for jobs of this class.
        package var alike: Int
        /// Other agents that keep cores, for whatever.
        package var reserving: Int
        /// All agents that are here.
        package var agents: Int

        package init(cores: Int, room: Int, waiting: Int64, alike: Int, reserving: Int, agents: Int) {
            self.cores = cores
            self.room = room
            self.waiting = waiting
            self.alike = alike
            self.reserving = reserving
            self.agents = agents
        }
    }

    /// Whether there is a place for it among those that keep cores.
    package func hasPlace(_ one: Case) -> Bool { one.waiting > Int64(one.alike) && self.places(one) > 0 }

    /// How many more agents may keep cores.
    package func places(_ one: Case) -> Int { self.most(of: one.agents) - one.reserving }

    /// Whether enough can become free: only the cores of smaller jobs are worth waiting for. When a job ends that is as large, its own cores
    /// are enough, and what was kept beside it would have done nothing all the time.
    ///
    /// - Parameter smaller: cores of jobs that run there and need fewer cores than this one.
    package func isWorthWhile(_ one: Case, smaller: Int) -> Bool { one.room + smaller >= one.cores }

    /// How many of so many agents may keep cores at the same time.
    package func most(of agents: Int) -> Int { self.part > 0 ? max(1, Int(self.part * Double(agents))) : 0 }
}
