import Catalog
import Glibc

/// Why a command ends without having done what it should: one line each, and the exit status of the public contract.
struct CommandFailure: Error, Equatable, CustomStringConvertible {
    enum Kind: Int32 {
        /// It was tried and did not work.
        case failed = 1
        /// What the user typed or wrote cannot be used.
        case usage = 2
        /// The state of things, or the user's role, does not allow it.
        case refused = 3
    }

    let kind: Kind
    /// What, where, and what to do: one line for each problem.
    let lines: [String]
    /// The lines begin with a file and its line, as compilers write them: nothing is put before them.
    let isAboutFile: Bool
    /// The centre did not say what became of it: it may have been done.
    let isUnanswered: Bool
    /// Of a list that was sent: what the centre says of which of its items.
    let problems: [CatalogRefusal.ItemProblem]

    init(_ kind: Kind, _ line: String) { self.init(kind, lines: [line]) }

    init(
        _ kind: Kind,
        lines: [String],
        isAboutFile: Bool = false,
        isUnanswered: Bool = false,
        problems: [CatalogRefusal.ItemProblem] = []
    ) {
        self.kind = kind
        self.problems = problems
        self.isUnanswered = isUnanswered
        self.isAboutFile = isAboutFile
        self.lines = lines.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
    }

    var description: String { self.lines.joined(separator: "\n") }

    /// Tells on standard error, and ends the process.
    func exit() -> Never {
        for line in self.lines { Terminal.complain(self.isAboutFile ? line : "millrace: \(line)") }
        Self.exit(status: self.kind.rawValue)
    }

    static func exit(status: Int32) -> Never { Glibc.exit(status) }
}
