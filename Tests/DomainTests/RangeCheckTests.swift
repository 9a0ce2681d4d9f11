import Domain
import Testing

/// Whether told events are those of a job: against counting each event by itself.
@Suite struct RangeCheckTests {
    private struct Event: Hashable {
        let file: String?
        let number: Int64
    }

    private static let jobs: [[JobSlice]] = [
        [JobSlice(lfn: nil, first: 2, count: 3)],
        [JobSlice(lfn: "/a", first: 0, count: 3)],
        [JobSlice(lfn: "/a", first: 1, count: 2)],
        [JobSlice(lfn: "/a", first: 0, count: 2), JobSlice(lfn: "/a", first: 2, count: 1)],
        [JobSlice(lfn: "/a", first: 0, count: 1), JobSlice(lfn: "/a", first: 2, count: 1)],
        [JobSlice(lfn: "/a", first: 0, count: 2), JobSlice(lfn: "/b", first: 1, count: 2)],
    ]

    private static let ranges: [EventRange] = [String?.none, "/a", "/b"].flatMap { lfn in
        (Int64(0)...4).flatMap { first in
            (Int64(0)...3).map { EventRange(lfn: lfn, first: first, events: $0) }
        }
    }

    /// Each event of the job once and no other, whoever names the file of a job that has only one.
    private static func isRight(_ told: [EventRange], _ job: [JobSlice]) -> Bool {
        let files = Set(job.map(\.lfn))
        var left: [Event: Int] = [:]
        for slice in job {
            for number in slice.slice.first..<(slice.slice.first + slice.slice.count) {
                left[Event(file: slice.lfn, number: number), default: 0] += 1
            }
        }
        for range in told where range.events > 0 {
            let file: String? =
                if range.lfn == nil, files.count == 1, let only = files.first { only } else { range.lfn }
            guard files.contains(file) else { return false }
            for number in (range.first ?? 0)..<((range.first ?? 0) + range.events) {
                left[Event(file: file, number: number), default: 0] -= 1
            }
        }
        return left.values.allSatisfy { $0 == 0 }
    }

    @Test(arguments: Self.jobs)
    func everyTwoRangesAreJudgedAsTheirEventsAreCounted(_ job: [JobSlice]) {
        var right = 0
        for first in Self.ranges {
            for second in Self.ranges {
                let told = [first, second]
                let isRight = Self.isRight(told, job)
                if isRight { right += 1 }
                #expect(RangeCheck.problems(told, of: job).isEmpty == isRight, "\(told)")
                // Said in fewer words it means the same.
                #expect(RangeCheck.problems(EventRange.joined(told), of: job).isEmpty == isRight, "\(told)")
            }
        }
        #expect(right > 0)
    }

    private func problems(_ told: [EventRange], _ job: [JobSlice]) -> [String] { RangeCheck.problems(told, of: job) }

