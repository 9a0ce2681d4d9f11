import Domain
import Glibc
import Logging

/// Software of jobs, installed once by the hash of its requirements, then shared.
///
/// A virtual environment cannot be moved, so it is made at its final place, under a lock file (other agents may share the
/// folder), and is good only once the file `.complete` is in it. One without is removed and made anew.
actor SoftwareStore {
    private let folder: String
    private let python: String
    private let inherited: [String: String]
    private let logger: Logger
    private var version: String?
    private var questions = 0
    private var waiting: [String: [CheckedContinuation<Result<String, JobFailure>, Never>]] = [:]

    /// - Parameter environment: the agent's: settings of pip and proxies are passed on to the installer alone.
    init(folder: String, python: String, environment: [String: String], logger: Logger) {
        self.folder = folder + "/python"
        self.python = python
        self.logger = logger
        self.inherited = environment.filter { name, _ in
            name.hasPrefix("PIP_") || name.lowercased().hasSuffix("_proxy")
                || ["HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"].contains(name)
        }
    }

    /// Installs what is missing; many may ask at once, and one installs.
    ///
    /// - Returns: the folder of its programs.
    /// - Throws: ``JobFailure``.
    func programs(of package: SoftwarePackage) async throws(JobFailure) -> String {
        guard package.kind == "python" else {
            throw JobFailure(.specification, "software \(package.name) is of kind \(package.kind); known here: python")
        }
        let hash = Digest.hex(try await self.pythonVersion() + "\n" + package.requirements)
        if self.waiting[hash] != nil {
            return try await withCheckedContinuation { self.waiting[hash]?.append($0) }.get()
        }
        self.waiting[hash] = []
        let result: Result<String, JobFailure>
        do throws(JobFailure) {
            result = .success(try await self.install(package, hash))
        } catch {
            result = .failure(error)
        }
        for waiter in self.waiting.removeValue(forKey: hash) ?? [] { waiter.resume(returning: result) }
        return try result.get()
    }

    private func pythonVersion() async throws(JobFailure) -> String {
        if let version { return version }
        // Several jobs may ask at once: each writes a file of its own.
        self.questions += 1
        let log = "\(self.folder)/.version-\(getpid())-\(self.questions)"
        do {
            try FileTree.makeFolder(self.folder)
        } catch {
            throw JobFailure(error.errno == ENOSPC ? .nodeDisk : .softwareInstall, error.description)
        }
        defer { unlink(log) }
        try await self.run([self.python, "-c", "import sys; print(sys.version)"], log: log, or: .softwareUnavailable)
        let version = String(decoding: FileTree.read(log, limit: 4096) ?? [], as: UTF8.self)
        self.version = version
        return version
    }

    private func install(_ package: SoftwarePackage, _ hash: String) async throws(JobFailure) -> String {
        let place = "\(self.folder)/\(hash)"
        if FileTree.size(place + "/.complete") != nil { return place + "/bin" }
        let lock = try await self.lock(place + ".lock")
        // Closing gives the lock back.
        defer { close(lock) }
        if FileTree.size(place + "/.complete") != nil { return place + "/bin" }
        let log = place + ".log"
        self.logger.info("installing software", metadata: ["software": "\(package.name)", "log": "\(log)"])
        FileTree.remove(place)
        unlink(log)
        try await self.run([self.python, "-m", "venv", place], log: log, or: .softwareUnavailable)
        do {
            try FileTree.write(package.requirements, to: place + "/requirements.txt")
            let lines = package.requirements.split(whereSeparator: \.isNewline)
            if lines.contains(where: { !$0.allSatisfy(\.isWhitespace) && !$0.hasPrefix("#") }) {
                try await self.run(
                    [
                        place + "/bin/python", "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
                        "--require-hashes", "--only-binary", ":all:", "-r", place + "/requirements.txt",
                    ],
                    log: log,
                    or: .softwareInstall
                )
            }
            _ = try await blocking { sync() }
            try FileTree.write("\(package.name) \(package.version)\n", to: place + "/.complete")
        } catch let error as FileError {
            throw JobFailure(error.errno == ENOSPC ? .nodeDisk : .softwareInstall, error.description)
        } catch let error as JobFailure {
            throw error
        } catch {
            throw JobFailure(.softwareInstall, "\(error)")
        }
        return place + "/bin"
    }

    private func lock(_ path: String) async throws(JobFailure) -> CInt {
        do {
            return try await blocking {
                let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
                guard file >= 0 else { throw FileError("cannot open \(path)") }
                while flock(file, LOCK_EX) != 0 {
                    guard errno == EINTR else {
                        defer { close(file) }
                        throw FileError("cannot lock \(path)")
                    }
                }
                return file
            }
        } catch {
            throw JobFailure(.softwareInstall, "\(error)")
        }
    }

    private func run(_ command: [String], log: String, or code: FailureCode) async throws(JobFailure) {
        let environment = self.inherited.merging(["PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]) { $1 }
        let end: ProcessEnd
        do {
            let launch = ChildProcess.Launch(
                program: command[0],
                arguments: command,
                environment: environment,
                folder: self.folder,
                logFile: log
            )
            end = try await ChildProcess.start(launch).waitForEnd().end
        } catch let error as JobFailure {
            // Not the payload's program is missing here, but the installer's.
            let text = error.failures.map(\.diagnostic).joined(separator: "; ")
            throw JobFailure(.softwareUnavailable, text)
        } catch {
            throw JobFailure(code, "\(error)")
        }
        guard end != .exited(0) else { return }
        let bytes = FileTree.read(log, from: max(0, (FileTree.size(log) ?? 0) - 1500), limit: 1500) ?? []
        let tail = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).suffix(5)
        throw Self.failure(code, end, tail.joined(separator: " | "))
    }

    /// What a failed installer's last words mean.
    static func failure(_ code: FailureCode, _ end: ProcessEnd, _ tail: String) -> JobFailure {
        let isHash = tail.contains("DO NOT MATCH THE HASHES")
        let isDisk = tail.contains("No space left on device")
        let how = if case .signalled(let number) = end { SignalName.of(number) } else { "an error" }
        return JobFailure(
            isDisk ? .nodeDisk : isHash ? .softwareHash : code,
            "the installer ended with \(how): \(tail)"
        )
    }
}
