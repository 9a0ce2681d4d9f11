import Testing

@testable import Domain

/// The language in which people look for files.
@Suite struct QueryTests {
    static let schema = QuerySchema(
        metadata: [
            QueryField(metadata: "run", id: 1, type: .integer), QueryField(metadata: "energy", id: 2, type: .number),
            QueryField(metadata: "quality", id: 3, type: .text),
            QueryField(metadata: "certified", id: 4, type: .boolean),
            QueryField(metadata: "taken", id: 5, type: .time),
        ]
    )

    private func read(_ text: String) throws -> FileCondition { try FileCondition(text, schema: Self.schema) }

    /// The error, as people see it; nil: there is none.
    private func error(_ text: String) -> String? {
        do {
            _ = try FileCondition(text, schema: Self.schema)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        ("run = 1 or run = 2 and run = 3", "run = 1 or (run = 2 and run = 3)"),
        ("run = 1 and run = 2 or run = 3", "(run = 1 and run = 2) or run = 3"),
        ("not run = 1 and run = 2", "not (run = 1) and run = 2"),
        ("not (run = 1 and run = 2)", "not (run = 1 and run = 2)"),
        ("not not lost", "not (not (lost = true))"),
        ("run = 1 AND (run = 2 Or run = 3) And Not lost", "run = 1 and (run = 2 or run = 3) and not (lost = true)"),
        ("((run=1))", "run = 1"),
        ("run=1or run=2", "bad"),
        ("run in(1,2,-3)", "run in (1, 2, -3)"),
        ("exists(energy) and certified or lost=false", "(exists(energy) and certified = true) or lost = false"),
        ("quality like 'a*?b\\*'", "quality like 'a*?b\\*'"),
        ("quality = 'it''s' or quality = \"so\"", "quality = 'it''s' or quality = 'so'"),
    ])
    func orBindsLessThanAndAndNotBindsMost(text: String, expected: String) throws {
        if expected == "bad" {
            #expect(self.error(text) != nil)
            return
        }
        let condition = try self.read(text)
        #expect(condition.description == expected)
        // What is printed means the same.
        #expect(try self.read(condition.description) == condition)
    }

