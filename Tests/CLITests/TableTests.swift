import Messages
import Testing

@testable import CLI

@Suite struct TableTests {
    private static func row(_ fields: [String: JSON]) -> JSON { .group(fields) }

    @Test func numbersStandOnTheRightAndTextOnTheLeft() {
        let rows = [
            Self.row(["name": .text("a"), "jobs": .integer(7), "bytes": .integer(1_500_000)]),
            Self.row(["name": .text("longer"), "jobs": .integer(1200), "bytes": .nothing]),
        ]
        let table = Table([Column("name"), Column("jobs"), Column("bytes", .bytes)], rows: rows)
        #expect(
            table.lines(colours: false)
                == [
                    "name    jobs   bytes",
                    "a          7  1.5 MB",
                    "longer  1200       -",
                ].map { $0 }
        )
    }

    @Test func aTableWithoutRowsHasItsTitles() {
        #expect(Table([Column("task"), Column("state", .state)], rows: []).lines(colours: false) == ["task  state"])
    }

    @Test func textWithLineBreaksStaysOnOneLine() {
        let rows = [Self.row(["reason": .text("one\ntwo\u{1b}[31m")])]
        #expect(Table([Column("reason")], rows: rows).lines(colours: false)[1] == "one two [31m")
    }

    @Test func coloursAreOnlyForTerminals() {
        let rows = [Self.row(["state": .text("failed")])]
        let table = Table([Column("state", .state)], rows: rows)
        #expect(table.lines(colours: false)[1] == "failed")
        #expect(table.lines(colours: true)[1] == "\u{1b}[31mfailed\u{1b}[0m")
    }

    @Test func theTrackerLooksLikeTheTableOfTheTalk() {
        let row = Self.row([
            "gen_id": .integer(1), "sim_id": .integer(1), "username": .text("steve"), "ssw": .text("ilcsoft"),
            "ssw_ver": .text("v01-08-01"), "detector_model": .text("ILD_00"), "physics_list": .text("LCPhys"),
            "generated": .integer(5000), "processed": .integer(5000), "damaged": .integer(0),
        ])
        #expect(
            Table(TrackerCommand.columns, rows: [row]).framedLines() == [
                "+--------+--------+----------+---------+-----------+----------------+--------------+-----------+-----------+---------+",
                "| gen_id | sim_id | username | ssw     | ssw_ver   | detector_model | physics_list | generated | processed | damaged |",
                "+--------+--------+----------+---------+-----------+----------------+--------------+-----------+-----------+---------+",
                "|      1 |      1 | steve    | ilcsoft | v01-08-01 | ILD_00         | LCPhys       |      5000 |      5000 |       0 |",
                "+--------+--------+----------+---------+-----------+----------------+--------------+-----------+-----------+---------+",
            ]
        )
    }

    @Test func aMissingCutIsNullInTheGeneratorTable() {
        let row = Self.row(["gen_id": .integer(1), "energy": .number(91), "cut": .nothing])
        let lines = Table(["gen_id", "energy", "cut"].map { Column($0) }, rows: [row], missing: "null").framedLines()
        #expect(lines[3] == "|      1 |     91 | null |")
    }

    @Test(arguments: [
        (0.0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456_789, "123 MB"), (2e12, "2.0 TB"),
    ])
    func bytesAreShort(_ bytes: Double, _ text: String) {
        #expect(CellStyle.bytes.text(.number(bytes)) == text)
    }

    @Test(arguments: [(0.25, "0.3s"), (42.4, "42s"), (245, "4m05s"), (7380, "2h03m"), (360_000, "4d04h")])
    func durationsAreShort(_ seconds: Double, _ text: String) {
        #expect(CellStyle.seconds.text(.number(seconds)) == text)
    }

    @Test func timesHaveNoFraction() {
        #expect(CellStyle.time.text(.text("2026-11-21T02:01:10.000123+00:00")) == "2026-11-21 02:01:10")
        #expect(CellStyle.time.text(.text("infinity")) == "infinity")
    }

    @Test func detailsShowFieldsFirstAndListsAsTables() {
        let object = Self.row([
            "state": .text("running"), "task": .integer(12), "seed": .integer(3),
            "tasks": .list([Self.row(["name": .text("a"), "jobs": .integer(1)])]),
        ])
        let lines = Details.lines(object, first: ["task", "state"], colours: false)
        #expect(lines == ["task   12", "state  running", "seed   3", "", "tasks", "  jobs  name", "     1  a"])
    }
}
