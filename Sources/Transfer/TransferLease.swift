import Postgres
import Storage

/// A transfer that is this worker's for a time.
struct TransferLease: Sendable {
    let id: Int64
    let lfn: String
    let expected: FileExpectation
    let destination: String
    let token: UUIDText
    let tries: Int
    /// Storage elements with a good replica, the best first.
    let sources: [String]
    /// What has its name at the destination was declared bad: the copy takes its place.
    let isReplacing: Bool
}
