/// Which chain of messages something belongs to: the `traceparent` header of W3C Trace Context, version 00. A message that
/// nothing caused begins a trace that is named after it; what a service sends because of a message carries that trace on.
package struct TraceContext: Hashable, Sendable {
    /// The header of a message is set and read under this name.
    package static let header = "traceparent"

    /// The trace of what is being handled in this task; nil: nothing caused it.
    @TaskLocal package static var current: TraceContext?

    /// 32 lower-case hex digits, not all of them 0.
    package let trace: String

    /// - Parameter header: of a message; nil is returned for what is not of the form, since a trace is help and not content.
    package init?(header: String) {
        let parts = header.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].count == 2, parts[0] != "ff", parts[1].count == 32, parts[2].count == 16 else {
            return nil
        }
        guard parts[1].allSatisfy(Self.isDigit), parts[2].allSatisfy(Self.isDigit),
            parts[1].contains(where: { $0 != "0" })
        else { return nil }
        self.trace = String(parts[1])
    }

    private static func isDigit(_ character: Character) -> Bool {
        character.isASCII && character.isHexDigit && !character.isUppercase
    }

    /// The header of a message that is made now.
    ///
    /// - Parameter messageID: a UUID; its digits are the span, and the trace if nothing caused the message.
    package static func header(messageID: String) -> String {
        let digits = messageID.lowercased().filter { $0 != "-" }
        return "00-\(Self.current?.trace ?? digits)-\(digits.prefix(16))-01"
    }
}
