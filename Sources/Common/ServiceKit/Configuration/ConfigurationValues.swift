package import Domain

/// One group of a configuration, with typed questions: each wrong value is one clear error with its place.
package struct ConfigurationValues: Sendable {
    /// The file, for errors.
    package let source: String
    /// Where this group stands in it, such as `scheduler`; empty for the whole.
    package let path: String
    private let line: Int?
    private let pairs: [(key: String, value: DocumentNode, line: Int?)]

    /// - Throws: ``ConfigurationError`` if `node` is no group of keys. No value at all is an empty group.
    package init(
        _ node: DocumentNode,
        source: String,
        path: String = "",
        line: Int? = nil
    ) throws(ConfigurationError) {
        switch node {
        case .mapping(let pairs): self.pairs = pairs
        case .null: self.pairs = []
        case .sequence, .scalar:
            throw ConfigurationError(source: source, path: path, line: line, "must be a group of keys")
        }
        self.source = source
        self.path = path
        self.line = line
    }

    /// A group without keys: everything has its default.
    package static func empty(source: String) -> ConfigurationValues { ConfigurationValues(emptyOf: source) }

    private init(emptyOf source: String) {
        self.source = source
        self.path = ""
        self.line = nil
        self.pairs = []
    }

    /// The keys that are there, in the order of the file.
    package var keys: [String] { self.pairs.map(\.key) }

    /// An error about `key` of this group: for checks that only the caller can do.
    package func error(_ key: String, _ message: String) -> ConfigurationError {
        let line = self.pairs.first { $0.key == key }?.line ?? self.line
        return ConfigurationError(source: self.source, path: self.path(of: key), line: line, message)
    }

    /// Text; nil if the key is not there.
    package func optionalString(_ key: String) throws(ConfigurationError) -> String? {
        guard let value = self.value(key) else { return nil }
        guard case .scalar(let text) = value, !text.isEmpty else { throw self.error(key, "must be text") }
        return text
    }

    /// Text that must be there.
    package func string(_ key: String) throws(ConfigurationError) -> String {
        try self.required(key, self.optionalString(key))
    }

    package func string(_ key: String, default value: String) throws(ConfigurationError) -> String {
        try self.optionalString(key) ?? value
    }

    /// A whole number within `range`; nil if the key is not there.
    package func optionalInt(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int? {
        guard let text = try self.optionalString(key) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw self.error(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound), not \(text)")
        }
        return number
    }

    package func int(_ key: String, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        try self.required(key, self.optionalInt(key, in: range))
    }

    package func int(_ key: String, in range: ClosedRange<Int>, default value: Int) throws(ConfigurationError) -> Int {
        try self.optionalInt(key, in: range) ?? value
    }

    /// A number within `range`; nil if the key is not there.
    package func optionalNumber(_ key: String, in range: ClosedRange<Double>) throws(ConfigurationError) -> Double? {
        guard let text = try self.optionalString(key) else { return nil }
        guard let number = Double(text), range.contains(number) else {
            throw self.error(key, "must be a number from \(range.lowerBound) to \(range.upperBound), not \(text)")
        }
        return number
    }

    package func number(
        _ key: String,
        in range: ClosedRange<Double>,
        default value: Double
    ) throws(ConfigurationError) -> Double {
        try self.optionalNumber(key, in: range) ?? value
    }

    /// A time such as `250ms`, `30s`, `5m`, `12h`, `7d`; nil if the key is not there.
    package func optionalDuration(_ key: String) throws(ConfigurationError) -> Duration? {
        guard let text = try self.optionalString(key) else { return nil }
        guard let duration = DurationText.parse(text) else {
            throw self.error(key, "must be a time such as 250ms, 30s, 5m, 12h or 7d, not \(text)")
        }
        return duration
    }

    package func duration(_ key: String) throws(ConfigurationError) -> Duration {
        try self.required(key, self.optionalDuration(key))
    }

    package func duration(_ key: String, default value: Duration) throws(ConfigurationError) -> Duration {
        try self.optionalDuration(key) ?? value
    }

    /// `true` or `false`.
    package func bool(_ key: String, default value: Bool) throws(ConfigurationError) -> Bool {
        switch try self.optionalString(key) {
        case nil: return value
        case "true": return true
        case "false": return false
        case let text?: throw self.error(key, "must be true or false, not \(text)")
        }
    }

    /// A list of texts; empty if the key is not there.
    package func list(_ key: String) throws(ConfigurationError) -> [String] {
        guard let value = self.value(key) else { return [] }
        guard case .sequence(let items) = value else { throw self.error(key, "must be a list") }
        var texts: [String] = []
        for item in items {
            guard case .scalar(let text) = item, !text.isEmpty else { throw self.error(key, "must be a list of texts") }
            texts.append(text)
        }
        return texts
    }

    /// A group in this group; an empty one if the key is not there.
    package func section(_ key: String) throws(ConfigurationError) -> ConfigurationValues {
        let line = self.pairs.first { $0.key == key }?.line ?? self.line
        return try ConfigurationValues(
            self.value(key) ?? .null,
            source: self.source,
            path: self.path(of: key),
            line: line
        )
    }

    /// A list of groups; empty if the key is not there.
    package func sections(_ key: String) throws(ConfigurationError) -> [ConfigurationValues] {
        guard let value = self.value(key) else { return [] }
        guard case .sequence(let items) = value else { throw self.error(key, "must be a list") }
        let line = self.pairs.first { $0.key == key }?.line
        var sections: [ConfigurationValues] = []
        for (index, item) in items.enumerated() {
            let path = "\(self.path(of: key))[\(index)]"
            sections.append(try ConfigurationValues(item, source: self.source, path: path, line: line))
        }
        return sections
    }

    /// A key without a value counts as not there.
    private func value(_ key: String) -> DocumentNode? {
        guard let pair = self.pairs.first(where: { $0.key == key }) else { return nil }
        if case .null = pair.value { return nil }
        return pair.value
    }

    private func path(of key: String) -> String { self.path.isEmpty ? key : "\(self.path).\(key)" }

    private func required<Value>(_ key: String, _ value: Value?) throws(ConfigurationError) -> Value {
        guard let value else { throw self.error(key, "is missing") }
        return value
    }
}
