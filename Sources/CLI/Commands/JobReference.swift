import ArgumentParser

/// A job on the command line: `12.5` or `12 5`; with an attempt, `12.5.1` or `12 5 1`.
struct JobReference: ParsableArguments {
    @Argument(help: ArgumentHelp("The job: TASK.INDEX or TASK INDEX.", valueName: "job"))
    var parts: [String]

    func validate() throws { _ = try Self.numbers(self.parts) }

    /// Task, index, and the attempt if one was named.
    static func numbers(_ parts: [String]) throws -> (task: Int64, index: Int64, attempt: Int64?) {
        let texts = parts.flatMap { $0.split(separator: ".", omittingEmptySubsequences: false) }
        let numbers = texts.compactMap { Int64($0) }
        guard numbers.count == texts.count, (2...3).contains(numbers.count), numbers.allSatisfy({ $0 >= 0 }) else {
            throw ValidationError(
                "\(parts.joined(separator: " ")) is not a job: write TASK.INDEX, such as 12.5, or with an attempt 12.5.1"
            )
        }
        return (numbers[0], numbers[1], numbers.count == 3 ? numbers[2] : nil)
    }

    /// The path of the job in the HTTP API.
    func path() throws -> String {
        let job = try Self.numbers(self.parts)
        return "/jobs/\(job.task)/\(job.index)"
    }

    func attempt() throws -> Int64? { try Self.numbers(self.parts).attempt }
}
