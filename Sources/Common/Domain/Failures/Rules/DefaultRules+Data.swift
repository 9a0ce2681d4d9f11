extension RuleSet {
    /// What is done about input and output.
    static let defaultData: [ActionRule] = [
        ActionRule(
            name: "input-missing",
            priority: 600,
            match: .init(codes: 7001...7001),
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, reportInput: true, limit: 10),
            why: "Another replica first; the file is condemned only when more than one symptom is seen."
        ),
        ActionRule(
            name: "input-damaged",
            priority: 600,
            match: .init(codes: 7006...7007),
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, reportInput: true, limit: 10),
            why: "Another replica first; the file is condemned only when more than one symptom is seen."
        ),
        ActionRule(
            name: "input-checksum",
            priority: 600,
            match: .init(codes: 7002...7002),
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, reportInput: true, limit: 10),
            why: "Another replica first; the file is condemned only when more than one symptom is seen."
        ),
        ActionRule(
            name: "input-open-report",
            priority: 600,
            match: .init(codes: 7008...7009, attempts: 3...RuleCheck.attempts.upperBound),
            action: .resubmit,
            parameters: .init(elsewhere: true, reportInput: true, limit: 6),
            why: "The third attempt that cannot read a file makes it suspicious."
        ),
        ActionRule(
            name: "input-open",
            priority: 601,
            match: .init(codes: 7008...7009),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, elsewhere: true, limit: 10),
            why: "One file that does not open is mostly one busy server: another site first, and no word on the file."
        ),
        ActionRule(
            name: "input-slow",
            priority: 600,
            match: .init(codes: 7010...7010),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseGrowth: .squared, pauseJitter: 0.3, elsewhere: true),
            why: "Servers that are overloaded need longer and longer pauses."
        ),
        ActionRule(
            name: "input-timeout",
            priority: 600,
            match: .init(codes: 7004...7004),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseGrowth: .squared, pauseJitter: 0.3, elsewhere: true),
            why: "Servers that are overloaded need longer and longer pauses."
        ),
        ActionRule(
            name: "input-busy",
            priority: 600,
            match: .init(codes: 7019...7019),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseGrowth: .squared, pauseJitter: 0.3, elsewhere: true),
            why: "Servers that are overloaded need longer and longer pauses."
        ),
        ActionRule(
            name: "input-permission",
            priority: 600,
            match: .init(codes: 7005...7005),
            action: .resubmit,
            parameters: .init(pauseSeconds: 600, elsewhere: true, strike: .site, limit: 10),
            why: "Every file of that storage fails alike."
        ),
        ActionRule(
            name: "input-credential",
            priority: 600,
            match: .init(codes: 7018...7018),
            action: .resubmit,
            parameters: .init(pauseSeconds: 600, pauseJitter: 0.2),
            why: "Somebody has to renew it."
        ),
        ActionRule(
            name: "no-replica",
            priority: 600,
            match: .init(codes: 7011...7011),
            action: .resubmit,
            parameters: .init(pauseSeconds: 3_600, pauseGrowth: .fixed, reportInput: true, limit: 5),
            why: "A replica may be on its way."
        ),
        ActionRule(
            name: "input-on-tape",
            priority: 600,
            match: .init(codes: 7012...7012),
            action: .resubmit,
            parameters: .init(pauseSeconds: 1_800, pauseJitter: 0.2, pauseLimitSeconds: 21_600, limit: 40),
            why: "Tape takes hours."
        ),
        ActionRule(
            name: "input-space",
            priority: 600,
            match: .init(codes: 7013...7013),
            action: .resubmit,
            parameters: .init(elsewhere: true, otherNode: true, strike: .node),
            why: "The disk of the node is full."
        ),
        ActionRule(
            name: "input-content",
            priority: 600,
            match: .init(codes: 7014...7015),
            action: .resubmit,
            parameters: .init(elsewhere: true, reportInput: true, limit: 2),
            why: "Once it is a bad copy; twice it is the file."
        ),
        ActionRule(
            name: "input-empty",
            priority: 600,
            match: .init(codes: 7021...7021),
            action: .resubmit,
            parameters: .init(elsewhere: true, reportInput: true, limit: 2),
            why: "Once it is a bad copy; twice it is the file."
        ),
        ActionRule(
            name: "input-declared-bad",
            priority: 600,
            match: .init(codes: 7022...7022),
            action: .resubmit,
            parameters: .init(pauseSeconds: 1_800, pauseGrowth: .fixed),
            why: "The file is being recovered."
        ),
        ActionRule(
            name: "input-catalogue",
            priority: 600,
            match: .init(codes: 7017...7017),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.3),
            why: "A service for everybody does not answer."
        ),
        ActionRule(
            name: "input-secondary",
            priority: 600,
            match: .init(codes: 7024...7024),
            action: .resubmit,
            parameters: .init(pauseSeconds: 900, elsewhere: true, limit: 5),
            why: "Another site may have the dataset."
        ),
        ActionRule(
            name: "output-missing",
            priority: 700,
            match: .init(codes: 8001...8003),
            action: .resubmit,
            parameters: .init(limit: 2),
            why: "Once it is chance; twice the payload does not write it."
        ),
        ActionRule(
            name: "stage-out-full",
            priority: 700,
            match: .init(codes: 8103...8103),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.2, elsewhere: true, strike: .site),
            why: "It stays full until somebody frees it."
        ),
        ActionRule(
            name: "stage-out-closed",
            priority: 700,
            match: .init(codes: 8112...8113),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.2, elsewhere: true, strike: .site),
            why: "It stays closed until somebody repairs it."
        ),
        ActionRule(
            name: "stage-out-timeout",
            priority: 700,
            match: .init(codes: 8104...8104),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, pauseGrowth: .squared, pauseJitter: 0.3),
            why: "Servers that are overloaded need longer and longer pauses."
        ),
        ActionRule(
            name: "stage-out-busy",
            priority: 700,
            match: .init(codes: 8111...8111),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, pauseGrowth: .squared, pauseJitter: 0.3),
            why: "Servers that are overloaded need longer and longer pauses."
        ),
        ActionRule(
            name: "stage-out-permission",
            priority: 700,
            match: .init(codes: 8102...8102),
            action: .resubmit,
            parameters: .init(pauseSeconds: 600, elsewhere: true, strike: .site, limit: 10),
            why: "Every job of the site fails at it."
        ),
        ActionRule(
            name: "stage-out-credential",
            priority: 700,
            match: .init(codes: 8108...8108),
            action: .resubmit,
            parameters: .init(pauseSeconds: 600, pauseJitter: 0.2),
            why: "Somebody has to renew it."
        ),
        ActionRule(
            name: "stage-out-exists",
            priority: 700,
            match: .init(codes: 8107...8107),
            action: .resubmit,
            parameters: .init(limit: 5),
            why: "The next attempt has another name."
        ),
        ActionRule(
            name: "stage-out-source",
            priority: 700,
            match: .init(codes: 8101...8101, blame: .payload),
            action: .resubmit,
            parameters: .init(limit: 2),
            why: "Once it is chance; twice the payload does not write it."
        ),
        ActionRule(
            name: "books-away",
            priority: 700,
            match: .init(codes: 8210...8211),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, pauseJitter: 0.3),
            why: "A service of ours does not answer."
        ),
    ]
}
