import Domain
import TestSupport

/// A query drawn at random: its text, and what it means, told without any code of the language.
struct RandomQuery {
    let text: String
    let holds: (SearchWorld.File) -> Bool

    private typealias Value = SearchWorld.Value

    init(depth: Int, world: SearchWorld, using random: inout SeededRandom) {
        let kind = depth == 0 ? 0 : Int.random(in: 0...5, using: &random)
        func inner(_ random: inout SeededRandom) -> RandomQuery {
            RandomQuery(depth: depth - 1, world: world, using: &random)
        }
        switch kind {
        case 1, 2:
            let (left, right) = (inner(&random), inner(&random))
            self.init(text: "(\(left.text)) and (\(right.text))") { left.holds($0) && right.holds($0) }
        case 3:
            let (left, right) = (inner(&random), inner(&random))
            self.init(text: "(\(left.text)) or (\(right.text))") { left.holds($0) || right.holds($0) }
        case 4:
            let part = inner(&random)
            self.init(text: "not (\(part.text))") { !part.holds($0) }
        default: self.init(conditionOf: world, using: &random)
        }
    }

    private init(text: String, holds: @escaping (SearchWorld.File) -> Bool) {
        self.text = text
        self.holds = holds
    }

    private static let types: [(name: String, type: String)] =
        [
            ("lfn", "text"), ("bytes", "integer"), ("events", "integer"), ("created", "time"), ("dataset", "many"),
            ("container", "many"), ("task", "integer"), ("request", "integer"), ("stream", "text"), ("site", "text"),
            ("software", "text"), ("storage", "many"), ("lost", "boolean"),
        ] + SearchWorld.fields.map { ($0.name, $0.type) } + SearchWorld.fields.map { ($0.name, $0.type) }

    private init(conditionOf world: SearchWorld, using random: inout SeededRandom) {
        let (field, type) = Self.types.randomElement(using: &random) ?? Self.types[0]
        func any(_ test: @escaping (Value) -> Bool) -> (SearchWorld.File) -> Bool {
            { world.values(field, of: $0).contains(where: test) }
        }
        // Mostly a value that some file has.
        func draw(_ random: inout SeededRandom) -> Value {
            let file = world.files.randomElement(using: &random) ?? world.files[0]
            let known = world.values(field, of: file)
            if let value = known.randomElement(using: &random) { return value }
            return SearchWorld.value(of: type == "many" ? "text" : type, using: &random)
        }
        let value = draw(&random)
        switch Int.random(in: 0...9, using: &random) {
        case 0: self.init(text: "exists(\(field))") { !world.values(field, of: $0).isEmpty }
        case 1 where type != "boolean":
            let values = [value, draw(&random), draw(&random)]
            self.init(
                text: "\(field) in (\(values.map(Self.text).joined(separator: ", ")))",
                holds: any(values.contains)
            )
        case 2 where type == "text" || type == "many", 3 where type == "text" || type == "many":
            guard case .text(let text) = value else { preconditionFailure("a text field has texts") }
            let pattern = Self.pattern(text, using: &random)
            self.init(text: "\(field) like \(Self.text(.text(pattern.text)))", holds: any { pattern.fits($0) })
        case 4 where field == "lost" || field == "certified": self.init(text: field, holds: any { $0 == .flag(true) })
        default:
            let signs = type == "boolean" || type == "many" ? ["=", "!="] : ["=", "!=", "<", "<=", ">", ">="]
            let sign = signs.randomElement(using: &random) ?? "="
            let text = "\(field) \(sign) \(Self.text(value))"
            guard sign == "!=" else {
                self.init(text: text, holds: any { Self.compare($0, sign, value) })
                return
            }
            self.init(text: text) {
                let values = world.values(field, of: $0)
                return !values.isEmpty && !values.contains(value)
            }
        }
    }

    private static func compare(_ one: Value, _ sign: String, _ other: Value) -> Bool {
        let order: (less: Bool, equal: Bool) =
            switch (one, other) {
            case (.integer(let a), .integer(let b)): (a < b, a == b)
            case (.number(let a), .number(let b)): (a < b, a == b)
            case (.time(let a), .time(let b)): (a < b, a == b)
            case (.text(let a), .text(let b)):
                (a.utf8.lexicographicallyPrecedes(b.utf8), Array(a.utf8) == Array(b.utf8))
            case (.flag(let a), .flag(let b)): (!a && b, a == b)
            default: (false, false)
            }
        switch sign {
        case "=": return order.equal
        case "<": return order.less
        case "<=": return order.less || order.equal
        case ">": return !order.less && !order.equal
        default: return !order.less
        }
    }

    private static func text(_ value: Value) -> String {
        switch value {
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .text(let text): "'\(text.replacing("'", with: "''"))'"
        case .flag(let flag): "\(flag)"
        case .time(let time): Timestamp(microseconds: time).description
        }
    }

    /// A pattern that may fit: the beginning of a text, its end, its middle, or one letter open.
    private static func pattern(
        _ text: String,
        using random: inout SeededRandom
    ) -> (text: String, fits: (Value) -> Bool) {
        func literal(_ text: some StringProtocol) -> String {
            String(text).replacing("\\", with: "\\\\").replacing("*", with: "\\*").replacing("?", with: "\\?")
        }
        func fits(_ test: @escaping (String) -> Bool) -> (Value) -> Bool {
            { if case .text(let text) = $0 { test(text) } else { false } }
        }
        let half = text.count / 2
        let (head, tail) = (String(text.prefix(half)), String(text.suffix(half)))
        switch Int.random(in: 0...3, using: &random) {
        case 0: return (literal(head) + "*", fits { $0.hasPrefix(head) })
        case 1: return ("*" + literal(tail), fits { $0.hasSuffix(tail) })
        case 2: return ("*" + literal(tail) + "*", fits { $0.contains(tail) || tail.isEmpty })
        default:
            return (
                "?" + literal(text.dropFirst()),
                fits { $0.count == text.count && $0.dropFirst() == text.dropFirst() }
            )
        }
    }
}
