import Domain

extension DocumentNode {
    /// The line of the part that a problem's path names, or of the nearest part around it that has one.
    ///
    /// - Parameter path: such as `tasks[0].steps[1].command`.
    func line(of path: String) -> Int? {
        var node = self
        var line: Int?
        for part in Self.parts(of: path) {
            switch (part, node) {
            case (.key(let key), .mapping(let pairs)):
                guard let pair = pairs.first(where: { $0.key == key }) else { return line }
                line = pair.line ?? line
                node = pair.value
            case (.index(let index), .sequence(let items)):
                guard items.indices.contains(index) else { return line }
                node = items[index]
                // An item that is a group begins with its first key.
                if case .mapping(let pairs) = node { line = pairs.first?.line ?? line }
            default: return line
            }
        }
        return line
    }

    private enum Part {
        case key(String)
        case index(Int)
    }

    private static func parts(of path: String) -> [Part] {
        path.split(separator: ".").flatMap { piece -> [Part] in
            let texts = piece.split(separator: "[")
            let indexes = texts.dropFirst().compactMap { Int($0.dropLast()) }
            let key: [Part] = piece.hasPrefix("[") ? [] : texts.first.map { [.key(String($0))] } ?? []
            return key + indexes.map { .index($0) }
        }
    }

    subscript(_ key: String) -> DocumentNode? {
        guard case .mapping(let pairs) = self else { return nil }
        return pairs.first { $0.key == key }?.value
    }

    var items: [DocumentNode] {
        guard case .sequence(let items) = self else { return [] }
        return items
    }

    var scalar: String? {
        guard case .scalar(let text) = self else { return nil }
        return text
    }
}
