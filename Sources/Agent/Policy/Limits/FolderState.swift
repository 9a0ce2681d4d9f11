/// What a look at all files of a work folder tells.
struct FolderState: Sendable, Equatable {
    /// Space that the files take on the disk.
    var usedBytes: Int64 = 0
    var entries = 0
    /// Of the last change to any of them, since 1970.
    var newestNanoseconds: Int64 = 0
}
