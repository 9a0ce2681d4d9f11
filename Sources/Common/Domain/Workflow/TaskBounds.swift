/// What the numbers of a task may be: the same when a workflow is checked and when a request fills it in.
enum TaskBounds {
    static let events: ClosedRange<Int64> = 1...1_000_000_000_000_000
    static let eventsPerJob: ClosedRange<Int64> = 1...1_000_000_000_000
    static let filesPerJob: ClosedRange<Int64> = 1...1_000_000
    static let megabytesPerJob: ClosedRange<Double> = 0.000_001...1e12
    static let flushAfter: ClosedRange<Int> = 1...31_536_000
    static let allowedLoss: ClosedRange<Double> = 0...1
    static let maxAttempts: ClosedRange<Int> = 1...100
    static let scouts: ClosedRange<Int> = 0...1000
    static let cores: ClosedRange<Int> = 1...4096
    static let memoryMB: ClosedRange<Int> = 1...16_777_216
    static let walltimeSeconds: ClosedRange<Int> = 1...31_536_000
    static let diskMB: ClosedRange<Int> = 0...1_000_000_000

    /// The number a text says.
    ///
    /// - Parameters:
    ///   - text: nil: nothing was said.
    ///   - path: where it stands in the document.
    /// - Throws: ``DocumentProblem`` for what is no number of the range.
    static func number<T: LosslessStringConvertible & Comparable>(
        _ text: String?,
        _ path: String,
        _ allowed: ClosedRange<T>
    ) throws(DocumentProblem) -> T? {
        guard let text else { return nil }
        guard let value = T(text), allowed.contains(value) else {
            throw DocumentProblem(
                path: path,
                message: "\(text) is not a number from \(allowed.lowerBound) to \(allowed.upperBound)"
            )
        }
        return value
    }

    /// Numbers of a task that can never be right, whatever a request gives: those without a parameter that has no default.
    static func problems(of task: TaskTemplate, path: String, defaults: [String: String]) -> [DocumentProblem] {
        var problems: [DocumentProblem] = []
        func check<T: LosslessStringConvertible & Comparable>(
            _ scalar: Scalar?,
            _ key: String,
            _ allowed: ClosedRange<T>
        ) {
            guard let scalar else { return }
            let text = Variables.replace(in: scalar.text) { defaults[$0] }
            guard Variables.names(in: text).isEmpty else { return }
            do {
                _ = try self.number(text, "\(path).\(key)", allowed)
            } catch {
                problems.append(error)
            }
        }
        check(task.events, "events", self.events)
        check(task.eventsPerJob, "eventsPerJob", self.eventsPerJob)
        check(task.filesPerJob, "filesPerJob", self.filesPerJob)
        check(task.flushAfter, "flushAfter", self.flushAfter)
        check(task.megabytesPerJob, "megabytesPerJob", self.megabytesPerJob)
        check(task.allowedLoss, "allowedLoss", self.allowedLoss)
        check(task.maxAttempts, "maxAttempts", self.maxAttempts)
        check(task.scouts, "scouts", self.scouts)
        check(task.resources?.cores, "resources.cores", self.cores)
        check(task.resources?.memoryMB, "resources.memoryMB", self.memoryMB)
        check(task.resources?.walltimeSeconds, "resources.walltimeSeconds", self.walltimeSeconds)
        check(task.resources?.diskMB, "resources.diskMB", self.diskMB)
        return problems
    }
}
