/// Paths inside a job's work folder.
enum RelativePath {
    /// Not absolute, no empty component, no `.` or `..`.
    static func isSafe(_ path: String) -> Bool {
        !path.isEmpty && !path.utf8.contains(0)
            && path.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}
