/// A value as a user writes it.
package enum RuleValue: Sendable, Hashable, Codable, CustomStringConvertible {
    case flag(Bool)
    case number(Double)
    case text(String)

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        // A yes or no first: some decoders read it as a number too.
        do { self = .flag(try value.decode(Bool.self)) } catch {
            do { self = .number(try value.decode(Double.self)) } catch { self = .text(try value.decode(String.self)) }
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .flag(let flag): try value.encode(flag)
        case .number(let number): try value.encode(number)
        case .text(let text): try value.encode(text)
        }
    }

    package var description: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .number(let number): number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
        case .text(let text): String(text.prefix(60))
        }
    }
}

/// One parameter of an action: what it may be, and where it is kept. The table drives the check of what users write.
package struct RuleParameterField: Sendable {
    package let name: String
    /// What a user reads when the value is wrong, such as "a number from 0 to 1".
    package let form: String
    /// False: the value is not of this form.
    private let set: @Sendable (inout RuleParameters, RuleValue) -> Bool

    package static let all: [RuleParameterField] = [
        .number("pauseSeconds", 0...86_400, \.pauseSeconds),
        .word("pauseGrowth", \.pauseGrowth),
        .number("pauseJitter", 0...1, \.pauseJitter),
        .number("pauseLimitSeconds", 0...604_800, \.pauseLimitSeconds),
        .flag("elsewhere", \.elsewhere),
        .flag("otherNode", \.otherNode),
        .flag("moreMemory", \.moreMemory),
        .number("memoryFactor", 1.05...4, \.memoryFactor),
        .number("taskShare", 0...1, \.taskShare),
        .number("moreTime", 1.05...4, \.moreTime),
        .integer("split", 2...100, \.split),
        .word("task", \.task),
        .word("strike", \.strike),
        .flag("reportInput", \.reportInput),
        .integer("limit", 1...1_000, \.limit),
        .integer("uncountedLimit", 1...1_000, \.limit),
    ]

    /// Reads what a user wrote.
    ///
    /// - Throws: an error with one line about the first thing that is wrong.
    static func read(_ values: [String: RuleValue]) throws(PatternError) -> RuleParameters {
        var result = RuleParameters()
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let field = Self.all.first(where: { $0.name == name }) else {
                let known = Self.all.map(\.name).joined(separator: ", ")
                throw PatternError("there is no parameter \(name.prefix(60)); known are \(known)")
            }
            guard field.set(&result, value) else {
                throw PatternError("parameter \(name) is \(value): it must be \(field.form)")
            }
        }
        return result
    }

    private static func number(
        _ name: String,
        _ range: ClosedRange<Double>,
        _ path: any WritableKeyPath<RuleParameters, Double?> & Sendable
    ) -> Self {
        let form = "a number from \(RuleValue.number(range.lowerBound)) to \(RuleValue.number(range.upperBound))"
        return Self(name: name, form: form) { parameters, value in
            guard case .number(let number) = value, range.contains(number) else { return false }
            parameters[keyPath: path] = number
            return true
        }
    }

    private static func integer(
        _ name: String,
        _ range: ClosedRange<Int>,
        _ path: any WritableKeyPath<RuleParameters, Int?> & Sendable
    ) -> Self {
        Self(name: name, form: "a whole number from \(range.lowerBound) to \(range.upperBound)") { parameters, value in
            guard case .number(let number) = value, let whole = Int(exactly: number), range.contains(whole) else {
                return false
            }
            parameters[keyPath: path] = whole
            return true
        }
    }

    private static func flag(
        _ name: String,
        _ path: any WritableKeyPath<RuleParameters, Bool?> & Sendable
    ) -> Self {
        Self(name: name, form: "true or false") { parameters, value in
            guard case .flag(let flag) = value else { return false }
            parameters[keyPath: path] = flag
            return true
        }
    }

    private static func word<Word: RawRepresentable<String> & CaseIterable & Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<RuleParameters, Word?> & Sendable
    ) -> Self {
        let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
        return Self(name: name, form: "one of \(words)") { parameters, value in
            guard case .text(let text) = value, let word = Word(rawValue: text) else { return false }
            parameters[keyPath: path] = word
            return true
        }
    }
}

extension RuleParameters {
    /// The names that a user may write.
    package static var names: [String] { RuleParameterField.all.map(\.name) }
}
