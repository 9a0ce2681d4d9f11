import Glibc
import PrivateServers

/// Logs of processes that write to an inherited descriptor, opened for appending.
enum LogFile {
    static let limit = 50 << 20
    static let kept = 3

    /// The last line that is not empty.
    static func lastLine(_ path: String) -> String {
        let lines = PrivateFiles.tail(of: path, bytes: 4096).split(whereSeparator: \.isNewline)
        return lines.last { !$0.allSatisfy(\.isWhitespace) }.map(String.init) ?? "nothing was written"
    }

    /// Moves what a log holds to `<path>.1` (and that to `.2`, ...) once it is over the limit.
    ///
    /// The writer keeps its descriptor, so the file itself stays: it is copied, then emptied. A line that comes in
    /// between can be lost; nothing that is counted on is only in a log.
    ///
    /// - Returns: whether it did.
    @discardableResult
    static func rotate(_ path: String, limit: Int = Self.limit, kept: Int = Self.kept) throws -> Bool {
        guard try Self.size(path) > limit else { return false }
        for number in stride(from: kept - 1, to: 0, by: -1) {
            rename("\(path).\(number)", "\(path).\(number + 1)")
        }
        try Self.copy(path, to: "\(path).1")
        guard truncate(path, 0) == 0 else { throw ServerError("cannot empty \(path): \(PrivateFiles.reason())") }
        return true
    }

    /// Zero if there is none.
    private static func size(_ path: String) throws -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 && errno == ENOENT { return 0 }
        guard descriptor >= 0 else { throw ServerError("cannot read \(path): \(PrivateFiles.reason())") }
        defer { close(descriptor) }
        return lseek(descriptor, 0, SEEK_END)
    }

    private static func copy(_ path: String, to copy: String) throws {
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw ServerError("cannot read \(path): \(PrivateFiles.reason())") }
        defer { close(source) }
        let target = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard target >= 0 else { throw ServerError("cannot write \(copy): \(PrivateFiles.reason())") }
        defer { close(target) }
        while true {
            let count = sendfile(target, source, nil, 1 << 24)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw ServerError("cannot write \(copy): \(PrivateFiles.reason())") }
            if count == 0 { return }
        }
    }
}
