import Catalog
import Glibc
import Postgres
import Storage

/// Compares the files of posix storage elements that this machine can reach with the catalogue.
struct FileAudit {
    let checksums: Bool
    /// Seconds a file without a row may have: its attempt may just have ended.
    let grace: Double

    private static let page = 1000
    /// Seconds since it was last written after which an unfinished copy is nobody's any more.
    private static let abandoned = 86_400.0

    func examine(_ database: PostgresClient) async throws -> [Diagnosis] {
        var wrong = Finding(
            "available-replicas-are-stored",
            "every available replica on a reachable posix storage element has its size"
        )
        if self.checksums { wrong.text += " and its Adler-32 checksum" }
        var unknown = Finding(
            "stored-files-are-known",
            "no file stands under a final name that the catalogue does not know, after the grace time"
        )
        var left = Finding(
            "unfinished-copies-are-removed",
            "no unfinished copy of a file (.NAME.TOKEN.part) is older than a day: whoever was making it has died"
        )
        for (storage, base) in try await database.query(AuditStatements.storages) where access(base, R_OK | X_OK) == 0 {
            try await self.checkReplicas(storage, base, database, &wrong)
            let files = try FileWalk.files(under: base)
            try await self.tell(
                of: files.filter { !$0.isUnfinished },
                olderThan: self.grace,
                storage,
                database,
                &unknown
            )
            try await self.tell(of: files.filter(\.isUnfinished), olderThan: Self.abandoned, storage, database, &left)
        }
        return [wrong.diagnosis, unknown.diagnosis, left.diagnosis]
    }

    private struct Finding {
        let invariant: String
        var text: String
        private var count: Int64 = 0
        private var examples: [String] = []

        init(_ invariant: String, _ text: String) {
            self.invariant = invariant
            self.text = text
        }

        mutating func add(_ example: String) {
            self.count += 1
            if self.examples.count < 5 { self.examples.append(example) }
        }

        var diagnosis: Diagnosis {
            Diagnosis(invariant: self.invariant, text: self.text, violations: self.count, examples: self.examples)
        }
    }

    private func checkReplicas(
        _ storage: String,
        _ base: String,
        _ database: PostgresClient,
        _ wrong: inout Finding
    ) async throws {
        var last: Int64 = 0
        while true {
            let rows = try await database.query(
                AuditStatements.replicas(storage: storage, after: last, limit: Self.page)
            )
            for (file, lfn, bytes, adler32) in rows {
                last = file
                var facts = stat()
                if stat(base + lfn, &facts) != 0 {
                    wrong.add("\(lfn) at \(storage): \(String(cString: strerror(errno)))")
                } else if Int64(facts.st_size) != bytes {
                    wrong.add("\(lfn) at \(storage) has \(facts.st_size) bytes, not \(bytes)")
                } else if self.checksums {
                    let found = try FileChecksum.adler32(base + lfn)
                    if found != adler32 { wrong.add("\(lfn) at \(storage) has the checksum \(found), not \(adler32)") }
                }
            }
            if rows.count < Self.page { return }
        }
    }

    /// Those that nobody accounts for.
    private func tell(
        of found: [FileWalk.Found],
        olderThan age: Double,
        _ storage: String,
        _ database: PostgresClient,
        _ finding: inout Finding
    ) async throws {
        let oldest = Double(time(nil)) - age
        let files = found.filter { $0.modified < oldest }.map(\.path)
        for start in stride(from: 0, to: files.count, by: Self.page) {
            let lfns = Array(files[start..<min(start + Self.page, files.count)])
            let query = AuditStatements.unknown(storage: storage, lfns: lfns, attempts: lfns.map(Self.attempt(of:)))
            for lfn in try await database.query(query) { finding.add("\(lfn) at \(storage)") }
        }
    }

    /// The attempt that a logical name says: its last part begins with `task.index.attempt`.
    static func attempt(of lfn: String) -> String {
        let last = lfn.split(separator: "/").last ?? ""
        return last.split(separator: ".").prefix(3).joined(separator: ".")
    }
}

/// The files under a folder.
enum FileWalk {
    struct Found: Equatable {
        /// From the folder on, beginning with a slash.
        let path: String
        /// Seconds since 1970.
        let modified: Double

        /// Whether it is called as a copy that is being made.
        var isUnfinished: Bool {
            let last = self.path.split(separator: "/").last ?? ""
            return last.hasPrefix(".") && last.hasSuffix(".part")
        }
    }

    /// - Throws: ``CommandFailure`` for a folder that cannot be read. What vanishes meanwhile is left out.
    static func files(under base: String) throws -> [Found] {
        var found: [Found] = []
        var folders = [""]
        while let folder = folders.popLast() {
            guard let handle = opendir(base + folder) else {
                if errno == ENOENT { continue }
                throw CommandFailure(.failed, "\(base)\(folder) cannot be read: \(String(cString: strerror(errno)))")
            }
            defer { closedir(handle) }
            while let entry = readdir(handle) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name == "." || name == ".." { continue }
                var facts = stat()
                guard lstat("\(base)\(folder)/\(name)", &facts) == 0 else { continue }
                switch facts.st_mode & S_IFMT {
                case S_IFDIR: folders.append("\(folder)/\(name)")
                case S_IFREG: found.append(Found(path: "\(folder)/\(name)", modified: Double(facts.st_mtim.tv_sec)))
                default: break
                }
            }
        }
        return found.sorted { $0.path < $1.path }
    }
}

/// The checksums of a file, each as eight hexadecimal digits.
enum FileChecksum {
    static func adler32(_ path: String) throws -> String { try self.file(path).adler32 }

    /// Its size, too.
    static func file(_ path: String) throws -> StoredFile {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.failure(path) }
        defer { close(descriptor) }
        var checksum = RunningChecksum()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return checksum.file }
            if count > 0 {
                buffer.withUnsafeBytes { checksum.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            } else if errno != EINTR {
                throw Self.failure(path)
            }
        }
    }

    private static func failure(_ path: String) -> CommandFailure {
        CommandFailure(.failed, "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
}
