import ArgumentParser
import Catalog
import Messages
import Testing

@testable import CLI

/// What is said when not everything is shown, or not everything was done.
@Suite struct CutTests {
    private static func json(_ text: String) throws -> JSON { try WireFormat.value(JSON.self, from: text) }

    @Test func aListSaysHowManyRowsItShows() {
        #expect(
            ListOptions.notice(of: 2, more: true)
                == "millrace: there are more than these 2 rows: --limit 0 shows all"
        )
        #expect(ListOptions.notice(of: 2, more: false) == nil)
    }

    /// Groups of errors, rows of the matrix and efficiencies alike.
    @Test func whatFailsSaysHowManyRowsThereAre() throws {
        let cut = try Self.json(#"{"items": [{"site": "kek"}], "items_total": 7, "archived": 0, "complete": false}"#)
        #expect(ErrorTables.cut(cut).first?.hasPrefix("these are the first 1 of 7 rows:") == true)
        // Not complete for another reason.
        let whole = try Self.json(#"{"items": [{"site": "kek"}], "items_total": 1, "archived": 3, "complete": false}"#)
        #expect(ErrorTables.cut(whole).isEmpty)
        #expect(ErrorTables.cut(try Self.json(#"{"items": [{"site": "kek"}]}"#)).isEmpty)
        let matrix = try Self.json(
            #"{"items": [{"task": 7}, {"task": 8}], "sites": [], "items_total": 201, "archived": 0, "complete": false}"#
        )
        #expect(ErrorTables.cut(matrix).first?.hasPrefix("these are the first 2 of 201 rows:") == true)
    }

    /// A table below an object is short; what lists the rest is a command that there is.
    @Test func aTableBelowAnObjectSaysWhatListsTheRest() throws {
        let rows = [try Self.json(#"{"first": 0, "last": 9}"#)]
        func section(_ rows: [JSON], _ rest: String?) -> [String] {
            Output.section("waiting", [Column("first"), Column("last")], rows: rows, rest: rest, colours: false)
        }
        let whole = ["", "waiting", "  first  last", "      0     9"]
        #expect(section(rows, nil) == whole)
        let rest = "millrace task waiting 12 --limit 0"
        #expect(section(rows, rest) == whole + ["  and more: \(rest)"])
        #expect(section([], nil).isEmpty)
        let waiting = try Millrace.parseAsRoot(["task", "waiting", "12", "--limit", "0"]) as? TaskCommands.Waiting
        #expect(waiting?.task == 12 && waiting?.options.limit == 0)
        let ofTask = try Millrace.parseAsRoot(["task", "submissions", "12"]) as? TaskCommands.Submissions
        #expect(ofTask?.query.map(\.1) == ["12", "desc"])
        let ofRequest = try Millrace.parseAsRoot(["request", "submissions", "7"]) as? RequestCommands.Submissions
        #expect(ofRequest?.query.map(\.0) == ["request", "order"])
    }

    @Test func aRefusedBatchSaysHowManyFilesWentBefore() {
        let refused = CommandFailure(
            .refused,
            lines: ["1 of 1 files cannot be put into dataset mine"],
            problems: [.init(item: 0, field: "files", text: "/a is not in the catalogue")]
        )
        func told(_ failure: CommandFailure, _ count: Int, dry: Bool = false) -> [String] {
            DatasetCommands.Add.told(failure, after: count, isDryRun: dry).lines
        }
        #expect(told(refused, 0) == ["files: /a is not in the catalogue"])
        #expect(
            told(refused, 2000) == [
                "files: /a is not in the catalogue",
                "the 2000 files before these are in the dataset; the rest of the list is not",
            ]
        )
        #expect(told(refused, 2000, dry: true).last == "the 2000 files before these could be put into the dataset")
        let silent = CommandFailure(.failed, lines: ["no answer"], isUnanswered: true)
        let unknown = DatasetCommands.Add.told(silent, after: 1000, isDryRun: false)
        #expect(unknown.lines == ["no answer", "the 1000 files before these are in the dataset"])
        #expect(unknown.isUnanswered && unknown.kind == .failed)
    }
}
