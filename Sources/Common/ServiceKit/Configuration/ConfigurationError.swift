package import Domain

/// Something in a configuration file or in the environment that cannot be used: one line that says where it stands
/// (`FILE:LINE: path: ...`), what is wrong and what is possible.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, or `environment`.
    package let source: String
    /// At least one, in the order of the file.
    package let problems: [DocumentProblem]

    package init(source: String, problems: [DocumentProblem]) {
        self.source = source
        self.problems = problems
    }

    package init(source: String, path: String = "", line: Int? = nil, _ message: String) {
        self.init(source: source, problems: [DocumentProblem(path: path, line: line, message: message)])
    }

    /// All problems, `; ` between them.
    package var description: String { self.problems.map(self.line).joined(separator: "; ") }

    private func line(_ problem: DocumentProblem) -> String {
        let place = problem.line.map { "\(self.source):\($0)" } ?? self.source
        return problem.path.isEmpty ? "\(place): \(problem.message)" : "\(place): \(problem.path): \(problem.message)"
    }
}
