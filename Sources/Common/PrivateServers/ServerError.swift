/// A private server could not be started or stopped: one line that says which, why, and where its log is.
package struct ServerError: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
