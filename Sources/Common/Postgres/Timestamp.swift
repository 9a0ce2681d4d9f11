import Glibc

/// A point in time as `timestamptz` keeps it: whole microseconds, no leap seconds, no time zone of its own.
package struct Timestamp: Sendable, Hashable, Comparable, PostgresEncodable, PostgresDecodable {
    /// Microseconds since 1970-01-01 00:00:00 UTC; the extreme values stand for the two infinities.
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// The system clock's reading.
    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    package static let infinity = Timestamp(microseconds: .max)
    package static let minusInfinity = Timestamp(microseconds: .min)

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    package static var postgresType: PostgresType { .timestamptz }

    package func encode() -> PostgresValue {
        switch self {
        case .infinity: PostgresValue(.timestamptz, "infinity")
        case .minusInfinity: PostgresValue(.timestamptz, "-infinity")
        default: PostgresValue(.timestamptz, self.text)
        }
    }

    package init(postgres cell: PostgresCell) throws {
        let text = try cell.text()
        switch text {
        case "infinity": self = .infinity
        case "-infinity": self = .minusInfinity
        default:
            guard let value = Timestamp(text: text) else {
                throw PostgresDecodingProblem("a time that is not in ISO form and UTC")
            }
            self = value
        }
    }

    private static let microsecondsPerDay: Int64 = 86_400_000_000

    /// `2026-03-01 12:00:00.000001+00`, with ` BC` before the year 1.
    private var text: String {
        let days = Self.floorDivide(self.microseconds, Self.microsecondsPerDay)
        let ofDay = self.microseconds - days * Self.microsecondsPerDay
        let (year, month, day) = Self.civil(days: days)
        let (seconds, fraction) = ofDay.quotientAndRemainder(dividingBy: 1_000_000)
        let date = "\(Self.pad(year > 0 ? year : 1 - year, 4))-\(Self.pad(month, 2))-\(Self.pad(day, 2))"
        let clock =
            "\(Self.pad(seconds / 3600, 2)):\(Self.pad(seconds / 60 % 60, 2)):\(Self.pad(seconds % 60, 2))"
        return "\(date) \(clock).\(Self.pad(fraction, 6))+00\(year > 0 ? "" : " BC")"
    }

    /// Reads what a session with `DateStyle=ISO` and `TimeZone=UTC` writes.
    private init?(text: String) {
        var rest = Substring(text)
        let isBeforeChrist = rest.hasSuffix(" BC")
        if isBeforeChrist { rest.removeLast(3) }
        guard rest.hasSuffix("+00") else { return nil }
        rest.removeLast(3)
        let parts = rest.split(whereSeparator: { $0 == "-" || $0 == " " || $0 == ":" || $0 == "." })
        let numbers = parts.compactMap { Int64($0) }
        guard numbers.count == parts.count, parts.count == 6 || parts.count == 7 else { return nil }
        var fraction: Int64 = 0
        if parts.count == 7 {
            guard parts[6].count <= 6 else { return nil }
            fraction = numbers[6]
            for _ in parts[6].count..<6 { fraction *= 10 }
        }
        let year = isBeforeChrist ? 1 - numbers[0] : numbers[0]
        let days = Self.days(year: year, month: numbers[1], day: numbers[2])
        let seconds = numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
        self.microseconds = days * Self.microsecondsPerDay + seconds * 1_000_000 + fraction
    }

    private static func pad(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private static func floorDivide(_ left: Int64, _ right: Int64) -> Int64 {
        let (quotient, remainder) = left.quotientAndRemainder(dividingBy: right)
        return remainder < 0 ? quotient - 1 : quotient
    }

    // Howard Hinnant's calendar algorithms: https://howardhinnant.github.io/date_algorithms.html

    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = Self.floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = Self.floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
