import Domain
import Testing

/// What a new version of a request does, given what the version before did.
@Suite struct ContinuationTests {
    private static let inputs = [
        "skim": [InputTemplate(task: "generate", stream: "gen")], "merge": [InputTemplate(task: "skim", stream: "a")],
    ]

    private static func plan(
        _ name: String,
        _ kind: String? = nil,
        events: Int64? = nil,
        stream: String = "a"
    ) -> TaskPlan {
        TaskPlan(
            name: name,
            position: 0,
            kind: kind ?? name,
            events: events,
            eventsPerJob: 10,
            inputs: Self.inputs[name] ?? [],
            requirement: Requirement(),
            allowedLoss: 0,
            maxAttempts: 3,
            scouts: 0,
            outputs: [
                PlannedOutput(stream: stream, file: "x", dataset: "2.\(name).\(stream)", home: "home", counted: true)
            ],
            steps: [],
            software: [],
            sandbox: []
        )
    }

    private static let new = [Self.plan("generate", events: 100, stream: "gen"), Self.plan("skim"), Self.plan("merge")]

    private static func earlier(
        _ plan: TaskPlan,
        request: Int64 = 1,
        state: TaskState = .aborted,
        first: Int64 = 0,
        events: Int64? = nil,
        done: Int64 = 0,
        files: EarlierTask.Files = .init()
    ) -> EarlierTask {
        EarlierTask(
            task: Int64(plan.name.count),
            request: request,
            state: state,
            plan: plan,
            firstEvent: first,
            events: events,
            eventsDone: done,
            files: files,
            outputs: Dictionary(uniqueKeysWithValues: plan.outputs.map { ($0.stream, ["1.\(plan.name).\($0.stream)"]) })
        )
    }

    /// 40 of 100 events were made, of four files three were skimmed, of those one was merged.
    private static let old = [
        Self.earlier(Self.new[0], events: 100, done: 40),
        Self.earlier(Self.new[1], done: 30, files: .init(count: 4, read: 3, events: 40, eventsRead: 30)),
        Self.earlier(Self.new[2], done: 10, files: .init(count: 3, read: 1, events: 30, eventsRead: 10)),
    ]

    private static func tasks(
        _ new: [TaskPlan] = Self.new,
        after old: [EarlierTask] = Self.old
    ) throws(ContinuationProblem) -> [ContinuedTask] {
        try Continuation.tasks(new, after: old, request: 1, version: 2)
    }

