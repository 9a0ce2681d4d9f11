import Domain
import Glibc
import Storage

/// The files below a folder that is the base of a storage element, as an operator registers them.
struct FolderList {
    /// The base, without a slash at its end.
    let base: String
    /// Names from the base on, in their order.
    let names: [String]
    let events: Int64
    let metadata: [String: String]
    /// The checksums are not computed here.
    let measured: Bool

    /// - Parameters:
    ///   - below: only what is below this folder of the base; empty: all.
    ///   - events: of each file.
    /// - Throws: ``CommandFailure`` with a line for every file whose name or size cannot be registered.
    init(
        _ folder: String,
        below: String,
        events: Int64,
        metadata: [String: String],
        measured: Bool
    ) throws {
        var base = Substring(folder)
        while base.count > 1 && base.last == "/" { base = base.dropLast() }
        var start = Substring(below)
        while start.last == "/" { start = start.dropLast() }
        if !start.isEmpty && start.first != "/" { start = "/" + start }
        guard access(String(base + start), R_OK | X_OK) == 0 else {
            let reason = String(cString: strerror(errno))
            throw CommandFailure(.usage, "\(base)\(start) cannot be read: \(reason)")
        }
        (self.base, self.events, self.metadata, self.measured) = (String(base), events, metadata, measured)
        // Unfinished copies of ours and of others are no files yet.
        self.names = try FileWalk.files(under: String(base + start)).map { start + $0.path }
            .filter { !$0.hasSuffix(".part") }
        var problems = ListProblems(name: String(base + start))
        for name in self.names {
            var facts = stat()
            guard lstat(self.base + name, &facts) == 0 else {
                problems.add(nil, name, String(cString: strerror(errno)))
                continue
            }
            // Size and name are looked at before anything is read.
            let entry = FileEntry(lfn: name, bytes: Int64(facts.st_size), events: events)
            for problem in entry.problems(measured: true) {
                problems.add(nil, name, "\(problem.field) \(problem.text)")
            }
        }
        if self.names.isEmpty { problems.add(nil, nil, "holds no files") }
        try problems.refuse(most: 100)
    }

    /// What these names are, read from the folder.
    func entries(_ names: some Sequence<String>) throws -> [FileEntry] {
        try names.map { name in
            let path = self.base + name
            if self.measured {
                var facts = stat()
                guard lstat(path, &facts) == 0 else {
                    throw CommandFailure(.failed, "\(path) cannot be read: \(String(cString: strerror(errno)))")
                }
                return FileEntry(lfn: name, bytes: Int64(facts.st_size), events: self.events, metadata: self.metadata)
            }
            let file = try FileChecksum.file(path)
            return FileEntry(
                lfn: name,
                bytes: file.bytes,
                adler32: file.adler32,
                crc32c: file.crc32c,
                events: self.events,
                metadata: self.metadata
            )
        }
    }
}
