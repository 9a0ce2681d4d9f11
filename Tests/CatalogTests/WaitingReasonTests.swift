import Catalog
import Domain
import Testing

/// Each reason why a job waits.
@Suite struct WaitingReasonTests {
    private static let seen = Moment(microseconds: 1_795_226_470_000_000)

    private static func agent(_ change: (inout WaitingReasons.Agent) -> Void = { _ in }) -> WaitingReasons.Agent {
        var agent = WaitingReasons.Agent(
            site: "lyon",
            agent: "ce1",
            state: "here",
            lastSeen: Self.seen,
            access: "allowed",
            room: 8,
            capacity: Capacity(
                cores: 8,
                memoryMBPerCore: 2000,
                walltimeSeconds: 86_400,
                diskMB: 10_000,
                platform: "linux-x86_64",
                tags: ["gpu"],
                storage: ["vault"]
            )
        )
        change(&agent)
        return agent
    }

    private static func reasons(_ range: WaitingReasons.Range? = .init()) -> WaitingReasons {
        WaitingReasons(
            state: "waiting",
            taskState: "running",
            requestState: "running",
            taskCause: nil,
            class: 1,
            range: range
        )
    }

    private static func kind(
        _ change: (inout WaitingReasons.Agent) -> Void = { _ in },
        _ need: Requirement = Requirement(),
        excluded: [String] = [],
        nodes: [String] = []
    ) -> String? {
        Self.reasons(.init(excludedSites: excluded, excludedNodes: nodes)).misfit(Self.agent(change), need: need)?.kind
    }

    @Test func eachAgentHasItsFirstReason() {
        #expect(Self.kind() == nil)
        #expect(Self.kind { $0.state = "silent" } == "agent silent")
        #expect(Self.kind { $0.state = "gone" } == "agent gone")
        #expect(Self.kind { $0.access = "banned" } == "site banned")
        #expect(Self.kind { $0.access = "draining" } == "site draining")
        #expect(Self.kind { $0.restingNode = "node3: 10 of 10 attempts failed" } == "node excluded")
        #expect(Self.kind({ _ in }, excluded: ["lyon"]) == "excluded")
        #expect(Self.kind({ _ in }, excluded: ["desy"]) == nil)
        #expect(Self.kind({ $0.node = "node3" }, nodes: ["node3"]) == "excluded")
        #expect(Self.kind({ $0.node = "node4" }, nodes: ["node3"]) == nil)
        #expect(Self.kind(nodes: ["node3"]) == nil, "an agent with several nodes chooses another itself")
        #expect(Self.kind { $0.room = 0 } == "room")
        let needs: [(String, Requirement)] = [
            ("site", Requirement(sites: ["kek"])), ("cores", Requirement(cores: 9)),
            ("memory", Requirement(memoryMB: 2001)), ("walltime", Requirement(walltimeSeconds: 86_401)),
            ("disk", Requirement(diskMB: 10_001)), ("platform", Requirement(platform: "linux-aarch64")),
            ("tag", Requirement(tags: ["gpu", "infiniband"])), ("storage", Requirement(storage: ["tape"])),
        ]
        for (kind, need) in needs { #expect(Self.kind({ _ in }, need) == kind) }
        // What is further in front hides what is behind it.
        #expect(Self.kind({ $0.room = 0 }, Requirement(sites: ["kek"]), excluded: ["lyon"]) == "excluded")
    }

    @Test func aReasonSaysWhenItMayChange() throws {
        let reasons = Self.reasons()
        let silent = try #require(reasons.misfit(Self.agent { $0.state = "silent" }, need: Requirement()))
        #expect(silent.text == "the agent is silent, last seen \(Self.seen)")
        #expect(silent.changes == "when it is heard again")
        let banned = Self.agent {
            $0.access = "banned"
            $0.accessReason = "disks lost"
        }
        let first = try #require(reasons.misfit(banned, need: Requirement()))
        #expect(first.text == "the site is banned: disks lost")
        #expect(first.changes == "when it is allowed: millrace site allow lyon")
        var later = banned
        later.accessUntil = Self.seen
        #expect(
            reasons.misfit(later, need: Requirement())?.changes == "at \(Self.seen), or when it is allowed before"
        )
    }

