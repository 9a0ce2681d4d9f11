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

    @Test func efficienciesSayHowManyRowsThereAre() throws {
        let cut = try Self.json(#"{"items": [{"site": "kek"}], "items_total": 7, "archived": 0, "complete": false}"#)
        #expect(ErrorTables.cut(cut).first?.hasPrefix("these are the first 1 of 7 rows:") == true)
        // Not complete for another reason.
        let whole = try Self.json(#"{"items": [{"site": "kek"}], "items_total": 1, "archived": 3, "complete": false}"#)
        #expect(ErrorTables.cut(whole).isEmpty)
        #expect(ErrorTables.cut(try Self.json(#"{"items": [{"site": "kek"}]}"#)).isEmpty)
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
