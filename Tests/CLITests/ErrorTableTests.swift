import ArgumentParser
import Catalog
import Messages
import Testing

@testable import CLI

@Suite struct ErrorTableTests {
    private static func json(_ text: String) throws -> JSON { try WireFormat.value(JSON.self, from: text) }

    private static let group = """
        {"items": [{"fingerprint": "1001:exit status #", "code": 1001, "name": "payloadExit", "blame": "payload", "rule": "payload",
        "failures": 70, "jobs": 68, "lost_wall_seconds": 25502.2, "first": "2026-11-21T02:01:10.000123+00:00",
        "last": "2026-11-21T03:01:10+00:00", "actions": {"abort": 10, "resubmit": 60}, "diagnostic": "exit status 1",
        "samples": [{"task": 1, "index": 5, "attempt": 2, "site": "lyon", "node": "n7", "log": "/api/v1/jobs/1/5/log?attempt=2"},
        {"task": 1, "index": 6, "attempt": 1, "site": "desy", "node": null, "log": "/api/v1/jobs/1/6/log?attempt=1"}],
        "log_line": "last\\twords", "places_total": 3, "places": [{"site": "lyon", "node": "n7", "failures": 69, "jobs": 68,
        "lost_wall_seconds": 25000, "first": "2026-11-21T02:01:10+00:00", "last": "2026-11-21T03:01:10+00:00", "actions": {"abort": 69}}]}],
        "next": null, "failures": 70, "complete": true}
        """

    @Test func aGroupOfFailuresReadsAsAReport() throws {
        let lines = DebugReport.lines(try Self.json(Self.group), name: "task 1", colours: false)
        #expect(
            lines == [
                "1001 payloadExit: 70 failures of 68 jobs, 7h05m of wall time lost",
                "  fingerprint  1001:exit status #",
                "  blame        payload, by rule payload",
                "  actions      abort=10,resubmit=60",
                "  from         2026-11-21 02:01:10 to 2026-11-21 03:01:10",
                "  diagnostic   exit status 1",
                "  last line    last words",
                "  samples      1.5.2 at lyon/n7, 1.6.1 at desy",
                "  log          /api/v1/jobs/1/5/log?attempt=2",
                "    site  node  failures  jobs   lost  first                last                 actions",
                "    lyon  n7          69    68  6h56m  2026-11-21 02:01:10  2026-11-21 03:01:10  abort=69",
                "    and 2 more places",
            ],
            "\(lines.joined(separator: "\n"))"
        )
        let none = try Self.json(#"{"items": [], "next": null, "failures": 0, "complete": true}"#)
        #expect(DebugReport.lines(none, name: "task 4", colours: false) == ["task 4 has no failures"])
    }

    private static let matrix = """
        {"items": [{"task": 7, "name": "simulate", "finished": 60, "failed": 45, "success_percent": 57.14, "cells": [
        {"site": "kek", "finished": 10, "failed": 40, "success_percent": 20}, {"site": "lyon", "finished": 50, "failed": 5,
        "success_percent": 90.9}]}, {"task": 8, "name": "merge", "finished": 3, "failed": 0, "success_percent": 100, "cells":
        [{"site": "lyon", "finished": 3, "failed": 0, "success_percent": 100}]}], "next": null, "sites": [{"site": "kek", "finished": 10,
        "failed": 40, "success_percent": 20}, {"site": "lyon", "finished": 53, "failed": 5, "success_percent": 91.3}],
        "total": {"finished": 63, "failed": 45, "success_percent": 58.3}, "since": "2026-11-21T02:01:10+00:00", "complete": true}
        """

