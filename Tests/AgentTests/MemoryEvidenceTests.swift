import Domain
import Glibc
import Messages
import PrivateServers
import TestSupport
import Testing

@testable import Agent

@Suite("The kernel's counters of memory")
struct MemoryEventsTests {
    /// Of a Debian 12 node with Linux 6.1.
    private static let unified = "low 0\nhigh 0\nmax 4211\noom 3\noom_kill 2\noom_group_kill 0\n"

    @Test("of version 2 are read: memory.events and memory.events.local")
    func unified() {
        #expect(MemoryEvents.unified(Self.unified) == MemoryEvents(kills: 2, limitHits: 3))
        // Linux 4.15 had no oom_group_kill, and memory.events.local came with 5.2.
        let old = MemoryEvents.unified("low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n")
        #expect(old == MemoryEvents(kills: 0, limitHits: 0))
    }

    @Test("of version 1 are read: memory.oom_control and memory.failcnt")
    func legacy() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"
        #expect(MemoryEvents.legacy(oomControl: text, failcnt: "42\n") == MemoryEvents(kills: 7, limitHits: 42))
        #expect(MemoryEvents.legacy(oomControl: text, failcnt: nil) == MemoryEvents(kills: 7, limitHits: nil))
        // Before Linux 4.13 kills were not counted.
        let old = MemoryEvents.legacy(oomControl: "oom_kill_disable 0\nunder_oom 0\n", failcnt: "1\n")
        #expect(old == MemoryEvents(kills: nil, limitHits: 1))
    }

    @Test(
        "that are malformed are no evidence, and no error",
        arguments: [
            "", "\n\n", "oom_kill", "oom_kill x", "oom_kill -1", "oom_kill 1 2", "oom_killer 3", "oom_kill 3.5",
            "oom_kill 99999999999999999999", "\u{0}\u{1}", "OOM_KILL 1",
        ]
    )
    func malformed(text: String) {
        #expect(MemoryEvents.unified(text) == MemoryEvents(kills: nil, limitHits: nil))
        #expect(MemoryEvents.legacy(oomControl: text, failcnt: text).kills == nil)
        #expect(MemoryEvents.legacy(oomControl: nil, failcnt: "1 2") == MemoryEvents(kills: nil, limitHits: nil))
    }

    @Test("limits of the groups above are added")
    func adding() {
        let own = MemoryEvents(kills: 1, limitHits: 2)
        #expect(own.adding(limitsOf: MemoryEvents(kills: 9, limitHits: 5)) == MemoryEvents(kills: 1, limitHits: 7))
        #expect(own.adding(limitsOf: MemoryEvents()) == own)
        #expect(MemoryEvents(kills: 1).adding(limitsOf: own) == MemoryEvents(kills: 1, limitHits: 2))
    }
}

@Suite("The control group of a process")
struct ControlGroupTests {
    private static let unifiedMount =
        "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n31 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    private static let hybridMounts = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """

