/// Numbers and times as queries write them.
enum QueryLiteral {
    /// What a number without quotes says as a value of this type; nil: it is none.
    static func value(_ text: String, as type: MetadataType) -> MetadataValue? {
        switch type {
        case .integer: Self.integer(text).map { .integer($0) }
        case .number: Self.number(text).map { .number($0) }
        case .time: Self.time(text).map { .time($0) }
        case .text, .boolean: nil
        }
    }

    /// What a unit of bytes multiplies by.
    static let units: [String: Int64] = [
        "B": 1, "kB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000, "PB": 1_000_000_000_000_000,
        "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50,
    ]

    /// `-12`, `10GB`, `1.5TB`, `1e6`: exact, or nothing.
    static func integer(_ text: String) -> Int64? {
        let (digits, unit) = Self.split(text)
        guard let unit else { return nil }
        if let whole = Int64(digits) {
            guard Self.isPlain(digits) else { return nil }
            let (value, overflow) = whole.multipliedReportingOverflow(by: unit)
            return overflow ? nil : value
        }
        guard let number = Self.decimal(digits) else { return nil }
        let value = number * Double(unit)
        guard value == value.rounded(.towardZero), abs(value) <= 9_007_199_254_740_992 else { return nil }
        return Int64(value)
    }

    static func number(_ text: String) -> Double? {
        let (digits, unit) = Self.split(text)
        guard let unit, let number = Self.decimal(digits) else { return nil }
        let value = number * Double(unit)
        return value.isFinite ? value : nil
    }

    /// `2026-11-01`, with `T12:00`, seconds and their fraction; always UTC, `Z` or not.
    static func time(_ text: String) -> Timestamp? {
        var text = text
        if text.hasSuffix("Z") { text.removeLast() }
        let full: String
        switch text.utf8.count {
        case 10: full = text + "T00:00:00Z"
        case 16: full = text + ":00Z"
        default: full = text + "Z"
        }
        // The thirtieth of February would be a day in March.
        guard let moment = Timestamp(full), moment.description.hasPrefix(full.prefix(10)) else { return nil }
        return moment
    }

    /// A number and the unit behind it; nil: no unit that is known.
    private static func split(_ text: String) -> (String, Int64?) {
        // An exponent is no unit: units begin with another letter, or stand alone.
        guard let start = text.lastIndex(where: { $0.isASCII && ($0.isNumber || $0 == ".") }) else {
            return (text, nil)
        }
        let unit = text[text.index(after: start)...]
        return (String(text[...start]), unit.isEmpty ? 1 : Self.units[String(unit)])
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.enumerated().allSatisfy { (48...57).contains($1) || ($0 == 0 && $1 == 45) }
    }

    /// A decimal number and nothing else that reads as one: no hexadecimal, no `nan`.
    private static func decimal(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ (48...57).contains($0) || [43, 45, 46, 69, 101].contains($0) }),
            let value = Double(text), value.isFinite
        else { return nil }
        return value
    }
}
