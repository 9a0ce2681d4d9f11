/// Why a process cannot start: one line that says what, where and what to do. Exit status 1.
package struct StartupError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// A command line that cannot be understood. Exit status 2.
package struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
