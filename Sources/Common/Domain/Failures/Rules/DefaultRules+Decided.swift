extension RuleSet {
    /// What is done about what a next attempt could not change, and what was ended on purpose.
    static let defaultDecided: [ActionRule] = [
        ActionRule(
            name: "cancelled",
            priority: 10,
            match: .init(codes: 9101...9101),
            action: .abort,
            why: "Nobody wants it any more."
        ),
        ActionRule(
            name: "superseded",
            priority: 10,
            match: .init(codes: 9102...9103),
            action: .abort,
            why: "The work is done, or its task is over."
        ),
        ActionRule(
            name: "duplicate-output",
            priority: 10,
            match: .init(codes: 8212...8212),
            action: .abort,
            why: "The work is done by another attempt."
        ),
        ActionRule(
            name: "moved",
            priority: 11,
            match: .init(codes: 9104...9105),
            action: .resubmit,
            parameters: .init(elsewhere: true),
            why: "It was ended to be run elsewhere."
        ),
        ActionRule(
            name: "definition",
            priority: 20,
            match: .init(codes: 3002...3002),
            action: .abort,
            why: "The description is the same at the next attempt."
        ),
        ActionRule(
            name: "payload-not-found",
            priority: 20,
            match: .init(codes: 1005...1005),
            action: .abort,
            why: "The command is the same at the next attempt."
        ),
        ActionRule(
            name: "arguments",
            priority: 20,
            match: .init(codes: 1006...1006),
            action: .abort,
            why: "The arguments are the same at the next attempt."
        ),
        ActionRule(
            name: "usage",
            priority: 25,
            match: .init(
                codes: 1001...1001,
                pattern: #"(?i)unrecogni[sz]ed (argument|option)s?|invalid option|exit code 64\b"#
            ),
            action: .abort,
            why: "The arguments are the same at the next attempt."
        ),
        ActionRule(
            name: "configuration",
            priority: 20,
            match: .init(codes: 1007...1007),
            action: .abort,
            why: "The configuration is the same at the next attempt."
        ),
        ActionRule(
            name: "module-missing",
            priority: 21,
            match: .init(codes: 1012...1012),
            action: .resubmit,
            parameters: .init(elsewhere: true, limit: 2),
            why: "One site may lack what the software forgot to name; two sites do not."
        ),
        ActionRule(
            name: "plug-in-missing",
            priority: 20,
            match: .init(codes: 1013...1013),
            action: .abort,
            why: "The name is the same at the next attempt."
        ),
        ActionRule(
            name: "geometry",
            priority: 20,
            match: .init(codes: 1014...1014),
            action: .pause,
            why: "Every job of the task would fail at it."
        ),
        ActionRule(
            name: "physics-list",
            priority: 20,
            match: .init(codes: 1015...1015),
            action: .pause,
            why: "Every job of the task would fail at it."
        ),
        ActionRule(
            name: "conditions-missing",
            priority: 20,
            match: .init(codes: 1025...1025),
            action: .pause,
            why: "Every job of the task would fail at it."
        ),
        ActionRule(
            name: "code-missing",
            priority: 20,
            match: .init(codes: 4031...4031),
            action: .abort,
            parameters: .init(task: .abort),
            why: "The user's code is gone: no job of the task can run."
        ),
        ActionRule(
            name: "archive-broken",
            priority: 20,
            match: .init(codes: 3007...3007),
            action: .abort,
            parameters: .init(task: .pause),
            why: "The archive is the same for every job."
        ),
        ActionRule(
            name: "image-missing",
            priority: 20,
            match: .init(codes: 4022...4022),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, elsewhere: true, limit: 2),
            why: "A site may cache images; two sites do not lack the same by chance."
        ),
        ActionRule(
            name: "image-not-in-registry",
            priority: 21,
            match: .init(codes: 4023...4023, blame: .definition),
            action: .abort,
            parameters: .init(task: .pause),
            why: "The registry does not have the image: no job of the task can run."
        ),
        ActionRule(
            name: "output-name",
            priority: 20,
            match: .init(codes: 8004...8004),
            action: .abort,
            parameters: .init(task: .pause),
            why: "The name is made the same way for every job."
        ),
        ActionRule(
            name: "inputs-mixed",
            priority: 20,
            match: .init(codes: 7020...7020),
            action: .abort,
            why: "The inputs are the same at the next attempt."
        ),
    ]
}
