/// A text that must not be shown: passwords, tokens, addresses that hold one.
package struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself: for whoever needs it, never for logs and errors.
    package let value: String

    package init(_ value: String) { self.value = value }

    package var description: String { "***" }
    package var debugDescription: String { "***" }
    /// Keeps `dump` and mirrors from showing the text.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