    @Test func whatIsMadeAnewHasNumbersOfItsOwn() throws {
        let generate = try #require(try Self.tasks().first)
        #expect(generate.plan.events == 60 && generate.plan.jobs == 6 && generate.plan.firstEvent == 100)
        #expect(generate.plan.continues == 8)
        // A third version begins behind the second.
        let second = Self.earlier(Self.new[0], request: 2, first: 100, events: 60, done: 10)
        let next = try Continuation.tasks([Self.new[0]], after: [second], request: 2, version: 3)
        let third = try #require(next.first)
        #expect(third.plan.events == 50 && third.plan.firstEvent == 160)
        #expect(
            third.line(after: 2) == "task generate (generate): 10 of 60 events are made, 50 are left, numbered from 160"
        )
    }

    @Test func whatTheOldSiblingsWroteIsReadToo() throws {
        let tasks = try Self.tasks()
        #expect(tasks[1].plan.inputs == Self.new[1].inputs + [InputTemplate(dataset: "1.generate.gen")])
        #expect(tasks[2].plan.inputs == Self.new[2].inputs + [InputTemplate(dataset: "1.skim.a")])
        #expect(tasks.allSatisfy { $0.plan.continues != nil })
        #expect(
            tasks[1].line(after: 1)
                == "task skim (skim): 3 of 4 files are read, 30 of 40 events; 1 files with 10 events are left, and what generate will make"
        )
    }

    @Test func aTaskThatReadEverythingWaitsForWhatComes() throws {
        var old = Self.old
        old[1] = Self.earlier(
            Self.new[1],
            done: 40,
            files: .init(count: 4, read: 4, events: 40, eventsRead: 40)
        )
        #expect(
            try Self.tasks(after: old)[1].line(after: 1)
                == "task skim (skim): 4 of 4 files are read, 40 of 40 events; none is left but what generate will make"
        )
    }

    @Test func aNewTaskReadsEverything() throws {
        var third = Self.plan("merge")
        third.name = "count"
        let tasks = try Self.tasks(Self.new + [third])
        #expect(tasks[3].plan.continues == nil && tasks[3].earlier == nil)
        #expect(tasks[3].plan.inputs == third.inputs + [InputTemplate(dataset: "1.skim.a")])
    }

    /// The merge was done, and request 2 had none: a third version that has one again does not begin afresh.
    @Test func aTaskThatWasLeftOutGoesOnWithWhatItDid() throws {
        var new = Self.new
        new[2].outputs[0].dataset = "1.merge.a"
        let old = [
            Self.earlier(new[0], request: 2, first: 100, events: 60, done: 10),
            Self.earlier(new[1], request: 2, files: .init(count: 4, events: 40)),
            Self.earlier(
                Self.new[2],
                state: .done,
                done: 30,
                files: .init(count: 3, read: 3, events: 30, eventsRead: 30)
            ),
        ]
        let merge = try Continuation.tasks(new, after: old, request: 2, version: 3)[2]
        #expect(merge.plan.continues == old[2].task && merge.plan.outputs[0].dataset == "1.merge.a.v3")
        #expect(
            merge.line(after: 2)
                == "task merge (merge), as request 1 left it: 3 of 3 files are read, 30 of 30 events; none is left but what skim will make"
        )
        new[2].kind = "process"
        do {
            _ = try Continuation.tasks(new, after: old, request: 2, version: 3)
            Issue.record("another kind was not refused")
        } catch {
            #expect(error.description.hasPrefix("task merge is a process task and in request 1 a merge one"))
        }
        // What was left out before may be left out again: that nothing was left of it was asked then.
        let unread = Self.earlier(Self.new[2], files: .init(count: 3, events: 30))
        let others = Array(new.prefix(2))
        let again = try Continuation.tasks(others, after: [old[0], old[1], unread], request: 2, version: 3)
        #expect(again.count == 2)
    }

    /// Nothing is left of what is lost with a file, and it is told.
    @Test func whatIsLostWithItsInputsIsTold() throws {
        var old = Self.old
        old[1] = Self.earlier(
            Self.new[1],
            done: 40,
            files: .init(count: 4, read: 4, events: 40, eventsRead: 40, lost: 20)
        )
        #expect(old[1].isComplete)
        #expect(
            try Self.tasks(after: old)[1].line(after: 1)
                == "task skim (skim): 4 of 4 files are read, 40 of 40 events; none is left but what generate will make; 20 events are lost with their inputs"
        )
    }

    @Test func aLimitIsForAllVersionsTogether() throws {
        var limited = Self.new[1]
        limited.events = 35
        var old = Self.old
        old[1] = Self.earlier(
            limited,
            events: 35,
            done: 30,
            files: .init(count: 4, read: 3, events: 40, eventsRead: 30)
        )
        let tasks = try Self.tasks([Self.new[0], limited, Self.new[2]], after: old)
        #expect(tasks[1].plan.events == 5 && old[1].eventsLeft == 5)
        old[1] = Self.earlier(
            limited,
            events: 35,
            done: 35,
            files: .init(count: 4, read: 3, half: 1, events: 40, eventsRead: 35)
        )
        let full = try Self.tasks([Self.new[0], limited, Self.new[2]], after: old)
        #expect(full[1].plan.events == 0 && old[1].isComplete)
    }

    /// A name that an earlier version fills gets the number of the version; others stay.
    @Test func datasetsHaveNamesOfTheirOwn() throws {
        var new = Self.new
        new[2].outputs[0].dataset = "1.merge.a"
        let tasks = try Self.tasks(new)
        #expect(tasks[2].plan.outputs[0].dataset == "1.merge.a.v2" && tasks[1].plan.outputs[0].dataset == "2.skim.a")
    }

    private static func refusal(_ new: [TaskPlan], _ old: [EarlierTask] = Self.old) -> String {
        do {
            _ = try Self.tasks(new, after: old)
            return "none"
        } catch {
            return error.description
        }
    }

    @Test func whatCannotGoOnIsRefused() {
        var other = Self.new
        other[1].kind = "process"
        #expect(Self.refusal(other).hasPrefix("task skim is a process task and in request 1 a skim one"))
        other = Self.new
        other[1].inputs = [InputTemplate(dataset: "far")]
        #expect(Self.refusal(other).hasPrefix("task skim reads something else than in request 1"))
        other = Self.new
        other[0].events = 200
        #expect(Self.refusal(other).hasPrefix("task generate is for 200 events, in request 1 for 100 events"))
        #expect(Self.refusal(Array(Self.new.prefix(2))).hasPrefix("task merge of request 1 is not done"))
        other = Self.new
        other[0].name = "make"
        #expect(Self.refusal(other, Array(Self.old.dropFirst())).hasPrefix("task make makes events"))
        var half = Self.old
        half[2] = Self.earlier(
            Self.new[2],
            files: .init(count: 3, half: 1, events: 30, eventsRead: 5, firstHalf: "/a/b")
        )
        #expect(Self.refusal(Self.new, half).contains("1 files were read in part, the first is /a/b"))
        half[1] = Self.earlier(
            Self.new[1],
            files: .init(count: 3, half: 1, events: 30, eventsRead: 5, firstHalf: "/a/b")
        )
        half[2] = Self.old[2]
        #expect(Self.refusal(Self.new, half) == "none", "a skim goes on in the middle of a file")
        other = Self.new
        other[2].inputs = [InputTemplate(task: "skim", stream: "b")]
        half = Self.old
        half[2] = Self.earlier(other[2])
        #expect(Self.refusal(other, half).hasPrefix("task merge reads stream b of skim, which request 1 did not write"))
    }

    /// A task of which nothing is left may be missing, unless what it reads is still to come.
    @Test func onlyWhatIsDoneMayBeMissing() {
        let done = EarlierTask.Files(count: 4, read: 4, events: 40, eventsRead: 40)
        var old = [
            Self.earlier(Self.new[0], state: .done, events: 40, done: 40),
            Self.earlier(Self.new[1], files: .init(count: 4, events: 40)),
            Self.earlier(Self.new[2], state: .done, done: 40, files: done),
        ]
        #expect(Self.refusal(Array(Self.new.prefix(2)), old).hasPrefix("task merge of request 1 is not done"))
        old[1] = Self.earlier(Self.new[1], state: .done, done: 40, files: done)
        var new = Array(Self.new.prefix(2))
        new[0].events = 100
        #expect(Self.refusal(new, old) == "none")
    }

    @Test func nothingLeftIsFound() throws {
        #expect(try !Continuation.isNothingLeft(Self.tasks()))
        let done = EarlierTask.Files(count: 4, read: 4, events: 40, eventsRead: 40)
        var old = [
            Self.earlier(Self.new[0], events: 100, done: 100), Self.earlier(Self.new[1], done: 40, files: done),
            Self.earlier(Self.new[2], done: 40, files: done),
        ]
        #expect(try Continuation.isNothingLeft(Self.tasks(after: old)))
        var growing = done
        growing.mayGrow = true
        old[1] = Self.earlier(Self.new[1], done: 40, files: growing)
        #expect(try !Continuation.isNothingLeft(Self.tasks(after: old)))
    }

    // MARK: Files

    @Test(arguments: [
        ([EventSlice](), [EventSlice]?.none), ([EventSlice(first: 0, count: 100)], []),
        ([EventSlice(first: 50, count: 50), EventSlice(first: 0, count: 20)], [EventSlice(first: 20, count: 30)]),
        ([EventSlice(first: 20, count: 10)], [EventSlice(first: 0, count: 20), EventSlice(first: 30, count: 70)]),
        ([EventSlice(first: 0, count: 60), EventSlice(first: 40, count: 20)], [EventSlice(first: 60, count: 40)]),
    ])
    func whatWasReadIsLeftOut(read: [EventSlice], left: [EventSlice]?) {
        #expect(InputFile(file: 1, events: 100).without(read).left == left)
    }

    /// What is left out twice stays out, and of a file that two inputs name everything is read that is left of it in one of them.
    @Test func whatIsLeftOutTwiceStaysOut() {
        let file = InputFile(file: 1, events: 100)
        let (head, tail) = (EventSlice(first: 0, count: 30), EventSlice(first: 20, count: 40))
        #expect(file.without([head]).without([tail]).left == [EventSlice(first: 60, count: 40)])
        #expect(file.without([head]).without([]).left == [EventSlice(first: 30, count: 70)])
        #expect(file.without([head]).without([EventSlice(first: 30, count: 70)]).left == [])
        let both = file.without([head]).joined(with: file.without([tail]))
        #expect(both.left == [EventSlice(first: 0, count: 20), EventSlice(first: 30, count: 70)])
        #expect(file.without([head]).joined(with: file).left == nil)
    }

    /// Of a page of ten nine were read before: the one that is left waits for more, page after page, until ten of them wait for company.
    @Test func whatWasReadDoesNotFillAPage() {
        let read = [EventSlice(first: 0, count: 10)]
        func arrived(_ left: Range<Int64>) -> (jobs: [GroupedJob], rest: [InputFile]) {
            let files = (0..<10 as Range<Int64>).map { file in
                InputFile(file: file, events: 10).without(left.contains(file) ? [] : read)
            }
            return InputGrouping.arrived(
                kind: "merge",
                inputs: files,
                size: JobSize(files: 500),
                flush: false,
                page: 10
            )
        }
        for left in 1...9 as ClosedRange<Int64> {
            let found = arrived(0..<left)
            #expect(found.jobs.isEmpty && found.rest.map(\.file) == Array(0..<left))
        }
        let full = arrived(0..<10)
        #expect(full.jobs.map(\.slices.count) == [10] && full.rest.isEmpty)
    }

    /// Whatever was read before, the jobs of what is left and what was read together hold every event once.
    @Test func jobsHoldExactlyWhatIsLeft() {
        for seed in 0..<200 {
            var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
            func next(_ below: Int64) -> Int64 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int64(state >> 33) % below
            }
            var times: [Int64: [Int]] = [:]
            var files: [InputFile] = []
            for file in 1...5 {
                let events = 1 + next(60)
                var (read, at): ([EventSlice], Int64) = ([], 0)
                times[Int64(file)] = Array(repeating: 0, count: Int(events))
                while at < events {
                    let count = min(1 + next(15), events - at)
                    if next(2) == 0 { read.append(EventSlice(first: at, count: count)) }
                    at += count
                }
                for slice in read {
                    for event in slice.first..<slice.first + slice.count { times[Int64(file)]?[Int(event)] += 1 }
                }
                files.append(InputFile(file: Int64(file), events: events).without(read))
            }
            let jobs = InputGrouping.jobs(kind: "skim", inputs: files, size: JobSize(events: 7), limit: nil)
            for slice in jobs.flatMap(\.slices) {
                for event in slice.first..<slice.first + slice.count { times[slice.input.file]?[Int(event)] += 1 }
            }
            #expect(times.values.allSatisfy { $0.allSatisfy { $0 == 1 } })
            #expect(jobs.allSatisfy { (1...7).contains($0.events) })
        }
    }
}
