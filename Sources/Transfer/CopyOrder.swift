import Postgres
import Storage

/// One try to copy a leased file from one storage element to another.
struct CopyOrder: Sendable {
    let lease: TransferLease
    let source: StorageElement
    let destination: StorageElement
    /// Whether the lease still holds: asked right before the copy gets its final name.
    let mayPublish: @Sendable () -> Bool

    /// Copies, verifies, publishes. Blocks.
    func carryOut() throws {
        _ = try PosixStorage(self.destination).copy(
            try LogicalName(self.lease.lfn),
            from: PosixStorage(self.source),
            token: self.lease.token.text,
            expected: self.lease.expected,
            replacing: self.lease.isReplacing,
            mayPublish: self.mayPublish
        )
    }
}
