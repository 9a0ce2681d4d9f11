package import Domain
import Messages

/// What a simulated agent says of its jobs.
extension SimulatedAgent {
    /// What each simulated agent can run; it reads one storage element.
    package static func capacity(reading storage: String) -> Capacity {
        Capacity(
            cores: 8,
            memoryMBPerCore: 4000,
            walltimeSeconds: 86_400,
            diskMB: 100_000,
            platform: "linux-x86_64",
            storage: [storage]
        )
    }

    /// The next of its nodes that may have the job; any, if none may.
    func node(for job: OfferedJob, avoiding: [String]) -> String {
        let avoided = Set(avoiding + (job.avoidNodes ?? []))
        let all = self.manner.nodes.isEmpty ? ["node1"] : self.manner.nodes
        let open = all.filter { !avoided.contains($0) }
        let nodes = open.isEmpty ? all : open
        return nodes[Int(job.name.index + Int64(job.name.attempt)) % nodes.count]
    }

    func manifest(
        _ job: OfferedJob,
        _ description: JobDescription,
        _ node: String,
        _ now: Timestamp,
        _ duration: Duration
    ) -> FinishedItem {
        FinishedItem(
            name: job.name,
            sequence: 2,
            agent: self.agent,
            node: node,
            eventsRead: job.events,
            firstEvent: job.firstEvent,
            outputs: description.outputs.map { output in
                ManifestOutput(
                    stream: output.stream,
                    events: output.counted ? job.events : 0,
                    lfn: description.lfn(output, job.name.key),
                    bytes: 1000,
                    adler32: "00000001",
                    crc32c: "00000000",
                    storage: self.storage
                )
            },
            steps: [StepRecord(name: description.steps[0].name, started: now, ended: now, exitCode: 0)],
            usage: Self.usage(duration),
            started: now,
            at: now
        )
    }

    static func usage(_ duration: Duration) -> Usage {
        let (seconds, attoseconds) = duration.components
        let wall = Double(seconds) + Double(attoseconds) / 1e18
        return Usage(cpuSeconds: wall, wallSeconds: wall, memoryPeak: 0)
    }

    func failure(
        _ job: OfferedJob,
        _ failures: [Failure],
        _ node: String,
        _ now: Timestamp,
        _ duration: Duration
    ) -> FailedItem {
        FailedItem(
            name: job.name,
            sequence: 2,
            agent: self.agent,
            node: node,
            failures: failures,
            steps: [],
            usage: Self.usage(duration),
            at: now
        )
    }
}
