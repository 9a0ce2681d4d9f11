import ArgumentParser
import Catalog
import Messages
import Testing

@testable import CLI

/// What people read of production over time and of the archive.
@Suite struct HistoryCommandTests {
    private static func json(_ text: String) throws -> JSON { try WireFormat.value(JSON.self, from: text) }

    @Test func theReportHasItsTotalAndItsRecords() throws {
        let figures =
            #""jobs_done": 1200, "jobs_aborted": 1, "events": 12000, "attempts": 1300, "failed": 100, "cancelled": 0"#
        let hours = #""core_hours": 10.26, "lost_core_hours": 0.5"#
        let answer = try Self.json(
            """
            {"items": [{"week": "2026-11-16", \(figures), \(hours)}], "total": {\(figures), \(hours)}, "since": "2025-11-21",
             "records": [{"span": "day", "of": "jobs", "value": 700, "start": "2026-11-20"},
                         {"span": "week", "of": "events", "value": 12000, "start": "2026-11-16"}]}
            """
        )
        let lines = ReportCommand.lines(answer, by: [.week], colours: false)
        #expect(lines.count == 6)
        #expect(lines[0].hasPrefix("week"))
        #expect(
            lines[1].split(separator: " ").map(String.init) == [
                "2026-11-16", "1200", "1", "12000", "1300", "100", "10.3", "0.5",
            ]
        )
        #expect(lines[2].split(separator: " ").first == "-")
        #expect(lines[4...] == ["best day by jobs: 700, on 2026-11-20", "best week by events: 12000, from 2026-11-16"])
        #expect(
            ReportCommand.lines(answer, by: [.week, .site], colours: false)[0].hasPrefix("week        site  jobs_done")
        )
        func by(_ text: String) throws -> [ProductionStatements.By] {
            let command: ReportCommand = try ReportCommand.parse(["--by", text])
            return command.by
        }
        #expect(try by("month,cloud") == [.month, .cloud])
        for wrong in ["", "year", "month,", "month,month", "day,site,kind"] {
            #expect(throws: (any Error).self, "\(wrong)") { try by(wrong) }
        }
        #expect(
            ReportCommand.lines(answer, by: [.class], colours: false)[0]
                .hasPrefix("class  cores  memory_mb  walltime_s  share  jobs_done")
        )
        let cut = try Self.json(
            #"{"items": [{"week": "2026-11-16"}], "records": [], "total": {}, "complete": false, "since": "2025-11-21"}"#
        )
        // On standard error, also where scripts read the rows.
        #expect(ReportCommand.cut(cut) == "these are the first 1 rows, not all: ask for less with --last")
        #expect(ReportCommand.lines(cut, by: [.week], colours: false).count == 3)
        #expect(ReportCommand.cut(answer) == nil)
        let nothing = try Self.json(#"{"items": [], "records": [], "since": "2026-11-20"}"#)
        #expect(ReportCommand.lines(nothing, by: [.day], colours: false) == ["nothing ended since 2026-11-20"])
    }

    @Test func anArchivedTaskSaysHowToGetItBack() throws {
        func line(_ state: String) throws -> String? {
            ArchivedTask.line(
                try Self.json(
                    """
                    {"task": 12, "archived": {"state": "\(state)", "since": "2026-11-21T02:01:10.5+00:00", "who": "olga", "jobs": 7}}
                    """
                )
            )
        }
        #expect(
            try line("archived")
                == "task 12 is archived since 2026-11-21 02:01:10 (by olga), 7 jobs: millrace task restore 12"
        )
        #expect(try line("archiving")?.contains("on its way into the archive") == true)
        #expect(try line("restoring")?.contains("is being restored") == true)
        #expect(ArchivedTask.line(try Self.json(#"{"task": 12, "archived": null}"#)) == nil)
    }

    @Test func theCommandsAreUnderstood() throws {
        #expect(try Millrace.parseAsRoot(["archive", "--older-than", "90d", "--dry-run"]) is ArchiveCommand.Old)
        #expect(try Millrace.parseAsRoot(["archive", "list"]) is ArchiveCommand.List)
        #expect(try Millrace.parseAsRoot(["archive", "restore", "12"]) is ArchiveCommand.Restore)
        #expect(try Millrace.parseAsRoot(["task", "archive", "12", "--dry-run"]) is TaskCommands.Archive)
        #expect(try Millrace.parseAsRoot(["request", "restore", "3"]) is RequestCommands.Restore)
        let report = try Millrace.parseAsRoot(["report", "--last", "90d", "--by", "class"]) as? ReportCommand
        #expect(report?.last == "90d" && report?.by == [.class])
        #expect((try Millrace.parseAsRoot(["tracker", "--damaged"]) as? TrackerCommand)?.damaged == true)
        #expect(throws: (any Error).self) { try Millrace.parseAsRoot(["report", "--by", "year"]) }
    }
}
