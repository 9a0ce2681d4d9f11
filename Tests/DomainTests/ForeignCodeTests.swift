import Domain
import Testing

/// Codes of other systems are understood.
@Suite struct ForeignCodeTests {
    private static let known: [(ForeignSystem, Int, FailureCode)] = [
        (.panda, 1098, .nodeDisk), (.panda, 1150, .looping), (.panda, 1212, .memoryAllocation), (.panda, 1235, .memory),
        (.panda, 1213, .wallTimeBatch), (.panda, 1144, .cancelled), (.panda, 1305, .payloadExit),
        (.panda, 1328, .signalSegmentation), (.panda, 1332, .nodeBlackHole), (.panda, 1361, .inputOpen),
        (.panda, 1369, .conditionsUnreachable), (.panda, 1377, .cvmfsMissing), (.panda, 1379, .preempted),
        (.panda, 1386, .siteClosed), (.panda, 1008, .wrapperException), (.panda, 1191, .outputEmpty),
        (.panda, 1176, .wrapperCrashed),
        (.harvester, 1001, .preempted), (.harvester, 2064, .cvmfsMissing), (.harvester, 3200, .batchUnreachable),
        (.harvester, 4201, .batchNodeFail), (.harvester, 4211, .memoryBatch), (.harvester, 4215, .wallTimeBatch),
        (.harvester, 5571, .batchRestarted), (.harvester, 8982, .batchHeld), (.harvester, 9000, .batchInternal),
        (.cms, 137, .signalKill), (.cms, 139, .signalSegmentation), (.cms, 8001, .payloadException),
        (.cms, 8004, .memoryAllocation), (.cms, 8020, .inputOpen), (.cms, 8501, .payloadGenerator),
        (.cms, 10034, .softwareRelease), (.cms, 50115, .payloadReportBroken), (.cms, 50660, .memory),
        (.cms, 50664, .wallTime), (.cms, 60307, .stageOut), (.cms, 60403, .stageOutTimeout),
        (.cms, 71302, .siteBanned), (.cms, 99303, .wrapperNoReport),
    ]

    @Test(arguments: Self.known) func aForeignCodeIsUnderstood(system: ForeignSystem, number: Int, code: FailureCode) {
        #expect(system.failureCode(number) == code)
        #expect(system.name(number)?.isEmpty == false)
    }

    @Test func aNumberThatIsNotTheirsIsNotGuessed() {
        for number in [-1, 0, 1000, 1009, 1387, 99_995] { #expect(ForeignSystem.panda.failureCode(number) == nil) }
        #expect(ForeignSystem.harvester.failureCode(5) == nil && ForeignSystem.cms.failureCode(8999) == nil)
    }

    @Test(arguments: ForeignSystem.allCases) func noNumberAndNoNameStandsTwice(system: ForeignSystem) {
        let numbers = system.table.map(\.number)
        #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
        let names = system.table.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { !$0.isEmpty && !$0.contains(" ") })
    }

    @Test func theTablesAreComplete() {
        #expect(ForeignCodes.panda.count == 147 && ForeignSystem.panda.table.count >= 220)
        #expect(ForeignSystem.panda.table.allSatisfy { (1000...1400).contains($0.number) })
        #expect(ForeignSystem.harvester.table.count >= 90 && ForeignSystem.cms.table.count >= 150)
    }

    /// CMS codes and what is left of them in a process status.
    private static let truncations: [(Int, Int)] = [
        (50513, 81), (50115, 195), (10034, 50), (60403, 243), (60307, 147), (60311, 151), (8028, 92), (8021, 85),
        (8020, 84), (8022, 86), (8001, 65),
    ]

    @Test(arguments: Self.truncations) func aTruncatedStatusHasCandidates(number: Int, status: Int) {
        let candidates = ForeignSystem.cms.truncated(status)
        #expect(candidates.contains { $0.number == number })
        #expect(candidates.allSatisfy { $0.number % 256 == status })
        #expect(candidates.map(\.number) == candidates.map(\.number).sorted())
    }

    @Test func aHintIsNeverGivenForWhatIsNoTruncatedStatus() {
        for status in [-1, 0, 256, 50513] { #expect(ForeignSystem.cms.truncated(status).isEmpty) }
        #expect(ForeignSystem.panda.truncated(81).isEmpty && ForeignSystem.harvester.truncated(81).isEmpty)
    }
}
