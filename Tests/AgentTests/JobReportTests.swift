import Domain
import FoundationEssentials
import Messages
import Testing

@testable import Agent

@Suite("The job report of a PanDA transform or pilot")
struct PandaReportTests {
    private func read(_ text: String) -> JobReport { PandaReport.read(Array(text.utf8), step: "s") }

    @Test("tells the transform's exit code with its acronym and message")
    func transform() {
        let report = self.read(
            #"""
            {"created": "2018-03-04T09:33:09", "executor": [{"errMsg": null, "rc": -1, "statusOK": false}],
             "exitAcronym": "TRF_EXEC_VALIDATION_FAIL", "exitCode": 66,
             "exitMsg": "File EVNT.13276676._000045.pool.root.1 did not\npass corruption test", "exitMsgExtra": "",
             "files": {"input": [], "output": []}, "reportVersion": "2.0.9"}
            """#
        )
        #expect(report.word == .failure)
        let words =
            "panda transform 66 (TRF_EXEC_VALIDATION_FAIL): File EVNT.13276676._000045.pool.root.1 did not pass corruption test"
        #expect(report.failures == [Failure(.payloadExit, words, source: .payload)])
    }

    @Test("tells success, and nothing where it has no codes")
    func success() {
        #expect(self.read(#"{"exitCode": 0, "exitAcronym": "OK", "exitMsg": "OK"}"#) == .success)
        #expect(self.read(#"{"pilotErrorCode": "0", "exeErrorCode": 0}"#) == .success)
        for text in ["{}", #"{"exitCode": null}"#, #"{"exitCode": ""}"#, #"{"my": "own"}"#] {
            #expect(self.read(text) == .silent)
        }
    }

    @Test("tells the pilot's codes in ours, whether they are numbers or text, before the transform's")
    func pilot() {
        let report = self.read(
            #"""
            {"pilotErrorCode": "1150", "pilotErrorDiag": "Job timed out", "exeErrorCode": 65, "exeErrorDiag": "killed",
             "exitCode": 65, "exitMsg": "Non-zero return code"}
            """#
        )
        #expect(report.failures.map(\.code) == [FailureCode.looping.rawValue, FailureCode.payloadExit.rawValue])
        #expect(report.failures[0].diagnostic == "panda 1150 (LOOPINGJOB): Job timed out")
        #expect(report.failures.map(\.source) == [.wrapper, .payload])
        let other = self.read(#"{"pilotErrorCode": 99999, "exeErrorCode": 1, "exitCode": 2, "supErrorCode": 1001}"#)
        #expect(other.failures.map(\.code) == [3016, 6005, 1001, 1001])
        #expect(other.failures[0].diagnostic == "panda 99999")
        #expect(other.failures[1].diagnostic == "harvester 1001 (preempted)")
    }

    @Test("every code of the pilot's table comes out as that table says, with its name")
    func table() {
        for foreign in ForeignSystem.panda.table {
            let report = self.read(#"{"pilotErrorCode": \#(foreign.number)}"#)
            #expect(report.failures.map(\.code) == [foreign.code.rawValue])
            #expect(report.failures[0].diagnostic == "panda \(foreign.number) (\(foreign.name))")
        }
    }

    @Test(
        "that is malformed is a failure with its own code",
        arguments: [
            "", "{", "[]", "null", #"{"exitCode": 66"#, #"{"exitCode": "many"}"#, #"{"exitCode": 1.5}"#,
            #"{"exitCode": {}}"#, #"{"exitMsg": 7, "exitCode": 1}"#, "\u{0}",
            String(repeating: "[", count: 100_000),
        ]
    )
    func malformed(text: String) {
        let report = self.read(text)
        #expect(report.word == .unreadable && report.failures.map(\.code) == [1004])
        #expect(report.failures[0].diagnostic.hasPrefix("jobReport.json of step s cannot be read: "))
        #expect(report.failures[0].diagnostic.unicodeScalars.count < 600)
    }
}

@Suite("The job report of CMS")
struct FrameworkReportTests {
    private func read(_ text: String) -> JobReport { FrameworkReport.read(Array(text.utf8), step: "s") }

    /// As CMSSW writes it, shortened.
    private static let failed = """
        <FrameworkJobReport>
        <ReadBranches>
        </ReadBranches>
        <InputFile>
        <LFN>/store/data/a&amp;b.root</LFN>
        <EventsRead>1</EventsRead>
        <Runs><Run ID="121849"><LumiSection ID="1"/></Run></Runs>
        </InputFile>
        <FrameworkError ExitStatus="8021" Type="FileReadError" >
        <![CDATA[
        An exception of category 'FileReadError' occurred while
           [0] Reading branch a<b> & c
        ]]>
        </FrameworkError>
        </FrameworkJobReport>

        """

    @Test("tells its framework errors in our codes, theirs in the diagnostic")
    func failure() {
        let report = self.read(Self.failed)
        let words =
            "cms 8021 (FileReadError): An exception of category 'FileReadError' occurred while [0] Reading branch a<b> & c"
        #expect(report == .failed([Failure(.inputRead, words, source: .payload)]))
    }

    @Test("status 85 with a report of 8021: the report is right")
    func truncated() {
        #expect(8021 & 0xFF == 85)
        let evidence = StepEvidence(step: "s", end: .exited(85), reports: [self.read(Self.failed)])
        let failures = Outcome.failures(evidence)
        #expect(failures.map(\.code) == [FailureCode.inputRead.rawValue])
        #expect(failures[0].diagnostic.hasSuffix("(exit code 85 in step s)"))
    }

    @Test("tells success: without errors, and with those of status 0 that wrappers write")
    func success() {
        #expect(self.read("<FrameworkJobReport><ReadBranches/></FrameworkJobReport>") == .success)
        let wrapper = #"<FrameworkError ExitStatus="0" Type="WrapperExitCode"/>"#
        #expect(self.read("<FrameworkJobReport Status='Success'>\(wrapper)</FrameworkJobReport>") == .success)
        let status = self.read("<FrameworkJobReport Status='Failed'>\(wrapper)</FrameworkJobReport>")
        #expect(status.word == .failure && status.failures.map(\.code) == [1001])
    }

    @Test("tells several errors, those of no table, and those that wrappers nest")
    func several() {
        let report = self.read(
            """
            <?xml version="1.0"?>
            <!-- by a wrapper -->
            <FrameworkJobReport JobSpecID="x" Status="Failed">
            <FrameworkError ExitStatus="60311" Type=""><ExitCode Value="60311"/>no space</FrameworkError>
            <Deep><FrameworkError ExitStatus='90001' Type='scriptError'>boom</FrameworkError></Deep>
            </FrameworkJobReport>
            """
        )
        #expect(report.failures.map(\.code) == [FailureCode.stageOut.rawValue, 1001])
        #expect(
            report.failures.map(\.diagnostic)
                == ["cms 60311 (stage-out-local): no space", "cms 90001 (scriptError): boom"]
        )
    }

    @Test("every code of the table comes out as the table says")
    func table() {
        for foreign in ForeignSystem.cms.table {
            let error = #"<FrameworkError ExitStatus="\#(foreign.number)"/>"#
            let report = self.read("<FrameworkJobReport>\(error)</FrameworkJobReport>")
            #expect(report.failures.map(\.code) == [foreign.code.rawValue])
        }
    }

    @Test("that was cut off is a failure, and what was understood is told before it")
    func cutOff() {
        let bytes = Array(Self.failed.utf8)
        for count in 0..<(bytes.count - 1 - "</FrameworkJobReport>".utf8.count) {
            let report = FrameworkReport.read(Array(bytes[..<count]), step: "s")
            #expect(report.failures.last?.code == 1004 && report.failures.count <= 2)
        }
        let understood = self.read(String(Self.failed.dropLast(25)))
        #expect(understood.word == .failure && understood.failures.map(\.code) == [7009, 1004])
    }

    @Test(
        "that is malformed is a failure with its own code",
        arguments: [
            "", "plain", "<a/>", "<FrameworkJobReport>", "<FrameworkJobReport></Other>",
            "<FrameworkJobReport/><FrameworkJobReport/>", "<FrameworkJobReport><FrameworkError/></FrameworkJobReport>",
            #"<FrameworkJobReport><FrameworkError ExitStatus="x"/></FrameworkJobReport>"#,
            #"<!DOCTYPE a [<!ENTITY x "y">]><FrameworkJobReport>&x;</FrameworkJobReport>"#,
        ]
    )
    func malformed(text: String) {
        let report = self.read(text)
        #expect(report.word == .unreadable && report.failures.map(\.code) == [1004])
    }

    @Test("with very many errors, or very long ones, tells only some")
    func bounded() {
        let long = String(repeating: "x", count: 100_000)
        let error = #"<FrameworkError ExitStatus="8020">\#(long)</FrameworkError>"#
        let errors = String(repeating: error, count: 30)
        let report = self.read("<FrameworkJobReport>\(errors)</FrameworkJobReport>")
        #expect(report.failures.count == FrameworkReport.errorLimit)
        #expect(report.failures.allSatisfy { $0.diagnostic.unicodeScalars.count < 600 })
    }

    @Test("that is too large to be read is a failure", arguments: JobReportFile.allCases)
    func tooLarge(file: JobReportFile) {
        let report = file.read(nil, step: "s")
        #expect(report.word == .unreadable && report.failures.map(\.code) == [1004])
    }
}

@Suite("The failures that a step's own report tells")
struct OwnReportTests {
    private func read(_ text: String) throws -> StepReport { try StepReport(reading: Array(text.utf8), step: "s") }

    @Test("are told as they are, in one line; none is no word on the end")
    func failures() throws {
        let report = try self.read(#"{"failures": [{"code": 1017, "diagnostic": "event\n7"}, {"code": 7009}]}"#)
        let told = [Failure(.payloadEvent, "event 7", source: .payload), Failure(.inputRead, "", source: .payload)]
        #expect(report.word == .failed(told))
        #expect(try self.read("{}").word == .silent && self.read(#"{"failures": []}"#).word == .silent)
        let many = (0..<50).map { _ in #"{"code": 1017}"# }.joined(separator: ",")
        #expect(try self.read(#"{"failures": [\#(many)]}"#).word.failures.count == StepReport.failureLimit)
    }

    @Test(
        "with codes that are not a step's to tell are a broken report",
        arguments: [0, 999, 9000, 9101, 10_000, -1001]
    )
    func foreign(code: Int) {
        let failure = #expect(throws: JobFailure.self) { try self.read(#"{"failures": [{"code": \#(code)}]}"#) }
        #expect(failure?.failures.map(\.code) == [1004])
    }
}

@Suite("The events that a step says it handled")
struct ToldRangeTests {
    private func input(_ lfn: String) -> OfferedInput {
        OfferedInput(lfn: lfn, bytes: 1, adler32: "00000001", events: 10, storage: ["DISK"])
    }

    private func read(_ text: String) throws -> StepReport { try StepReport(reading: Array(text.utf8), step: "s") }

    @Test("are told by path or by logical name, and passed on by logical name")
    func own() throws {
        let report = try self.read(
            #"""
            {"ranges": [{"input": "/disk/a", "first_event": 0, "events": 5}, {"input": "/b", "first_event": 7, "events": 2},
                        {"input": "/else", "events": 1}, {"events": 3}]}
            """#
        )
        let named = report.naming([self.input("/a"), self.input("/b")], paths: ["/disk/a", "/disk/b"])
        #expect(
            named.told == [
                EventRange(lfn: "/a", first: 0, events: 5), EventRange(lfn: "/b", first: 7, events: 2),
                EventRange(lfn: "/else", events: 1), EventRange(events: 3),
            ]
        )
        #expect(named.eventsOfRanges == 11)
        #expect(try self.read("{}").told == nil && self.read(#"{"ranges": []}"#).told == [])
    }

    @Test(
        "that make no sense are a broken report",
        arguments: [
            #"{"ranges": [{"events": -1}]}"#, #"{"ranges": [{"first_event": -1, "events": 1}]}"#, #"{"ranges": [{}]}"#,
            #"{"ranges": [{"first_event": 0}]}"#, #"{"ranges": {}}"#, #"{"ranges": [{"events": "3"}]}"#,
            #"{"ranges": [\#(Array(repeating: #"{"events": 1}"#, count: 10_001).joined(separator: ","))]}"#,
        ]
    )
    func broken(text: String) {
        let failure = #expect(throws: JobFailure.self) { try self.read(text) }
        #expect(failure?.failures.map(\.code) == [1004])
    }

    private static func file(_ lfn: String, _ pfn: String, _ events: String, type: String = "primaryFiles") -> String {
        """
        <InputFile><State Value="closed"/><LFN>\(lfn)</LFN><PFN>
        \(pfn) </PFN><InputType>\(type)</InputType><EventsRead>\(events)</EventsRead>
        <Runs><Run ID="1"><LumiSection ID="1"><LFN>/not/this</LFN></LumiSection></Run></Runs></InputFile>
        """
    }

    private func ranges(_ files: [String]) -> [EventRange]? {
        let text = "<FrameworkJobReport>\(files.joined())</FrameworkJobReport>"
        let report = FrameworkReport.read(Array(text.utf8), step: "s")
        #expect(report.word == .success)
        return ForeignRead.ranges(
            report.reads,
            inputs: [self.input("/a"), self.input("/b")],
            paths: ["/disk/a", "/disk/b"]
        )
    }

    @Test("are the numbers by input of a report of CMS, if it tells of inputs only")
    func cms() {
        let (a, b) = (Self.file("/a", "", "5"), Self.file("", "file:/disk/b", "7"))
        #expect(self.ranges([a, b]) == [EventRange(lfn: "/a", events: 5), EventRange(lfn: "/b", events: 7)])
        #expect(self.ranges([a, Self.file("", "file:///disk/a", "1"), b])?.first == EventRange(lfn: "/a", events: 6))
        #expect(self.ranges([a, b, Self.file("/pile/up", "", "900", type: "mixingFiles")])?.count == 2)
        // A copy in the work folder, or what is not as CMSSW writes it: then nothing is known.
        for other in [
            Self.file("", "file:copy.root", "5"), Self.file("/store/x", "root://far//store/x", "5"),
            Self.file("/a", "", "many"), Self.file("/a", "", "-1"), Self.file("/a", "", ""),
        ] {
            #expect(self.ranges([a, other]) == nil)
        }
        #expect(self.ranges([]) == nil)
    }
}

@Suite("A diagnostic")
struct DiagnosticTests {
    @Test("is one line without control characters, and not too long")
    func line() {
        #expect(Diagnostic.line("  a\n\tb\u{0}c \u{1B}[31m d\r\n") == "a bc [31m d")
        #expect(Diagnostic.line("") == "" && Diagnostic.line(" \n") == "")
        #expect(Diagnostic.line("abcdef", limit: 6) == "abcdef")
        #expect(Diagnostic.line("abcdefg", limit: 6) == "abcdef …")
        #expect(Diagnostic.line("naïve – 日本") == "naïve – 日本")
    }
}
