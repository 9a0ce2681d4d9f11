import Domain

/// Whether the kernel ended a step, or a part of it, because memory ran out.
enum MemoryEvidence {
    /// - Parameters:
    ///   - before: the counters of the step's control group when it began; nil: there are none.
    ///   - after: the same when it had ended.
    ///   - isAlone: whether no other step ran in the group meanwhile: else a kill may have been of one of theirs, and only
    ///     a step that was itself killed is explained by it.
    /// - Returns: nil without evidence, and for a step that ended well in spite of it.
    static func failure(
        step: String,
        end: ProcessEnd,
        before: MemoryEvents?,
        after: MemoryEvents?,
        isAlone: Bool
    ) -> Failure? {
        guard let old = before?.kills, let new = after?.kills, new > old, end != .exited(0) else { return nil }
        guard isAlone || end.isKill else { return nil }
        let count = new - old
        let killed = "the kernel killed \(count) \(count == 1 ? "process" : "processes") of the control group"
        let others = isAlone ? "" : ", which others shared,"
        // Without a limit in the way it was the memory of the whole node.
        guard let hitsBefore = before?.limitHits, let hitsAfter = after?.limitHits, hitsAfter <= hitsBefore else {
            return Failure(
                .memoryCgroup,
                "\(killed)\(others) at its memory limit: \(end.words) in step \(step)",
                source: .executor
            )
        }
        return Failure(
            .memoryKernel,
            "\(killed)\(others) because the node ran out of memory: \(end.words) in step \(step)",
            source: .executor
        )
    }
}
