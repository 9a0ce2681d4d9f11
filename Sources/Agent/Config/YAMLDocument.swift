import Domain
import Yams

/// YAML as a ``DocumentNode``.
enum YAMLDocument {
    /// - Throws: ``DocumentProblem`` for text that is not YAML.
    static func parse(_ text: String) throws(DocumentProblem) -> DocumentNode {
        do {
            guard let node = try Yams.compose(yaml: text) else { return .null }
            return try Self.convert(node)
        } catch let problem as DocumentProblem {
            throw problem
        } catch let error as YamlError {
            throw DocumentProblem(path: "", message: "is not YAML: " + Self.oneLine("\(error)"))
        } catch {
            throw DocumentProblem(path: "", message: "is not YAML: " + Self.oneLine("\(error)"))
        }
    }

    private static func convert(_ node: Node) throws(DocumentProblem) -> DocumentNode {
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null"].contains(scalar.string)
            return isNull ? .null : .scalar(scalar.string)
        case .sequence(let sequence):
            var items: [DocumentNode] = []
            for item in sequence { items.append(try Self.convert(item)) }
            return .sequence(items)
        case .mapping(let mapping):
            var pairs: [(key: String, value: DocumentNode, line: Int?)] = []
            for (key, value) in mapping {
                guard let name = key.string else {
                    throw DocumentProblem(path: "", line: key.mark?.line, message: "a key is not a plain word")
                }
                pairs.append((name, try Self.convert(value), key.mark?.line))
            }
            return .mapping(pairs)
        case .alias:
            throw DocumentProblem(path: "", line: node.mark?.line, message: "aliases are not used here")
        }
    }

    private static func oneLine(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
