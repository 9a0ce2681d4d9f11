import Catalog
import Domain

/// Agents that keep their free cores for jobs that need more of them, while one turn of matching goes on: pure.
struct Reservations {
    /// What has to be known before another agent keeps some. It is asked for step by step, and only when it decides.
    struct Facts {
        /// All agents that are here.
        var agents: Int
        /// The class for which an agent keeps its cores, of all that do.
        var held: [Int32: Int32]
        /// What runs on agents: by the cores of a job, the cores of all such jobs. Of those that were asked for, and nobody else.
        var running: [Int32: [Int: Int]] = [:]
    }

    /// An agent of which more must be known.
    enum Question: Hashable {
        /// Who keeps cores, and how many agents there are.
        case places
        /// What runs on this one.
        case running(Int32)
    }

    let policy: ReservationPolicy
    /// Classes of which more jobs wait than were looked at.
    let longer: Set<Int32>
    private(set) var facts: Facts?
    private(set) var questions: Set<Question> = []

    init(_ policy: ReservationPolicy, longer: Set<Int32> = [], facts: Facts? = nil) {
        self.policy = policy
        self.longer = longer
        self.facts = facts
    }

    /// Whether an agent keeps its free cores for a job whose turn it is.
    mutating func reserves(_ agent: OpenDemand, for shortage: LeasePlan.Shortage) -> Bool {
        // What is probed gets too few jobs for enough to become free.
        guard self.policy.part > 0, !agent.isProbed else { return false }
        let wanted = shortage.range
        let waiting = self.longer.contains(wanted.class) ? .max : shortage.waiting
        // What has been kept was decided before, and is worth the more the longer it has been: unless what it was kept for has come, or
        // others that have kept some for longer will take all the jobs.
        if agent.reserved == wanted.class, !shortage.isFed { return waiting > Int64(agent.earlier) }
        guard let facts = self.facts else {
            self.questions.insert(.places)
            return false
        }
        let others = facts.held.filter { $0.key != agent.holder }
        let one = ReservationPolicy.Case(
            cores: wanted.cores,
            room: shortage.room + shortage.given,
            waiting: waiting,
            alike: others.values.count { $0 == wanted.class },
            reserving: others.count,
            agents: facts.agents
        )
        guard self.policy.hasPlace(one) else { return false }
        guard let running = facts.running[agent.holder] else {
            // For each place two are asked, no more: what runs there is a row for each job.
            if self.questions.count < 2 * self.policy.places(one) { self.questions.insert(.running(agent.holder)) }
            return false
        }
        let smaller = running.filter { $0.key < wanted.cores }.values.reduce(0, +)
        return self.policy.isWorthWhile(one, smaller: smaller)
    }

    /// What became of an agent: those that are served after it are judged by it.
    mutating func served(_ holder: Int32, keepsFor class: Int32?) { self.facts?.held[holder] = `class` }
}
