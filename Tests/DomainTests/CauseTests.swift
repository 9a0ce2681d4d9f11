import Domain
import Foundation
import Testing

/// Which of several failures of one attempt is its cause.
@Suite struct CauseTests {
    /// The first explains the second, in whatever order they were noticed.
    private static let pairs: [(FailureCode, FailureCode)] = [
        (.cancelled, .memoryKernel), (.cancelled, .signalKill), (.cancelled, .agentLost), (.cancelled, .superseded),
        (.superseded, .signalTerminate), (.siteBanned, .signalTerminate), (.leaseLost, .signalKill),
        (.memoryKernel, .agentLost), (.memoryKernel, .signalKill), (.memoryKernel, .memory),
        (.memoryCgroup, .payloadExit), (.memory, .payloadSignal), (.memoryBatch, .batchRemoved),
        (.memoryAllocation, .signalAbort), (.nodeMemory, .memoryKernel),
        (.wallTimeBatch, .payloadSignal), (.wallTimeBatch, .signalTerminate), (.wallTimeBatch, .batchRemoved),
        (.wallTime, .signalKill), (.cpuTimeBatch, .signalCPU), (.disk, .outputMissing), (.processes, .nodeSpawn),
        (.inputStalled, .looping), (.inputChecksum, .payloadExit), (.inputOpen, .payloadExit),
        (.inputChecksum, .inputOpen), (.inputTruncated, .inputRead), (.networkUnreachable, .inputUnreachable),
        (.nameResolution, .inputTimeout), (.nodeClock, .tokenExpired), (.tokenExpired, .inputPermission),
        (.tokenExpired, .stageOutPermission), (.tokenExpired, .stageOut),
        (.cvmfsMissing, .softwareSetup), (.cvmfsMissing, .payloadNotFound), (.softwareLibrary, .payloadExit),
        (.nodeDisk, .payloadWrite), (.nodeDisk, .stageOut), (.nodeDisk, .wrapperCrashed), (.nodeLost, .agentLost),
        (.nodeReadOnly, .outputMissing), (.agentRestarted, .payloadSignal),
        (.preempted, .signalTerminate), (.batchRemoved, .signalKill), (.batchHeld, .agentLost),
        (.payloadExit, .outputMissing), (.payloadExit, .payloadTooFewEvents), (.payloadExit, .payloadReportBroken),
        (.payloadException, .payloadExit), (.signalSegmentation, .payloadCoreDump), (.signalSegmentation, .payloadExit),
        (.conditionsUnreachable, .payloadException), (.databaseUnreachable, .payloadExit),
        (.payloadSignal, .payloadExit), (.payloadExit, .wrapperCrashed), (.payloadExit, .agentLost),
        (.stageOutSpace, .stageOutTool), (.stageOut, .logStageOut), (.outputMissing, .logStageOut),
        (.wrapperCrashed, .outputMissing), (.batchExitUnknown, .agentLost), (.agentLost, .batchUnreachable),
        (.payloadExit, .batchUnreachable), (.batchUnknown, .agentLost),
    ]

    @Test(arguments: Self.pairs) func oneExplainsTheOther(cause: FailureCode, effect: FailureCode) {
        let (first, second) = (Failure(cause, "cause"), Failure(effect, "effect"))
        #expect(first.rank < second.rank)
        #expect([first, second].cause == first)
        #expect([second, first].cause == first)
    }

    @Test func theOrderOfReportingDoesNotMatterAmongDifferentRanks() {
        let failures = [
            Failure(.outputMissing, "a"), Failure(.agentLost, "b"), Failure(.signalKill, "c"),
            Failure(.memoryKernel, "d"), Failure(.batchRemoved, "e"),
        ]
        #expect(Set(failures.map(\.rank)).count == failures.count)
        var seen = 0
        Self.permutations(failures) { order in
            seen += 1
            #expect(order.cause?.code == FailureCode.memoryKernel.rawValue)
        }
        #expect(seen == 120)
    }

    @Test func ofEqualsTheFirstReportedIsTheCause() {
        let one = Failure(.wallTime, "one")
        let other = Failure(.wallTime, "other")
        let third = Failure(.cpuTime, "third")
        #expect([one, other, third].cause == one)
        #expect([third, other, one].cause == third)
    }

    @Test func cancellationBeatsEveryOtherCode() {
        for code in FailureCode.allCases where code != .cancelled {
            #expect([Failure(code, ""), Failure(.cancelled, "")].cause?.code == FailureCode.cancelled.rawValue)
        }
    }

    @Test func silenceAndAnUnansweredQuestionExplainNothing() {
        for code in FailureCode.allCases where ![.agentLost, .agentForgot, .batchUnreachable].contains(code) {
            #expect([Failure(.agentLost, ""), Failure(code, "")].cause?.code == code.rawValue)
            #expect([Failure(.batchUnreachable, ""), Failure(code, "")].cause?.code == code.rawValue)
        }
    }

    @Test func aCodeThatIsNotOursHasItsLayersRank() {
        #expect(Failure(code: 2999, diagnostic: "").rank == FailureLayer.limit.rank)
        #expect([Failure(code: 12, diagnostic: ""), Failure(code: 8999, diagnostic: "")].cause?.code == 8999)
        #expect([Failure]().cause == nil)
    }

    @Test func layersRankInAFixedOrder() {
        let order: [FailureLayer] = [
            .centre, .limit, .input, .software, .site, .batch, .payload, .wrapper, .output,
        ]
        #expect(FailureLayer.allCases.sorted { $0.rank < $1.rank } == order)
    }

    @Test func anOldMessageWithoutASourceIsRead() throws {
        let old = Data(#"{"code": 1001, "diagnostic": "exit code 1"}"#.utf8)
        let failure = try JSONDecoder().decode(Failure.self, from: old)
        #expect(failure == Failure(.payloadExit, "exit code 1"))
        #expect(failure.source == nil)
    }

    @Test(arguments: FailureSource.allCases) func aSourceTravels(source: FailureSource) throws {
        let failure = Failure(.memoryKernel, "oom", source: source)
        let text = try JSONEncoder().encode(failure)
        #expect(String(decoding: text, as: UTF8.self).contains("\"source\":\"\(source.rawValue)\""))
        #expect(try JSONDecoder().decode(Failure.self, from: text) == failure)
    }

    /// Every order of the elements.
    private static func permutations(_ rest: [Failure], _ done: [Failure] = [], visit: ([Failure]) -> Void) {
        if rest.isEmpty { return visit(done) }
        for index in rest.indices {
            var left = rest
            let next = left.remove(at: index)
            self.permutations(left, done + [next], visit: visit)
        }
    }
}
