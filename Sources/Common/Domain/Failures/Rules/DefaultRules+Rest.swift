extension RuleSet {
    /// What is done about the link to the centre, the payload, and one rule for all the rest of each layer.
    static let defaultRest: [ActionRule] = [
        ActionRule(
            name: "wrapper",
            priority: 8000,
            match: .init(codes: 3000...3999),
            action: .resubmit,
            parameters: .init(pauseSeconds: 5, elsewhere: true, limit: 10),
            why: "A wrapper that fails does not say anything about the payload."
        ),
        ActionRule(
            name: "software",
            priority: 8000,
            match: .init(codes: 4000...4999),
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, limit: 10),
            why: "Software is the site's, until two sites fail alike."
        ),
        ActionRule(
            name: "site",
            priority: 8000,
            match: .init(codes: 5000...5999),
            action: .resubmit,
            parameters: .init(elsewhere: true),
            why: "A site's fault is not the job's."
        ),
        ActionRule(
            name: "batch-system",
            priority: 8000,
            match: .init(codes: 6000...6999),
            action: .resubmit,
            parameters: .init(pauseSeconds: 10, elsewhere: true),
            why: "A batch system's fault is not the job's."
        ),
        ActionRule(
            name: "input-data",
            priority: 8000,
            match: .init(codes: 7000...7999),
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, limit: 10),
            why: "Reading goes through storage and network: another site may be luckier."
        ),
        ActionRule(
            name: "stage-out",
            priority: 8000,
            match: .init(codes: 8100...8199),
            action: .resubmit,
            parameters: .init(pauseSeconds: 10, elsewhere: true),
            why: "A storage's fault is not the job's."
        ),
        ActionRule(
            name: "books-refused",
            priority: 8000,
            match: .init(codes: 8200...8299),
            action: .resubmit,
            why: "A new attempt writes a new manifest."
        ),
        ActionRule(
            name: "output",
            priority: 8001,
            match: .init(codes: 8000...8999),
            action: .resubmit,
            why: "A new attempt writes new files."
        ),
        ActionRule(
            name: "agent-lost",
            priority: 800,
            match: .init(codes: 9001...9001),
            action: .resubmit,
            why: "The link may be down while the node works: the job is offered at once to those who are there."
        ),
        ActionRule(
            name: "agent-forgot",
            priority: 800,
            match: .init(codes: 9002...9002),
            action: .resubmit,
            parameters: .init(elsewhere: true),
            why: "An agent that forgets a job and has room for it would forget it again."
        ),
        ActionRule(
            name: "token",
            priority: 800,
            match: .init(codes: 9004...9005),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.2),
            why: "Somebody has to renew it."
        ),
        ActionRule(
            name: "never-started",
            priority: 800,
            match: .init(codes: 9007...9007),
            action: .resubmit,
            parameters: .init(elsewhere: true),
            why: "Its batch system is slow today."
        ),
        ActionRule(
            name: "centre-away",
            priority: 800,
            match: .init(codes: 9008...9010),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, pauseJitter: 0.3),
            why: "A service of ours does not answer."
        ),
        ActionRule(
            name: "agent-too-old",
            priority: 800,
            match: .init(codes: 9012...9012),
            action: .resubmit,
            parameters: .init(elsewhere: true, strike: .site),
            why: "Another site has been updated."
        ),
        ActionRule(
            name: "agent-drained",
            priority: 800,
            match: .init(codes: 9013...9013),
            action: .resubmit,
            why: "It was given back in order."
        ),
        ActionRule(
            name: "centre",
            priority: 8000,
            match: .init(codes: 9000...9999),
            action: .resubmit,
            parameters: .init(pauseSeconds: 5),
            why: "Our own fault is not the job's."
        ),
        ActionRule(
            name: "killed",
            priority: 900,
            match: .init(codes: 1109...1109),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, elsewhere: true),
            why: "A kill that nobody announced is the batch system's."
        ),
        ActionRule(
            name: "terminated",
            priority: 900,
            match: .init(codes: 1115...1115),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, elsewhere: true),
            why: "An end that nobody announced is the batch system's."
        ),
        ActionRule(
            name: "illegal-instruction",
            priority: 900,
            match: .init(codes: 1104...1104),
            action: .resubmit,
            parameters: .init(elsewhere: true, otherNode: true, limit: 5),
            why: "Other nodes are newer."
        ),
        ActionRule(
            name: "segmentation",
            priority: 900,
            match: .init(codes: 1111...1111),
            action: .resubmit,
            parameters: .init(otherNode: true, limit: 3),
            why: "Once or twice it is a race or a bad node."
        ),
        ActionRule(
            name: "bus-error",
            priority: 900,
            match: .init(codes: 1107...1107),
            action: .resubmit,
            parameters: .init(otherNode: true, limit: 3),
            why: "It is mostly a full disk behind a mapped file."
        ),
        ActionRule(
            name: "numeric",
            priority: 900,
            match: .init(codes: 1108...1108),
            action: .resubmit,
            parameters: .init(limit: 2),
            why: "The same numbers come again."
        ),
        ActionRule(
            name: "conditions",
            priority: 900,
            match: .init(codes: 1024...1024),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseGrowth: .squared, pauseJitter: 0.5),
            why: "All jobs that failed together must not come back together."
        ),
        ActionRule(
            name: "services",
            priority: 900,
            match: .init(codes: 1026...1028),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.5),
            why: "All jobs that failed together must not come back together."
        ),
        ActionRule(
            name: "asked-again",
            priority: 900,
            match: .init(codes: 1023...1023),
            action: .resubmit,
            why: "The payload asked for it."
        ),
        ActionRule(
            name: "generator",
            priority: 900,
            match: .init(codes: 1016...1016),
            action: .resubmit,
            parameters: .init(limit: 2),
            why: "Another seed is not given: the physics of every attempt is the same."
        ),
        ActionRule(
            name: "bad-event",
            priority: 900,
            match: .init(codes: 1017...1017),
            action: .resubmit,
            parameters: .init(otherNode: true, limit: 2),
            why: "The same event comes again."
        ),
        ActionRule(
            name: "payload-write",
            priority: 900,
            match: .init(codes: 1020...1020),
            action: .resubmit,
            parameters: .init(otherNode: true, limit: 3),
            why: "Writing depends on the node."
        ),
        ActionRule(
            name: "not-found-127",
            priority: 910,
            match: .init(codes: 1001...1001, pattern: #"exit code 12[67]\b"#),
            action: .resubmit,
            parameters: .init(elsewhere: true, limit: 2),
            why: "A command that one site lacks another may have."
        ),
        ActionRule(
            name: "merge-payload",
            priority: 920,
            match: .init(codes: 1000...1999, taskKind: "merge", blame: .payload),
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, limit: 4),
            why: "A merge mostly fails at reading, and much work hangs on it."
        ),
        ActionRule(
            name: "payload-of-site",
            priority: 930,
            match: .init(codes: 1000...1999, blame: .site),
            action: .resubmit,
            parameters: .init(elsewhere: true, otherNode: true, limit: 10),
            why: "The payload told what is wrong with the site."
        ),
        ActionRule(
            name: "payload-of-network",
            priority: 930,
            match: .init(codes: 1000...1999, blame: .network),
            action: .resubmit,
            parameters: .init(pauseSeconds: 120, pauseJitter: 0.3, elsewhere: true),
            why: "The payload told what is wrong with the network."
        ),
        ActionRule(
            name: "payload-of-infrastructure",
            priority: 930,
            match: .init(codes: 1000...1999, blame: .infrastructure),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.5),
            why: "The payload told which service is away."
        ),
        ActionRule(
            name: "payload-of-data",
            priority: 930,
            match: .init(codes: 1000...1999, blame: .data),
            action: .resubmit,
            parameters: .init(elsewhere: true, reportInput: true, limit: 3),
            why: "The payload told which file it could not read."
        ),
        ActionRule(
            name: "payload",
            priority: 8000,
            match: .init(codes: 1000...1999),
            action: .resubmit,
            why: "As often as the task allows."
        ),
        ActionRule(
            name: "limit",
            priority: 8000,
            match: .init(codes: 2000...2999),
            action: .resubmit,
            why: "As often as the task allows."
        ),
        ActionRule(
            name: "anything-else",
            priority: 9999,
            match: .init(),
            action: .resubmit,
            why: "Every failure gets a verdict."
        ),
    ]
}
