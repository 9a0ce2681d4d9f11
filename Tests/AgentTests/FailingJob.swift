import Domain
import Messages

/// A job that fails, and what is reported of it.
struct FailingJob: Sendable {
    let name: String
    let steps: [StepTemplate]
    let codes: [Int]
    var requirement = Requirement(memoryMB: 500, walltimeSeconds: 600)
    /// Of the first failure; nil: any.
    var words: String?
    /// Of the last step.
    var exitCode: Int?
    var signal: Int?

    init(
        _ name: String,
        _ script: String,
        _ codes: [Int],
        exitCode: Int? = nil,
        signal: Int? = nil,
        words: String? = nil,
        requirement: Requirement = Requirement(memoryMB: 500, walltimeSeconds: 600)
    ) {
        self.init(name, [Sample.step("s", script)], codes)
        self.exitCode = exitCode
        self.signal = signal
        self.words = words
        self.requirement = requirement
    }

    init(
        _ name: String,
        _ steps: [StepTemplate],
        _ codes: [Int],
        exitCode: Int? = nil,
        signal: Int? = nil,
        words: String? = nil
    ) {
        self.name = name
        self.steps = steps
        self.codes = codes
        self.exitCode = exitCode
        self.signal = signal
        self.words = words
    }

    /// - Parameter mark: a file that a rescue step makes.
    static func all(mark: String) -> [FailingJob] { Self.ends(mark) + Self.limits + Self.outputs + Self.reports }

    private static func ends(_ mark: String) -> [FailingJob] {
        [
            FailingJob("exit", "echo boom; exit 3", [1001], exitCode: 3, words: "exit code 3 in step s: boom"),
            FailingJob("kill", "kill -9 $$$$", [1109], signal: 9),
            FailingJob("abort", "kill -6 $$$$", [1106], signal: 6),
            FailingJob("words", "echo MemoryError; exit 1", [1001, 2007], exitCode: 1),
            FailingJob(
                "words of an earlier step",
                [Sample.step("a", "echo MemoryError"), Sample.step("b", "exit 1")],
                [1001],
                exitCode: 1,
                words: "exit code 1 in step b"
            ),
            FailingJob("program", [StepTemplate(name: "s", command: ["no-such-program"])], [1005]),
            FailingJob("variable", [StepTemplate(name: "s", command: ["/bin/echo", "${nothing}"])], [3002]),
            FailingJob(
                "rescue",
                [Sample.step("s", "exit 4"), Sample.step("r", "touch \(mark); exit 5", rescue: true)],
                [1001, 1001],
                exitCode: 5
            ),
        ]
    }

    private static let limits = [
        FailingJob(
            "memory",  // it holds what it took until it is ended for that
            "exec python3 -c 'x = bytearray(900000000)\nimport time\ntime.sleep(600)'",
            [2002],
            signal: 9
        ),
        FailingJob(
            "wall time",
            "sleep 600 & sleep 600",
            [2001],
            signal: 9,
            words: "step s ran longer than 1 s and was ended",
            requirement: Requirement(memoryMB: 500, walltimeSeconds: 1)
        ),
        FailingJob(
            "disk",
            "head -c 9000000 /dev/zero > big; sleep 600",
            [2003],
            signal: 9,
            requirement: Requirement(memoryMB: 500, walltimeSeconds: 600, diskMB: 1)
        ),
    ]

    private static let outputs = [
        FailingJob(
            "no output",
            #"echo '{"events_read":10,"outputs":{"main":{"events":9}}}' > $MILLRACE_REPORT"#,
            [8001],
            exitCode: 0
        ),
        FailingJob(
            "too few events",
            #"echo x > out.txt; echo '{"events_read":9,"outputs":{"main":{"events":9}}}' > $MILLRACE_REPORT"#,
            [1003],
            exitCode: 0
        ),
        FailingJob("no report", "echo x > out.txt", [1004], exitCode: 0),
    ]

    private static let reports = [
        FailingJob(
            "own report, exit code 0",
            #"\#(Sample.goodScript); echo '{"failures":[{"code":1017,"diagnostic":"event 7"}]}' > $MILLRACE_REPORT"#,
            [1017],
            exitCode: 0,
            words: "event 7"
        ),
        FailingJob("broken own report, exit code 2", "echo { > $MILLRACE_REPORT; exit 2", [1001, 1004], exitCode: 2),
        FailingJob(
            "cms",
            #"echo '<FrameworkJobReport><FrameworkError ExitStatus="8021">x</FrameworkError></FrameworkJobReport>' "#
                + "> FrameworkJobReport.xml; exit 85",
            [7009],
            exitCode: 85,
            words: "cms 8021 (FileReadError): x (exit code 85 in step s)"
        ),
        FailingJob(
            "cms, exit code 0",
            #"\#(Sample.goodScript); echo '<FrameworkJobReport><FrameworkError ExitStatus="8501" Type="G"/>"#
                + "</FrameworkJobReport>' > FrameworkJobReport.xml",
            [1016],
            exitCode: 0,
            words: "cms 8501 (G)"
        ),
        FailingJob(
            "panda, success that is none",
            #"echo '{"exitCode": 0}' > jobReport.json; exit 7"#,
            [1001],
            exitCode: 7,
            words: "exit code 7 in step s, though its report tells of success"
        ),
        FailingJob(
            "panda, cut off",
            #"echo '{"exitCode": 65, "exi' > jobReport.json; exit 65"#,
            [1001, 1004],
            exitCode: 65
        ),
        FailingJob(
            "too large",
            "\(Sample.goodScript); head -c 17000000 /dev/zero > jobReport.json",
            [1004],
            exitCode: 0
        ),
        // A link may lead anywhere, and a FIFO never ends: neither is a report.
        FailingJob(
            "no file",
            "ln -s /etc/passwd jobReport.json; mkfifo FrameworkJobReport.xml; exit 8",
            [1001],
            exitCode: 8
        ),
        FailingJob(
            "report of an earlier step",
            [Sample.step("a", #"echo '{"exitCode": 0}' > jobReport.json"#), Sample.step("b", "exit 9")],
            [1001],
            exitCode: 9,
            words: "exit code 9 in step b"
        ),
    ]
}
