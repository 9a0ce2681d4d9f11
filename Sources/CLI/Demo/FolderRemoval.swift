import Glibc

/// Removes a folder with all it holds; links are removed, not followed.
enum FolderRemoval {
    static func remove(_ path: String) throws {
        guard let handle = opendir(path) else { throw Self.failure(path) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
            )
        }
        closedir(handle)
        for name in names where name != "." && name != ".." {
            let inner = "\(path)/\(name)"
            var facts = stat()
            guard lstat(inner, &facts) == 0 else { throw Self.failure(inner) }
            if facts.st_mode & S_IFMT == S_IFDIR {
                try Self.remove(inner)
            } else if unlink(inner) != 0 {
                throw Self.failure(inner)
            }
        }
        if rmdir(path) != 0 { throw Self.failure(path) }
    }

    private static func failure(_ path: String) -> CommandFailure {
        CommandFailure(.failed, "\(path) cannot be removed: \(String(cString: strerror(errno)))")
    }
}
