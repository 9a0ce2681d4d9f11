import Catalog
import Domain
import Messages
import Postgres
import Testing

@testable import Gateway

/// What operators decide about a site, one after the other and beside the Monitor.
@Suite struct SiteChangeTests {
    /// As after the Monitor excluded the whole site.
    private static let drained = """
        SET search_path = millrace, public;
        INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes)
            VALUES ('lyon', '', 'resting', '11 of 12 attempts failed', 1, 600, 3);
        UPDATE site SET access = 'draining', version = 2, reason = '11 of 12 attempts failed', who = 'monitor' WHERE name = 'lyon';
        """
    /// As after the rest that followed.
    private static let probed = """
        \(Self.drained)
        UPDATE excluded_place SET phase = 'probing' WHERE site = 'lyon' AND node = '';
        UPDATE site SET access = 'allowed', version = 3, reason = 'probing after it failed', who = 'monitor' WHERE name = 'lyon';
        """

    /// Access of the site, who set it, why, until which year, and what of it is excluded: what there is of these.
    private static let lyon = Statement<String>(
        "test.lyon",
        """
        SELECT concat_ws(' | ', s.access, s.who, s.reason, to_char(s.until AT TIME ZONE 'UTC', 'YYYY'),
            (SELECT 'out: ' || string_agg(coalesce(nullif(e.node, ''), 'all'), ' ' ORDER BY e.node) FROM excluded_place e WHERE e.site = s.name))
        FROM site s WHERE s.name = 'lyon'
        """,
        returning: String.self
    )

    private static func expect(_ gateway: RunningGateway, _ row: String) async throws {
        #expect(try await gateway.database.query(Self.lyon) == [row])
    }

    /// An action of olga. Returns the first line of the answer, after "no change: " if it made none.
    private static func act(_ gateway: RunningGateway, _ action: String, _ body: String = "{}") async throws -> String {
        let answer = try await gateway.post("/sites/lyon/\(action)", body, as: .operator, who: "olga")
        #expect(answer.status == 200, "\(answer.text)")
        let line = try answer.json["lines"]?.list.first?.text ?? ""
        return try answer.json["changed"] == .truth(true) ? line : "no change: \(line)"
    }

    private static func moves(_ gateway: RunningGateway, of entity: String) async throws -> [String] {
        try await gateway.get("/transitions?entity=\(entity)").items.compactMap { $0["to"]?.text }
    }

