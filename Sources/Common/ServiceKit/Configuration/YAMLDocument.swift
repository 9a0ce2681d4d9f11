package import Domain
import Yams

/// YAML text as the common document form, each key with its line.
package enum YAMLDocument {
    /// Aliases are expanded, so a few lines could stand for a document without end.
    private static let nodeLimit = 200_000

    /// Reads one document; an empty text is a group without keys.
    ///
    /// - Parameters:
    ///   - text: the YAML.
    ///   - name: of the file, for errors.
    /// - Throws: ``ConfigurationError`` for text that is not one YAML document, for keys that are not text, for a key
    ///   written twice.
    package static func node(from text: String, name: String) throws(ConfigurationError) -> DocumentNode {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch let error as YamlError {
            throw Self.explain(error, name)
        } catch {
            throw ConfigurationError(source: name, "not readable as YAML: \(error)")
        }
        guard let root else { return .mapping([]) }
        var budget = Self.nodeLimit
        return try Self.convert(root, name, &budget)
    }

    private static func convert(
        _ node: Node,
        _ name: String,
        _ budget: inout Int
    ) throws(ConfigurationError) -> DocumentNode {
        budget -= 1
        guard budget > 0 else {
            throw ConfigurationError(source: name, "more than \(Self.nodeLimit) values, aliases counted in full")
        }
        switch node {
        case .scalar(let scalar):
            // A quoted "null" is text; a plain null, ~ or nothing at all is no value.
            return scalar.style == .plain && node.tag == Tag(.null) ? .null : .scalar(scalar.string)
        case .sequence(let sequence):
            var items: [DocumentNode] = []
            for item in sequence { items.append(try Self.convert(item, name, &budget)) }
            return .sequence(items)
        case .mapping(let mapping):
            var pairs: [(key: String, value: DocumentNode, line: Int?)] = []
            for (key, value) in mapping {
                let line = key.mark?.line
                guard case .scalar(let scalar) = key else {
                    throw ConfigurationError(source: name, line: line, "a key must be text")
                }
                pairs.append((scalar.string, try Self.convert(value, name, &budget), line))
            }
            return .mapping(pairs)
        case .alias(let alias):
            throw ConfigurationError(source: name, line: alias.mark?.line, "the alias \(alias.anchor) leads nowhere")
        }
    }

    private static func explain(_ error: YamlError, _ name: String) -> ConfigurationError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let before = context.map { "\($0.text) " } ?? ""
            return ConfigurationError(source: name, line: mark.line, "not YAML: \(before)\(problem)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.sorted().joined(separator: ", ")
            return ConfigurationError(source: name, line: context.mark.line, "written twice in one group: \(keys)")
        case .reader(let problem, let offset, _, _):
            return ConfigurationError(source: name, "not YAML: \(problem) at byte \(offset ?? 0)")
        default:
            return ConfigurationError(source: name, "not YAML: \(error)")
        }
    }
}
