import HTTPTypes
import Domain
import FoundationEssentials
import Messages

/// The JSON object of a request's body, with typed questions: each wrong value is one clear error. Unknown keys are refused,
/// so that a misspelt one cannot be overlooked.
struct Body: Sendable {
    private let path: String
    private let members: [String: DetailValue]

    /// - Throws: ``Refusal`` 400 for what is no JSON object with only these keys.
    init(_ bytes: [UInt8], keys: Set<String>) throws(Refusal) {
        guard !bytes.isEmpty else {
            try self.init(.group([:]), path: "", keys: keys)
            return
        }
        let value: DetailValue
        do {
            value = try WireFormat.decoder.decode(DetailValue.self, from: Data(bytes))
        } catch {
            throw Refusal(.badRequest, "the body is not JSON: \(WireFormat.explain(error))")
        }
        try self.init(value, path: "", keys: keys)
    }

    private init(_ value: DetailValue, path: String, keys: Set<String>?) throws(Refusal) {
        guard case .group(let members) = value else {
            throw Refusal(.badRequest, "\(path.isEmpty ? "the body" : path) is not a JSON object")
        }
        if let keys, let unknown = members.keys.sorted().first(where: { !keys.contains($0) }) {
            throw Refusal(
                .badRequest,
                "\(path.isEmpty ? "" : path + ".")\(unknown.prefix(60)) is not known; known: \(keys.sorted().joined(separator: ", "))"
            )
        }
        self.path = path
        self.members = members
    }

    private func wrong(_ key: String, _ wanted: String) -> Refusal {
        Refusal(.badRequest, "\(self.path.isEmpty ? "" : self.path + ".")\(key) \(wanted)")
    }

    func optionalText(_ key: String) throws(Refusal) -> String? {
        switch self.members[key] {
        case nil, .nothing?: return nil
        case .text(let text)?:
            // PostgreSQL has no text with this character in it.
            guard !text.utf8.contains(0) else { throw self.wrong(key, "holds a NUL character") }
            return text
        default: throw self.wrong(key, "must be text")
        }
    }

    func text(_ key: String) throws(Refusal) -> String {
        guard let text = try self.optionalText(key) else { throw self.wrong(key, "is missing") }
        return text
    }

    func optionalInteger(_ key: String) throws(Refusal) -> Int64? {
        switch self.members[key] {
        case nil, .nothing?: return nil
        case .integer(let number)?: return number
        default: throw self.wrong(key, "must be a whole number")
        }
    }

    func optionalInt(_ key: String) throws(Refusal) -> Int? { try self.optionalInteger(key).map { Int($0) } }

    func integer(_ key: String) throws(Refusal) -> Int64 {
        guard let number = try self.optionalInteger(key) else { throw self.wrong(key, "is missing") }
        return number
    }

    func optionalNumber(_ key: String) throws(Refusal) -> Double? {
        switch self.members[key] {
        case nil, .nothing?: return nil
        case .integer(let number)?: return Double(number)
        case .number(let number)?: return number
        default: throw self.wrong(key, "must be a number")
        }
    }

    func number(_ key: String) throws(Refusal) -> Double {
        guard let number = try self.optionalNumber(key) else { throw self.wrong(key, "is missing") }
        return number
    }

    func optionalTruth(_ key: String) throws(Refusal) -> Bool? {
        switch self.members[key] {
        case nil, .nothing?: return nil
        case .truth(let value)?: return value
        default: throw self.wrong(key, "must be true or false")
        }
    }

    func optionalMoment(_ key: String) throws(Refusal) -> Domain.Timestamp? {
        guard let text = try self.optionalText(key) else { return nil }
        guard let moment = Domain.Timestamp(text) else {
            throw self.wrong(key, "must be a time such as 2026-11-21T02:00:00Z")
        }
        return moment
    }

    /// A word of an enumeration.
    func optionalWord<Word: RawRepresentable & CaseIterable>(_ key: String, _ type: Word.Type) throws(Refusal) -> Word?
    where Word.RawValue == String {
        guard let text = try self.optionalText(key) else { return nil }
        guard let word = Word(rawValue: text) else {
            throw self.wrong(key, "must be one of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return word
    }

    /// A group in the body; nil if it is not there.
    func optionalGroup(_ key: String, keys: Set<String>) throws(Refusal) -> Body? {
        switch self.members[key] {
        case nil, .nothing?: return nil
        case let value?: return try Body(value, path: key, keys: keys)
        }
    }

    /// A group of plain values, as text.
    func scalars(_ key: String) throws(Refusal) -> [String: String] {
        guard let value = self.members[key], value != .nothing else { return [:] }
        guard case .group(let members) = value else { throw self.wrong(key, "must be a JSON object") }
        var texts: [String: String] = [:]
        for (name, value) in members {
            switch value {
            case .text(let text): texts[name] = text
            case .integer(let number): texts[name] = String(number)
            case .number(let number): texts[name] = String(number)
            case .truth(let truth): texts[name] = truth ? "true" : "false"
            case .list, .group, .nothing: throw self.wrong("\(key).\(name.prefix(60))", "must be text or a number")
            }
        }
        return texts
    }

    /// A list of groups; empty when it is not there.
    func groups(_ key: String, keys: Set<String>) throws(Refusal) -> [Body] {
        switch self.members[key] {
        case nil, .nothing?: return []
        case .list(let values)?:
            var groups: [Body] = []
            for (place, value) in values.enumerated() {
                groups.append(try Body(value, path: "\(key)[\(place)]", keys: keys))
            }
            return groups
        default: throw self.wrong(key, "must be a list of objects")
        }
    }

    /// A list of texts; empty when it is not there.
    func texts(_ key: String) throws(Refusal) -> [String] {
        switch self.members[key] {
        case nil, .nothing?: return []
        case .list(let values)?:
            var texts: [String] = []
            for value in values {
                guard case .text(let text) = value, !text.utf8.contains(0) else {
                    throw self.wrong(key, "must be a list of texts")
                }
                texts.append(text)
            }
            return texts
        default: throw self.wrong(key, "must be a list of texts")
        }
    }

    /// So long ago: such as 90s, 30m, 12h, 7d.
    func moment(before key: String, orElse standard: String) throws(Refusal) -> Domain.Timestamp {
        let text = try self.optionalText(key) ?? standard
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Double(text.dropLast()), number > 0,
            number < 1e6
        else {
            throw self.wrong(key, "must be a time such as 90s, 30m, 12h or 7d, not \(text.prefix(60))")
        }
        return Domain.Timestamp(secondsSince1970: Date().timeIntervalSince1970 - number * unit)
    }

    /// Anything, as it stands; `standard` when it is not there.
    func value(_ key: String, orElse standard: DetailValue) throws(Refusal) -> DetailValue {
        guard let value = self.members[key], value != .nothing else { return standard }
        return value
    }

    /// Anything, as it stands.
    func value(_ key: String) throws(Refusal) -> DetailValue {
        guard let value = self.members[key] else { throw self.wrong(key, "is missing") }
        return value
    }
}

extension DetailValue {
    /// The common form of YAML and JSON, to be checked against a shape.
    var node: DocumentNode {
        switch self {
        case .text(let text): .scalar(text)
        case .integer(let number): .scalar(String(number))
        case .number(let number): .scalar(String(number))
        case .truth(let truth): .scalar(truth ? "true" : "false")
        case .list(let values): .sequence(values.map(\.node))
        case .group(let members):
            .mapping(members.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value.node, line: nil) })
        case .nothing: .null
        }
    }
}
