import Domain
import Messages
import Testing

@testable import CLI

@Suite struct ProgressTests {
    private static let rows: [JSON] = [
        .group(["request": .integer(1), "title": .text("generate uds91"), "state": .text("finished")]),
        .group(["request": .integer(2), "title": .text("simulate"), "state": .text("running")]),
        .group(["request": .integer(3), "title": .text("compare"), "state": .text("approved")]),
    ]

    private static func task(
        _ request: Int64,
        _ position: Int64,
        _ state: String,
        jobs: JSON,
        done: Int64 = 0,
        active: Int64 = 0
    ) -> JSON {
        .group([
            "request": .integer(request), "position": .integer(position), "state": .text(state), "jobs_total": jobs,
            "jobs_done": .integer(done), "jobs_active": .integer(active), "jobs_aborted": .integer(0),
            "jobs_recovering": .integer(0), "events_done": .integer(done * 500),
        ])
    }

    private static let progress = Progress(
        requests: rows,
        tasks: [
            task(1, 0, "done", jobs: .integer(20), done: 20), task(2, 1, "waiting", jobs: .nothing),
            task(2, 0, "running", jobs: .integer(10), done: 5, active: 2), task(3, 0, "waiting", jobs: .nothing),
        ],
        stats: .group(["rates": .group(["events_per_second": .number(123.44)])]),
        verdicts: [
            .group([
                "at": .text("2026-11-21T02:01:10.000123+00:00"), "task": .integer(2), "index": .integer(4),
                "attempt": .integer(1),
                "action": .text("resubmit"), "blame": .text("site"), "code": .integer(5001),
                "diagnostic": .text("disk\nfull"),
            ])
        ]
    )

    private static func view(_ progress: Progress = progress, width: Int = 100) -> ProgressView {
        ProgressView(progress: progress, elapsed: 62, width: width, colours: false)
    }

    @Test func theScreenShowsEveryRequest() {
        #expect(
            Self.view().lines == [
                "1 of 3 requests have ended, 1m02s",
                "",
                "generate uds91  [########################] 100%  finished  20/20 jobs",
                "simulate        [######..................]  25%  running  5/10 jobs",
                "compare         [........................]   0%  approved",
                "",
                "jobs: 25 done, 2 active, 3 waiting, 0 failed; 123.4 events/s",
                "",
                "last verdicts",
                "  2026-11-21 02:01:10  2.4.1  resubmit (site, 5001): disk full",
            ]
        )
    }

    @Test func noLineIsWiderThanTheTerminal() {
        #expect(Self.view(width: 30).lines.allSatisfy { $0.count <= 30 })
    }

    @Test func redrawingGoesBackOverTheOldScreen() {
        let view = Self.view()
        #expect(view.redraw(over: 0).hasPrefix("1 of 3"))
        #expect(view.redraw(over: 10).hasPrefix("\u{1b}[10A\r\u{1b}[J1 of 3"))
    }

    @Test func aLogGetsOneLine() {
        #expect(
            Self.view().summary
                == "1m02s: 1 of 3 requests have ended; jobs: 25 done, 2 active, 3 waiting, 0 failed; 123.4 events/s"
        )
    }

    @Test func allHaveEndedOnlyWhenEachHas() {
        #expect(!Self.progress.haveAllEnded)
        var ended = Self.progress
        ended.requests = ended.requests.filter(\.hasEnded)
        #expect(ended.haveAllEnded)
    }
}

@Suite struct DemoPlanTests {
    /// The folder of the study, from where this file is.
    private static let examples =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/examples/tpc-endplate"

    @Test func theWorkflowsOfTheStudyCanBeAddedAndPlanned() throws {
        let documents = try DemoPlan.workflowFiles.map { try WorkflowFile.read("\(Self.examples)/\($0)").document }
        for request in DemoPlan.requests {
            let document = try #require(documents.first { $0.name == request.body["workflow"]?.text })
            guard case .group(let given)? = request.body["parameters"] else {
                throw CommandFailure(.failed, "no parameters")
            }
            let tasks = try document.plan(given: given.compactMapValues(\.text), request: 1, defaultHome: "HOME-DISK")
            #expect(tasks.allSatisfy { $0.requirement.memoryMB == 1500 && $0.requirement.cores == 1 })
            if document.name == "tpc-generate" { #expect(tasks.map(\.jobs) == [20]) }
            if document.name == "tpc-simulate" {
                #expect(tasks.map(\.kind) == ["process", "merge"])
                #expect(tasks[0].events == 5000 && tasks[0].eventsPerJob == 500)
            }
        }
    }

    @Test func theComparisonReadsWhatTheSimulationsMake() throws {
        let simulate = try WorkflowFile.read("\(Self.examples)/simulate.yaml").document
        let compare = try WorkflowFile.read("\(Self.examples)/compare.yaml").document
        var made: Set<String> = []
        for (sample, _) in DemoPlan.samples {
            for model in DemoPlan.models {
                let plan = try simulate.plan(
                    given: ["sample": sample, "model": model],
                    request: 1,
                    defaultHome: "HOME-DISK"
                )
                made.insert(plan[1].outputs[0].dataset)
            }
        }
        let read = try compare.plan(given: [:], request: 2, defaultHome: "HOME-DISK")[0].inputs.compactMap(\.dataset)
        #expect(read.count == 9)
        #expect(Set(read) == made)
    }

    @Test func theStudyIsThreeGenerationsNineSimulationsAndAComparison() {
        let requests = DemoPlan.requests
        #expect(requests.count == 13)
        #expect(requests.filter { $0.body["workflow"]?.text == "tpc-generate" }.count == 3)
        let simulations = requests.filter { $0.body["workflow"]?.text == "tpc-simulate" }
        #expect(simulations.count == 9)
        #expect(simulations.allSatisfy { $0.owner == "steve" })
        #expect(Set(requests.map(\.title)).count == 13)
    }

    @Test func submissionsAreUUIDsThatDependOnTheTitleAlone() {
        let submissions = DemoPlan.requests.compactMap { $0.body["submission"]?.text }
        #expect(Set(submissions).count == 13)
        #expect(submissions == DemoPlan.requests.compactMap { $0.body["submission"]?.text })
        for submission in submissions {
            #expect(
                submission.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil
            )
        }
    }

    @Test func modelsOfOneSampleShareTheirSeedAndSamplesDoNot() {
        let seeds = DemoPlan.requests.filter { $0.owner != nil }.map {
            ($0.body["sample"]?.text ?? "", $0.body["seed"]?.integer ?? 0)
        }
        for (sample, _) in DemoPlan.samples { #expect(Set(seeds.filter { $0.0 == sample }.map(\.1)).count == 1) }
        #expect(Set(seeds.map(\.1)).count == 3)
    }
}
