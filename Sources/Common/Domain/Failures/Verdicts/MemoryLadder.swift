/// The steps in which a job gets more memory. As PanDA's, with two more steps (panda-server, `task_event_module.py`):
/// steps, because memory that is asked for in odd amounts fits no slot.
package enum MemoryLadder {
    /// MB for each core.
    package static let rungs = [1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 16_000]
    /// What was measured is given with so much more.
    package static let margin = 1.1

    /// The next step: more than was given, at least the factor times it, and at least what was measured with the
    /// margin.
    ///
    /// - Parameters:
    ///   - given: MB for all cores; nil: no limit, and then what was measured counts.
    ///   - peak: the most that was measured, MB for all cores.
    /// - Returns: MB for all cores; nil when the ladder ends before more could be given. A job that would need more
    ///   than the ladder's end gets the end, once.
    package static func next(given: Int?, peak: Int?, cores: Int, factor: Double = 1) -> Int? {
        let cores = max(1, cores)
        let had = Double(max(0, given ?? peak ?? 0))
        let needed = max(had * max(1, factor), Double(max(0, peak ?? 0)) * Self.margin)
        let steps = Self.rungs.map { $0 * cores }.filter { Double($0) > had }
        return steps.first { Double($0) >= needed } ?? steps.last
    }
}
