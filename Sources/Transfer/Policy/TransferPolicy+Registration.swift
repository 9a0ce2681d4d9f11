import Storage

extension TransferPolicy {
    /// What follows when a file that somebody registered is not what was said, or could not be read: pure.
    ///
    /// Waiting makes no other file of it: what is not there, or has other content, somebody has to look at. What may be the storage's trouble
    /// is tried again; so is a base that is not there, for that is a file system that is not mounted.
    ///
    /// - Parameters:
    ///   - tries: made so far, this one included.
    ///   - error: how the last one failed.
    func registrationStep(after tries: Int, _ error: StorageError) -> Step {
        let mayPass =
            switch error.class {
            case .corrupt: false
            case .missing: error.phase == .open
            case .denied, .full, .exists, .other: error.isRetryable
            }
        return mayPass ? self.step(after: tries, error) : .giveUp
    }
}
