import Domain
import Glibc
import Messages
import Storage
import TestSupport
import Testing

@testable import Agent

@Suite("Inputs of a job")
struct InputFinderTests {
    private let folder: String
    private let finder: InputFinder
    private let good: OfferedInput

    init() throws {
        self.folder = try TestFolder.make("inputs")
        try FileTree.makeFolder(self.folder + "/se/d")
        try FileTree.makeFolder(self.folder + "/empty")
        try FileTree.write("content\n", to: self.folder + "/se/d/f")
        let disk = PosixStorage(StorageElement(name: "DISK", base: self.folder + "/se"))
        let other = PosixStorage(StorageElement(name: "OTHER", base: self.folder + "/empty"))
        let stored = try disk.verify(LogicalName("/d/f"))
        self.good = OfferedInput(lfn: "/d/f", bytes: 8, adler32: stored.adler32, events: 1, storage: ["OTHER", "DISK"])
        self.finder = InputFinder(
            storage: ["DISK": disk, "OTHER": other],
            journal: try Journal(path: self.folder + "/journal.sqlite"),
            logger: quietLogger
        )
    }

    private func codes(_ inputs: [OfferedInput]) async throws -> [Int] {
        do {
            _ = try await self.finder.paths(of: inputs)
            return []
        } catch let error as JobFailure { return error.failures.map(\.code) }
    }

    @Test("are read in place, from the first storage that has them")
    func inPlace() async throws {
        #expect(try await self.finder.paths(of: [self.good]) == [self.folder + "/se/d/f"])
    }

    @Test("that are missing, wrong or out of reach are each told")
    func failures() async throws {
        var (missing, short, wrong, far, escape) = (self.good, self.good, self.good, self.good, self.good)
        missing.lfn = "/d/g"
        short.bytes = 9
        short.storage = ["DISK"]
        wrong.adler32 = "00000001"
        wrong.storage = ["DISK"]
        far.storage = ["TAPE"]
        escape.lfn = "/../x"
        #expect(try await self.codes([missing, short, wrong, far, escape]) == [7001, 7002, 7002, 7003, 7003])
    }

    @Test("are read whole once, and again when the file has changed")
    func remembered() async throws {
        _ = try await self.finder.paths(of: [self.good])
        try FileTree.write("Content\n", to: self.folder + "/se/d/f")
        // A change that keeps the size shows in the time of the file alone.
        var times = [timespec(tv_sec: 1, tv_nsec: 0), timespec(tv_sec: 1, tv_nsec: 0)]
        #expect(utimensat(AT_FDCWD, self.folder + "/se/d/f", &times, 0) == 0)
        var one = self.good
        one.storage = ["DISK"]
        #expect(try await self.codes([one]) == [7002])
    }
}

@Suite("Software of a job", .timeLimit(.minutes(15)))
struct SoftwareStoreTests {
    private let folder: String

    init() throws { self.folder = try TestFolder.make("software") }

    private func store(_ python: String = "/usr/bin/python3") -> SoftwareStore {
        // No index to ask: what is not there cannot be found, at once.
        let environment = ["PIP_NO_INDEX": "1", "HOME": self.folder]
        return SoftwareStore(folder: self.folder, python: python, environment: environment, logger: quietLogger)
    }

    @Test("is installed once for many who wait, anew if it was left incomplete, and then shared")
    func once() async throws {
        let package = SoftwarePackage(name: "p", version: "1", requirements: "# nothing\n")
        let store = self.store()
        async let first = store.programs(of: package)
        async let second = store.programs(of: package)
        let (one, two) = try await (first, second)
        #expect(one == two && access(one + "/python", X_OK) == 0)
        let place = String(one.dropLast("/bin".count))
        try FileTree.write("x", to: place + "/mine")
        #expect(try await self.store().programs(of: package) == one)
        #expect(FileTree.size(place + "/mine") == 1)
        unlink(place + "/.complete")
        #expect(try await self.store().programs(of: package) == one)
        #expect(FileTree.size(place + "/mine") == nil)
    }

