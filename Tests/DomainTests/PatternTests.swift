import Domain
import Testing

/// The regular expressions of rules.
@Suite struct PatternTests {
    /// Pattern, text, whether it is found.
    private static let searches: [(String, String, Bool)] = [
        ("memory", "out of memory at 3", true), ("memory", "Out of Memory", false),
        ("(?i)memory", "OUT OF MEMORY", true),
        ("^out", "out of memory", true), ("^of", "out of memory", false), ("memory$", "out of memory", true),
        ("of$", "out of memory", false), ("^$", "", true), ("^$", "x", false), (".*", "", true), ("", "", true),
        ("x*", "", true), ("x+", "", false), ("a.c", "abc", true), ("a.c", "a\nc", false), ("(?s)a.c", "a\nc", true),
        ("a\\.c", "abc", false), ("a\\.c", "a.c", true), ("colou?r", "color", true), ("colou?r", "colouur", false),
        ("exit code (1|2|134)\\b", "exit code 134 in step", true),
        ("exit code (1|2)\\b", "exit code 134 in step", false),
        ("\\bOOM\\b", "OOM-killed", true), ("\\bOOM\\b", "BOOM", false), ("\\Boom", "boom", true),
        ("[0-9]+ MB", "used 4711 MB", true), ("[^0-9 ]+ MB", "used 4711 MB", false), ("[]a]b", "]b", true),
        ("[a-]b", "-b", true), ("[[:digit:]]{3}", "12 345", true), ("[[:digit:]]{3}", "12 34", false),
        ("\\d{2,3}x", "1x 12x", true), ("\\d{2,3}x", "1x", false), ("a{3}", "aa", false), ("a{2,}", "baaa", true),
        ("{", "a { b", true), ("a{x}", "a{x}", true), ("\\s+\\S+", "a b", true), ("\\w+-\\W", "ab-!", true),
        ("signal (9|15) \\(SIG(KILL|TERM)\\)", "ended by signal 9 (SIGKILL)", true),
        ("(?:no space|quota) (?:left|exceeded)", "disk quota exceeded", true), ("(?<why>full)", "disk full", true),
        ("\\x41\\u0042", "AB", true), ("K\u{f6}ln", "K\u{f6}ln", true), ("\\w\\w\\w\\w", "K\u{f6}ln", true),
        ("a|b|", "zzz", true), ("^(a|b)+$", "abba", true), ("^(a|b)+$", "abca", false), ("a*?b", "aaab", true),
        ("\\t", "a\tb", true), ("\\AERROR\\z", "ERROR", true), ("[\\d.]+", "1.2", true), ("(?i)[^a]", "A", false),
    ]

    @Test(arguments: Self.searches) func aPatternIsSearchedAsWritten(pattern: String, text: String, found: Bool) throws
    {
        #expect(try DiagnosticPattern(pattern).matches(text) == found)
    }

    @Test(arguments: [
        "(", ")", "a)", "(a", "[a", "[b-a]", "*a", "+", "a**", "a{2,1}", "\\", "\\q", "\\1", "(a)\\1", "(?=a)", "(?!a)",
        "(?<=a)b", "(?<!a)b", "(?>a)", "a++", "^*", "\\b+", "[a-\\d]", "\\xZZ", "\\u12", "a{1001}", "(a{1000}){1000}",
        "(?<na", String(repeating: "(", count: 30) + String(repeating: ")", count: 30),
    ])
    func aWrongPatternIsRefusedInOneLine(pattern: String) {
        #expect {
            try DiagnosticPattern(pattern)
        } throws: { error in
            guard let reason = (error as? PatternError)?.reason else { return false }
            return reason.count > 10 && !reason.contains("\n")
        }
    }

    @Test func onlyTheFirstTwoThousandCharactersAreSearched() throws {
        let pattern = try DiagnosticPattern("end")
        #expect(pattern.matches(String(repeating: "x", count: 1_997) + "end"))
        #expect(!pattern.matches(String(repeating: "x", count: 1_998) + "end"))
        #expect(try DiagnosticPattern("x$").matches(String(repeating: "x", count: 3_000)))
    }

    /// Whatever the pattern, the work is bounded by length times size: also for those that a rule may not have.
    @Test(arguments: [
        "(a+)+$", "(a|a)*b", "(a|ab)*c", "(.*)*x", "a*a*a*a*a*a*b", "(a?){30}a{30}", ".*.*.*.*=.*", "(x+x+)+y",
        "^(([a-z])+.)+[A-Z]([a-z])+$", "(\\w+\\s?)*:", "\\d+\\d+\\d+x",
    ])
    func workIsLengthTimesSize(pattern: String) throws {
        let compiled = try DiagnosticPattern(pattern)
        for unit in ["a", "x", "ab", "a ", "1", "=", "aA"] {
            let text = String(repeating: unit, count: 5_000 / unit.count) + "!"
            let (_, work) = compiled.search(text)
            #expect(work <= compiled.mostWork(length: 2_000))
        }
    }

    @Test func theBoundGrowsWithTheLengthAndNoFaster() throws {
        let pattern = try DiagnosticPattern("(a+)+b")
        let short = pattern.search(String(repeating: "a", count: 500)).work
        let long = pattern.search(String(repeating: "a", count: 1_000)).work
        #expect(long > short && long <= 2 * short + 100, "\(short) \(long)")
    }
}
