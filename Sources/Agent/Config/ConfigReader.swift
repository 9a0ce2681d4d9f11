import Domain
import Storage

/// Takes values of the right kind out of a document whose keys have been checked.
struct ConfigReader {
    private let pairs: [(key: String, value: DocumentNode, line: Int?)]

    init(_ node: DocumentNode) {
        if case .mapping(let pairs) = node { self.pairs = pairs } else { self.pairs = [] }
    }

    func problem(_ key: String, _ message: String) -> DocumentProblem {
        DocumentProblem(path: key, line: self.pairs.first { $0.key == key }?.line, message: message)
    }

    func text(_ key: String) -> String? {
        guard case .scalar(let text)? = self.pairs.first(where: { $0.key == key })?.value else { return nil }
        return text
    }

    func required(_ key: String) throws(DocumentProblem) -> String {
        guard let text = self.text(key), !text.isEmpty else { throw self.problem(key, "has no value") }
        return text
    }

    func texts(_ key: String) -> [String] {
        guard case .sequence(let items)? = self.pairs.first(where: { $0.key == key })?.value else { return [] }
        return items.compactMap { if case .scalar(let text) = $0 { text } else { nil } }
    }

    /// Part of names of queues and exchanges: one word.
    func name(_ key: String) throws(DocumentProblem) -> String {
        let text = try self.required(key)
        let isGood = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
                || byte == 95
        }
        guard isGood, text.utf8.count <= 100 else {
            throw self.problem(key, "\(text) must be 1 to 100 letters, digits, - or _")
        }
        return text
    }

    /// Some text in one line; nil: the key is not there.
    func line(_ key: String, limit: Int) throws(DocumentProblem) -> String? {
        guard let text = self.text(key) else { return nil }
        let hasControl = text.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
        guard !text.allSatisfy(\.isWhitespace), !hasControl, text.unicodeScalars.count <= limit else {
            throw self.problem(key, "must be one line of 1 to \(limit) characters")
        }
        return text
    }

    func path(_ key: String) throws(DocumentProblem) -> String { try self.absolute(self.required(key), key) }

    func optionalPath(_ key: String, of group: String? = nil) throws(DocumentProblem) -> String? {
        if let group {
            guard let node = self.pairs.first(where: { $0.key == group })?.value else { return nil }
            return try ConfigReader(node).text(key).map { (text) throws(DocumentProblem) in
                try self.absolute(text, group)
            }
        }
        return try self.text(key).map { (text) throws(DocumentProblem) in try self.absolute(text, key) }
    }

    func number(_ key: String, _ allowed: ClosedRange<Int>, default standard: Int? = nil) throws(DocumentProblem) -> Int
    {
        guard let text = self.text(key) else {
            guard let standard else { throw self.problem(key, "has no value") }
            return standard
        }
        guard let value = Int(text), allowed.contains(value) else {
            throw self.problem(key, "\(text) is not a number from \(allowed.lowerBound) to \(allowed.upperBound)")
        }
        return value
    }

    func storage() throws(DocumentProblem) -> [StorageElement] {
        guard case .mapping(let pairs)? = self.pairs.first(where: { $0.key == "storage" })?.value else { return [] }
        var elements: [StorageElement] = []
        for pair in pairs {
            let inner = ConfigReader(pair.value)
            let path = "storage.\(pair.key)"
            let kind = try inner.required("kind")
            guard let known = StorageElement.Kind(rawValue: kind) else {
                let names = StorageElement.Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw DocumentProblem(
                    path: "\(path).kind",
                    line: pair.line,
                    message: "\(kind) is not known; known: \(names)"
                )
            }
            let base = try inner.absolute(try inner.required("base"), "\(path).base")
            elements.append(StorageElement(name: pair.key, kind: known, base: base))
        }
        return elements
    }

    private func absolute(_ text: String, _ key: String) throws(DocumentProblem) -> String {
        guard text.hasPrefix("/") else { throw self.problem(key, "\(text) must be an absolute path") }
        return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
