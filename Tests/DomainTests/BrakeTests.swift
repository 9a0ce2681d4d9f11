import Domain
import Testing

/// Tasks are stopped before they burn a farm, and not for less.
@Suite struct BrakeTests {
    private let brake = TaskBrake()

    private func counts(
        jobs: Int = 100,
        failedJobs: Int,
        good: Int,
        failed: Int,
        goodWall: Double = 0,
        lostWall: Double = 0,
        prints: [String: Int] = [:]
    ) -> TaskCounts {
        TaskCounts(
            jobs: jobs,
            failedJobs: failedJobs,
            goodAttempts: good,
            failedAttempts: failed,
            goodWallSeconds: goodWall,
            lostWallSeconds: lostWall,
            jobsByFingerprint: prints
        )
    }

    @Test func aTaskThatWorksGoesOn() {
        #expect(self.brake.decide(self.counts(failedJobs: 0, good: 100, failed: 0, goodWall: 1e6)) == nil)
        #expect(self.brake.decide(self.counts(jobs: 0, failedJobs: 0, good: 0, failed: 0)) == nil)
    }

    @Test func theFailureRatePauses() {
        let pause = self.brake.decide(self.counts(failedJobs: 51, good: 49, failed: 51))
        #expect(pause?.cause == .failureRate && pause?.fingerprint == nil)
        #expect(pause?.reason == "51 of 100 attempts failed (51 %), more than 50 %")
        #expect(self.brake.decide(self.counts(failedJobs: 50, good: 50, failed: 50)) == nil)
    }

    @Test func nothingIsDecidedOnFewerJobsThanTheLeast() {
        let all = self.counts(jobs: 19, failedJobs: 19, good: 0, failed: 190, lostWall: 1e9, prints: ["x": 19])
        #expect(self.brake.decide(all) == nil)
        var enough = all
        enough.jobs = 20
        #expect(self.brake.decide(enough)?.cause == .failureRate)
        #expect(TaskBrake(.init(minJobs: 5)).decide(all)?.cause == .dominantFailure)
        #expect(TaskBrake(.init(minJobs: 0)).decide(self.counts(jobs: 0, failedJobs: 0, good: 0, failed: 0)) == nil)
    }

    /// Jobs that get more are no failures of the task, however many; what they lose in time is.
    @Test func jobsThatGetMorePauseATaskByTheTimeTheyLoseAlone() {
        var counts = self.counts(jobs: 0, failedJobs: 0, good: 0, failed: 0, goodWall: 50, lostWall: 49)
        counts.remedied = 1000
        #expect(self.brake.decide(counts) == nil)
        counts.lostWallSeconds = 51
        #expect(self.brake.decide(counts)?.cause == .lostWallTime)
        counts.remedied = 19
        #expect(self.brake.decide(counts) == nil)
        counts.jobs = 1
        #expect(self.brake.decide(counts)?.cause == .lostWallTime)
    }

    /// What fails in a second ends before what runs for an hour: as long as it is only on a few of the nodes, it is the nodes.
    @Test func failuresOfAFewNodesDoNotPauseATask() {
        var counts = self.counts(jobs: 40, failedJobs: 40, good: 0, failed: 40, prints: ["x": 40])
        (counts.failedPlaces, counts.otherPlaces) = (1, 24)
        #expect(self.brake.decide(counts) == nil)
        (counts.failedPlaces, counts.otherPlaces) = (13, 12)
        #expect(self.brake.decide(counts)?.cause == .dominantFailure)
        (counts.failedPlaces, counts.otherPlaces) = (1, 0)
        #expect(self.brake.decide(counts)?.cause == .dominantFailure)
        #expect(TaskBrake(.init(placeShare: 0.6)).decide(self.counts(failedJobs: 90, good: 10, failed: 90)) != nil)
    }

    @Test func lostWallTimePausesWhenFewLongJobsFail() {
        let pause = self.brake.decide(
            self.counts(failedJobs: 10, good: 90, failed: 10, goodWall: 36_000, lostWall: 72_000)
        )
        #expect(pause?.cause == .lostWallTime)
        #expect(pause?.reason == "20.0 hours of wall time (67 %) were lost in attempts that failed, more than 50 %")
        let half = self.counts(failedJobs: 10, good: 90, failed: 10, goodWall: 36_000, lostWall: 36_000)
        #expect(self.brake.decide(half) == nil)
    }

    @Test func aFailureThatDominatesPausesAndIsNamed() {
        let prints = ["1001:exit code #": 24, "2002:used # mb": 6]
        let pause = self.brake.decide(self.counts(failedJobs: 30, good: 70, failed: 30, prints: prints))
        #expect(pause?.cause == .dominantFailure && pause?.fingerprint == "1001:exit code #")
        #expect(pause?.reason == "24 of 30 failed jobs (80 %) failed in the same way: 1001:exit code #")
        // Less than the share, fewer than the least number of jobs, too few of all jobs.
        let mixed = ["a": 23, "b": 7]
        #expect(self.brake.decide(self.counts(failedJobs: 30, good: 70, failed: 30, prints: mixed)) == nil)
        #expect(self.brake.decide(self.counts(failedJobs: 19, good: 81, failed: 19, prints: ["a": 19])) == nil)
        let few = self.counts(jobs: 1_000, failedJobs: 30, good: 970, failed: 30, prints: ["a": 30])
        #expect(self.brake.decide(few) == nil)
    }

    @Test func theSameCountsGiveTheSameReason() {
        let prints = Dictionary(uniqueKeysWithValues: (0..<50).map { ("p\($0)", 20) })
        let counts = self.counts(failedJobs: 20, good: 80, failed: 20, prints: prints)
        #expect((0..<20).allSatisfy { _ in self.brake.decide(counts)?.fingerprint == "p0" })
    }
}