    @Test("that cannot be had is told with the installer's last words")
    func failures() async throws {
        let hash = String(repeating: "0", count: 64)
        let package = SoftwarePackage(name: "p", version: "1", requirements: "no-such-thing==1 --hash=sha256:\(hash)\n")
        let failure = await #expect(throws: JobFailure.self) { try await self.store().programs(of: package) }
        #expect(failure?.failures.map(\.code) == [4001])
        #expect(failure?.failures[0].diagnostic.contains("no-such-thing") == true)
        let missing = await #expect(throws: JobFailure.self) {
            try await self.store("/no/python").programs(of: package)
        }
        #expect(missing?.failures.map(\.code) == [4003])
        let tail = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."
        #expect(SoftwareStore.failure(.softwareInstall, .exited(1), tail).failures.map(\.code) == [4002])
        let full = SoftwareStore.failure(.softwareInstall, .exited(1), "No space left on device")
        #expect(full.failures.map(\.code) == [5001])
    }
}

@Suite("A child process", .timeLimit(.minutes(15)))
struct ChildProcessTests {
    private let folder: String

    init() throws { self.folder = try TestFolder.make("child") }

    private func launch(_ program: String, _ arguments: [String]) -> ChildProcess.Launch {
        ChildProcess.Launch(
            program: program,
            arguments: arguments,
            environment: ["PATH": "/usr/bin:/bin"],
            folder: self.folder,
            logFile: self.folder + "/log"
        )
    }

    @Test("keeps exit codes and signals apart, and tells what was used")
    func ends() async throws {
        let code = try await ChildProcess.start(self.launch("/bin/sh", ["sh", "-c", "exit 137"])).waitForEnd()
        #expect(code.end == .exited(137) && code.memoryPeak > 0)
        let signal = try await ChildProcess.start(self.launch("/bin/sh", ["sh", "-c", "kill -9 $$"])).waitForEnd()
        #expect(signal.end == .signalled(9))
    }

    @Test("inherits no file of ours, and leads its own session")
    func clean() async throws {
        let held = open("/dev/null", O_RDONLY)
        defer { close(held) }
        let child = try await ChildProcess.start(
            self.launch("/bin/sh", ["sh", "-c", "ls /proc/$$/fd; cut -d' ' -f1,6 /proc/$$/stat"])
        )
        #expect(await child.waitForEnd().end == .exited(0))
        let text = String(decoding: FileTree.read(self.folder + "/log", limit: 1000) ?? [], as: UTF8.self)
        #expect(text == "0\n1\n2\n\(child.pid) \(child.pid)\n")
    }

    @Test("that cannot be executed is told as such")
    func missing() async throws {
        try FileTree.write("#!/no/interpreter\n", to: self.folder + "/script", mode: 0o755)
        for program in ["/no/such", self.folder + "/script", self.folder] {
            let failure = await #expect(throws: JobFailure.self) {
                try await ChildProcess.start(self.launch(program, [program]))
            }
            #expect(failure?.failures.map(\.code) == [1005])
        }
    }

    @Test("/proc/PID/stat is read whatever the process is called")
    func stat() {
        let numbers = "1 77 88 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 1000 55 0"
        let entry = ProcessTable.Entry(stat: "42 (a) b) (c) S \(numbers)")
        #expect(entry?.pid == 42 && entry?.state == "S" && entry?.session == 88 && entry?.residentPages == 55)
        #expect(ProcessTable.Entry(stat: "42 (a S 1") == nil)
        #expect(entry?.parent == 1 && entry?.name == "a) b) (c" && entry?.cpuTicks == 0)
        let busy = ProcessTable.Entry(stat: "42 (a) S 1 77 88 0 -1 0 0 0 0 0 7 20 300 4000 20 0 1 0 100 1000 55 0")
        #expect(busy?.cpuTicks == 4327)
        #expect(ProcessTable.residentBytes(ProcessTable.family(session: getsid(0))) > 0)
    }

    @Test("a family is a session and all that its processes started, also in sessions of their own")
    func family() {
        func entry(_ pid: Int, _ parent: Int, _ session: Int) -> ProcessTable.Entry? {
            ProcessTable.Entry(stat: "\(pid) (p) S \(parent) 1 \(session) 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 1 1 2 0")
        }
        let all = [entry(10, 1, 10), entry(11, 10, 10), entry(12, 11, 12), entry(13, 12, 12), entry(14, 1, 14)]
        let family = ProcessTable.family(session: 10, of: all.compactMap(\.self))
        #expect(family.map(\.pid) == [10, 11, 12, 13])
        #expect(ProcessTable.residentBytes(family) == 8 * Int64(sysconf(CInt(_SC_PAGESIZE))))
        #expect(ProcessTable.cpuSeconds(family) == 8 / Double(sysconf(CInt(_SC_CLK_TCK))))
    }
}