    @Test("version 2: its folder and those above, up to the mount")
    func unified() {
        let groups = "0::/system.slice/slurmstepd.scope/job_7/step_0\n"
        let group = ControlGroup(groups: groups, mounts: Self.unifiedMount)
        #expect(group?.version == .unified)
        let base = "/sys/fs/cgroup/system.slice"
        #expect(
            group?.folders == [
                base + "/slurmstepd.scope/job_7/step_0", base + "/slurmstepd.scope/job_7", base + "/slurmstepd.scope",
                base, "/sys/fs/cgroup",
            ]
        )
    }

    @Test("version 1 has the memory where both versions are mounted")
    func legacy() {
        let groups = "5:devices:/\n4:cpu,memory:/slurm/uid_7/job_8\n0::/\n"
        let group = ControlGroup(groups: groups, mounts: Self.hybridMounts)
        #expect(group?.version == .legacy && group?.folders.first == "/sys/fs/cgroup/memory/slurm/uid_7/job_8")
        #expect(group?.folders.last == "/sys/fs/cgroup/memory")
        // Without the controller of version 1 it is version 2's, wherever that is mounted.
        let other = ControlGroup(groups: "5:devices:/\n0::/a\n", mounts: Self.hybridMounts)
        #expect(other?.folders == ["/sys/fs/cgroup/unified/a", "/sys/fs/cgroup/unified"])
    }

    @Test("in a container the root of the mount is taken off the path")
    func container() {
        let mounts = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
        #expect(
            ControlGroup(groups: "4:memory:/docker/abc\n", mounts: mounts)?.folders == ["/sys/fs/cgroup/memory"]
        )
        let inner = ControlGroup(groups: "4:memory:/docker/abc/x\n", mounts: mounts)
        #expect(inner?.folders == ["/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/memory"])
        #expect(ControlGroup(groups: "4:memory:/docker/abcd\n", mounts: mounts) == nil)
        #expect(ControlGroup(groups: "0::/../sibling\n", mounts: Self.unifiedMount) == nil)
    }

    @Test(
        "that cannot be seen is none",
        arguments: [
            ("", ""), ("0::/a", ""), ("", "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"),
            ("0::a", "x - cgroup2"),
            ("nonsense", "31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"), ("0:memory", "- - - -"),
        ]
    )
    func none(groups: String, mounts: String) { #expect(ControlGroup(groups: groups, mounts: mounts) == nil) }

    @Test("its own kills count with all below it, of those above only their own limits")
    func events() {
        let group = ControlGroup(groups: "0::/a/b\n", mounts: Self.unifiedMount)
        let files = [
            "/sys/fs/cgroup/a/b/memory.events": "oom 1\noom_kill 1\n",
            "/sys/fs/cgroup/a/b/memory.events.local": "oom 0\noom_kill 0\n",
            "/sys/fs/cgroup/a/memory.events": "oom 90\noom_kill 80\n",
            "/sys/fs/cgroup/a/memory.events.local": "oom 5\noom_kill 0\n",
        ]
        #expect(group?.events { files[$0] } == MemoryEvents(kills: 1, limitHits: 6))
        #expect(group?.events { _ in nil } == nil)
        let local = files.filter { $0.key.hasSuffix("local") }
        #expect(group?.events { local[$0] } == MemoryEvents(kills: 0, limitHits: 5))
        let legacy = ControlGroup(groups: "4:memory:/a\n", mounts: Self.hybridMounts)
        let old = [
            "/sys/fs/cgroup/memory/a/memory.oom_control": "oom_kill 2\n",
            "/sys/fs/cgroup/memory/a/memory.failcnt": "3\n",
            "/sys/fs/cgroup/memory/memory.failcnt": "4\n",
        ]
        #expect(legacy?.events { old[$0] } == MemoryEvents(kills: 2, limitHits: 7))
    }
}

@Suite("Out of memory")
struct MemoryEvidenceTests {
    private func code(
        _ end: ProcessEnd,
        _ before: MemoryEvents?,
        _ after: MemoryEvents?,
        isAlone: Bool = true
    ) -> FailureCode? {
        MemoryEvidence.failure(step: "s", end: end, before: before, after: after, isAlone: isAlone)
            .flatMap { FailureCode(rawValue: $0.code) }
    }

    @Test("is told apart from a kill by somebody, and the group's limit from a full node")
    func kinds() {
        let before = MemoryEvents(kills: 1, limitHits: 10)
        #expect(self.code(.signalled(9), before, before) == nil)
        #expect(self.code(.signalled(9), before, MemoryEvents(kills: 2, limitHits: 11)) == .memoryCgroup)
        #expect(self.code(.signalled(9), before, MemoryEvents(kills: 2, limitHits: 10)) == .memoryKernel)
        #expect(self.code(.signalled(9), MemoryEvents(kills: 1), MemoryEvents(kills: 2)) == .memoryCgroup)
        // A limit in the way is no kill: the kernel could free enough.
        #expect(self.code(.signalled(9), before, MemoryEvents(kills: 1, limitHits: 99)) == nil)
    }

    @Test("is not concluded from counters that are missing or went back")
    func missing() {
        let some = MemoryEvents(kills: 1, limitHits: 1)
        #expect(self.code(.signalled(9), nil, some) == nil && self.code(.signalled(9), some, nil) == nil)
        #expect(self.code(.signalled(9), MemoryEvents(), some) == nil)
        #expect(self.code(.signalled(9), some, MemoryEvents(kills: 0, limitHits: 0)) == nil)
    }

    @Test("explains what ended badly after a child was killed, unless other steps shared the group")
    func others() {
        let (before, after) = (MemoryEvents(kills: 0, limitHits: 0), MemoryEvents(kills: 1, limitHits: 1))
        #expect(self.code(.exited(0), before, after) == nil)
        for end in [ProcessEnd.exited(1), .signalled(6)] {
            #expect(self.code(end, before, after) == .memoryCgroup)
            #expect(self.code(end, before, after, isAlone: false) == nil)
        }
        for end in [ProcessEnd.exited(137), .signalled(9)] {
            #expect(self.code(end, before, after, isAlone: false) == .memoryCgroup)
        }
        let failure = MemoryEvidence.failure(
            step: "s",
            end: .signalled(9),
            before: before,
            after: MemoryEvents(kills: 2, limitHits: 1),
            isAlone: false
        )
        #expect(
            failure?.diagnostic == "the kernel killed 2 processes of the control group, which others shared, "
                + "at its memory limit: signal 9 (SIGKILL) in step s"
        )
    }

    @Test("steps that overlap are not alone, those after each other are")
    func alone() {
        let counters = MemoryCounters()
        let first = counters.begin()
        #expect(counters.end(first).isAlone)
        let (second, third) = (counters.begin(), counters.begin())
        #expect(!counters.end(second).isAlone)
        let fourth = counters.begin()
        #expect(!counters.end(third).isAlone && !counters.end(fourth).isAlone)
        #expect(counters.end(counters.begin()).isAlone)
    }
}

