import HTTPTypes
import Catalog
import Domain
import Messages
import Postgres

/// Answers "why does this job not run?".
struct Why: Sendable {
    private let gateway: Gateway

    init(_ gateway: Gateway) { self.gateway = gateway }

    private struct AgentLine: Encodable {
        let site: String
        let agent: String
        let state: String
        let access: String
        let room: Int
        /// The first reason why it does not get the job; null: it could.
        let misfit: String?

        private enum CodingKeys: String, CodingKey { case site, agent, state, access, room, misfit }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(self.site, forKey: .site)
            try container.encode(self.agent, forKey: .agent)
            try container.encode(self.state, forKey: .state)
            try container.encode(self.access, forKey: .access)
            try container.encode(self.room, forKey: .room)
            try container.encode(self.misfit, forKey: .misfit)
        }
    }

    func answer(_ job: JobKey) async throws -> Reply {
        let database = self.gateway.database
        guard let row = try await database.query(WhyStatements.job(job)).first else {
            throw Refusal(.notFound, "there is no job \(job)")
        }
        let (state, classID, taskState, requestState, taskCause, waiting) = row
        let range = try await database.query(WhyStatements.range(job)).first
        let reasons = WaitingReasons(
            state: state,
            taskState: taskState,
            requestState: requestState,
            taskCause: taskCause,
            dueSeconds: range?.0,
            excludedSites: range?.1 ?? []
        )
        let need = try await self.requirement(classID)
        let agents = try await database.query(WhyStatements.agents).map(Self.agent)
        let misfits = agents.map { reasons.misfit($0, need: need) }
        let lines = zip(agents, misfits).map {
            AgentLine(
                site: $0.site,
                agent: $0.agent,
                state: $0.state,
                access: $0.access,
                room: $0.room,
                misfit: $1
            )
        }
        let verdicts = try await database.query(WhyStatements.verdicts(job))
        let facts = [
            "\"task\":\(job.task)", "\"index\":\(job.index)", "\"state\":\(try WireFormat.text(state))",
            "\"summary\":\(try WireFormat.text(reasons.summary(misfits: misfits)))",
            "\"class\":\(ObjectText.adding("class", String(classID), to: try WireFormat.text(need)))",
            "\"waiting\":\(waiting ?? "null")", "\"agents\":\(try WireFormat.text(lines))",
            "\"verdicts\":[\(verdicts.joined(separator: ","))]",
        ]
        return .json("{\(facts.joined(separator: ","))}")
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
        _ row: (String, String, String, String, Int32, Int32, Int32, Int32, Int32, String, [String], [String])
    ) -> WaitingReasons.Agent {
        WaitingReasons.Agent(
            site: row.0,
            agent: row.1,
            state: row.2,
            access: row.3,
            room: Int(row.4),
            capacity: Capacity(
                cores: Int(row.5),
                memoryMBPerCore: Int(row.6),
                walltimeSeconds: Int(row.7),
                diskMB: Int(row.8),
                platform: row.9,
                tags: row.10,
                storage: row.11
            )
        )
    }
}
