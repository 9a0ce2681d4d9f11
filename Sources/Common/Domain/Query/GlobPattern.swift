/// What `like` compares with: `*` is any text, `?` any one character, `\` takes the next one as it is.
package struct GlobPattern: Sendable, Hashable, CustomStringConvertible {
    package enum Part: Sendable, Hashable {
        case any
        case one
        case scalar(Unicode.Scalar)
    }

    package let parts: [Part]
    private let text: String

    /// - Returns: nil for a `\` at the end.
    package init?(_ text: String) {
        var parts: [Part] = []
        var rest = text.unicodeScalars.makeIterator()
        while let scalar = rest.next() {
            switch scalar {
            case "*": if parts.last != .any { parts.append(.any) }
            case "?": parts.append(.one)
            case "\\":
                guard let next = rest.next() else { return nil }
                parts.append(.scalar(next))
            default: parts.append(.scalar(scalar))
            }
        }
        self.parts = parts
        self.text = text
    }

    /// What every text that fits begins with.
    package var prefix: String {
        var prefix = String.UnicodeScalarView()
        for case .scalar(let scalar) in self.parts.prefix(while: { if case .scalar = $0 { true } else { false } }) {
            prefix.append(scalar)
        }
        return String(prefix)
    }

    /// As the database's `LIKE` has it, with `\` before what would mean something.
    package var like: String {
        self.parts.reduce(into: "") { text, part in
            switch part {
            case .any: text += "%"
            case .one: text += "_"
            case .scalar(let scalar):
                if scalar == "%" || scalar == "_" || scalar == "\\" { text += "\\" }
                text.unicodeScalars.append(scalar)
            }
        }
    }

    package var description: String { MetadataValue.text(self.text).description }
}
