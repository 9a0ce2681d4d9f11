import Domain
import Testing

@Suite struct WorkTests {
    @Test(arguments: [Int64(1), 2, 15, 63, 64, 1000, 1024, 1025, 10_000_000])
    func rangesCoverEveryIndexOnceAndAreAtMostSixteen(jobs: Int64) {
        let ranges = IndexRange.cut(jobs: jobs)
        #expect(ranges.count <= 16)
        #expect(ranges.first?.first == 0)
        #expect(ranges.last?.last == jobs - 1)
        for (one, next) in zip(ranges, ranges.dropFirst()) { #expect(next.first == one.last + 1) }
        #expect(ranges.reduce(0) { $0 + $1.count } == jobs)
    }

    /// Scouts are a range of their own, and with them there are still no more than 16.
    @Test func scoutsAreTheFirstRange() {
        let ranges = IndexRange.cut(jobs: 10_000_000, scouts: 10)
        #expect(ranges.count == 16 && ranges[0] == IndexRange(first: 0, last: 9))
        for (one, next) in zip(ranges, ranges.dropFirst()) { #expect(next.first == one.last + 1) }
        #expect(ranges.last?.last == 9_999_999)
        #expect(IndexRange.cut(jobs: 10, scouts: 10) == IndexRange.cut(jobs: 10))
        // What comes to a task that is fed is cut where its scouts end.
        let fed = IndexRange(first: 5, last: 14)
        #expect(fed.cut(at: 10) == [IndexRange(first: 5, last: 9), IndexRange(first: 10, last: 14)])
        for outside: Int64 in [0, 5, 15] { #expect(fed.cut(at: outside) == [fed]) }
    }

    @Test func noJobsMakeNoRange() { #expect(IndexRange.cut(jobs: 0).isEmpty) }

    @Test func takingFromTheFrontLeavesTheRest() {
        let range = IndexRange(first: 5, last: 9)
        #expect(range.taking(2) == (IndexRange(first: 5, last: 6), IndexRange(first: 7, last: 9)))
        #expect(range.taking(5) == (range, nil))
        #expect(range.taking(99) == (range, nil))
    }

    @Test func slicesCoverEveryEventOnce() {
        for (events, perJob) in [(Int64(10), Int64(3)), (9, 3), (1, 500), (10_000, 500)] {
            let jobs = EventSlice.jobs(events: events, perJob: perJob)
            var next: Int64 = 0
            for index in 0..<jobs {
                let slice = EventSlice.slice(index: index, events: events, perJob: perJob)
                #expect(slice?.first == next)
                next += slice?.count ?? 0
            }
            #expect(next == events)
            #expect(EventSlice.slice(index: jobs, events: events, perJob: perJob) == nil)
        }
    }

    @Test func aSeedIsTheSameInEveryRetryAndDiffersBetweenJobs() {
        let seeds = (0..<10_000).map { JobSeed.seed(request: 42, task: "generate", index: $0) }
        #expect(Set(seeds).count == seeds.count)
        #expect(seeds.allSatisfy { (1...899_999_999).contains($0) })
        #expect(seeds[7] == JobSeed.seed(request: 42, task: "generate", index: 7))
        // Written down once: a change here changes the physics of every production.
        #expect(
            JobSeed.seed(request: 1, task: "generate", index: 0) != JobSeed.seed(request: 1, task: "simulate", index: 0)
        )
        #expect(
            JobSeed.seed(request: 1, task: "generate", index: 0) != JobSeed.seed(request: 2, task: "generate", index: 0)
        )
    }

    @Test func theFirstMisfitIsNamed() {
        let capacity = Capacity(
            cores: 4,
            memoryMBPerCore: 2000,
            walltimeSeconds: 3600,
            diskMB: 1000,
            platform: "linux-x86_64",
            tags: ["gpu"],
            storage: ["A"]
        )
        func misfit(_ change: (inout Requirement) -> Void) -> Misfit? {
            var need = Requirement(walltimeSeconds: 60)
            change(&need)
            return need.misfit(site: "DESY", capacity: capacity)
        }
        #expect(misfit { _ in } == nil)
        #expect(misfit { $0.sites = ["KEK"] } == .site("DESY"))
        #expect(misfit { $0.cores = 5 } == .cores(needed: 5, offered: 4))
        #expect(misfit { $0.memoryMB = 2001 } == .memory(neededMB: 2001, offeredMB: 2000))
        #expect(misfit { $0.walltimeSeconds = 3601 } == .walltime(neededSeconds: 3601, offeredSeconds: 3600))
        #expect(misfit { $0.diskMB = 1001 } == .disk(neededMB: 1001, offeredMB: 1000))
        #expect(misfit { $0.platform = "linux-aarch64" } == .platform(needed: "linux-aarch64", offered: "linux-x86_64"))
        #expect(misfit { $0.tags = ["gpu", "ssd"] } == .tag("ssd"))
        #expect(misfit { $0.storage = ["A", "B"] } == .storage("B"))
    }

    @Test func aSummaryDoesNotDependOnTheOrder() {
        let attempts = (0..<50).map { AttemptKey(task: 3, index: $0, attempt: 1) }
        #expect(HeldSummary(attempts) == HeldSummary(attempts.reversed()))
        #expect(HeldSummary(attempts) != HeldSummary(attempts.dropLast()))
        #expect(
            HeldSummary([AttemptKey(task: 1, index: 2, attempt: 1)])
                != HeldSummary([AttemptKey(task: 1, index: 2, attempt: 2)])
        )
    }

    @Test func processCutsFilesAndMergeTakesAll() {
        let files = [InputFile(file: 1, events: 500), InputFile(file: 2, events: 300), InputFile(file: 3, events: 0)]
        let process = InputGrouping.jobs(kind: "process", inputs: files, size: .init(events: 200), limit: nil)
        #expect(process.map(\.events) == [200, 200, 100, 200, 100])
        #expect(process.flatMap(\.slices).map(\.first) == [0, 200, 400, 0, 200])
        let merge = InputGrouping.jobs(kind: "merge", inputs: files, size: .init(), limit: nil)
        #expect(merge.count == 1 && merge[0].events == 800)
        let limited = InputGrouping.jobs(kind: "process", inputs: files, size: .init(), limit: 600)
        #expect(limited.map(\.events) == [500, 100])
        #expect(InputGrouping.jobs(kind: "merge", inputs: [], size: .init(), limit: nil).isEmpty)
    }

    /// Every file goes into exactly one merge, in its order, and no limit is exceeded but by a file alone.
    @Test func mergesAreNoLargerThanTheyMayBe() {
        let files = (1...100 as ClosedRange<Int64>).map { number -> InputFile in
            InputFile(file: number, events: number * 37 % 50, bytes: number * 91 % 1000)
        }
        let wanted = files.filter { $0.events > 0 }
        let sizes = [
            JobSize(events: 60), JobSize(files: 7), JobSize(bytes: 1500), JobSize(events: 100, files: 5, bytes: 2000),
            JobSize(events: 1), JobSize(files: 1), JobSize(bytes: 1), JobSize(),
        ]
        for size in sizes {
            let jobs = InputGrouping.jobs(kind: "merge", inputs: files, size: size, limit: nil)
            #expect(jobs.flatMap(\.slices).map(\.input) == wanted, "\(size)")
            for job in jobs where job.slices.count > 1 { #expect(self.fits(job.slices, size), "\(size)") }
            // No two neighbours would have fitted together.
            for (one, next) in zip(jobs, jobs.dropFirst()) {
                #expect(!self.fits(one.slices + [next.slices[0]], size), "\(size)")
            }
        }
        #expect(InputGrouping.jobs(kind: "merge", inputs: files, size: .init(), limit: nil).count == 1)
        let skim = InputGrouping.jobs(kind: "skim", inputs: files, size: .init(), limit: nil)
        #expect(skim.count == wanted.count && skim.allSatisfy { $0.slices.count == 1 })
    }

    /// While more may come, a merge takes what is full; in the end the same files are merged, whatever came when.
    @Test func whatArrivesIsMergedWhenItIsFull() {
        let files = (1...95 as ClosedRange<Int64>).map { InputFile(file: $0, events: 10) }
        let size = JobSize(files: 20)
        for step in [1, 7, 20, 33, 95] {
            var (waiting, jobs): ([InputFile], [GroupedJob]) = ([], [])
            for first in stride(from: 0, to: files.count, by: step) {
                waiting += files[first..<min(first + step, files.count)]
                let arrived = InputGrouping.arrived(kind: "merge", inputs: waiting, size: size, flush: false)
                (waiting, jobs) = (arrived.rest, jobs + arrived.jobs)
                #expect(waiting.count < 20 && arrived.jobs.allSatisfy { $0.slices.count == 20 })
            }
            let end = InputGrouping.arrived(kind: "merge", inputs: waiting, size: size, flush: true)
            #expect(end.rest.isEmpty && (jobs + end.jobs).map(\.slices.count) == [20, 20, 20, 20, 15])
            #expect((jobs + end.jobs).flatMap(\.slices).map(\.input) == files)
        }
        // More are there than are looked at, and they do not fill one job: it would never be made.
        let page = InputGrouping.arrived(
            kind: "merge",
            inputs: files,
            size: .init(files: 500),
            flush: false,
            page: 95
        )
        #expect(page.jobs.map(\.slices.count) == [95] && page.rest.isEmpty)
        #expect(
            InputGrouping.arrived(kind: "merge", inputs: files, size: size, flush: false, page: 95).rest.count
                == 15
        )
        // What is not merged waits for nothing.
        #expect(InputGrouping.arrived(kind: "process", inputs: files, size: .init(), flush: false).jobs.count == 95)
        let byEvents = InputGrouping.arrived(kind: "merge", inputs: files, size: .init(events: 50), flush: false)
        #expect(byEvents.jobs.count == 19 && byEvents.rest.isEmpty)
    }

    private func fits(_ slices: [GroupedJob.Slice], _ size: JobSize) -> Bool {
        let events = slices.map(\.count).reduce(0, +)
        let bytes = slices.map(\.input.bytes).reduce(0, +)
        if let most = size.events, events > most { return false }
        if let most = size.bytes, bytes > most { return false }
        return size.files.map { Int64(slices.count) <= $0 } ?? true
    }

    /// Files of different keys never share a job, and each key waits for its own company.
    @Test func keysAreKeptApart() {
        var files = (0..<30).map { InputFile(file: $0, events: 10) }
        for position in files.indices { files[position].key = "\(position % 3)" }
        let all = InputGrouping.jobs(kind: "merge", inputs: files, size: .init(files: 4), limit: nil)
        #expect(all.map(\.slices.count) == [4, 4, 2, 4, 4, 2, 4, 4, 2])
        for job in all { #expect(Set(job.slices.map(\.input.key)).count == 1) }
        #expect(InputGrouping.jobs(kind: "merge", inputs: files, size: .init(), limit: nil).count == 3)
        #expect(InputGrouping.jobs(kind: "analyse", inputs: files, size: .init(), limit: nil).count == 3)
        let analyses = InputGrouping.jobs(kind: "analyse", inputs: files, size: .init(files: 4), limit: nil)
        #expect(analyses == all, "whole files, as many as fit")

        func arrived(overdue: Set<Int64> = [], flush: Bool = false, page: Int = .max) -> ([Int], [Int64]) {
            let found = InputGrouping.arrived(
                kind: "merge",
                inputs: files,
                size: .init(files: 4),
                flush: flush,
                overdue: overdue,
                page: page
            )
            return (found.jobs.map(\.slices.count), found.rest.map(\.file))
        }
        // The last two of each key wait; those of one that has waited long enough do not, and the others still do.
        #expect(arrived() == ([4, 4, 4, 4, 4, 4], [24, 27, 25, 28, 26, 29]))
        #expect(arrived(overdue: [25]) == ([4, 4, 4, 4, 2, 4, 4], [24, 27, 26, 29]))
        #expect(arrived(overdue: [1]) == ([4, 4, 4, 4, 4, 4], [24, 27, 25, 28, 26, 29]))
        #expect(arrived(flush: true).1.isEmpty)
        #expect(arrived(page: 30).1.count == 6)
        files = Array(files.prefix(6))
        // Not one is full, and no more can be looked at: none waits.
        #expect(arrived(page: 6) == ([2, 2, 2], []))
        #expect(arrived() == ([], [0, 3, 1, 4, 2, 5]))
    }

    @Test(arguments: [0, 951_782_399_999_999, 1_795_226_470_000_123, -1, 4_102_444_800_000_000] as [Int64])
    func aMomentIsReadAsItWasWritten(microseconds: Int64) {
        let moment = Timestamp(microseconds: microseconds)
        #expect(Timestamp(moment.description) == moment)
    }

    @Test(arguments: ["", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T02:01:10.1234567Z", "2026-11-21 02:01:10Z"])
    func whatIsNoMomentIsRefused(text: String) { #expect(Timestamp(text) == nil) }

    @Test func aMomentIsWrittenInUTC() {
        #expect(Timestamp(microseconds: 951_782_400_000_000).description == "2000-02-29T00:00:00.000000Z")
    }
}