    /// Free cores that are kept for jobs of many: what others are told, and what these are.
    @Test func coresThatAreKeptAreNotFree() {
        func text(_ class: Int32, _ cores: Int, room: Int) -> String? {
            Self.reasons().misfit(
                Self.agent {
                    $0.room = room
                    $0.reservation = .init(class: `class`, cores: 8, since: Self.seen)
                },
                need: Requirement(cores: cores, memoryMB: 100)
            )?.text
        }
        #expect(
            text(2, 1, room: 1)
                == "the agent has 1 free core and keeps it since \(Self.seen) for a job of 8 cores, whose turn it is"
        )
        #expect(text(2, 4, room: 3)?.contains("keeps them since") == true)
        #expect(
            text(1, 8, room: 3)
                == "the agent has 3 free cores, the job needs 8 at once, and they are kept for a job of its class"
        )
        #expect(text(1, 8, room: 8) == nil)
        #expect(Self.kind { $0.reservation = .init(class: 2, cores: 8, since: Self.seen) } == "cores kept")
        let full = Self.reasons().misfit(Self.agent { $0.room = 0 }, need: Requirement())
        let keeps = Self.reasons().misfit(
            Self.agent { $0.reservation = .init(class: 2, cores: 8, since: Self.seen) },
            need: Requirement()
        )
        #expect(
            Self.reasons().summary(request: 1, task: 1, misfits: [full, full, keeps])?.why
                == "the 3 of 3 agents that fit have no room, one of them keeps it for other jobs"
        )
    }

    @Test func aPlaceThatIsProbedHasNoMoreThanItsProbes() {
        #expect(Self.kind { $0.probes = 0 } == "probed")
        #expect(Self.kind { $0.probes = -1 } == "probed")
        #expect(Self.kind { $0.probes = 1 } == nil)
    }

    @Test func agentsAreCountedByReason() {
        let agents =
            [("lyon", 0), ("lyon", 1), ("desy", 0)].map { site, room in
                Self.agent {
                    $0.site = site
                    $0.room = room
                }
            }
            + [Self.agent { $0.state = "gone" }, Self.agent()]
        let reasons = Self.reasons()
        let misfits = agents.map { reasons.misfit($0, need: Requirement(cores: 2, memoryMB: 4000)) }
        let counts = WaitingReasons.counts(agents, misfits)
        #expect(counts.map(\.reason.kind) == ["room", "agent gone"])
        #expect(counts.map(\.agents) == [3, 1])
        #expect(counts.first?.sites == ["lyon", "desy"])
        #expect(counts.first?.reason.text == "the agent has 0 free cores, the job needs 2 at once")
        #expect(WaitingReasons.counts([], []).isEmpty)
    }

    private static func summary(
        _ change: (inout WaitingReasons) -> Void,
        _ misfits: [WaitingReasons.Reason?] = []
    ) -> WaitingReasons.Summary? {
        var reasons = Self.reasons()
        change(&reasons)
        return reasons.summary(request: 3, task: 12, misfits: misfits)
    }

    @Test func theJobHasItsFirstReasonToo() {
        let held = Self.summary { $0.requestState = "held" }
        #expect(held?.why == "its request is held" && held?.changes?.contains("request release 3") == true)
        let paused = Self.summary {
            $0.taskState = "paused"
            $0.taskCause = "scouts fail"
        }
        #expect(paused?.why == "its task is paused: scouts fail")
        #expect(paused?.changes == "when it is resumed: millrace task resume 12")
        #expect(Self.summary { $0.taskState = "waiting" }?.why == "its task waits for its inputs")
        #expect(Self.summary { $0.range = nil }?.why == "it is between two states; look again")
        #expect(Self.summary { $0.range?.isHeld = true }?.why == "its range is held")
        let later = Self.summary {
            $0.range?.dueSeconds = 59.2
            $0.range?.dueAt = Self.seen
        }
        #expect(later?.why == "it is tried again in 60 s, after a failure" && later?.changes == "at \(Self.seen)")
        #expect(Self.summary { $0.state = "active" } == nil)
        #expect(
            Self.summary { $0.state = "unknown" }?.why == "it is in no range and has no row: its task is running"
        )
        let early = Self.summary {
            $0.state = "unknown"
            $0.taskState = "waiting"
        }
        #expect(early?.why == "its task waits for its inputs")
    }

    @Test func andTheAgentsTheRest() {
        let reasons = Self.reasons()
        let full = reasons.misfit(Self.agent { $0.room = 0 }, need: Requirement())
        let gone = reasons.misfit(Self.agent { $0.state = "gone" }, need: Requirement())
        #expect(Self.summary({ _ in }, [])?.why == "no agent has ever asked for work")
        let next = Self.summary({ _ in }, [nil, gone])
        #expect(next?.why == "it waits for its turn: 1 of 2 agents could take it")
        #expect(next?.changes == "with the next offer")
        let queued = Self.summary({ $0.range?.ahead = 40 }, [nil, gone])
        #expect(queued?.changes == "when 40 jobs of its class before it are leased")
        #expect(Self.summary({ _ in }, [full, gone])?.why == "the 1 of 2 agents that fit have no room")
        #expect(
            Self.summary({ _ in }, [gone, gone])?.why
                == "none of 2 agents can take it now: see the reason of each"
        )
    }
}
