import Domain
import Testing

/// The tables of codes are complete and fit each other.
@Suite struct FailureCodeTests {
    /// Numbers that are in messages and in the catalogues of farms: they never change.
    private static let published: [(FailureCode, Int)] = [
        (.payloadExit, 1001), (.payloadSignal, 1002), (.payloadTooFewEvents, 1003), (.payloadReportBroken, 1004),
        (.payloadNotFound, 1005), (.wallTime, 2001), (.memory, 2002), (.disk, 2003), (.wrapperCrashed, 3001),
        (.specification, 3002), (.softwareInstall, 4001), (.softwareHash, 4002), (.softwareUnavailable, 4003),
        (.nodeDisk, 5001), (.nodeSpawn, 5002), (.agentRestarted, 5003), (.batchRemoved, 6001), (.batchUnknown, 6002),
        (.inputMissing, 7001), (.inputChecksum, 7002), (.inputUnreachable, 7003), (.outputMissing, 8001),
        (.outputEmpty, 8002), (.stageOut, 8101), (.missingStream, 8201), (.extraStream, 8202), (.eventsMismatch, 8203),
        (.checksumMalformed, 8204), (.zeroSize, 8205), (.foreignName, 8206), (.unknownStorage, 8207),
        (.outputSum, 8208), (.nameTaken, 8209), (.foreignRange, 8213), (.staleAttempt, 8214), (.agentLost, 9001),
        (.agentForgot, 9002), (.offerRefused, 9003),
        (.cancelled, 9101),
    ]

    @Test func publishedNumbersStay() {
        for (code, number) in Self.published { #expect(code.rawValue == number) }
    }

    @Test func thereAreEnoughAndEachLayerHasSome() {
        #expect(FailureCode.allCases.count >= 125)
        for layer in FailureLayer.allCases { #expect(FailureCodes.table(layer).count >= 15, "\(layer)") }
    }

    @Test func everyCodeHasExactlyOneRow() {
        let rows = FailureLayer.allCases.flatMap(FailureCodes.table).map(\.code)
        #expect(rows.count == FailureCode.allCases.count)
        #expect(Set(rows) == Set(FailureCode.allCases))
    }

    @Test(arguments: FailureLayer.allCases) func aCodeStandsInTheTableOfItsFirstDigit(layer: FailureLayer) {
        for row in FailureCodes.table(layer) {
            #expect(row.code.rawValue / 1000 == layer.rawValue, "\(row.code)")
            #expect(row.code.layer == layer)
        }
    }

    @Test(arguments: FailureCode.allCases) func meaningAndRemedyAreSentences(code: FailureCode) {
        for text in [code.meaning, code.remedy] {
            #expect(text.hasSuffix(".") && text.first?.isUppercase == true, "\(code): \(text)")
            #expect(text.count >= 8 && !text.contains("\n") && !text.contains("|"), "\(code): \(text)")
        }
        #expect(code.meaning.split(separator: " ").count >= 3, "\(code): \(code.meaning)")
    }

    @Test func namesAreUniqueAndWords() {
        let names = FailureCode.allCases.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { name in name.allSatisfy(\.isLetter) && name.first?.isLowercase == true })
        #expect(FailureCode.payloadExit.name == "payloadExit")
    }

    @Test func meaningsTellCodesApart() {
        let said = FailureCode.allCases.filter { $0.meaning != "The storage element refused our credential." }
            .filter { $0.meaning != "The storage element has too much to do." }.map(\.meaning)
        #expect(Set(said).count == said.count)
    }

    @Test func aSignalHasItsOwnCode() {
        let known: [(Int, FailureCode)] = [
            (1, .signalHangup), (2, .signalInterrupt), (3, .signalQuit), (4, .signalIllegal), (6, .signalAbort),
            (7, .signalBus), (8, .signalArithmetic), (9, .signalKill), (11, .signalSegmentation), (13, .signalPipe),
            (15, .signalTerminate), (24, .signalCPU), (25, .signalFileSize), (31, .signalSystemCall),
        ]
        for (number, code) in known { #expect(FailureCode.signal(number) == code) }
        for number in [-1, 0, 5, 64, 65, 901] { #expect(FailureCode.signal(number) == .payloadSignal) }
    }

    @Test func aNumberThatIsNotOursIsBlamedByItsFirstDigit() {
        let expected: [(Int, Blame)] = [
            (1999, .payload), (2999, .payload), (3999, .site), (4999, .site), (5999, .site), (6999, .site),
            (7999, .data), (8999, .site), (9999, .infrastructure), (0, .infrastructure), (12, .infrastructure),
        ]
        for (code, blame) in expected { #expect(Blame(code: code) == blame, "\(code)") }
        #expect(Blame(code: FailureCode.signalKill.rawValue) == .site)
    }
}
