import Glibc

/// A file or folder of ours that could not be made or read.
struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    let errno: CInt
    let description: String

    init(_ what: String, _ code: CInt = Glibc.errno) {
        self.errno = code
        self.description = "\(what): \(String(cString: strerror(code)))"
    }
}

/// Files and folders of the agent and its jobs.
enum FileTree {
    /// Makes a folder and those above it; one that is there is kept.
    static func makeFolder(_ path: String) throws(FileError) {
        var partial = ""
        for component in path.split(separator: "/") {
            partial += "/" + component
            if mkdir(partial, 0o755) != 0, errno != EEXIST { throw FileError("cannot make the folder \(partial)") }
        }
    }

    /// Up to `limit` bytes of a file from `offset` on; nil if it cannot be read.
    static func read(_ path: String, from offset: Int64 = 0, limit: Int) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        if offset > 0 { lseek(file, off_t(offset), SEEK_SET) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limit, 65_536))
        while bytes.count < limit {
            let count = Glibc.read(file, &buffer, min(buffer.count, limit - bytes.count))
            if count < 0, errno == EINTR { continue }
            if count < 0 { return nil }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    static func write(_ text: String, to path: String, mode: mode_t = 0o644, appending: Bool = false) throws(FileError)
    {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appending ? O_APPEND : O_TRUNC), mode)
        guard file >= 0 else { throw FileError("cannot write \(path)") }
        defer { close(file) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileError("cannot write \(path)") }
            bytes = bytes.dropFirst(count)
        }
    }

    /// Bytes of a regular file; nil: there is none. Links count as none: they may lead anywhere.
    static func size(_ path: String) -> Int64? {
        var facts = stat()
        guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int64(facts.st_size)
    }

    /// Size and time of a regular file; nil: there is none. Links count as none.
    static func mark(_ path: String) -> StepMark.File? {
        var facts = stat()
        guard lstat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return StepMark.File(bytes: Int64(facts.st_size), modifiedNanoseconds: Self.modified(facts))
    }

    /// Every regular file below a folder, by its relative path; names of the agent's own are left out.
    static func files(in folder: String) -> [String: StepMark.File] {
        var found: [String: StepMark.File] = [:]
        Self.walk(folder, "") { path, facts in
            guard facts.st_mode & S_IFMT == S_IFREG, !path.hasPrefix(".millrace-") else { return }
            found[path] = StepMark.File(bytes: Int64(facts.st_size), modifiedNanoseconds: Self.modified(facts))
        }
        return found
    }

    /// What a look at everything below a folder tells.
    static func state(of folder: String) -> FolderState {
        var state = FolderState()
        Self.walk(folder, "") { _, facts in
            state.usedBytes += Int64(facts.st_blocks) * 512
            state.entries += 1
            state.newestNanoseconds = max(state.newestNanoseconds, Self.modified(facts))
        }
        return state
    }

    /// Whether less than a megabyte is left under a folder.
    static func isFull(_ folder: String) -> Bool {
        var facts = statvfs()
        guard statvfs(folder, &facts) == 0 else { return false }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize) < 1 << 20
    }

    /// Removes a folder with all that is in it; links are removed, not followed. What cannot be removed stays.
    static func remove(_ path: String) {
        guard let folder = opendir(path) else { return }
        while let name = Self.next(folder) {
            let child = path + "/" + name
            var facts = stat()
            guard lstat(child, &facts) == 0 else { continue }
            if facts.st_mode & S_IFMT == S_IFDIR {
                // A payload may have made a folder that even its owner cannot enter.
                chmod(child, 0o700)
                Self.remove(child)
            } else {
                unlink(child)
            }
        }
        closedir(folder)
        rmdir(path)
    }

    private static func modified(_ facts: stat) -> Int64 {
        Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
    }

    private static func walk(_ folder: String, _ prefix: String, _ body: (String, stat) -> Void) {
        guard let handle = opendir(folder) else { return }
        defer { closedir(handle) }
        while let name = Self.next(handle) {
            let child = folder + "/" + name
            var facts = stat()
            guard lstat(child, &facts) == 0 else { continue }
            body(prefix + name, facts)
            if facts.st_mode & S_IFMT == S_IFDIR { Self.walk(child, prefix + name + "/", body) }
        }
    }

    private static func next(_ folder: OpaquePointer) -> String? {
        while let item = readdir(folder) {
            let name = withUnsafeBytes(of: &item.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { return name }
        }
        return nil
    }
}