    /// What `job why` advises for it. What failed there before is used up, or the Monitor would exclude it again.
    @Test func anExcludedNodeOfAnAllowedSiteIsLetBackIn() async throws {
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.script(
                """
                SET search_path = millrace, public;
                INSERT INTO place_tally (minute, site, node, task, slot, failed)
                    VALUES (now(), 'lyon', 'n3', 1, 0, 12), (now(), 'lyon', 'n4', 1, 0, 1), (now(), 'desy', 'n3', 1, 0, 1);
                """
            )
            try await Self.expect(gateway, "allowed | out: n3")
            let dry = try await gateway.post("/sites/lyon/allow?dryRun=true", "{}", as: .operator)
            #expect(dry.text.contains("excluded nodes that get work again: 1"), "\(dry.text)")
            try await Self.expect(gateway, "allowed | out: n3")
            #expect(try await Self.act(gateway, "allow") == "site lyon stays allowed: set by olga")
            try await Self.expect(gateway, "allowed | olga | set by olga")
            #expect(try await Self.moves(gateway, of: "place:lyon/n3") == ["resting", "returned"])
            #expect(try await Self.moves(gateway, of: "site:lyon") == ["allowed"])
            let tallies = Statement<String>(
                "test.tallies",
                "SELECT site || ' ' || node FROM place_tally WHERE node IN ('n3', 'n4') ORDER BY 1",
                returning: String.self
            )
            #expect(try await gateway.database.query(tallies) == ["desy n3", "lyon n4"])
            let again = "no change: site lyon is allowed already, by olga: set by olga"
            #expect(try await Self.act(gateway, "allow") == again)
        }
    }

    @Test func aSiteThatIsProbedIsLetBackIn() async throws {
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.script(Self.probed)
            try await Self.expect(gateway, "allowed | monitor | probing after it failed | out: all n3")
            let line = try await Self.act(gateway, "allow", #"{"reason": "disks replaced"}"#)
            #expect(line == "site lyon stays allowed: disks replaced")
            try await Self.expect(gateway, "allowed | olga | disks replaced")
        }
    }

    /// The Monitor lets nobody in during a downtime.
    @Test func aSiteThatTheMonitorDrainedIsTakenOver() async throws {
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.script(Self.drained)
            let line = try await Self.act(gateway, "drain", #"{"reason": "downtime"}"#)
            #expect(line == "site lyon stays draining: downtime")
            // Its nodes were excluded for reasons of their own.
            try await Self.expect(gateway, "draining | olga | downtime | out: n3")
            // What a Monitor does that has read the exclusion before.
            for phase in ["probing", "resting"] {
                try await gateway.database.execute(
                    BrakeStatements.move(site: "lyon", node: "", phase: phase, round: 1, pauseSeconds: 1)
                )
            }
            try await gateway.database.execute(BrakeStatements.readmit(site: "lyon", node: ""))
            try await Self.expect(gateway, "draining | olga | downtime | out: n3")
        }
        // Without a reason it is still the operator's.
        try await withGateway(production: Production.running()) { gateway in
            try await gateway.script(Self.drained)
            #expect(try await Self.act(gateway, "drain") == "site lyon stays draining: set by olga")
            try await Self.expect(gateway, "draining | olga | set by olga | out: n3")
        }
    }

    @Test func theSameAgainNotesAnotherReasonOrTime() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let fire = #"{"reason": "fire", "until": "2099-01-01T00:00:00Z"}"#
            let line = try await Self.act(gateway, "ban", fire)
            #expect(line == "site lyon is banned until 2099-01-01T00:00:00.000000Z, it was allowed")
            try await Self.expect(gateway, "banned | olga | fire | 2099 | out: n3")
            let again = "no change: site lyon is banned already, by olga: fire"
            #expect(try await Self.act(gateway, "ban", fire) == again)
            // A reason that is left out stays, a time does not: banned is banned.
            #expect(try await Self.act(gateway, "ban") == "site lyon stays banned: fire")
            try await Self.expect(gateway, "banned | olga | fire | out: n3")
            #expect(try await Self.act(gateway, "ban") == again)
            #expect(try await Self.act(gateway, "ban", #"{"reason": "flood"}"#) == "site lyon stays banned: flood")
            _ = try await Self.act(gateway, "ban", #"{"until": "2098-01-01T00:00:00Z"}"#)
            try await Self.expect(gateway, "banned | olga | flood | 2098 | out: n3")
            #expect(try await Self.act(gateway, "allow") == "site lyon is allowed, it was banned")
            try await Self.expect(gateway, "allowed | olga | set by olga")
            #expect(try await Self.moves(gateway, of: "site:lyon") == ["allowed", "banned", "allowed"])
        }
    }

    @Test(arguments: [
        ("allow", "2099-01-01T00:00:00Z", "until: a site is allowed without an end; a time is for drain and ban"),
        ("ban", "2020-01-01T00:00:00Z", "until: 2020-01-01T00:00:00.000000Z has passed"),
        ("drain", "2020-01-01T00:00:00Z", "until: 2020-01-01T00:00:00.000000Z has passed"),
    ])
    func aTimeThatMakesNoSenseIsRefused(action: String, until: String, words: String) async throws {
        try await withGateway(production: Production.running()) { gateway in
            let answer = try await gateway.post("/sites/lyon/\(action)", #"{"until": "\#(until)"}"#, as: .operator)
            #expect(answer.status == 400 && answer.error == words, "\(answer.text)")
            try await Self.expect(gateway, "allowed | out: n3")
        }
    }
}
