import Glibc

/// What the private PostgreSQL and the state folder of a farm need of files beyond what all private servers need.
extension PrivateFiles {
    /// The text of `errno`.
    package static func reason() -> String { String(cString: strerror(errno)) }

    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The names in a directory; none if there is no such directory.
    package static func list(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    package static func readAll(_ path: String) throws -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw ServerError("cannot read \(path): \(Self.reason())") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw ServerError("cannot read \(path): \(Self.reason())") }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    /// The text of a file that may be missing or vanish; nil then.
    package static func readIfAny(_ path: String) -> String? {
        do {
            return try Self.readAll(path)
        } catch {
            return nil
        }
    }

    /// Writes a file in one step: a reader finds the former text or this one, whole, and so does the next start of the
    /// machine. Only its owner can read it.
    package static func replace(_ path: String, with text: String) throws {
        let unfinished = "\(path).unfinished"
        try Self.write(text, to: unfinished)
        let file = open(unfinished, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw ServerError("cannot write \(path): \(Self.reason())") }
        defer { close(file) }
        guard fsync(file) == 0, rename(unfinished, path) == 0 else {
            throw ServerError("cannot write \(path): \(Self.reason())")
        }
    }

    /// Makes a folder and those above it, which other users may enter.
    package static func makeReachableFolder(_ path: String) throws {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o755) != 0 && errno != EEXIST {
                throw ServerError("cannot make \(made): \(Self.reason())")
            }
        }
    }

    package static func absolute(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else {
            throw ServerError("cannot find \(path): \(Self.reason())")
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// 32 characters that need no escaping in a URL.
    package static func randomPassword() -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<32).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
    }

    /// True if the process runs and its command is `name` (Linux; the kernel keeps 15 bytes of it).
    static func isRunning(_ processID: Int32, named name: String) -> Bool {
        guard processID > 1, kill(processID, 0) == 0 || errno == EPERM else { return false }
        do {
            return try Self.readAll("/proc/\(processID)/comm").split(separator: "\n").first.map(String.init) == name
        } catch {
            // Ended between the two looks.
            return false
        }
    }
}
