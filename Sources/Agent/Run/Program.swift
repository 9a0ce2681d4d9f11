import Domain
import Glibc

/// Finds the program of a command.
enum Program {
    /// - Returns: an absolute path.
    /// - Throws: ``JobFailure`` (payloadNotFound).
    static func find(_ command: String, in path: String, folder: String) throws(JobFailure) -> String {
        if command.contains("/") {
            let full = command.hasPrefix("/") ? command : folder + "/" + command
            guard Self.isProgram(full) else {
                throw JobFailure(.payloadNotFound, "\(command) does not exist or may not be executed")
            }
            return full
        }
        for part in path.split(separator: ":") where Self.isProgram("\(part)/\(command)") {
            return "\(part)/\(command)"
        }
        throw JobFailure(.payloadNotFound, "\(command) is not among the programs in \(path)")
    }

    private static func isProgram(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
