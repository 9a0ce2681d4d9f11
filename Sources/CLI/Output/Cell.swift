import Messages

/// A JSON value as the Gateway sends it.
typealias JSON = DetailValue

extension DetailValue {
    subscript(_ key: String) -> JSON {
        guard case .group(let fields) = self else { return .nothing }
        return fields[key] ?? .nothing
    }

    var items: [JSON] {
        guard case .list(let items) = self else { return [] }
        return items
    }

    var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    var integer: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    var truth: Bool? {
        guard case .truth(let value) = self else { return nil }
        return value
    }
}

extension DetailValue {
    /// Of an object with `finished` and `failed`: both.
    fileprivate var attempts: Int64 { (self["finished"].integer ?? 0) + (self["failed"].integer ?? 0) }
}

/// How the values of a column are shown.
enum CellStyle {
    case plain
    case bytes
    /// A time as `2026-11-21 02:01:10`, in UTC.
    case time
    case seconds
    /// In the colour of its meaning.
    case state
    /// One digit after the point.
    case tenths
    /// A part of 1 as `93.2%`.
    case percent
    /// An object with `finished`, `failed` and `success_percent` as `93% 120/129`, in the colour of its meaning.
    case success
}

extension CellStyle {
    /// A value as text.
    ///
    /// - Parameter missing: what stands for no value.
    func text(_ value: JSON, missing: String = "-") -> String {
        switch (self, value) {
        case (_, .nothing): missing
        case (.bytes, _) where value.number != nil: Self.bytes(value.number ?? 0)
        case (.time, .text(let text)): Self.time(text)
        case (.seconds, _) where value.number != nil: Self.seconds(value.number ?? 0)
        case (.tenths, _) where value.number != nil: Self.tenths(value.number ?? 0)
        case (.percent, _) where value.number != nil: "\(Self.tenths((value.number ?? 0) * 100))%"
        case (.success, _): Self.success(value) ?? missing
        default: Self.plain(value, missing: missing)
        }
    }

    private static func plain(_ value: JSON, missing: String) -> String {
        switch value {
        case .text(let text): text
        case .integer(let number): String(number)
        case .number(let number): Self.number(number)
        case .truth(let truth): truth ? "yes" : "no"
        case .list(let items):
            items.isEmpty ? missing : items.map { Self.plain($0, missing: missing) }.joined(separator: ",")
        case .group(let fields):
            fields.isEmpty
                ? missing
                : fields.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.plain($0.value, missing: missing))" }
                    .joined(separator: ",")
        case .nothing: missing
        }
    }

    /// - Returns: nil if nothing ended.
    private static func success(_ value: JSON) -> String? {
        guard let percent = value["success_percent"].number, let finished = value["finished"].integer,
            let failed = value["failed"].integer
        else { return nil }
        return "\(Int64(percent.rounded(.down)))% \(finished)/\(finished + failed)"
    }

    /// The colour of a value shown in this style.
    func tone(_ value: JSON, text: String) -> Tone {
        switch self {
        case .state: Tone(state: text)
        case .success: Tone(success: value["success_percent"].number, of: value.attempts)
        case .plain, .bytes, .time, .seconds, .tenths, .percent: .plain
        }
    }

    /// Whether its texts stand on the right.
    func isNumber(_ value: JSON) -> Bool {
        value.number != nil || self == .success && value["success_percent"].number != nil
    }

    /// Whole numbers without a point.
    static func number(_ value: Double) -> String { Int64(exactly: value).map { String($0) } ?? String(value) }

    /// `950`, `1.5k`, `20M`, with powers of 1000.
    static func bytes(_ value: Double) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = value
        var unit = 0
        while value >= 999.5 && unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 || value >= 99.95
            ? "\(Int64(value.rounded())) \(units[unit])" : "\(Self.tenths(value)) \(units[unit])"
    }

    /// One digit after the point.
    static func tenths(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }

    /// `2026-11-21T02:01:10.000123+00:00` without the letter, fraction and zone.
    static func time(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard bytes.count >= 19, bytes[10] == UInt8(ascii: "T") else { return text }
        return String(decoding: bytes[0..<10], as: UTF8.self) + " " + String(decoding: bytes[11..<19], as: UTF8.self)
    }

    /// `12.3s`, `4m05s`, `2h03m`, `3d04h`.
    static func seconds(_ value: Double) -> String {
        let total = Int64(value.rounded())
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        if value < 60 { return value < 10 ? "\(Self.tenths(value))s" : "\(total)s" }
        if total < 3600 { return "\(total / 60)m\(two(total % 60))s" }
        if total < 86_400 { return "\(total / 3600)h\(two(total / 60 % 60))m" }
        return "\(total / 86_400)d\(two(total / 3600 % 24))h"
    }
}
