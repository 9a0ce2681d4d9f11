/// A rule that cannot be used, and why: one clear line for whoever wrote it.
package struct RuleError: Error, Sendable, Hashable, CustomStringConvertible {
    package let rule: String
    /// Begins in lower case so that it can follow a colon.
    package let reason: String

    package init(rule: String, reason: String) {
        self.rule = rule
        self.reason = reason
    }

    package var description: String { "rule \(self.rule): \(self.reason)" }
}
