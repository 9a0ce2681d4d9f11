import Domain
import Messages
import ServiceKit

/// A workflow as an operator writes it: YAML, with the files it names next to it.
struct WorkflowFile {
    let document: WorkflowDocument

    /// Reads and checks a file.
    ///
    /// - Throws: ``CommandFailure`` of kind usage with every problem, one a line: `FILE:LINE: path: message`.
    static func read(_ path: String) throws -> WorkflowFile {
        let text: String
        do {
            text = try TextFile.read(path)
        } catch {
            throw CommandFailure(.usage, lines: ["\(path): cannot be read: \(error.reason)"], isAboutFile: true)
        }
        let folder = TextFile.folder(of: path)
        return try Self.parse(text, file: path) { name throws(TextFile.ReadProblem) in
            try TextFile.read(name.hasPrefix("/") ? name : "\(folder)/\(name)")
        }
    }

    /// The same, without a file system.
    ///
    /// - Parameters:
    ///   - file: the name for messages.
    ///   - include: the text of a file that the workflow names.
    static func parse(
        _ text: String,
        file: String,
        include: (String) throws(TextFile.ReadProblem) -> String
    ) throws -> WorkflowFile {
        let node: DocumentNode
        do {
            node = try YAMLDocument.node(from: text, name: file)
        } catch {
            throw CommandFailure(.usage, lines: error.problems.map { Self.line($0, file, .null) }, isAboutFile: true)
        }
        func refuse(_ problems: [DocumentProblem]) throws {
            guard problems.isEmpty else {
                throw CommandFailure(.usage, lines: problems.map { Self.line($0, file, node) }, isAboutFile: true)
            }
        }
        try refuse(WorkflowDocument.fileShape.problems(in: node))
        var problems: [DocumentProblem] = []
        let json = Self.json(node, include: include, &problems)
        try refuse(problems)
        let document: WorkflowDocument
        do {
            document = try WireFormat.value(WorkflowDocument.self, from: WireFormat.text(json))
        } catch {
            throw CommandFailure(.usage, lines: ["\(file): \(WireFormat.explain(error))"], isAboutFile: true)
        }
        try refuse(document.problems())
        return WorkflowFile(document: document)
    }

    /// The document as the HTTP API takes it.
    func json() throws -> JSON { try WireFormat.value(JSON.self, from: WireFormat.text(self.document)) }

    /// `FILE:LINE: path: message`.
    private static func line(_ problem: DocumentProblem, _ file: String, _ node: DocumentNode) -> String {
        let line = node.line(of: problem.path) ?? problem.line
        let place = [file, line.map { "\($0)" }].compactMap { $0 }.joined(separator: ":")
        return problem.path.isEmpty ? "\(place): \(problem.message)" : "\(place): \(problem.path): \(problem.message)"
    }

    /// The stored form of a document of the right shape: files replaced by their text, truth values as such.
    private static func json(
        _ node: DocumentNode,
        include: (String) throws(TextFile.ReadProblem) -> String,
        _ problems: inout [DocumentProblem]
    ) -> JSON {
        guard case .group(var fields) = Self.plain(node) else { return .group([:]) }
        func text(of name: String, _ path: String) -> String {
            do {
                return try include(name)
            } catch {
                problems.append(DocumentProblem(path: path, message: "\(name) cannot be read: \(error.reason)"))
                return ""
            }
        }
        if let sandbox = node["sandbox"]?.items {
            fields["sandbox"] = .list(
                sandbox.enumerated().map { index, item in
                    let name = item.scalar ?? ""
                    let plain = name.split(separator: "/").last.map { String($0) } ?? name
                    return .group(["name": .text(plain), "text": .text(text(of: name, "sandbox[\(index)]"))])
                }
            )
        }
        if let software = node["software"]?.items {
            fields["software"] = .list(
                software.enumerated().map { index, item in
                    guard case .group(var package) = Self.plain(item) else { return .nothing }
                    let name = item["requirements"]?.scalar ?? ""
                    package["requirements"] = .text(text(of: name, "software[\(index)].requirements"))
                    return .group(package)
                }
            )
        }
        if let tasks = node["tasks"]?.items {
            fields["tasks"] = .list(
                tasks.enumerated().map { Self.task($1, path: "tasks[\($0)]", &problems) }
            )
        }
        return .group(fields)
    }

    private static func task(_ node: DocumentNode, path: String, _ problems: inout [DocumentProblem]) -> JSON {
        guard case .group(var fields) = Self.plain(node) else { return .nothing }
        for (list, key) in [("steps", "rescue"), ("outputs", "events")] {
            guard let items = node[list]?.items else { continue }
            var converted: [JSON] = []
            for (index, item) in items.enumerated() {
                guard case .group(var part) = Self.plain(item) else { continue }
                if let text = item[key]?.scalar {
                    if text != "true" && text != "false" {
                        let place = "\(path).\(list)[\(index)].\(key)"
                        problems.append(DocumentProblem(path: place, message: "\(text) is not true or false"))
                    }
                    part[key] = .truth(text == "true")
                }
                converted.append(.group(part))
            }
            fields[list] = .list(converted)
        }
        return .group(fields)
    }

    /// Every scalar as text: where a number is wanted the document takes text as well.
    private static func plain(_ node: DocumentNode) -> JSON {
        switch node {
        case .mapping(let pairs):
            .group(Dictionary(pairs.map { ($0.key, Self.plain($0.value)) }) { $1 })
        case .sequence(let items): .list(items.map(Self.plain))
        case .scalar(let text): .text(text)
        case .null: .nothing
        }
    }
}
