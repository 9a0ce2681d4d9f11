import Glibc
import PrivateServers

/// Makes the state folder fit for a farm.
enum FarmFolder {
    /// What a farm needs to start: PostgreSQL's first log segments alone are a sixth of it.
    static let neededBytes: UInt64 = 256 << 20

    /// - Throws: ``FarmError``: the folder cannot be written, or its disk is full.
    static func prepare(_ path: String) throws -> FarmLayout {
        do {
            // The user postgres must be able to pass: what is secret lies in folders that are closed themselves.
            try PrivateFiles.makeReachableFolder(path)
            let layout = try FarmLayout(state: path)
            guard access(layout.state, W_OK) == 0 else {
                throw FarmError(.folderUnusable, Self.unusable(layout.state, PrivateFiles.reason()))
            }
            try Self.checkSpace(layout.state)
            for part in ["keys", "secrets", "logs", "agents", "storage"] {
                try PrivateFiles.makeFolder("\(layout.state)/\(part)")
            }
            return layout
        } catch let error as ServerError {
            throw Self.explain(error, path)
        }
    }

    /// - Throws: ``FarmError`` if less than ``neededBytes`` are left.
    static func checkSpace(_ path: String, needed: UInt64 = Self.neededBytes) throws {
        guard let free = Self.freeBytes(path), free < needed else { return }
        throw FarmError(
            .diskFull,
            "only \(free >> 20) MB are free under \(path), \(needed >> 20) MB are needed: "
                + "make room, or set MILLRACE_STATE to a folder on another disk"
        )
    }

    /// What the disk of a folder has left for us; nil if it does not say.
    static func freeBytes(_ path: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// A failure under the state folder in terms of what to do about it.
    static func explain(_ error: any Error, _ path: String) -> FarmError {
        if let error = error as? FarmError { return error }
        let text = "\(error)".replacing("\n", with: "; ")
        let isFull =
            text.contains(String(cString: strerror(ENOSPC))) || Self.freeBytes(path).map { $0 < 1 << 20 } == true
        if isFull {
            let advice = "make room, or set MILLRACE_STATE to a folder on another disk"
            return FarmError(.diskFull, "no space left under \(path): \(advice) (\(text))")
        }
        if ["cannot make", "could not make", "cannot write", "could not write"].contains(where: { text.contains($0) }) {
            return FarmError(.folderUnusable, Self.unusable(path, text))
        }
        if text.contains("apt-get install") || text.contains("No such file or directory") && text.contains("/usr/") {
            return FarmError(.serverMissing, "\(text); scripts/setup installs all that is needed")
        }
        return FarmError(.startFailed, text)
    }

    private static func unusable(_ path: String, _ reason: String) -> String {
        "the state folder \(path) cannot be used: \(reason); set MILLRACE_STATE to a folder of yours"
    }
}
