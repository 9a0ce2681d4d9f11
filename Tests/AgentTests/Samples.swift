import Crypto
import Domain
import FoundationEssentials
import Glibc
import Messages
import Storage

@testable import Agent

/// Jobs and offers for tests.
enum Sample {
    static func step(_ name: String, _ script: String, rescue: Bool? = nil) -> StepTemplate {
        StepTemplate(name: name, command: ["/bin/sh", "-c", script], rescue: rescue)
    }

    /// A step that writes `file` and reports all its events.
    static let goodScript = """
        echo content of $MILLRACE_INDEX > out.txt
        echo '{"events_read": 10, "outputs": {"main": {"events": 10}}}' > $MILLRACE_REPORT
        """

    /// The same, and it says which events these were.
    static let rangedScript =
        goodScript + """

            echo '{"events_read": 10, "ranges": [{"first_event": 100, "events": 10}], "outputs": {"main": {"events": 10}}}' > $MILLRACE_REPORT
            """

    static func description(
        task: Int64 = 7,
        steps: [StepTemplate] = [Sample.step("one", Sample.goodScript)],
        outputs: [PlannedOutput] = [Sample.output()],
        software: [SoftwarePackage] = [],
        sandbox: [SandboxFile] = [],
        requirement: Requirement = Requirement(memoryMB: 500, walltimeSeconds: 600)
    ) -> JobDescription {
        JobDescription(
            task: task,
            request: 3,
            name: "gen",
            kind: "process",
            requestSeed: 1,
            steps: steps,
            outputs: outputs,
            software: software,
            sandbox: sandbox,
            requirement: requirement
        )
    }

    static func output(_ stream: String = "main", file: String = "out.txt", counted: Bool = true) -> PlannedOutput {
        PlannedOutput(stream: stream, file: file, dataset: "d", home: "DISK", counted: counted)
    }

    static func job(
        task: Int64 = 7,
        index: Int64 = 0,
        attempt: Int = 1,
        events: Int64 = 10,
        inputs: [OfferedInput] = []
    ) -> OfferedJob {
        OfferedJob(
            name: AttemptName(task: task, index: index, attempt: attempt, token: "token-\(task)-\(index)-\(attempt)"),
            seed: 42,
            events: events,
            firstEvent: 100,
            inputs: inputs
        )
    }

    static func accepted(
        _ description: JobDescription = Sample.description(),
        _ job: OfferedJob = Sample.job()
    )
        -> AcceptedJob
    {
        AcceptedJob(description: description, job: job)
    }

    static func offer(
        site: String = "S",
        agent: String = "a",
        session: String = "s1",
        question: Int64 = 1,
        validSeconds: Double = 60,
        tasks: [JobDescription] = [Sample.description()],
        jobs: [OfferedJob] = [Sample.job()],
        through: Int64? = nil
    ) -> Offer {
        Offer(
            site: site,
            agent: agent,
            session: session,
            question: question,
            validSeconds: validSeconds,
            tasks: tasks,
            jobs: jobs,
            through: through
        )
    }

    static func sign(_ offer: Offer, _ key: Curve25519.Signing.PrivateKey) throws -> OfferItem {
        let payload = try WireFormat.text(offer)
        return OfferItem(
            payload: payload,
            signature: try key.signature(for: Data(payload.utf8)).base64EncodedString()
        )
    }
}

extension ContinuousClock.Instant {
    static let zero = ContinuousClock.now
}
