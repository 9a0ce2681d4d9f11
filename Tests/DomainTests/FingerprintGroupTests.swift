import Domain
import Testing

/// Ten thousand failures with forty root causes: the groups of the fingerprint are the causes.
@Suite struct FingerprintGroupTests {
    /// Each cause is a code and a message with places for what varies.
    private static let causes: [(FailureCode, String)] = [
        (.payloadExit, "exit code {n} in step sim"), (.payloadExit, "exit code {n} in step reco"),
        (.payloadExit, "./run.sh: line {n}: gensim: command not found"),
        (.payloadExit, "error while loading shared libraries: libGL.so.{n}: cannot open shared object file"),
        (.payloadException, "{date} terminate called after throwing an instance of 'std::bad_alloc' in thread {hex}"),
        (.payloadException, "ModuleNotFoundError: No module named {quoted} (pid {n})"),
        (.payloadException, "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='{host}', port={n})"),
        (.payloadException, "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='{host}', port={n})"),
        (.payloadException, "KeyError: {quoted} in {path} line {n}"),
        (.payloadFatal, "Error in <TFile::Open>: file {path} does not exist"),
        (.payloadFatal, "Error in <TBasket::Streamer>: The value of fNbytes is incorrect (-{n})"),
        (.payloadFatal, "EventLoopMgr FATAL Unable to initialize service {quoted}"),
        (.payloadFatal, "G4Exception: Stuck Track in volume {quoted} after {n} steps at ({f},{f},{f}) mm"),
        (.signalSegmentation, "signal 11 (SIGSEGV) in step sim at {hex}"),
        (.signalAbort, "signal 6 (SIGABRT) in step sim, stack {hex} {hex}"),
        (.conditionsUnreachable, "Frontier: No more servers, last error: Request {n} on chan {n} failed at {date}"),
        (.databaseUnreachable, "ORA-{n}: TNS:no listener (host={host})(port={n})"),
        (.memory, "used {n} MB of memory, the limit is {n} MB"),
        (.memoryKernel, "Out of memory: Killed process {n} (python) total-vm:{n}kB, anon-rss:{n}kB"),
        (.memoryBatch, "slurmstepd: error: Detected {n} oom_kill event in StepId={n}.batch on {host}"),
        (.wallTime, "ran longer than {n} s and was ended"),
        (.wallTimeBatch, "slurmstepd: error: *** JOB {n} ON {node} CANCELLED AT {date} DUE TO TIME LIMIT ***"),
        (.batchNodeFail, "slurmstepd: error: *** JOB {n} ON {node} CANCELLED AT {date} DUE TO NODE FAILURE ***"),
        (.disk, "used {n} MB of disk, the limit is {n} MB"),
        (.cvmfsBroken, "{path}: file too short"), (.cvmfsMissing, "Transport endpoint is not connected: {path}"),
        (.nodeDisk, "cannot write {path}: No space left on device, {size} needed"),
        (.nodeReadOnly, "cannot write {path}: Read-only file system"),
        (.nameResolution, "curl: (6) Could not resolve host: {host}"),
        (.networkTimeout, "curl: (7) Failed to connect to {host} port {n} after {n} ms: Connection timed out"),
        (.inputOpen, "[ERROR] Operation expired (source {url}) after {n}s"),
        (.inputOpen, "[ERROR] Server responded with an error: [{n}] permission denied (source {url})"),
        (.inputMissing, "{file} is not on {host}"), (.inputChecksum, "{file}: adler32 {hash} expected {hash}"),
        (.stageOut, "gfal-copy error: {n} (File exists) - {url}"),
        (.stageOut, "davix: HTTP 403 : Permission refused, after {n} attempts at {host}"),
        (.stageOutTimeout, "transfer {uuid} to {url} took longer than {n} seconds"),
        (.batchRemoved, "Job {n}.{n} removed by SYSTEM_PERIODIC_REMOVE at {date}"),
        (.agentLost, "agent {uuid} on {node} silent since {date}"),
        (.softwareDownload, "pip: {url}: 503 Service Unavailable, retry in {n} s"),
    ]

    /// SplitMix64, so that every run sees the same messages.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = self.state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private static func value(_ place: String, _ numbers: inout Numbers) -> String {
        func pick(_ list: [String]) -> String { list[Int.random(in: 0..<list.count, using: &numbers)] }
        let number = Int.random(in: 0...9_999_999, using: &numbers) >> Int.random(in: 0...20, using: &numbers)
        let word = pick(["hits", "digi", "reco_v2", "job", "EcalBarrel", "a", "gen-7"])
        let host = pick(["se\(number).desy.de", "dcache-\(word).gridka.de", "xrootd.cern.ch", "10.1.\(number % 256).9"])
        switch place {
        case "n": return "\(number)"
        case "f": return pick(["\(number % 100).5", "-\(number % 50).25e-3", "0"])
        case "hex": return "0x" + String(number, radix: 16)
        case "hash": return pick(["1", "a", "f"]) + String(String(number + 0x1000_0000, radix: 16).suffix(7))
        case "size": return pick(["\(number) bytes", "\(number % 99).5 GB", "\(number)MB"])
        case "quoted": return "'\(word)\(number % 7)'"
        case "path":
            return pick(["/scratch/\(word)/\(number).root", "/cvmfs/x.ch/lib\(word).so", "./\(word)_\(number)"])
        case "file": return "\(word).\(number).\(pick(["root", "dat", "hepmc"]))"
        case "url":
            return pick(["root://\(host)//store/\(word)", "https://\(host):\(number)/x?t=\(number)", "davs://\(host)/"])
        case "host": return host
        case "node": return "wn\(number % 1000)"
        case "date": return pick(["2026-11-\(10 + number % 20)T11:40:13", "Sat Nov \(1 + number % 28) 11:40:13 2026"])
        case "uuid":
            let tail = String(1_000_000_000_000 + number)
            return "6f9619ff-8b86-d0\(10 + number % 90)-b42d-\(tail.prefix(12))"
        default: return "?"
        }
    }

    private static func message(_ text: String, _ numbers: inout Numbers) -> String {
        var result = ""
        for part in text.split(separator: "{", omittingEmptySubsequences: false).enumerated() {
            guard part.offset > 0, let end = part.element.firstIndex(of: "}") else {
                result += part.element
                continue
            }
            result +=
                Self.value(String(part.element[..<end]), &numbers) + part.element[part.element.index(after: end)...]
        }
        return result
    }

    @Test func theGroupsAreTheCauses() {
        #expect(Self.causes.count == 40)
        var numbers = Numbers(state: 42)
        var groups: [String: Set<Int>] = [:]
        var messages: Set<String> = []
        for number in 0..<10_000 {
            let cause = number % Self.causes.count
            let (code, text) = Self.causes[cause]
            let failure = Failure(code, Self.message(text, &numbers))
            messages.insert(failure.diagnostic)
            groups[Fingerprint.of(failure), default: []].insert(cause)
        }
        // The messages do vary, and no place was left unfilled.
        #expect(messages.count > 7_000 && !messages.contains { $0.contains("?") && !$0.contains("x?t=") })
        #expect((40...44).contains(groups.count), "\(groups.keys.sorted())")
        for (print, causes) in groups { #expect(causes.count == 1, "\(print) mixes \(causes)") }
    }
}
