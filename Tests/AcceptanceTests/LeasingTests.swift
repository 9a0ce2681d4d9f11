import AMQP
import Catalog
import Domain
import Messages
import Postgres
import PrivateServers
import SimulatedSite
import TestSupport
import Testing

/// Two Schedulers and a long queue.
@Suite(.serialized) struct LeasingTests {
    /// Of two shares with weights 3 and 1 each gets its part of the room while both have work, and all of it while the other has none.
    @Test func roomIsDividedByShares() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let operations = Operations(centre.database, caller: centre.caller)
            for (share, weight) in [("big", 3.0), ("small", 1.0)] {
                _ = try await operations.addShare(share, parent: nil, weight: weight)
            }
            let isOver = Gathered()
            var requests: [Int64] = []
            for share in ["small", "big"] {
                requests.append(try await centre.approve(jobs: 500, name: share) { $0.share = share })
            }
            // Both wait before anybody asks.
            try await centre.until("SELECT count(DISTINCT task) = 2 FROM waiting")
            let agent = try await centre.agent("ALPHA", room: 40) { _, _ in
                .until({ await isOver.more(than: 0) }, .finish)
            }
            let running = Task { try await agent.run() }
            try await centre.until("SELECT sum(jobs_active) = 40 FROM task_view")
            let cores: SQL = "SELECT array_agg(cores ORDER BY share) FROM share_view"
            #expect(try await centre.one(cores, as: [Int64].self) == [30, 10])
            // The big one is held: what is free goes to the small one.
            _ = try await operations.hold(requests[1], version: nil, reason: nil)
            isOver.insert([1])
            try await centre.until("SELECT jobs_done = 500 FROM task_view WHERE request = \(requests[0])")
            let done = try await centre.one(
                "SELECT jobs_done FROM task_view WHERE request = \(requests[1])",
                as: Int64.self
            )
            #expect(done ?? 500 < 100)
            try await centre.carryOut(try await operations.release(requests[1], version: nil, reason: nil))
            try await centre.until("SELECT bool_and(state = 'finished') FROM request_view")
            running.cancel()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Sent elsewhere after a failure, a job whose task names its site would wait for ever: it goes back, and its rule has a limit.
    @Test func aJobIsNotKeptFromTheOnlySiteThatMayHaveIt() async throws {
        try await LifecycleTests.withCentre(services: ["monitor", "bookkeeper"]) { centre, processes in
            processes.append(try await centre.start("scheduler", config: "scheduler:\n  sweep: 200ms\n"))
            let watch = try await centre.events(["request.#"])
            var running: [Task<Void, any Error>] = []
            for site in ["ALPHA", "BETA"] {
                let agent = try await centre.agent(site) { job, _ in
                    job.name.attempt == 1 ? .fail([Failure(.softwareRelease, "release 2.1 is not installed")]) : .finish
                }
                running.append(Task { try await agent.run() })
            }
            // Both are there when it fails: else there is nowhere to send it.
            try await centre.until("SELECT count(*) = 2 FROM agent_session WHERE room = 50")
            let task = TaskTemplate(
                name: "generate",
                kind: "generate",
                events: "30",
                eventsPerJob: "10",
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                resources: ResourceTemplate(sites: ["ALPHA"])
            )
            try await watch.finish(of: try await centre.approve(WorkflowDocument(name: "pinned", tasks: [task])))
            for task in running { task.cancel() }
            await watch.stop()
            let sent = try await centre.one(
                "SELECT count(*) FROM verdict WHERE changes ->> 'excludedSites' LIKE '%ALPHA%'",
                as: Int64.self
            )
            #expect(sent == 3)
            let elsewhere = try await centre.one("SELECT count(*) FROM attempt WHERE site <> 'ALPHA'", as: Int64.self)
            #expect(elsewhere == 0)
        }
    }

