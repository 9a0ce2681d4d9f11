import Catalog
import Domain
@testable import Gateway
import Messages
import Postgres
import Testing

/// What people do to datasets, files and the size of requests.
@Suite struct DataChangeTests {
    private static let first = "/1/simulate/events/0/1.0.1.slcio"

    private func text(_ gateway: RunningGateway, _ sql: SQL) async throws -> String? {
        try await gateway.database.query(Statement("test.text", sql, returning: String.self)).first
    }

    @Test func aDatasetIsClosedOnceNobodyFillsIt() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let early = try await gateway.post("/datasets/1.simulate.events/close", "{}", as: .operator)
            #expect(
                early.status == 409 && early.error.contains("is being filled by task 1, which is running"),
                "\(early.text)"
            )
            try await gateway.script("INSERT INTO millrace.dataset (name, home, who) VALUES ('mine', 'vault', 'mary')")
            let viewer = try await gateway.post("/datasets/mine/close", "{}", as: .physicist)
            #expect(viewer.status == 403)
            let dry = try await gateway.post("/datasets/mine/close?dryRun=true", "{}", as: .operator)
            #expect(dry.status == 200)
            #expect(try await self.text(gateway, "SELECT state FROM dataset WHERE name = 'mine'") == "open")
            let closed = try await gateway.post("/datasets/mine/close", "{}", as: .operator)
            #expect(closed.status == 200 && closed.text.contains("\"state\":\"closed\""), "\(closed.text)")
            let again = try await gateway.post("/datasets/mine/close", "{}", as: .operator)
            #expect(again.status == 409 && again.error.contains("closed already"))
            #expect(try await gateway.post("/datasets/nobody/close", "{}", as: .operator).status == 404)
        }
    }

    @Test func aSubscribedDatasetIsQueuedWhole() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let path = "/datasets/1.simulate.events/subscribe"
            let answer = try await gateway.post(path, #"{"storage": "lyon-disk"}"#, as: .operator)
            #expect(answer.status == 200, "\(answer.text)")
            // Of its 1,000 files two are on their way there already; one whose transfer failed is tried again. A plot goes there as well.
            #expect(try answer.json["result"]?["transfers"]?.integer == 998)
            #expect(
                try await self.text(gateway, "SELECT count(*)::text FROM transfer WHERE state = 'queued'") == "1001"
            )
            let again = try await gateway.post(path, #"{"storage": "lyon-disk"}"#, as: .operator)
            #expect(again.text.contains("\"changed\":false"), "\(again.text)")
            let nowhere = try await gateway.post(path, #"{"storage": "moon"}"#, as: .operator)
            #expect(nowhere.status == 404 && nowhere.error.contains("no storage element"))
        }
    }

    @Test func aBadReplicaIsFetchedAgainAndTheLastIsNotCondemnedByAccident() async throws {
        try await withGateway(production: Production.running()) { gateway in
            func declare(_ more: String) async throws -> Answer {
                try await gateway.post(
                    "/files/declare-bad",
                    "{\"lfn\": \"\(Self.first)\"\(more)}",
                    as: .operator,
                    who: "olga"
                )
            }
            let last = try await declare(#", "storage": "vault""#)
            #expect(last.status == 409 && last.error.contains("no good replica"), "\(last.text)")
            try await gateway.script(
                """
                INSERT INTO millrace.replica (file, storage, state)
                SELECT id, 'lyon-disk', 'available' FROM millrace.file WHERE lfn = '\(Self.first)'
                """
            )
            let notLost = try await declare(#", "storage": "vault", "lost": true"#)
            #expect(notLost.status == 409 && notLost.error.contains("is not lost: it has a good replica on lyon-disk"))
            let bad = try await declare(#", "storage": "vault", "reason": "checksum""#)
            #expect(bad.status == 200 && bad.text.contains("it is copied again from lyon-disk"), "\(bad.text)")
            let transfers: SQL = """
                SELECT string_agg(t.source || '>' || t.destination, ',') FROM transfer t JOIN file f ON f.id = t.file
                WHERE f.lfn = \(Self.first) AND t.destination = 'vault' AND t.state = 'queued'
                """
            #expect(try await self.text(gateway, transfers) == "lyon-disk>vault")
            // Who said so stands at the replica, and in the log of what follows from it.
            let said: SQL = """
                SELECT concat_ws(', ', (SELECT v.who || ': ' || v.reason FROM replica_view v WHERE v.lfn = \(Self.first) AND v.storage = 'vault'),
                    (SELECT x.who || ': ' || x.cause FROM transition x JOIN transfer t ON x.entity = 'transfer:' || t.id
                     JOIN file f ON f.id = t.file WHERE f.lfn = \(Self.first) AND t.destination = 'vault'))
                """
            #expect(try await self.text(gateway, said) == "olga: checksum, olga: checksum")
            #expect(try await declare(#", "storage": "moon""#).status == 404)
        }
    }

    @Test func aLostFileIsToldWithWhatDependsOnIt() async throws {
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.database.execute(
                """
                UPDATE file SET task = 2
                WHERE id IN (SELECT p.file FROM file_parent p JOIN file f ON f.id = p.parent WHERE f.lfn = \(Self.first))
                """
            )
            let body = "{\"lfn\": \"\(Self.first)\", \"lost\": true, \"reason\": \"tape broke\"}"
            let lost = try await gateway.post("/files/declare-bad", body, as: .operator, who: "olga")
            #expect(lost.status == 200 && lost.text.contains("1 files were made from it"), "\(lost.text)")
            let task = "task 2 (merge) of request 1: 1 of these files, 0 of these jobs"
            #expect(lost.text.contains(task), "\(lost.text)")
            #expect(lost.text.contains("job 1.0 made it: "), "\(lost.text)")
            let facts = try await self.text(
                gateway,
                """
                SELECT concat_ws(' ', f.lost, (SELECT string_agg(r.state, ',') FROM replica r WHERE r.file = f.id AND r.storage = 'vault'),
                    (SELECT count(*) FROM transfer t WHERE t.file = f.id AND t.state IN ('queued', 'active')),
                    (SELECT string_agg(t.who || ': ' || t.cause, ',') FROM transition t WHERE t.entity = 'file:' || f.lfn AND t.to_state = 'lost'))
                FROM file f WHERE f.lfn = \(Self.first)
                """
            )
            #expect(facts == "t bad 0 olga: tape broke")
            let again = try await gateway.post("/files/declare-bad", body, as: .operator)
            #expect(again.status == 409 && again.error.contains("declared lost already"))
        }
    }

    @Test func aRequestGetsMoreEventsUntilItsOutputIsTaken() async throws {
        try await withGateway(production: Production.running()) { gateway in
            func extend(_ request: Int, _ body: String) async throws -> Answer {
                try await gateway.post("/requests/\(request)/extend", body, as: .operator)
            }
            // The merge of request 1 runs: it has taken what it reads.
            let taken = try await extend(1, #"{"events": 1000}"#)
            #expect(taken.status == 409 && taken.error.contains("has taken the output"), "\(taken.text)")
            let more = try await extend(2, #"{"events": 1250, "version": 3}"#)
            #expect(more.status == 200 && more.text.contains("3 jobs in task 3"), "\(more.text)")
            let facts: SQL = """
                SELECT concat_ws(' ', t.jobs_total, t.events_total, (SELECT string_agg(first || '-' || last || held, ',' ORDER BY first)
                    FROM waiting w WHERE w.task = t.id)) FROM task t WHERE t.id = 3
                """
            // The task is paused: so are its new jobs.
            #expect(try await self.text(gateway, facts) == "803 401250 120-799true,800-802true")
            let stale = try await extend(2, #"{"events": 500, "version": 3}"#)
            #expect(stale.status == 409 && stale.error.contains("look again"), "\(stale.text)")
            // 250 events in the last job: what follows would begin in the middle of it.
            let uneven = try await extend(2, #"{"events": 500}"#)
            #expect(uneven.status == 409 && uneven.error.contains("the last job of task 3"), "\(uneven.text)")
            #expect(try await extend(3, #"{"events": 500}"#).status == 409)
            #expect(try await extend(2, #"{"events": 0}"#).status == 400)
            #expect(try await extend(99, #"{"events": 1}"#).status == 404)
        }
    }
}