    @Test func whatIsWrongIsToldInWords() {
        let job = [JobSlice(lfn: "/a", first: 10, count: 10), JobSlice(lfn: "/b", first: 0, count: 5)]
        let good = [EventRange(lfn: "/b", first: 0, events: 5), EventRange(lfn: "/a", first: 10, events: 10)]
        #expect(self.problems(good, job) == [])
        #expect(
            self.problems([], job) == [
                "events 10 to 19 of /a were not handled", "events 0 to 4 of /b were not handled",
            ]
        )
        #expect(
            self.problems([good[0], .init(lfn: "/a", first: 9, events: 10)], job)
                == ["events 9 to 9 of /a are not the job's", "events 19 to 19 of /a were not handled"]
        )
        #expect(
            self.problems(good + [.init(lfn: "/a", first: 12, events: 3)], job) == [
                "events 12 to 14 of /a are told twice"
            ]
        )
        #expect(self.problems(good + [.init(lfn: "/c", first: 0, events: 1)], job) == ["/c is no input of the job"])
        #expect(
            self.problems(good + [.init(first: 0, events: 4)], job)
                == ["4 events of a file that is not named, and the job reads 2"]
        )
        let holes = (0..<5).map { EventRange(lfn: "/a", first: 10 + 2 * $0, events: 1) }
        #expect(
            self.problems(holes + [good[0]], job)
                == ["events 11 to 11, 13 to 13, 15 to 15 and 2 more parts of /a were not handled"]
        )
    }

    /// Some systems tell only how many events of each file were read.
    @Test func bareNumbersAreComparedWithTheNumberOfEachFile() {
        let job = [
            JobSlice(lfn: "/a", first: 0, count: 4), JobSlice(lfn: "/a", first: 8, count: 2),
            JobSlice(lfn: "/b", first: 0, count: 5),
        ]
        func told(_ a: Int64, _ b: Int64) -> [EventRange] {
            [.init(lfn: "/a", events: a), .init(lfn: "/b", events: b)]
        }
        #expect(self.problems(told(6, 5), job) == [])
        #expect(self.problems(told(5, 6), job).count == 2)
        #expect(self.problems(told(5, 5), job) == ["5 events of /a were handled, 6 are the job's"])
        #expect(self.problems([.init(lfn: "/a", events: 6)], job) == ["events 0 to 4 of /b were not handled"])
        #expect(self.problems(told(3, 5) + [.init(lfn: "/a", events: 3)], job) == [])
        // Together with ranges: what is exact must be right, and the sum too.
        #expect(self.problems(told(2, 5) + [.init(lfn: "/a", first: 0, events: 4)], job) == [])
        #expect(self.problems(told(2, 5) + [.init(lfn: "/a", first: 4, events: 4)], job).count == 1)
        #expect(self.problems([.init(events: 3)], [JobSlice(lfn: nil, first: 7, count: 3)]) == [])
        #expect(self.problems([.init(events: 4)], [JobSlice(lfn: nil, first: 7, count: 3)]).count == 1)
    }

    @Test func nonsenseIsAProblemAndNoCrash() {
        let job = [JobSlice(lfn: nil, first: 0, count: 1)]
        let good = EventRange(first: 0, events: 1)
        for wrong in [
            EventRange(events: -1), .init(first: -1, events: 1), .init(first: .max, events: 1),
            .init(first: 1, events: .max),
            .init(lfn: "/a", first: 0, events: 1), .init(first: .max, events: .max), .init(first: .min, events: .min),
        ] {
            #expect(self.problems([good, wrong], job).count == 1, "\(wrong)")
            _ = EventRange.joined([wrong, wrong, good, wrong])
        }
        #expect(
            self.problems([.init(events: .max), .init(events: .max)], job) == [
                "too many events were handled, 1 are the job's"
            ]
        )
        #expect(EventRange.joined([.init(events: .max), .init(events: .max)]).count == 2)
        // A job of which nothing is known has no events that would be its.
        #expect(self.problems([good], []).count == 1 && self.problems([], []) == [])
    }

    @Test func rangesThatFollowEachOtherBecomeOne() {
        let joined = EventRange.joined([
            .init(lfn: "/a", first: 0, events: 2), .init(lfn: "/a", first: 2, events: 3),
            .init(lfn: "/b", first: 5, events: 1),
            .init(lfn: "/a", events: 1), .init(lfn: "/b", events: 1), .init(lfn: "/a", events: 1),
        ])
        #expect(
            joined == [
                .init(lfn: "/a", first: 0, events: 5), .init(lfn: "/b", first: 5, events: 1),
                .init(lfn: "/a", events: 2),
                .init(lfn: "/b", events: 1),
            ]
        )
        // What is told twice is not hidden.
        let twice = [EventRange(first: 0, events: 2), EventRange(first: 1, events: 2)]
        #expect(EventRange.joined(twice) == twice)
    }
}