/// A real control group with a limit, where the tests may make one.
@Suite("A control group with a limit", .enabled(if: RealGroup.isPossible), .timeLimit(.minutes(15)))
struct RealGroupTests {
    /// Runs a Python program in the group, and tells how it ended and what the counters say.
    private func run(_ program: String) async throws -> (ProcessEnd, Failure?) {
        let group = try RealGroup.make()
        defer { rmdir(group) }
        let folder = try TestFolder.make("group")
        let (ready, go) = (folder + "/ready", folder + "/go")
        try #require(mkfifo(ready, 0o600) == 0 && mkfifo(go, 0o600) == 0)
        let script = "echo $$ > \(group)/cgroup.procs; echo > ready; read x < go; exec python3 -c '\(program)'"
        let child = try await ChildProcess.start(
            ChildProcess.Launch(
                program: "/bin/sh",
                arguments: ["sh", "-c", script],
                environment: ["PATH": "/usr/bin:/bin"],
                folder: folder,
                logFile: folder + "/log"
            )
        )
        let counters = MemoryCounters()
        // Opening a FIFO waits for its other end: the child is in its group then.
        let mark = try await blocking {
            _ = FileTree.read(ready, limit: 10)
            let mark = counters.begin(group: child.pid)
            try FileTree.write("\n", to: go)
            return mark
        }
        let ended = await child.waitForEnd()
        let counted = counters.end(mark)
        let failure = MemoryEvidence.failure(
            step: "s",
            end: ended.end,
            before: counted.before,
            after: counted.after,
            isAlone: counted.isAlone
        )
        return (ended.end, failure)
    }

    @Test("kills what needs more, and the counters tell it")
    func outOfMemory() async throws {
        let (end, failure) = try await self.run("bytearray(200000000)")
        #expect(end == .signalled(9) && failure?.code == FailureCode.memoryCgroup.rawValue, "\(end) \(failure as Any)")
    }

    @Test("explains the end of a step of an agent that runs in it")
    func agent() async throws {
        let group = try RealGroup.make(bytes: 200_000_000)
        defer { rmdir(group) }
        try await Centre.with { centre in
            try await AgentProcess.with(centre) { agent in
                let work = try await centre.first(WorkItem.self)
                try FileTree.write("\(agent.process.pid)", to: group + "/cgroup.procs")
                // Far below what the job may use: it is not the agent that ends it.
                let description = Sample.description(
                    steps: [Sample.step("s", "exec python3 -c 'bytearray(600000000)'")],
                    requirement: Requirement(memoryMB: 4000, walltimeSeconds: 600)
                )
                try await centre.offer(work, [description], [Sample.job()])
                let failed = try await centre.first(FailedItem.self)
                #expect(failed.failures.map(\.code) == [1109, 2004], "\(failed.failures)")
                #expect(failed.failures.cause?.code == FailureCode.memoryCgroup.rawValue)
            }
        }
    }

    @Test("says nothing of a kill by somebody")
    func killed() async throws {
        let (end, failure) = try await self.run("import os; os.kill(os.getpid(), 9)")
        #expect(end == .signalled(9) && failure == nil)
    }
}

/// Makes control groups of version 1 or 2.
enum RealGroup {
    private static let legacy = "/sys/fs/cgroup/memory"
    private static let unified = "/sys/fs/cgroup"

    static let isPossible: Bool = {
        guard let group = try? Self.make() else { return false }
        return rmdir(group) == 0
    }()

    static func make(bytes: Int = 67_108_864) throws -> String {
        let isLegacy = FileTree.mark(self.legacy + "/memory.limit_in_bytes") != nil
        let path =
            (isLegacy ? self.legacy : self.unified) + "/millrace-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        guard mkdir(path, 0o755) == 0 else { throw FileError("cannot make \(path)") }
        do {
            let files = isLegacy ? ["memory.limit_in_bytes"] : ["memory.max", "memory.swap.max"]
            try FileTree.write(String(bytes), to: path + "/" + files[0])
            if !isLegacy { try FileTree.write("0", to: path + "/" + files[1]) }
            return path
        } catch {
            rmdir(path)
            throw error
        }
    }
}
