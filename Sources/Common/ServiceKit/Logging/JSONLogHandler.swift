package import Domain
package import Logging

/// One line per log event: a JSON object (`at`, `level`, `label`, `message`, `metadata`) for machines, or plain text.
package struct JSONLogHandler: LogHandler {
    package enum Form: Sendable { case json, human }

    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let label: String
    private let form: Form
    private let now: @Sendable () -> Timestamp
    private let write: @Sendable (String) -> Void

    /// - Parameter write: takes one line, its end included.
    package init(
        label: String,
        level: Logger.Level,
        form: Form,
        metadataProvider: Logger.MetadataProvider? = nil,
        now: @escaping @Sendable () -> Timestamp = SystemTime.now,
        write: @escaping @Sendable (String) -> Void
    ) {
        self.label = label
        self.logLevel = level
        self.form = form
        self.metadataProvider = metadataProvider
        self.now = now
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = self.metadata
        if let provided = self.metadataProvider?.get() { all.merge(provided) { $1 } }
        if let given = event.metadata { all.merge(given) { $1 } }
        if let error = event.error { all["error"] = "\(error)" }
        let message = event.message.description
        switch self.form {
        case .json: self.write(self.json(event.level, message, all))
        case .human: self.write(self.human(event.level, message, all))
        }
    }

    private func json(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) -> String {
        var line = "{\"at\":\"\(self.now())\",\"level\":\"\(level.rawValue)\",\"label\":"
        JSONText.append(self.label, to: &line)
        line += ",\"message\":"
        JSONText.append(message, to: &line)
        if !metadata.isEmpty {
            line += ",\"metadata\":"
            Self.append(.dictionary(metadata), to: &line)
        }
        return line + "}\n"
    }

    /// Control characters are written as JSON would, so that one event stays one line.
    private func human(_ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata) -> String {
        var line = "\(self.now().description.dropFirst(11).prefix(12)) \(level.rawValue) \(self.label): "
        var quoted = ""
        JSONText.append(message, to: &quoted)
        line += quoted.dropFirst().dropLast()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(key)="
            Self.append(value, to: &line)
        }
        return line + "\n"
    }

    private static func append(_ value: Logger.MetadataValue, to line: inout String) {
        switch value {
        case .string(let text): JSONText.append(text, to: &line)
        case .stringConvertible(let value): JSONText.append(value.description, to: &line)
        case .array(let values):
            line += "["
            for (index, value) in values.enumerated() {
                if index > 0 { line += "," }
                Self.append(value, to: &line)
            }
            line += "]"
        case .dictionary(let pairs):
            line += "{"
            for (index, pair) in pairs.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line += "," }
                JSONText.append(pair.key, to: &line)
                line += ":"
                Self.append(pair.value, to: &line)
            }
            line += "}"
        }
    }
}
