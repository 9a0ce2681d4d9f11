extension RuleSet {
    /// What is done about limits: memory, time, disk.
    static let defaultLimits: [ActionRule] = [
        ActionRule(
            name: "memory-first",
            priority: 200,
            match: .init(codes: 2002...2002, attempts: 1...1),
            action: .resubmit,
            parameters: .init(otherNode: true),
            why: "Much of it is chance: what else ran, or the order of threads. First again, then with more."
        ),
        ActionRule(
            name: "memory-more",
            priority: 201,
            match: .init(codes: 2002...2002),
            action: .resubmit,
            parameters: .init(moreMemory: true, taskShare: 0.3),
            why: "The second time it is not chance."
        ),
        ActionRule(
            name: "memory-killed-first",
            priority: 200,
            match: .init(codes: 2004...2008, attempts: 1...1),
            action: .resubmit,
            parameters: .init(otherNode: true),
            why: "Much of it is chance: what else ran, or the order of threads. First again, then with more."
        ),
        ActionRule(
            name: "memory-killed-more",
            priority: 201,
            match: .init(codes: 2004...2008),
            action: .resubmit,
            parameters: .init(moreMemory: true, taskShare: 0.3),
            why: "The second time it is not chance."
        ),
        ActionRule(
            name: "memory-kernel-node",
            priority: 199,
            match: .init(codes: 2006...2006, blame: .site),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node),
            why: "The whole node was full."
        ),
        ActionRule(
            name: "memory-batch-removed",
            priority: 200,
            match: .init(codes: 6001...6001, pattern: #"(?i)out of memory|oom.?kill|memory limit|vmem"#),
            action: .resubmit,
            parameters: .init(moreMemory: true),
            why: "Some batch systems say it in words only."
        ),
        ActionRule(
            name: "memory-in-words",
            priority: 210,
            match: .init(
                codes: 1000...1999,
                pattern: #"(?i)bad_alloc|MemoryError|out of memory|cannot allocate memory"#,
                blame: .payload
            ),
            action: .resubmit,
            parameters: .init(moreMemory: true, limit: 6),
            why: "The payload noticed it before any limit did."
        ),
        ActionRule(
            name: "memory-shared",
            priority: 200,
            match: .init(codes: 2009...2009),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node),
            why: "It stays full until somebody clears it."
        ),
        ActionRule(
            name: "memory-device",
            priority: 200,
            match: .init(codes: 2010...2010),
            action: .resubmit,
            parameters: .init(elsewhere: true, limit: 3),
            why: "Another site may have larger cards."
        ),
        ActionRule(
            name: "wall-time-first",
            priority: 200,
            match: .init(codes: 2001...2001, attempts: 1...1),
            action: .resubmit,
            parameters: .init(otherNode: true),
            why: "It is often one slow node."
        ),
        ActionRule(
            name: "wall-time-more",
            priority: 201,
            match: .init(codes: 2001...2001, attempts: 2...2),
            action: .resubmit,
            parameters: .init(moreTime: 1.5),
            why: "The second time it is the job."
        ),
        ActionRule(
            name: "wall-time-split",
            priority: 201,
            match: .init(codes: 2001...2001, attempts: 3...RuleCheck.attempts.upperBound),
            action: .resubmit,
            parameters: .init(moreTime: 1.5, split: 2),
            why: "More time did not do; half the events will."
        ),
        ActionRule(
            name: "time-limit",
            priority: 200,
            match: .init(codes: 2011...2013),
            action: .resubmit,
            parameters: .init(moreTime: 1.5, limit: 4),
            why: "It needs more than it asked for."
        ),
        ActionRule(
            name: "time-batch-removed",
            priority: 200,
            match: .init(codes: 6001...6001, pattern: #"(?i)wall.?time|time limit|cput\b"#),
            action: .resubmit,
            parameters: .init(moreTime: 1.5, limit: 4),
            why: "Some batch systems say it in words only."
        ),
        ActionRule(
            name: "signal-cpu-time",
            priority: 200,
            match: .init(codes: 1124...1124),
            action: .resubmit,
            parameters: .init(moreTime: 1.5, limit: 4),
            why: "SIGXCPU is a limit that nobody announced."
        ),
        ActionRule(
            name: "slot-too-short",
            priority: 200,
            match: .init(codes: 2014...2014),
            action: .resubmit,
            parameters: .init(elsewhere: true),
            why: "Another site has longer slots."
        ),
        ActionRule(
            name: "disk-first",
            priority: 200,
            match: .init(codes: 2003...2003, attempts: 1...1),
            action: .resubmit,
            parameters: .init(otherNode: true),
            why: "It may have been what an earlier job left behind."
        ),
        ActionRule(
            name: "disk-split",
            priority: 201,
            match: .init(codes: 2003...2003),
            action: .resubmit,
            parameters: .init(split: 2),
            why: "Half the events write half as much."
        ),
        ActionRule(
            name: "disk-batch",
            priority: 200,
            match: .init(codes: 2024...2024),
            action: .resubmit,
            parameters: .init(split: 2),
            why: "Half the events write half as much."
        ),
        ActionRule(
            name: "output-too-large",
            priority: 200,
            match: .init(codes: 2021...2021),
            action: .resubmit,
            parameters: .init(split: 2, limit: 4),
            why: "Half the events write half as much."
        ),
        ActionRule(
            name: "log-too-large",
            priority: 200,
            match: .init(codes: 2022...2022),
            action: .abort,
            why: "It would repeat itself."
        ),
        ActionRule(
            name: "inputs-too-large",
            priority: 200,
            match: .init(codes: 2023...2023),
            action: .resubmit,
            parameters: .init(split: 2, limit: 4),
            why: "Half the events may need fewer files."
        ),
        ActionRule(
            name: "too-many-files",
            priority: 200,
            match: .init(codes: 2025...2025),
            action: .abort,
            why: "It would make as many again."
        ),
        ActionRule(
            name: "process-limits",
            priority: 200,
            match: .init(codes: 2031...2034),
            action: .resubmit,
            parameters: .init(elsewhere: true, limit: 2),
            why: "Sites differ in these limits; two do not differ enough."
        ),
        ActionRule(
            name: "looping",
            priority: 200,
            match: .init(codes: 2041...2043),
            action: .resubmit,
            parameters: .init(elsewhere: true, limit: 2),
            why: "Once it is a hung mount or a lost connection; twice it is the job."
        ),
        ActionRule(
            name: "cpu-overuse",
            priority: 200,
            match: .init(codes: 2051...2051),
            action: .resubmit,
            parameters: .init(limit: 2),
            why: "It would use as many again."
        ),
    ]
}
