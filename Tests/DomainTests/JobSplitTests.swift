import Domain
import Testing

/// Every event of a divided job goes to exactly one of the new ones.
@Suite struct JobSplitTests {
    @Test(arguments: 1...40 as ClosedRange<Int64>)
    func oneSliceIsCutEvenlyAndCompletely(most: Int64) {
        for count in 1...60 as ClosedRange<Int64> {
            let jobs = JobSplit.divide([EventPart(file: 7, first: 100, count: count)], most: most)
            #expect(jobs.allSatisfy { $0.count == 1 && $0[0].file == 7 && (1...most).contains($0[0].count) })
            var next: Int64 = 100
            for job in jobs {
                #expect(job[0].first == next)
                next += job[0].count
            }
            #expect(next == 100 + count)
            let sizes = jobs.map { $0[0].count }
            #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
            #expect((jobs.count > 1) == (count > most))
        }
    }

    @Test func severalSlicesAreDealtOutWhole() {
        let parts = [30, 10, 50, 5, 5].enumerated().map { EventPart(file: Int64($0), first: 0, count: Int64($1)) }
        let jobs = JobSplit.divide(parts, most: 50)
        #expect(jobs.map { $0.map(\.count) } == [[30, 10], [50], [5, 5]])
        #expect(jobs.flatMap { $0 } == parts)
        // A slice that is larger than wanted is a job of its own.
        #expect(JobSplit.divide(parts, most: 20).map { $0.map(\.count) } == [[30], [10], [50], [5, 5]])
    }

    @Test func whatHasNoEventsOrNoSizeIsNotDivided() {
        #expect(JobSplit.divide([], most: 10).isEmpty)
        #expect(JobSplit.divide([EventPart(file: nil, first: 0, count: 9)], most: 0).isEmpty)
        #expect(JobSplit.divide([EventPart(file: nil, first: 0, count: 1)], most: 1).count == 1)
    }
}
