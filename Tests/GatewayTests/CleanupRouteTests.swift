import Catalog
import Domain
@testable import Gateway
import Messages
import Postgres
import Testing

/// Cancelling a request with what it made, as people ask for it.
@Suite struct CleanupRouteTests {
    private static let cancel = "/requests/1/cancel"
    private static let deleting = #"{"delete_outputs": true, "reason": "wrong field map"}"#

    @Test func aRequestIsCancelledWithItsOutputs() async throws {
        try await withGateway(production: Production.running()) { gateway in
            #expect(try await gateway.get("/requests/1").json["cleanup"] == .nothing)
            #expect(try await gateway.get("/cleanups/1").status == 404)
            let alone = try await gateway.post(Self.cancel, #"{"force": true}"#, as: .administrator)
            #expect(alone.status == 400 && alone.error.contains("delete_outputs"), "\(alone.text)")
            let forced = #"{"delete_outputs": true, "force": true}"#
            #expect(try await gateway.post(Self.cancel, forced, as: .operator).status == 403)
            #expect(try await gateway.post(Self.cancel, Self.deleting, as: .physicist, who: "john").status == 403)
            let dry = try await gateway.post("\(Self.cancel)?dryRun=true", Self.deleting, as: .physicist, who: "mary")
            #expect(
                dry.status == 200 && dry.text.contains("is not deleted yet: it is in container study"),
                "\(dry.text)"
            )
            #expect(try await gateway.get("/requests/1").json["state"]?.text == "running")
            #expect(try await gateway.get("/cleanups?request=1").items.isEmpty)

            let done = try await gateway.post(Self.cancel, Self.deleting, as: .physicist, who: "mary")
            #expect(done.status == 200 && done.text.contains("request 1 is cancelled"), "\(done.text)")
            let row = try #require(try await gateway.get("/cleanups?state=open&request=1").items.first)
            #expect(row["who"]?.text == "mary" && row["reason"]?.text == "wrong field map")
            #expect(row["datasets"]?.integer == 3 && row["files"]?.integer == 1001)
            #expect(row["closed_too"] == .truth(false) && row["forced_by"] == .nothing)
            #expect(try await gateway.get("/requests/1").json["cleanup"]?["state"]?.text == "open")
            let again = try await gateway.post(Self.cancel, Self.deleting, as: .physicist, who: "mary")
            #expect(again.status == 200 && again.text.contains("\"changed\":false"), "\(again.text)")

            // The attempts that run are waited for; task 2 has none, and no files.
            try await Self.work(gateway)
            let shown = try await gateway.get("/cleanups/1").json
            let parts = shown["parts"]?.list ?? []
            #expect(parts.map { $0["state"]?.text } == ["open", "emptied", "open"], "\(parts)")
            #expect(parts.first?["waits_for"]?.text == "is in container study")
            #expect(parts.last?["waits_for"]?.text == "waits for 230 attempts that have not answered yet")

            #expect(try await gateway.post("/cleanups/1/force", "", as: .operator).status == 403)
            #expect(try await gateway.post("/cleanups/9/force", "", as: .administrator).status == 404)
            #expect(try await gateway.post("/cleanups/1/force", "", as: .administrator).status == 200)
            try await gateway.script("SET search_path = millrace, public; DELETE FROM lease WHERE task = 1")
            try await Self.work(gateway)
            let emptied = try await gateway.get("/cleanups/1").json
            #expect(emptied["files_removed"]?.integer == 1001 && emptied["datasets_open"]?.integer == 0)
            // Two files were on their way to another storage element; one of them had arrived nowhere.
            #expect(emptied["replicas_left"]?.integer ?? 0 >= 1001)
            let file = try await gateway.get("/files/show?lfn=/1/simulate/events/0/1.5.1.slcio").json
            #expect(file["deleted"]?["request"]?.integer == 1 && file["deleted"]?["who"]?.text == "mary")
            #expect(file["lost"] == .truth(true) && file["datasets"]?.list.count == 1)
            let plot = try await gateway.get("/plots/file?lfn=/1/simulate/plot/0/1.0.1.png")
            #expect(plot.status == 404)
            #expect(try await gateway.get("/plots").items.isEmpty)
            let wrong = try await gateway.post("/cleanups/1/stop", #"{"now": true}"#, as: .operator)
            #expect(wrong.status == 400 && wrong.error.contains("now is not known"), "\(wrong.text)")
            #expect(try await gateway.post("/cleanups/1/stop", "", as: .physicist, who: "john").status == 403)
            #expect(try await gateway.post("/cleanups/1/stop", "", as: .physicist, who: "mary").status == 200)
            let stopped = try await gateway.post("/cleanups/1/stop", "", as: .operator)
            #expect(stopped.status == 409 && stopped.error.contains("is stopped"), "\(stopped.text)")
        }
    }

    /// What the Bookkeeper does, until all that is left waits.
    private static func work(_ gateway: RunningGateway) async throws {
        while try await Cleanup.step(gateway.database, graceSeconds: 0, pauseSeconds: 3600) != .nothing {}
    }

    @Test func aRequestWithoutTasksHasNothingToDelete() async throws {
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.script("DELETE FROM millrace.cleanup")
            let done = try await gateway.post("/requests/3/cancel", Self.deleting, as: .physicist, who: "mary")
            #expect(done.status == 200 && done.text.contains("deletes 0 files (0 bytes) of 0 datasets"), "\(done.text)")
            #expect(try await Cleanup.step(gateway.database, graceSeconds: 0, pauseSeconds: 0) == .finished(1))
            #expect(try await gateway.get("/requests/3").json["cleanup"]?["state"]?.text == "done")
            let again = try await gateway.post("/requests/3/cancel", Self.deleting, as: .operator, who: "igor")
            #expect(again.status == 200 && again.text.contains("\"changed\":false"), "\(again.text)")
            let row = try await gateway.get("/cleanups/3").json
            #expect(row["state"]?.text == "done" && row["who"]?.text == "mary")
        }
    }
}
