/// A parsed document before it means anything: the common form of YAML and JSON, with the line of each part, so that a
/// mistake can be told where it stands.
package indirect enum DocumentNode: Sendable {
    case mapping([(key: String, value: DocumentNode, line: Int?)])
    case sequence([DocumentNode])
    /// A string, number, boolean or null, as written.
    case scalar(String)
    case null
}

/// Which keys a mapping may have, all the way down.
package indirect enum DocumentShape: Sendable {
    /// Only these keys; every required one must be there.
    case keys([String: DocumentShape], required: [String])
    /// Any key, each with this value.
    case anyKeys(DocumentShape)
    case list(DocumentShape)
    case scalar
    case any
}

/// One mistake in a document: where it is and what to do.
package struct DocumentProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Such as `tasks[0].steps[1].command`.
    package let path: String
    package let line: Int?
    package let message: String

    package init(path: String, line: Int? = nil, message: String) {
        self.path = path
        self.line = line
        self.message = message
    }

    package var description: String {
        let place = self.path.isEmpty ? "document" : self.path
        guard let line = self.line else { return "\(place): \(self.message)" }
        return "line \(line), \(place): \(self.message)"
    }
}

extension DocumentShape {
    /// Every key that is unknown or missing, and every part of the wrong kind.
    package func problems(in node: DocumentNode, path: String = "", line: Int? = nil) -> [DocumentProblem] {
        func problem(_ message: String) -> [DocumentProblem] {
            [DocumentProblem(path: path, line: line, message: message)]
        }
        switch (self, node) {
        case (.any, _): return []
        case (.scalar, .scalar): return []
        case (.scalar, .null): return problem("has no value")
        case (.scalar, _): return problem("must be one value, not a list or a group")
        case (.list(let shape), .sequence(let items)):
            return items.enumerated().flatMap { shape.problems(in: $1, path: "\(path)[\($0)]", line: line) }
        case (.list, _): return problem("must be a list")
        case (.anyKeys(let shape), .mapping(let pairs)):
            return pairs.flatMap { shape.problems(in: $0.value, path: Self.join(path, $0.key), line: $0.line) }
        case (.keys(let known, let required), .mapping(let pairs)):
            let present = Set(pairs.map(\.key))
            let missing = required.filter { !present.contains($0) }.map {
                DocumentProblem(path: path, line: line, message: "key \($0) is missing")
            }
            return missing
                + pairs.flatMap { pair -> [DocumentProblem] in
                    guard let shape = known[pair.key] else {
                        let names = known.keys.sorted().joined(separator: ", ")
                        return [
                            DocumentProblem(
                                path: Self.join(path, pair.key),
                                line: pair.line,
                                message: "unknown key; known here: \(names)"
                            )
                        ]
                    }
                    return shape.problems(in: pair.value, path: Self.join(path, pair.key), line: pair.line)
                }
        case (.anyKeys, _), (.keys, _): return problem("must be a group of keys")
        }
    }

    private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
}
