import Catalog
import Domain
import HTTPTypes
import Messages
import Postgres

/// Answers "why does this job not run?" and "why did it fail?".
struct Why: Sendable {
    private let gateway: Gateway

    /// The agents that are named; more are only counted.
    private static let mostAgents = 200

    init(_ gateway: Gateway) { self.gateway = gateway }

    func answer(_ job: JobKey) async throws -> Reply {
        let database = self.gateway.database
        guard let row = try await database.query(WhyStatements.job(job)).first else {
            throw Refusal(.notFound, "there is no job \(job)")
        }
        let (state, classID, request, taskState, requestState, taskCause, jobCause, waiting) = row
        let need = try await self.requirement(classID)
        let agents = try await database.query(WhyStatements.agents).map(Self.agent)
        let reasons = WaitingReasons(
            state: state,
            taskState: taskState,
            requestState: requestState,
            taskCause: taskCause,
            class: classID,
            range: try await self.range(job)
        )
        let misfits = agents.map { reasons.misfit($0, need: need) }
        let attempts = try await database.query(WhyStatements.attempts(job))
        let story = JobStory(state: state, cause: jobCause, attempts: try attempts.map { try JobStory.Attempt($0.1) })
        let summary = reasons.summary(request: request, task: job.task, misfits: misfits)
        let verdicts = try await database.query(WhyStatements.verdicts(job))
        let lines = zip(agents, misfits).prefix(Self.mostAgents).map { AgentLine($0, $1) }
        let counts = WaitingReasons.counts(agents, misfits).map { ReasonLine($0) }
        let facts = [
            "\"task\":\(job.task)", "\"index\":\(job.index)", "\"state\":\(try WireFormat.text(state))",
            "\"summary\":\(try WireFormat.text(summary?.why ?? story.summary))",
            "\"changes\":\(try WireFormat.text(summary?.changes))",
            "\"class\":\(ObjectText.adding("class", String(classID), to: try WireFormat.text(need)))",
            "\"waiting\":\(waiting ?? "null")", "\"ahead\":\(reasons.range.map { "\($0.ahead)" } ?? "null")",
            "\"agents_total\":\(agents.count)", "\"agents_fitting\":\(misfits.filter { $0 == nil }.count)",
            "\"reasons\":\(try WireFormat.text(counts))", "\"agents\":\(try WireFormat.text(lines))",
            "\"attempts\":[\(try attempts.map { try Self.named($0.1, code: $0.0) }.joined(separator: ","))]",
            "\"verdicts\":[\(verdicts.joined(separator: ","))]",
        ]
        return .json("{\(facts.joined(separator: ","))}")
    }

    private func range(_ job: JobKey) async throws -> WaitingReasons.Range? {
        guard let range = try await self.gateway.database.query(WhyStatements.range(job)).first else { return nil }
        let ahead = try await self.gateway.database.query(WhyStatements.ahead(job)).first
        return WaitingReasons.Range(
            dueSeconds: range.0,
            dueAt: range.1,
            excludedSites: range.2,
            excludedNodes: range.4,
            isHeld: range.3,
            ahead: ahead ?? 0
        )
    }

    private static func named(_ object: String, code: Int32?) throws -> String {
        let name = code.flatMap { FailureCode(rawValue: Int($0))?.name }
        return ObjectText.adding("name", try WireFormat.text(name), to: object)
    }

    private func requirement(_ id: Int32) async throws -> Requirement {
        guard let row = try await self.gateway.database.query(WhyStatements.requirement(id)).first else {
            throw Refusal(.notFound, "there is no class \(id)")
        }
        return Requirement(
            cores: Int(row.0),
            memoryMB: Int(row.1),
            walltimeSeconds: Int(row.2),
            diskMB: Int(row.3),
            platform: row.4,
            tags: row.5,
            sites: row.6,
            storage: row.7
        )
    }

    private static func agent(
        _ row: (
            String, String, String, Moment, String, String?, Moment?, Int32, Int32, Int32, Int32, Int32, String,
            [String], [String], String?, String?, Int32?, Int32?, Moment?, Int64?
        )
    ) -> WaitingReasons.Agent {
        WaitingReasons.Agent(
            site: row.0,
            agent: row.1,
            state: row.2,
            lastSeen: row.3,
            access: row.4,
            accessReason: row.5,
            accessUntil: row.6,
            room: Int(row.7),
            capacity: Capacity(
                cores: Int(row.8),
                memoryMBPerCore: Int(row.9),
                walltimeSeconds: Int(row.10),
                diskMB: Int(row.11),
                platform: row.12,
                tags: row.13,
                storage: row.14
            ),
            node: row.16,
            restingNode: row.15,
            reservation: Self.reservation(row.17, row.18, row.19),
            probes: row.20
        )
    }
}

extension Why {
    private static func reservation(
        _ class: Int32?,
        _ cores: Int32?,
        _ since: Moment?
    ) -> WaitingReasons.Reservation? {
        guard let `class`, let cores, let since else { return nil }
        return WaitingReasons.Reservation(class: `class`, cores: Int(cores), since: since)
    }

    /// One agent and the first reason why it does not get the job.
    private struct AgentLine: Encodable {
        let agent: WaitingReasons.Agent
        let misfit: WaitingReasons.Reason?

        private enum CodingKeys: String, CodingKey {
            case site, agent, state, access, room, last_seen, misfit, changes
        }

        init(_ agent: WaitingReasons.Agent, _ misfit: WaitingReasons.Reason?) {
            self.agent = agent
            self.misfit = misfit
        }

        /// What there is none of is written as null: it could take the job.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(self.agent.site, forKey: .site)
            try container.encode(self.agent.agent, forKey: .agent)
            try container.encode(self.agent.state, forKey: .state)
            try container.encode(self.agent.access, forKey: .access)
            try container.encode(self.agent.room, forKey: .room)
            try container.encode(self.agent.lastSeen, forKey: .last_seen)
            try container.encode(self.misfit?.text, forKey: .misfit)
            try container.encode(self.misfit?.changes, forKey: .changes)
        }
    }

    /// Agents that share a reason.
    private struct ReasonLine: Encodable {
        let reason: String
        let agents: Int
        let sites: [String]
        let example: String
        let changes: String

        init(_ count: WaitingReasons.Count) {
            self.reason = count.reason.kind
            self.agents = count.agents
            self.sites = count.sites.sorted()
            self.example = count.reason.text
            self.changes = count.reason.changes
        }
    }
}
