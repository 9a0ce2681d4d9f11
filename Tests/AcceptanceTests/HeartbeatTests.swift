import AMQP
import Catalog
import Domain
import Messages
import Postgres
import SimulatedSite
import Testing

/// What an agent says it holds, and when it said so.
@Suite struct HeartbeatTests {
    /// A list that waited in its queue while the Monitor was away knows nothing of what was offered meanwhile: that goes on. A present one that
    /// does not have it says that it is lost.
    @Test func aListThatHasWaitedLosesNothingThatCameAfterIt() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let agent = try await centre.agent("ALPHA") { _, _ in .hang }
            let running = Task { try await agent.run() }
            _ = try await centre.approve(jobs: 1)
            try await centre.until("SELECT count(*) = 1 FROM lease WHERE state = 'running'")
            try await centre.database.execute("UPDATE lease SET since = now() - interval '1 minute'")
            let session = try await centre.one("SELECT session::text FROM agent_session", as: String.self) ?? ""
            // What an agent has killed is struck off before its list is looked at: so it is seen which heartbeat is being handled.
            let marks = (1...2).map { AttemptKey(task: 1, index: 0, attempt: 100 + $0) }
            for mark in marks {
                try await centre.database.execute(
                    """
                    INSERT INTO kill_wish (task, index, attempt, holder, reason)
                    SELECT 1, 0, \(Int32(mark.attempt)), id, 'mark' FROM agent_session
                    """
                )
            }
            func say(_ list: [AttemptKey]?, at: Moment, killed: [AttemptKey]) async throws {
                let item = HeartbeatItem(
                    agent: "one",
                    session: session,
                    held: HeldSummary(list ?? [AttemptKey(task: 1, index: 0, attempt: 1)]),
                    list: list,
                    killed: killed,
                    replyTo: Queue.agent(site: "ALPHA", agent: "one"),
                    at: at
                )
                let message = OutgoingMessage(
                    exchange: Exchange.site("ALPHA"),
                    routingKey: RoutingKey.heartbeat,
                    body: try Batch([item]).encoded(),
                    type: HeartbeatItem.type,
                    contentType: "application/json"
                )
                try await centre.send([message])
            }
            try await say([], at: Moment.now.adding(seconds: -90), killed: [marks[0]])
            try await centre.until("SELECT count(*) = 1 FROM kill_wish")
            try await say(nil, at: .now, killed: [marks[1]])
            try await centre.until("SELECT count(*) = 0 FROM kill_wish")
            let verdicts: SQL = "SELECT count(*) FROM verdict"
            #expect(try await centre.one(verdicts, as: Int64.self) == 0)
            try await say([], at: .now, killed: [])
            try await centre.until("SELECT count(*) = 1 FROM verdict")
            running.cancel()
            let lost = try await centre.one(
                "SELECT concat_ws(' ', code, at > now() - interval '10 minutes') FROM verdict",
                as: String.self
            )
            #expect(lost == "\(FailureCode.agentForgot.rawValue) t")
        }
    }
}