/// Scouts measure, and stop what does not work.
@Suite struct ScoutTests {
    private func good(_ count: Int, cpu: Double = 100, events: Int = 10, memory: Double = 1_000) -> [ScoutMeasurement] {
        (0..<count).map { number in
            ScoutMeasurement(
                endedWell: true,
                cpuSeconds: cpu * Double(number + 1),
                events: events,
                memoryPeakMB: memory + Double(number),
                outputBytes: 1_000 * Double(number + 1)
            )
        }
    }

    private func bad(_ count: Int) -> [ScoutMeasurement] {
        Array(
            repeating: ScoutMeasurement(endedWell: false, cpuSeconds: 1e9, events: 1, memoryPeakMB: 1e9),
            count: count
        )
    }

    private let policy = ScoutPolicy()

    @Test func whatIsAskedForFollowsTheMeasurement() {
        let guess = Requirement(cores: 2, memoryMB: 4000, walltimeSeconds: 1000, diskMB: 100)
        func asked(_ needs: ScoutPolicy.Needs, _ events: Int64? = 100) -> Requirement {
            ScoutPolicy.requirement(guess, needs, eventsPerJob: events)
        }
        #expect(asked(.init()) == guess)
        // Memory up and down, in steps.
        #expect(asked(.init(memoryMB: 801)).memoryMB == 900 && asked(.init(memoryMB: 9000)).memoryMB == 9000)
        #expect(asked(.init(memoryMB: 3)).memoryMB == 100)
        // 100 events of 40 s on 2 cores, and half as much again.
        #expect(asked(.init(cpuSecondsPerEvent: 40)).walltimeSeconds == 3000)
        #expect(asked(.init(cpuSecondsPerEvent: 1)).walltimeSeconds == 1000)
        #expect(asked(.init(cpuSecondsPerEvent: 1e9)).walltimeSeconds == 604_800)
        #expect(
            asked(.init(outputBytesPerEvent: 1e7)).diskMB == 1200 && asked(.init(outputBytesPerEvent: 1)).diskMB == 100
        )
        #expect(asked(.init(cpuSecondsPerEvent: 40, outputBytesPerEvent: 1e7), nil) == guess)
    }

    @Test func theyAreWaitedFor() {
        #expect(self.policy.decide([], jobs: 1_000) == .wait)
        #expect(self.policy.decide(self.good(7), jobs: 1_000) == .wait)
        #expect(self.policy.decide(self.bad(5) + self.good(2), jobs: 1_000) == .wait)
    }

    @Test func enoughOfThemMeasureAndTheTaskGoes() {
        guard case .go(let needs) = self.policy.decide(self.good(10), jobs: 1_000) else {
            Issue.record("does not go")
            return
        }
        // Of ten values the 95th percentile is the tenth, the 75th the eighth.
        #expect(needs.cpuSecondsPerEvent == 100)
        #expect(needs.memoryMB == 1_108)
        #expect(needs.outputBytesPerEvent == 800)
        guard case .go = self.policy.decide(self.good(8), jobs: 1_000) else {
            Issue.record("waits for one that hangs")
            return
        }
    }

    @Test func failedScoutsAreNotMeasured() {
        guard case .go(let needs) = self.policy.decide(self.good(6) + self.bad(4), jobs: 1_000) else {
            Issue.record("does not go")
            return
        }
        #expect(needs.memoryMB == 1_105)
    }

    @Test func tooManyThatFailPauseTheTaskAsSoonAsItIsCertain() {
        let reason = "6 of 10 scouts failed, more than 50 %"
        #expect(self.policy.decide(self.bad(6), jobs: 1_000) == .pause(reason: reason))
        #expect(self.policy.decide(self.bad(6) + self.good(4), jobs: 1_000) == .pause(reason: reason))
        guard case .go = self.policy.decide(self.bad(5) + self.good(5), jobs: 1_000) else {
            Issue.record("five of ten are not more than half")
            return
        }
        let patient = ScoutPolicy(.init(failureShare: 1))
        #expect(patient.decide(self.bad(10), jobs: 10) == .pause(reason: "all 10 scouts that ended failed"))
    }

    @Test func aSmallTaskHasFewerScouts() {
        guard case .go = self.policy.decide(self.good(3), jobs: 3) else {
            Issue.record("waits for scouts that do not exist")
            return
        }
        #expect(self.policy.decide(self.bad(2), jobs: 3) == .pause(reason: "2 of 3 scouts failed, more than 50 %"))
        #expect(self.policy.decide([], jobs: 0) == .go(.init()))
        #expect(ScoutPolicy(.init(scouts: 0)).decide([], jobs: 9) == .go(.init()))
    }

    @Test func whatWasNotMeasuredStaysAGuess() {
        let blank = Array(repeating: ScoutMeasurement(endedWell: true), count: 10)
        #expect(self.policy.decide(blank, jobs: 100) == .go(.init()))
    }

    /// Values, percent, percentile by the nearest rank.
    private static let percentiles: [([Double], Double, Double?)] = [
        ([], 50, nil), ([7], 0, 7), ([7], 100, 7), ([1, 2, 3, 4], 50, 2), ([1, 2, 3, 4], 75, 3), ([4, 3, 2, 1], 76, 4),
        ([1, 2, 3, 4], 100, 4), ([1, 2, 3, 4], 200, 4), ([1, 2, 3, 4], -5, 1), ([0, -1], 50, nil), ([0, 5], 50, 5),
        ([.infinity, .nan, 3], 95, 3),
    ]

    @Test(arguments: Self.percentiles) func aPercentileIsAMeasuredValue(
        values: [Double],
        percent: Double,
        value: Double?
    ) {
        #expect(ScoutPolicy.percentile(values, percent) == value)
    }
}
