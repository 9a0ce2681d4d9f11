import Catalog
import Domain
import Postgres
import Testing

/// Shares, the priority of requests, and requests made after others, through the API.
@Suite(.serialized) struct ShareTests {
    private func text(_ gateway: RunningGateway, _ sql: SQL) async throws -> String? {
        try await gateway.database.query(Statement("test", sql, returning: String.self)).first
    }

    /// Shares `ilc` and below it `reco` are there.
    @Test func sharesAreATreeWhoseLeavesAreUsed() async throws {
        try await withGateway(production: Production.running()) { gateway in
            func add(_ body: String, as role: Role = .administrator) async throws -> Answer {
                try await gateway.post("/shares", body, as: role)
            }
            let made = try await add(#"{"share": "sim", "parent": "ilc", "weight": 2.5}"#)
            #expect(made.status == 200 && made.text.contains("share sim added"), "\(made.text)")
            #expect(try await add(#"{"share": "x"}"#, as: .operator).status == 403)
            #expect(try await add(#"{"share": "sim"}"#).error.contains("exists already"))
            #expect(try await add(#"{"share": "a b"}"#).status == 400)
            #expect(try await add(#"{"share": "x", "parent": "nobody"}"#).status == 404)
            for weight in ["0", "-1", "1e9"] {
                #expect(try await add("{\"share\": \"x\", \"weight\": \(weight)}").status == 400, "\(weight)")
            }
            let heavier = try await gateway.post("/shares/sim/set", #"{"weight": 7}"#, as: .administrator)
            #expect(heavier.status == 200 && heavier.text.contains("\"weight\":7"), "\(heavier.text)")

            // Request 2 is held and has a paused task: what waits of it moves with it.
            func change(_ body: String) async throws -> Answer {
                try await gateway.post("/requests/2/change", body, as: .operator)
            }
            #expect(try await change(#"{"share": "ilc"}"#).error.contains("is divided into"))
            #expect(try await change("{}").status == 400)
            #expect(try await change(#"{"priority": -1}"#).status == 400)
            let moved = try await change(#"{"share": "sim", "priority": 250}"#)
            #expect(moved.status == 200, "\(moved.text)")
            let facts: SQL = """
                SELECT concat_ws(' ', r.priority, r.share, min(t.priority), min(c.share), min(w.priority), min(wc.share), count(DISTINCT wc.id))
                FROM request r JOIN task t ON t.request = r.id JOIN class c ON c.id = t.class
                JOIN waiting w ON w.task = t.id JOIN class wc ON wc.id = w.class WHERE r.id = 2 GROUP BY r.id
                """
            #expect(try await self.text(gateway, facts) == "250 sim 250 sim 250 sim 1")
            let full = try await gateway.post("/shares/sim/remove", "{}", as: .administrator)
            #expect(full.status == 409 && full.error.contains("1 requests"), "\(full.text)")
            #expect(try await add(#"{"share": "below", "parent": "sim"}"#).error.contains("requests of its own"))
            #expect(try await change(#"{"share": ""}"#).status == 200)
            #expect(try await gateway.post("/shares/sim/remove", "{}", as: .administrator).status == 200)
            #expect(try await gateway.post("/shares/ilc/remove", "{}", as: .administrator).status == 409)
            #expect(try await gateway.post("/shares/sim/remove", "{}", as: .administrator).status == 404)
        }
    }

    @Test func theCatalogueRefusesAnotherParent() async throws {
        try await withGateway(production: Production.running()) { gateway in
            do {
                try await gateway.database.execute("UPDATE share SET parent = 'reco' WHERE name = 'ilc'")
                Issue.record("a circle was taken")
            } catch let error as PostgresError {
                #expect(error.sqlState == "MR004")
            }
        }
    }

    @Test func aCloneIsTheSameButForWhatIsSaid() async throws {
        try await withGateway(production: Production.running()) { gateway in
            _ = try await gateway.post("/workflows", ChangeTests.workflow)
            _ = try await gateway.post(
                "/requests",
                #"{"workflow": "study", "parameters": {"tune": "a", "total": 700}, "title": "first", "priority": 5}"#
            )
            let last = "SELECT max(id)::text FROM request" as SQL
            let id = try #require(try await self.text(gateway, last))
            func clone(_ body: String, as role: Role = .physicist) async throws -> Answer {
                try await gateway.post("/requests/\(id)/clone", body, as: role, who: "olga")
            }
            #expect(try await clone("{}", as: .viewer).status == 403)
            #expect(try await clone(#"{"parameters": {"no_such": 1}}"#).status == 400)
            #expect(try await gateway.post("/requests/99/clone", "{}", as: .physicist).status == 404)
            #expect(try await self.text(gateway, last) == id)
            let made = try await clone(#"{"title": "again", "parameters": {"tune": "b"}, "share": "reco"}"#)
            #expect(made.status == 200 && made.text.contains("made after request \(id)"), "\(made.text)")
            let facts: SQL = """
                SELECT concat_ws(' ', n.title, n.priority, n.share, n.owner, n.state, n.workflow = o.workflow,
                    n.parameters ->> 'tune', n.parameters ->> 'total', n.seed <> o.seed)
                FROM request n JOIN request o ON o.id = n.origin
                """
            #expect(try await self.text(gateway, facts) == "again 5 reco olga new t b 700 t")
        }
    }

    @Test func aRequestIsDerivedOnceItHasStopped() async throws {
        try await withGateway(production: Production.running()) { gateway in
            _ = try await gateway.post("/workflows", ChangeTests.workflow)
            _ = try await gateway.post(
                "/requests",
                #"{"workflow": "study", "parameters": {"tune": "a", "total": 700}}"#
            )
            let last = "SELECT max(id)::text FROM request" as SQL
            let id = try #require(try await self.text(gateway, last))
            func derive(_ body: String, dry: Bool = false, as role: Role = .physicist) async throws -> Answer {
                try await gateway.post(
                    "/requests/\(id)/derive\(dry ? "?dryRun=true" : "")",
                    body,
                    as: role,
                    who: "olga"
                )
            }
            #expect(try await derive("{}", as: .viewer).status == 403)
            #expect(try await gateway.post("/requests/99/derive", "{}", as: .physicist).status == 404)
            let new = try await derive("{}")
            #expect(
                new.status == 409 && new.error.contains("derive is possible in: held, finished, failed, cancelled"),
                "\(new.text)"
            )
            #expect(try await gateway.post("/requests/\(id)/approve", "{}").status == 200)
            #expect(try await gateway.post("/requests/\(id)/hold", "{}").status == 200)
            let shown = try await gateway.get("/requests/\(id)", as: .operator)
            #expect(
                shown.text.contains(#""actions":["release","cancel","clean","extend","change","derive","clone"]"#),
                "\(shown.text)"
            )
            #expect(try await derive(#"{"seed": 7}"#).status == 400)
            #expect(try await derive(#"{"document": {"name": "study"}}"#).status == 400)
            let dry = try await derive(#"{"title": "second"}"#, dry: true)
            #expect(
                dry.status == 200 && dry.text.contains("0 of 700 events are made, 700 are left, numbered from 700"),
                "\(dry.text)"
            )
            #expect(try await self.text(gateway, last) == id)
            #expect(try await derive(#"{"title": "second", "version": 1}"#).error.contains("look again"))
            let made = try await derive(#"{"title": "second"}"#)
            #expect(made.status == 200 && made.text.contains(#""events_left":700"#), "\(made.text)")
            let again = try await derive("{}")
            #expect(
                again.status == 409 && again.error.contains("goes on with request \(id) already: olga made it at"),
                "\(again.text)"
            )
            let next = try #require(try await self.text(gateway, last))
            let old = try await gateway.get("/requests/\(id)")
            #expect(old.text.contains("\"continued_by\":\(next)"), "\(old.text)")
        }
    }
}