    @Test func theMatrixHasAColumnForEachSite() throws {
        let lines = ErrorTables.matrix(try Self.json(Self.matrix), by: .task, colours: false)
        #expect(
            lines == [
                "task  name             all        kek       lyon",
                "   7  simulate  57% 60/105  20% 10/50  90% 50/55",
                "   8  merge       100% 3/3          -   100% 3/3",
                "   -  -         58% 63/108  20% 10/50  91% 53/58",
            ],
            "\(lines.joined(separator: "\n"))"
        )
        let empty = #"{"items": [], "sites": [], "total": {"finished": 0, "failed": 0, "success_percent": null}}"#
        let none = try Self.json(empty)
        #expect(ErrorTables.matrix(none, by: .task, colours: false) == ["nothing ended"])
    }

    @Test(arguments: [
        (100.0, 10, Tone.good), (80, 10, .good), (79.99, 10, .warning), (50, 10, .warning), (49.99, 10, .bad),
        (0, 10, .bad),
        (100, 9, .faint), (0, 9, .faint),
    ])
    func aCellHasTheColourOfItsSuccess(_ percent: Double, _ attempts: Int64, _ tone: Tone) {
        #expect(Tone(success: percent, of: attempts) == tone)
    }

    @Test func coloursOfTheMatrixAreThoseOfItsCells() throws {
        let lines = ErrorTables.matrix(try Self.json(Self.matrix), by: .task, colours: true)
        #expect(lines[1].contains("\u{1b}[31m20% 10/50\u{1b}[0m") && lines[1].contains("\u{1b}[32m90% 50/55\u{1b}[0m"))
        #expect(lines[2].contains("\u{1b}[2m100% 3/3\u{1b}[0m"))
    }

    @Test func errorsOfTheDayAreATableWithItsSum() throws {
        let answer = """
            {"items": [{"code": 1001, "name": "payloadExit", "failures": 12, "jobs": 10, "lost_core_hours": 3.456, "top_site": "kek",
            "sites": 2, "last": "2026-11-21T03:01:10+00:00", "sample": {"task": 1, "index": 5, "attempt": 2}}], "next": null,
            "total": {"failures": 12, "jobs": 10, "lost_core_hours": 3.456}}
            """
        let lines = ErrorTables.errors(try Self.json(answer), by: .code, colours: false)
        #expect(
            lines == [
                "code  name         failures  jobs  lost_core_hours  top_site  sites  last                 sample",
                "1001  payloadExit        12    10              3.5  kek           2  2026-11-21 03:01:10  1.5.2",
                "", "12 failures of 10 jobs, 3.5 core hours lost",
            ],
            "\(lines.joined(separator: "\n"))"
        )
        let none = try Self.json(#"{"items": []}"#)
        #expect(ErrorTables.errors(none, by: .code, colours: false) == ["nothing failed"])
    }

    @Test func theEfficienciesStandSideBySide() throws {
        let answer = """
            {"items": [{"site": "kek", "finished": 55, "failed": 45, "job_efficiency": 0.55, "wall_seconds_all": 7200,
            "wall_efficiency": 0.826, "cpu_efficiency": null}], "next": null, "total": {"finished": 55, "failed": 45,
            "job_efficiency": 0.55, "wall_seconds_all": 7200, "wall_efficiency": 0.826, "cpu_efficiency": null}}
            """
        let lines = ErrorTables.efficiency(try Self.json(answer), by: .site, colours: false)
        #expect(
            lines == [
                "site  finished  failed   jobs  wall time  CPU  wall time in all",
                "kek         55      45  55.0%      82.6%  -               2h00m",
                "-           55      45  55.0%      82.6%  -               2h00m",
            ],
            "\(lines.joined(separator: "\n"))"
        )
    }

    /// What is archived is missing in all of them: one line says so, and where it is told.
    @Test func theTablesSayWhatTheyDoNotCount() throws {
        let (some, one) = (
            "3 archived tasks are not counted: millrace report counts them",
            "1 archived task is not counted: millrace report counts it"
        )
        let none = try Self.json(#"{"items": [], "archived": 3, "complete": false}"#)
        #expect(ErrorTables.errors(none, by: .code, colours: false) == ["nothing failed", some])
        #expect(ErrorTables.matrix(none, by: .task, colours: false) == ["nothing ended", some])
        #expect(ErrorTables.efficiency(none, by: .site, colours: false) == ["nothing ended", some])
        let matrix = try Self.json(
            Self.matrix.replacing(#""complete": true"#, with: #""archived": 1, "complete": false"#)
        )
        let lines = ErrorTables.matrix(matrix, by: .task, colours: false)
        #expect(lines.count == 5 && lines.last == one, "\(lines.joined(separator: "\n"))")
        let errors = try Self.json(#"{"items": [{"site": "kek"}], "total": {}, "archived": 3}"#)
        #expect(ErrorTables.errors(errors, by: .site, colours: false).last == some)
        #expect(ErrorTables.efficiency(errors, by: .site, colours: false).last == some)
        #expect(ErrorTables.archived(try Self.json(#"{"items": [], "archived": 0, "complete": true}"#)).isEmpty)
    }

    @Test(arguments: [
        "task debug 4", "request debug 4 --json", "errors list", "errors list --since 7d --by rule --order lost --json",
        "errors matrix --by request --since 8h", "errors matrix --request 3", "errors efficiency --by day --since 7d",
    ])
    func itsCommandsAreUnderstood(_ line: String) throws {
        _ = try Millrace.parseAsRoot(line.split(separator: " ").map { String($0) })
    }

    @Test(arguments: [
        "task debug", "task debug x", "errors list --by moon", "errors list --order up", "errors matrix --by site",
        "errors efficiency --by rule",
    ])
    func anythingElseIsWrongUsage(_ line: String) {
        #expect(throws: (any Error).self) { try Millrace.parseAsRoot(line.split(separator: " ").map { String($0) }) }
    }
}
