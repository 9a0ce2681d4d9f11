import Glibc

/// A small text file on this machine.
enum TextFile {
    /// - Throws: the reason in words, such as `No such file or directory`.
    static func read(_ path: String) throws(ReadProblem) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ReadProblem() }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw ReadProblem()
            }
            bytes += buffer[..<count]
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ReadProblem(reason: "it is not UTF-8 text")
        }
        return text
    }

    struct ReadProblem: Error, Equatable {
        let reason: String

        init(reason: String) { self.reason = reason }

        /// What the last system call complained about.
        init() { self.reason = String(cString: strerror(errno)) }
    }

    /// The folder of a path; the current one for a bare name.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
