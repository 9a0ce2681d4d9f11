import Domain
import Glibc
import Storage
import Testing

@testable import Agent

@Suite("Why a step failed")
struct OutcomeTests {
    private func failures(
        _ end: ProcessEnd,
        _ breach: LimitBreach? = nil,
        reports: [JobReport] = [],
        memory: Failure? = nil,
        tail: String = "",
        full: Bool = false
    ) -> [Failure] {
        let lastLine = tail.split(separator: "\n").last.map(String.init)
        return Outcome.failures(
            StepEvidence(
                step: "s",
                end: end,
                breach: breach,
                memory: memory,
                reports: reports,
                tail: tail,
                lastLine: lastLine,
                isDiskFull: full
            )
        )
    }

    private func codes(
        _ end: ProcessEnd,
        _ breach: LimitBreach? = nil,
        reports: [JobReport] = [],
        memory: Failure? = nil,
        tail: String = "",
        full: Bool = false
    ) -> [Int] {
        self.failures(end, breach, reports: reports, memory: memory, tail: tail, full: full).map(\.code)
    }

    @Test("exit codes and signals are kept apart, and each signal has its code")
    func ends() {
        #expect(self.codes(.exited(0)) == [])
        #expect(self.codes(.exited(0), full: true) == [])
        #expect(self.codes(.exited(9)) == [1001])
        #expect(self.codes(.signalled(9)) == [1109])
        #expect(self.codes(.signalled(24)) == [1124])
        #expect(self.codes(.signalled(64)) == [1002])
        let text = self.failures(.exited(3), tail: "boom")
        #expect(text == [Failure(.payloadExit, "exit code 3 in step s: boom", source: .payload)])
        let signal = self.failures(.signalled(11))
        #expect(signal == [Failure(.signalSegmentation, "signal 11 (SIGSEGV) in step s", source: .executor)])
    }

    @Test("a full disk is told beside the exit code, once")
    func diskFull() {
        #expect(self.codes(.exited(1), full: true) == [1001, 5001])
        #expect(self.codes(.exited(1), tail: "cp: No space left on device") == [1001, 5001])
        #expect(self.codes(.exited(1), tail: "cp: No space left on device", full: true) == [1001, 5001])
    }

    @Test("a limit explains what it ended, whatever the process says, and each has its own code")
    func limits() {
        let still = Stillness(seconds: 7300.4, cpuSeconds: 1.23, windowSeconds: 7201)
        let breaches: [(LimitBreach, Int)] = [
            (.wallTime(limitSeconds: 1), 2001), (.memory(usedMB: 2, limitMB: 1), 2002),
            (.disk(usedMB: 2, limitMB: 1), 2003), (.log(usedMB: 2, limitMB: 1), 2022),
            (.looping(still, processes: "sh (S)"), 2041),
        ]
        for end in [ProcessEnd.signalled(9), .exited(0), .exited(1)] {
            for (breach, code) in breaches { #expect(self.codes(end, breach, tail: "MemoryError") == [code]) }
        }
        #expect(
            self.failures(.signalled(9), breaches[4].0).first?.diagnostic
                == "step s wrote nothing for 7300 s, used 1.2 s of CPU in the last 7201 s and was ended; then ran: sh (S)"
        )
    }

    @Test("a kill for memory keeps its evidence beside the agent's own limit, and explains a signal")
    func memory() {
        let evidence = Failure(.memoryCgroup, "killed", source: .executor)
        let both = self.failures(.signalled(9), .memory(usedMB: 2, limitMB: 1), memory: evidence)
        #expect(both.map(\.code) == [2002, 2004])
        let killed = self.failures(.signalled(9), memory: evidence)
        #expect(killed.map(\.code) == [1109, 2004] && killed.cause == evidence)
    }

    @Test("exit code 0 with a report of failure is a failure: the wrapper is not the payload")
    func liarByExit() {
        let report = JobReport.failed([Failure(.inputRead, "cms 8021", source: .payload)])
        #expect(self.failures(.exited(0), reports: [report]) == report.failures)
        #expect(self.codes(.exited(0), reports: [.success, .silent]) == [])
    }

    @Test("another exit code with a report of success is a failure, and says so")
    func liarByReport() {
        let failures = self.failures(.exited(7), reports: [.success, .silent])
        #expect(failures.map(\.code) == [1001])
        #expect(failures[0].diagnostic == "exit code 7 in step s, though its report tells of success")
        #expect(self.codes(.signalled(15), reports: [.success]) == [1115])
    }

    @Test("a report of failure outweighs the eight bits of an exit code, which is kept in its words")
    func truncated() {
        // 60311 & 0xFF is 151; stage-out would otherwise be hidden by the exit code.
        let report = JobReport.failed([Failure(.stageOut, "cms 60311", source: .payload)])
        let failures = self.failures(.exited(151), reports: [report])
        #expect(failures == [Failure(.stageOut, "cms 60311 (exit code 151 in step s)", source: .payload)])
        #expect(self.codes(.signalled(9), reports: [report]) == [1109, 8101])
    }

    @Test("without a report an exit code is not guessed to be what is left of a larger one")
    func notGuessed() {
        let failures = self.failures(.exited(85))
        #expect(failures == [Failure(.payloadExit, "exit code 85 in step s", source: .payload)])
        #expect(ForeignSystem.cms.truncated(85).count > 1)
    }