    @Test(arguments: ["=", "!=", "<", "<=", ">", ">="])
    func everyTypeIsComparedAsItCanBe(sign: String) throws {
        let values: [(String, String)] = [
            ("run", "5"), ("energy", "91.2"), ("quality", "'good'"), ("taken", "2026-11-01"), ("bytes", "10GB"),
            ("events", "100"), ("created", "2026-11-01T12:00"), ("task", "1"), ("request", "1"), ("lfn", "'/a'"),
            ("site", "'x'"), ("software", "'x'"), ("stream", "'x'"),
        ]
        for (field, value) in values { #expect(throws: Never.self) { try self.read("\(field) \(sign) \(value)") } }
        let isOrder = sign.hasPrefix("<") || sign.hasPrefix(">")
        for (field, value) in [("certified", "true"), ("lost", "false")] {
            #expect((self.error("\(field) \(sign) \(value)") != nil) == isOrder, "\(field) \(sign)")
        }
        for field in ["dataset", "storage", "container"] {
            #expect((self.error("\(field) \(sign) 'x'") != nil) == isOrder, "\(field) \(sign)")
        }
    }

    @Test func listsPatternsAndPresenceFitTheirTypes() throws {
        for field in ["run", "energy", "taken", "bytes", "created"] {
            let value = ["taken", "created"].contains(field) ? "2026-11-01" : "5"
            #expect(throws: Never.self) { try self.read("\(field) in (\(value), \(value))") }
            #expect(self.error("\(field) like 'x*'")?.contains("like is for texts") == true)
        }
        for field in ["quality", "lfn", "dataset", "storage", "container", "site", "software", "stream"] {
            #expect(throws: Never.self) { try self.read("\(field) in ('x') and \(field) like 'x*'") }
        }
        #expect(self.error("certified in (true)")?.contains("in is for fields of other types") == true)
        for field in BuiltInField.allCases {
            #expect(throws: Never.self) { try self.read("exists(\(field.rawValue))") }
        }
    }

    @Test(arguments: [
        ("bytes = 10GB", MetadataValue.integer(10_000_000_000)), ("bytes = 1.5kB", .integer(1500)),
        ("bytes = 2MiB", .integer(2_097_152)), ("bytes = 3B", .integer(3)), ("run = -7", .integer(-7)),
        ("run = 9223372036854775807", .integer(.max)), ("run = 1e6", .integer(1_000_000)),
        ("energy = 5", .number(5)), ("energy = -1.5e-3", .number(-0.0015)), ("energy = 2kB", .number(2000)),
        ("taken = 2026-11-01", .time(Timestamp(microseconds: 1_793_491_200_000_000))),
        ("taken = 2026-11-01T12:00", .time(Timestamp(microseconds: 1_793_534_400_000_000))),
        ("taken = 2026-11-01T12:00:01.5Z", .time(Timestamp(microseconds: 1_793_534_401_500_000))),
        ("certified = TRUE", .boolean(true)), ("quality = ''", .text("")),
    ])
    func literalsHaveTheTypeOfTheirField(text: String, value: MetadataValue) throws {
        guard case .compare(_, .equal, let read) = try self.read(text) else {
            Issue.record("\(text) is no comparison")
            return
        }
        #expect(read == value)
    }

    @Test(arguments: [
        ("", "at character 1: the query is empty"), ("   ", "at character 1: the query is empty"),
        ("run", "at character 1: run is a whole number: expected one of ="),
        ("run =", "at character 6: expected a value after =, found the end"),
        ("run == 1", "at character 6: expected a value after =; equality is one ="),
        ("run <> 1", "at character 6: expected a value after <; inequality is !="),
        ("run ! 1", "at character 5: ! means nothing"),
        ("run = 'x'", "at character 7: run is a whole number: expected a whole number, found 'x'"),
        ("run = 1.5", "expected a whole number, found 1.5"), ("run = 1x", "found 1x"), ("run = 0x10", "found 0x10"),
        ("run = 9223372036854775808", "expected a whole number"), ("bytes = 99999999999PB", "expected a whole number"),
        ("bytes = 1.0001kB", "expected a whole number"), ("bytes = 5XB", "found 5XB"),
        ("energy = nan", "texts in quotes"), ("energy = 1e999", "expected a number"),
        ("quality = 5", "expected a text such as 'this', found 5"),
        ("quality = good", "at character 11: expected a value after =, texts in quotes"),
        ("certified = 1", "expected true or false, found 1"), ("certified = 'true'", "expected true or false"),
        ("taken = '2026-11-01'", "expected a time such as"), ("taken = 2026-02-30", "expected a time"),
        ("taken = 2026", "expected a time"), ("taken = 2026-11-01T25:00", "expected a time"),
        ("rum = 1", "at character 1: there is no field rum; did you mean run?"),
        ("qualty = 'x'", "did you mean quality?"), ("zzzzzzzz = 1", "known: bytes, certified"),
        ("(run = 1", "at character 9: expected and, or, or the ) of the bracket at character 1, found the end"),
        ("run = 1)", "at character 8: expected no more ): none is open"),
        ("run = 1 run = 2", "at character 9: expected and, or, or the end, found run"),
        ("run in ()", "at character 9: expected a value in the list"), ("run in 1", "expected ( and values after in"),
        ("run in (1", "expected , or )"), ("run not in (1)", "not stands before the field"),
        ("quality like 5", "expected a text such as 'run_*' after like"), ("quality like 'a\\'", "takes nothing"),
        ("quality = 'open", "at character 11: the text that begins here is not closed"),
        ("exists run", "expected ( and a field after exists"), ("exists(run", "expected ) after the field"),
        ("exists(nothing)", "there is no field nothing"), ("and", "at character 1: expected a field"),
        ("run = 1 and", "at character 12: expected a field, not, exists or (, found the end"),
        ("run = 1; drop", "at character 8: ; means nothing here"), ("run = 1 -- x", "expected and, or, or the end"),
        ("quality = 'a\u{0}b'", "NUL"),
    ])
    func everyMistakeIsToldWithItsPlace(text: String, expected: String) {
        let error = self.error(text)
        #expect(error?.contains(expected) == true, "\(text): \(error ?? "no error")")
    }

    @Test func sizesAreLimited() {
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + "lost" + String(repeating: ")", count: depth)
        }
        #expect(self.error(nested(QueryLimits.depth)) == nil)
        #expect(self.error(nested(QueryLimits.depth + 1))?.contains("inside each other") == true)
        let nots = String(repeating: "not ", count: QueryLimits.depth)
        #expect(self.error(nots + "lost") == nil)
        #expect(self.error(nots + "not lost")?.contains("inside each other") == true)
        // Brackets one after the other are not inside each other.
        #expect(self.error(Array(repeating: "(lost)", count: 150).joined(separator: " or ")) == nil)
        func list(_ count: Int) -> String { "run in (\(Array(repeating: "1", count: count).joined(separator: ",")))" }
        #expect(self.error(list(QueryLimits.values)) == nil)
        #expect(self.error(list(QueryLimits.values + 1))?.contains("values in one list") == true)
        func many(_ count: Int) -> String { Array(repeating: "lost", count: count).joined(separator: " or ") }
        #expect(self.error(many(QueryLimits.conditions)) == nil)
        #expect(self.error(many(QueryLimits.conditions + 1))?.contains("conditions") == true)
        #expect(
            self.error("quality = '\(String(repeating: "x", count: QueryLimits.length))'")?.contains("limit") == true
        )
    }

    @Test func patternsFitWholeTexts() throws {
        let pattern = try #require(GlobPattern("a*b?_%\\*"))
        #expect(pattern.like == "a%b_\\_\\%*")
        #expect(pattern.prefix == "a")
        #expect(GlobPattern("plain")?.prefix == "plain")
        #expect(GlobPattern("**x")?.parts == [.any, .scalar("x")])
    }

    @Test func whatTheCatalogueKnowsIsLeftOpenWithoutIt() throws {
        #expect(throws: Never.self) {
            try FileCondition.check("anything = 5 and other like 'x*' or third in ('a', 'b')")
        }
        for wrong in ["anything = 5x", "bytes = 'x'", "anything =", "Anything = 5", "anything in (1"] {
            #expect(throws: QueryError.self, "\(wrong)") { try FileCondition.check(wrong) }
        }
    }

    @Test func valuesOfTagsNeedNoQuotes() throws {
        #expect(try MetadataValue("good", as: .text) == .text("good"))
        #expect(try MetadataValue("12", as: .integer) == .integer(12))
        #expect(try MetadataValue("2026-11-01", as: .time).type == .time)
        for (text, type) in [
            ("", MetadataType.text), ("yes", .boolean), ("1.5", .integer), ("inf", .number), ("soon", .time),
        ] {
            #expect(throws: QueryError.self, "\(text) as \(type)") { try MetadataValue(text, as: type) }
        }
        #expect(throws: QueryError.self) { try MetadataValue(String(repeating: "x", count: 501), as: .text) }
    }

    @Test func fieldsOfPeopleAreNamedApartFromTheLanguage() {
        for name in ["run", "energy_2", "x"] { #expect(QuerySchema.isFreeName(name)) }
        for name in ["lfn", "and", "true", "Run", "2x", "a-b", "", "x\u{e9}", String(repeating: "x", count: 64)] {
            #expect(!QuerySchema.isFreeName(name), "\(name)")
        }
    }
}
