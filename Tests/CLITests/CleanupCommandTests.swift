import ArgumentParser
import Messages
import Testing

@testable import CLI

/// What people read of clean-ups, and of failures that are in the archive.
@Suite struct CleanupCommandTests {
    private static func json(_ text: String) throws -> JSON { try WireFormat.value(JSON.self, from: text) }

    @Test func theCommandsAreUnderstood() throws {
        let cancel = try #require(
            try Millrace.parseAsRoot(["request", "cancel", "7", "--delete-outputs", "--dry-run"])
                as? RequestCommands.Cancel
        )
        #expect(cancel.more["delete_outputs"] == .truth(true) && cancel.more["force"] == .nothing)
        let plain = try #require(try Millrace.parseAsRoot(["request", "cancel", "7"]) as? RequestCommands.Cancel)
        #expect(plain.more["delete_outputs"] == .nothing)
        let forced = ["request", "cancel", "7", "--delete-outputs", "--force"]
        #expect((try Millrace.parseAsRoot(forced) as? RequestCommands.Cancel)?.more["force"] == .truth(true))
        #expect(throws: (any Error).self) { try Millrace.parseAsRoot(["request", "cancel", "7", "--force"]) }
        #expect(try Millrace.parseAsRoot(["cleanup", "list", "--state", "open"]) is CleanupCommands.List)
        #expect(try Millrace.parseAsRoot(["cleanup", "show", "7", "--json"]) is CleanupCommands.Show)
        #expect(try Millrace.parseAsRoot(["cleanup", "force", "7", "--dry-run"]) is CleanupCommands.Force)
        #expect(try Millrace.parseAsRoot(["cleanup", "stop", "7"]) is CleanupCommands.Stop)
    }

    @Test func aCleanUpIsOneLine() throws {
        func line(_ more: String) throws -> String? {
            CleanupLine.text(try Self.json(#"{"files": 12, "files_removed": 8, "stopped_by": "olga", \#(more)}"#))
        }
        #expect(
            try line(
                #""state": "open", "replicas_left": 3, "waits_for": "many is in container study", "problem": null"#
            )
                == "clean-up: 8 of 12 files taken out, 3 replicas to delete; waits: many is in container study"
        )
        #expect(
            try line(#""state": "open", "replicas_left": 0, "waits_for": null, "problem": "DISK: not mounted""#)
                == "clean-up: 8 of 12 files taken out; not deleted: DISK: not mounted"
        )
        #expect(try line(#""state": "done""#) == "clean-up: done, 8 of 12 files taken out and deleted")
        #expect(try line(#""state": "stopped""#) == "clean-up: stopped by olga, 8 of 12 files taken out")
        #expect(CleanupLine.text(.nothing) == nil)
    }

    @Test func failuresInTheArchiveAreNotNone() throws {
        let archived = try Self.json(
            #"{"items": [], "archived": [{"task": 4, "line": "task 4 is archived since yesterday; millrace task restore 4"}]}"#
        )
        #expect(
            DebugReport.lines(archived, name: "task 4", colours: false)
                == ["task 4 is archived since yesterday; millrace task restore 4"]
        )
        let none = try Self.json(#"{"items": [], "archived": []}"#)
        #expect(DebugReport.lines(none, name: "task 4", colours: false) == ["task 4 has no failures"])
        let some = try Self.json(
            #"{"items": [{"code": 1001, "failures": 2, "jobs": 2}], "archived": [{"line": "task 4 is archived"}]}"#
        )
        let lines = DebugReport.lines(some, name: "request 1", colours: false)
        #expect(lines.prefix(2) == ["task 4 is archived", ""] && lines[2].contains("2 failures"))
    }
}