    @Test("a report that cannot be read is told, and does not hide the exit code")
    func unreadable() {
        let broken = JobReport.unreadable("jobReport.json", "cut\noff", step: "s")
        #expect(self.codes(.exited(0), reports: [broken]) == [1004])
        #expect(self.codes(.exited(2), reports: [broken]) == [1001, 1004])
        #expect(broken.failures[0].diagnostic == "jobReport.json of step s cannot be read: cut off")
    }
}

@Suite("Words of a step that failed")
struct LogPatternTests {
    private static let words: [(text: String, code: FailureCode)] = [
        ("terminate called after throwing an instance of 'std::bad_alloc'", .memoryAllocation),
        ("numpy._core._exceptions._ArrayMemoryError: x\nMemoryError", .memoryAllocation),
        ("sh: fork: Cannot allocate memory", .memoryAllocation),
        ("RuntimeError: CUDA out of memory. Tried to allocate 2 GiB", .memoryDevice),
        ("OSError: [Errno 28] No space left on device: 'x'", .nodeDisk),
        ("touch: cannot touch 'x': Read-only file system", .nodeReadOnly),
        ("cat: x: Input/output error", .nodeIO), ("ls: x: Stale file handle", .sharedFileSystem),
        ("ls: /cvmfs/x: Transport endpoint is not connected", .sharedFileSystem),
        ("OSError: [Errno 24] Too many open files", .openFiles),
        ("bash: fork: retry: Resource temporarily unavailable", .processes),
        ("File size limit exceeded (core dumped)", .fileSizeLimit),
        ("./sim: error while loading shared libraries: libG4.so: no", .softwareLibrary),
        ("bash: ./sim: cannot execute binary file: Exec format error", .softwareArchitecture),
        ("ModuleNotFoundError: No module named 'uproot'", .payloadImport),
    ]

    @Test("have one meaning, whoever writes them", arguments: Self.words)
    func known(text: String, code: FailureCode) {
        let found = LogPatterns.failures(in: "first\n" + text + "\nlast", step: "s")
        #expect(found.map(\.code) == [code.rawValue])
        #expect(found[0].source == .payload && found[0].diagnostic.hasSuffix("(in step s)"))
    }

    @Test("every pattern of the table has a word above, and the rest means nothing")
    func table() {
        #expect(Set(LogPatterns.table.map(\.code)) == Set(Self.words.map(\.code)))
        #expect(LogPatterns.failures(in: "all good\nno memory errors\nimported", step: "s").isEmpty)
        #expect(LogPatterns.failures(in: "MemoryError\nMemoryError\nbad: std::bad_alloc", step: "s").count == 1)
    }

    @Test("defect 12 of PanDA's pilot: message patterns are consulted when the exit code is not 0, and only then")
    func defect12() {
        func codes(_ end: ProcessEnd, _ tail: String, _ reports: [JobReport] = []) -> [Int] {
            Outcome.failures(StepEvidence(step: "s", end: end, reports: reports, tail: tail)).map(\.code)
        }
        #expect(codes(.exited(1), "MemoryError") == [1001, 2007])
        #expect(codes(.signalled(6), "std::bad_alloc") == [1106, 2007])
        #expect(codes(.exited(0), "MemoryError (caught, went on)") == [])
        // Those of a report, too.
        let text = #"{"exitCode": 65, "exitMsg": "ImportError: no module ROOT"}"#
        let report = PandaReport.read(Array(text.utf8), step: "s")
        #expect(codes(.exited(65), "", [report]) == [1001, 1012])
        // And what is found explains the exit code.
        let failures = Outcome.failures(StepEvidence(step: "s", end: .exited(1), tail: "MemoryError"))
        #expect(failures.cause?.code == 2007)
    }
}

@Suite("Where a write failed")
struct WriteFailureTests {
    @Test("on the node's own disk the agent's own files have codes of the node")
    func node() {
        let codes: [(CInt, FailureCode)] = [
            (ENOSPC, .nodeDisk), (EDQUOT, .nodeDisk), (EROFS, .nodeReadOnly), (EIO, .nodeIO),
            (EACCES, .nodePermissions), (EPERM, .nodePermissions), (ESTALE, .sharedFileSystem),
            (EINVAL, .wrapperCrashed),
        ]
        for (number, code) in codes { #expect(NodeFailure.code(errno: number) == code) }
    }

    @Test("a write to a full device throws what becomes the code of a full disk")
    func fullDevice() {
        let error = #expect(throws: FileError.self) { try FileTree.write("x", to: "/dev/full") }
        #expect(error.map { NodeFailure.code(errno: $0.errno) } == .nodeDisk)
    }

    @Test("on storage the kind of error has its code; a source that is gone is the payload's")
    func storage() {
        func code(_ scope: StorageError.Scope, _ kind: StorageError.Class, _ errno: CInt? = nil) -> Int {
            let error = StorageError(
                scope: scope,
                phase: .write,
                class: kind,
                errno: errno,
                description: "d",
                isRetryable: false
            )
            let failure = StorageFailure.stageOut(error, stream: "main")
            #expect(failure.source == .storage && failure.diagnostic == "stream main: d")
            return failure.code
        }
        #expect(code(.source, .missing) == 8001 && code(.source, .denied) == 8101)
        #expect(code(.destination, .full, ENOSPC) == 8103 && code(.destination, .full, EDQUOT) == 8112)
        #expect(code(.destination, .denied, EACCES) == 8102 && code(.destination, .denied, EROFS) == 8113)
        #expect(code(.transfer, .corrupt) == 8105 && code(.destination, .exists) == 8107)
        #expect(code(.destination, .missing) == 8101 && code(.destination, .other, EIO) == 8101)
    }
}