    /// Tasks whose descriptions this version cannot read, as after going back to an older one, hold up nobody else: the Scheduler pauses
    /// one and says why, the Bookkeeper the other, and puts its manifests aside.
    @Test func tasksThatCannotBeReadHoldUpNobody() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let dead = try await QueueWatch(centre, queue: Queue.deadLetters)
            let mayEnd = Gathered()
            let agent = try await centre.agent("ALPHA", room: 2) { _, _ in
                .until({ await mayEnd.more(than: 0) }, .finish)
            }
            let running = Task { try await agent.run() }
            let known = try await centre.approve(jobs: 2, name: "known")
            try await centre.until("SELECT count(*) = 2 FROM lease")
            let unknown = try await centre.approve(jobs: 1, name: "unknown") { $0.priority = 200 }
            let plain = try await centre.approve(jobs: 5, name: "plain")
            try await centre.until("SELECT count(*) = 2 FROM waiting")
            for request in [known, unknown] {
                try await centre.database.execute(
                    "UPDATE task SET spec = spec || '{\"steps\": 7}' WHERE request = \(request)"
                )
            }
            mayEnd.insert([1])
            try await centre.until("SELECT state = 'finished' FROM request_view WHERE request = \(plain)")
            try await centre.until("SELECT count(*) = 2 FROM task WHERE state = 'paused' AND cause LIKE '%steps%'")
            for await delivery in dead.deliveries {
                #expect(delivery.routingKey.contains("finished"))
                break
            }
            await dead.stop()
            try await centre.database.execute(
                "UPDATE task t SET spec = t.spec || jsonb_build_object('steps', p.spec -> 'steps') FROM task p WHERE p.request = \(plain)"
            )
            let operations = Operations(centre.database, caller: centre.caller)
            for request in [known, unknown] {
                let task = try await centre.one("SELECT id FROM task WHERE request = \(request)", as: Int64.self) ?? 0
                try await centre.carryOut(try await operations.resume(task: task, version: nil, reason: "mended"))
            }
            try await centre.until("SELECT bool_and(state = 'finished') FROM request_view")
            running.cancel()
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// An agent that has one node gets nothing while that rests, and no more than the probes while it is probed.
    @Test func anExcludedNodeThatIsAllOfItsAgentGetsProbesOnly() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper"]) { centre, _ in
            try await centre.database.execute(
                """
                INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes)
                VALUES ('ALPHA', 'node1', 'resting', '10 of 10 attempts failed', 1, 3600, 2)
                """
            )
            let isOver = Gathered()
            var running: [Task<Void, any Error>] = []
            for node in ["node1", "node2"] {
                let agent = try await centre.agent("ALPHA", name: node, manner: .init(nodes: [node])) { _, _ in
                    .until({ await isOver.more(than: 0) }, .finish)
                }
                running.append(Task { try await agent.run() })
            }
            try await centre.until("SELECT count(*) = 2 FROM agent_session WHERE room = 50")
            _ = try await centre.approve(jobs: 52)
            let leases: SQL = "SELECT array_agg(n ORDER BY n) FROM (SELECT count(*) AS n FROM lease GROUP BY holder) x"
            try await centre.until("SELECT count(*) = 50 FROM lease")
            #expect(try await centre.one(leases, as: [Int64].self) == [50])
            // As the brakes do it; the agent asks again every two seconds.
            try await centre.database.execute("UPDATE excluded_place SET phase = 'probing'")
            try await centre.until("SELECT count(*) = 52 FROM lease")
            #expect(try await centre.one(leases, as: [Int64].self) == [2, 50])
            _ = try await centre.approve(jobs: 100, name: "more")
            isOver.insert([1])
            try await centre.until("SELECT sum(jobs_done) = 152 FROM task_view")
            for task in running { task.cancel() }
            let most = try await centre.one(
                """
                SELECT max(n) FROM (
                    SELECT (SELECT count(*) FROM attempt b WHERE b.agent = 'node1' AND b.leased_at <= a.leased_at AND b.ended_at > a.leased_at) AS n
                    FROM attempt a WHERE a.agent = 'node1') x
                """,
                as: Int64.self
            )
            #expect((most ?? 3) <= 2, "more jobs at once on a node that is probed than its probes")
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// An agent that asks again and again before its offers come, as one that is slow does, is not leased more than it has room for.
    @Test func whatIsOnItsWayIsNotLeasedTwice() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "bookkeeper"]) { centre, _ in
            let queue = Queue.agent(site: "ALPHA", agent: "slow")
            // As an agent declares them.
            let topology = Topology(
                exchanges: [.init(Exchange.report), .init(Exchange.site("ALPHA"))],
                queues: [.reply(queue)],
                bindings: [.init(from: Exchange.site("ALPHA"), to: .exchange(Exchange.report), routingKey: "#")]
            )
            let offers = try await QueueWatch(centre, queue: queue, topology: topology)
            let task = TaskTemplate(
                name: "generate",
                kind: "generate",
                events: "1000",
                eventsPerJob: "10",
                steps: [StepTemplate(name: "make", command: ["true"])],
                outputs: [OutputTemplate(stream: "gen", file: "gen.dat")],
                resources: ResourceTemplate(cores: 2)
            )
            _ = try await centre.approve(WorkflowDocument(name: "pairs", tasks: [task]))
            try await centre.until("SELECT count(*) > 0 FROM waiting")
            let session = OutgoingMessage.freshID()
            func ask(_ question: Int64, room: Int, taken: Int64) async throws {
                let item = WorkItem(
                    agent: "slow",
                    session: session,
                    question: question,
                    room: room,
                    capacity: SimulatedAgent.capacity(reading: "HOME-DISK"),
                    replyTo: queue,
                    taken: taken
                )
                let message = OutgoingMessage(
                    exchange: Exchange.site("ALPHA"),
                    routingKey: RoutingKey.work,
                    body: try Batch([item]).encoded(),
                    type: WorkItem.type,
                    messageID: OutgoingMessage.freshID(),
                    contentType: "application/json"
                )
                try await centre.send([message])
                try await centre.until("SELECT EXISTS (SELECT FROM agent_session WHERE sequence = \(question))")
            }
            // However long the test takes, it is on its way.
            let underWay: SQL = "UPDATE agent_session SET offered_at = 'infinity'"
            let leases: SQL = "SELECT count(*) FROM lease"
            try await ask(1, room: 60, taken: 0)
            try await centre.database.execute(underWay)
            #expect(try await centre.one(leases, as: Int64.self) == 30)
            for question: Int64 in 2...5 { try await ask(question, room: 60, taken: 0) }
            #expect(try await centre.one(leases, as: Int64.self) == 30)
            var came: Int64?
            for await delivery in offers.deliveries {
                let item = try #require(try Batch<OfferItem>(decoding: delivery.body).items.first)
                came = try WireFormat.value(Offer.self, from: item.payload).through
                break
            }
            #expect(came == 60)
            // What it has now it says, and that five jobs have ended.
            try await ask(6, room: 10, taken: 60)
            try await centre.database.execute(underWay)
            try await ask(7, room: 10, taken: 60)
            #expect(try await centre.one(leases, as: Int64.self) == 35)
            await offers.stop()
        }
    }

    /// Of two agents that could have each of twenty jobs, neither gets all (by chance once in half a million runs).
    @Test func nobodyIsAlwaysServedFirst() async throws {
        try await LifecycleTests.withCentre { centre, _ in
            let watch = try await centre.events(["request.#"])
            var running: [Task<Void, any Error>] = []
            for site in ["ALPHA", "BETA"] {
                let agent = try await centre.agent(site)
                running.append(Task { try await agent.run() })
            }
            for number in 1...20 {
                try await centre.until("SELECT count(*) = 2 FROM agent_session WHERE room = 50")
                try await watch.finish(of: try await centre.approve(jobs: 1, name: "gen\(number)"))
            }
            for task in running { task.cancel() }
            await watch.stop()
            let sites = try await centre.one("SELECT count(DISTINCT site) FROM attempt_view", as: Int64.self)
            #expect(sites == 2)
        }
    }

    /// New work finds an agent that another session is serving, which began before and saw none: it gets its offer as soon as it is free.
    /// Nothing else would bring it one: the Scheduler looks at nothing without being told for an hour, and the agent asks only once.
    @Test func anAgentThatIsBeingServedWhenWorkComesIsNotForgotten() async throws {
        try await LifecycleTests.withCentre(services: []) { centre, processes in
            processes.append(try await centre.start("scheduler", config: "scheduler:\n  sweep: 1h\n"))
            let (offered, continuation) = AsyncStream.makeStream(of: String.self)
            func start(_ site: String, _ name: String, keepsAsking: Bool) async throws -> Task<Void, any Error> {
                let agent = try await centre.agent(site, name: name, room: 10, manner: .init(keepsAsking: keepsAsking))
                { _, _ in
                    continuation.yield(name)
                    return .hang
                }
                return Task { try await agent.run() }
            }
            let held = try await start("ALPHA", "held", keepsAsking: true)
            let free = try await start("BETA", "free", keepsAsking: false)
            try await centre.until("SELECT count(*) = 2 FROM agent_session WHERE room > 0")
            var offers = offered.makeAsyncIterator()
            try await centre.database.withTransaction { transaction in
                try await transaction.execute("SELECT 1 FROM agent_session WHERE agent = 'held' FOR NO KEY UPDATE")
                _ = try await centre.approve(jobs: 1000)
                // The words of it have gone out: sent once more after some seconds, they would wake the Scheduler.
                try await centre.database.execute("DELETE FROM outbox")
                // From the turn that is for everybody. After it there is nobody who asks.
                for _ in 1...10 { #expect(await offers.next() == "free") }
                free.cancel()
                _ = await free.result
            }
            #expect(await offers.next() == "held")
            held.cancel()
            _ = await held.result
        }
    }

    /// Neither Scheduler looks at anything without being told for an hour: an agent that is sent away empty once while jobs
    /// wait gets no offer any more, and the test would never end.
    @Test(arguments: [1_000, 10_000_000] as [Int64])
    func twoSchedulersSendNoAgentAwayWhileJobsWait(jobs: Int64) async throws {
        try await LifecycleTests.withCentre(services: []) { centre, processes in
            for instance in ["1", "2"] {
                processes.append(
                    try await centre.start("scheduler", instance: instance, config: "scheduler:\n  sweep: 1h\n")
                )
            }
            let (offered, continuation) = AsyncStream.makeStream(of: String.self)
            var agents: [SimulatedAgent] = []
            for (site, name) in [("ALPHA", "a"), ("ALPHA", "b"), ("BETA", "c"), ("BETA", "d")] {
                agents.append(
                    try await centre.agent(site, name: name, manner: .init(keepsAsking: true)) { _, _ in
                        continuation.yield(name)
                        return .hang
                    }
                )
            }
            let running = agents.map { agent in Task { try await agent.run() } }
            _ = try await centre.approve(jobs: jobs)
            // The short queue to its last job; of the long one 1,500 for each agent.
            var (seen, all) = ([String: Int](), 0)
            for await name in offered {
                seen[name, default: 0] += 1
                all += 1
                if all == jobs || (seen.count == agents.count && seen.values.allSatisfy { $0 >= 1500 }) { break }
            }
            for task in running { task.cancel() }
            for task in running { _ = await task.result }
            let twice = try await centre.one(
                "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE state IS DISTINCT FROM 'cancelled' GROUP BY task, index HAVING count(*) > 1) x",
                as: Int64.self
            )
            #expect(twice == 0)
            if jobs == 1_000 { #expect(try await centre.one("SELECT count(*) FROM waiting", as: Int64.self) == 0) }
            let schedulers = try await centre.one(
                "SELECT count(DISTINCT who) FROM transition WHERE kind = 'attempt' AND to_state = 'leased'",
                as: Int64.self
            )
            #expect(schedulers == 2)
        }
    }
}
