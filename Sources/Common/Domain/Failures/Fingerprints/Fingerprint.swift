/// What two failures have in common when they are the same failure: the code, and the diagnostic without what differs
/// from one attempt to the next.
package enum Fingerprint {
    /// Longer texts are cut.
    package static let longest = 160

    package static func of(_ failure: Failure) -> String {
        "\(failure.code):\(self.normalise(failure.diagnostic))"
    }

    /// The words of a diagnostic in lower case, without punctuation. Numbers, ids, dates, times, sizes, durations and
    /// memory addresses become `#`; paths and URLs become `<path>`; hosts, addresses, file names and short quoted
    /// texts become `<name>`. Several of one kind in a row become one, so that lists of any length are the same.
    package static func normalise(_ diagnostic: String) -> String {
        var scanner = DiagnosticScanner(diagnostic)
        var words: [String] = []
        while let word = scanner.next() { words.append(word) }
        return String(Self.joined(words).prefix(Self.longest))
    }

    private static func joined(_ words: [String]) -> String {
        var result: [String] = []
        var previous = ""
        for (index, word) in words.enumerated() {
            let next = index + 1 < words.count ? words[index + 1] : ""
            let isDate =
                Self.calendar.contains(word)
                && (next == "#" || previous == "#" || Self.calendar.contains(next))
            let isUnit = Self.units.contains(word) && previous == "#"
            let sign = isDate || isUnit ? "#" : word
            defer { previous = sign }
            // A time stamp before the message says nothing: some programs write one and some do not.
            if sign == "#", result.isEmpty { continue }
            if Self.signs.contains(sign), previous == sign { continue }
            result.append(sign)
        }
        return result.joined(separator: " ")
    }

    private static let signs: Set = ["#", "<path>", "<name>"]

    /// Words of dates.
    static let calendar: Set = [
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
        "oct", "nov", "dec", "am", "pm", "utc", "gmt", "cet", "cest",
    ]

    /// What may follow a number without saying anything more than the number.
    static let units: Set = [
        "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "byte", "bytes", "k", "m", "g", "t", "kbytes",
        "mbytes", "s",
        "sec", "secs", "second", "seconds", "ms", "us", "ns", "min", "mins", "minute", "minutes", "h", "hr", "hrs",
        "hour", "hours", "d", "day", "days", "mev", "gev", "mm", "cm", "pages",
    ]
}
