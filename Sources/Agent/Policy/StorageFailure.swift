import Domain
import Glibc
import Storage

/// What went wrong while a file was stored, in our codes.
enum StorageFailure {
    static func stageOut(_ error: StorageError, stream: String) -> Failure {
        Failure(Self.code(error), "stream \(stream): \(error.description)", source: .storage)
    }

    private static func code(_ error: StorageError) -> FailureCode {
        guard error.scope != .source else { return error.class == .missing ? .outputMissing : .stageOut }
        switch error.class {
        case .full: return error.errno == EDQUOT ? .stageOutQuota : .stageOutSpace
        case .denied: return error.errno == EROFS ? .stageOutReadOnly : .stageOutPermission
        case .corrupt: return .stageOutChecksum
        case .exists: return .stageOutExists
        case .missing, .other: return .stageOut
        }
    }
}

/// What went wrong with the agent's own files on the node, in our codes.
enum NodeFailure {
    /// - Parameter errno: of the system call that failed.
    static func code(errno: CInt) -> FailureCode {
        switch errno {
        case ENOSPC, EDQUOT: .nodeDisk
        case EROFS: .nodeReadOnly
        case EIO: .nodeIO
        case EACCES, EPERM: .nodePermissions
        case ESTALE, ENOTCONN: .sharedFileSystem
        default: .wrapperCrashed
        }
    }
}
