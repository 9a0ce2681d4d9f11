import Catalog
import Domain
import Postgres
import Testing

/// Sites that an operator kept from work until a time.
@Suite struct SiteTimeTests {
    private static let script = """
        INSERT INTO site (name) VALUES ('OVER'), ('LATER'), ('NEVER'), ('OPEN');
        UPDATE site SET access = 'draining', version = 2, who = 'olga', reason = 'downtime', until = now() - interval '1 second'
        WHERE name = 'OVER';
        UPDATE site SET access = 'banned', version = 2, who = 'olga', until = now() + interval '1 hour' WHERE name = 'LATER';
        UPDATE site SET access = 'banned', version = 2, who = 'olga' WHERE name = 'NEVER';
        INSERT INTO excluded_place (site, node, phase, reason, round, pause_seconds, probes)
        SELECT site, node, 'resting', 'x', 1, 600, 3 FROM unnest('{OVER,NEVER}'::text[]) site, unnest(ARRAY['', 'n1']) node;
        INSERT INTO place_tally (minute, site, node, task, slot, failed) VALUES (now(), 'OVER', 'n2', 1, 0, 9), (now(), 'NEVER', 'n2', 1, 0, 9);
        """

    @Test func theyAreLetInWhenItIsOver() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            #expect(try await world.database.query(BrakeStatements.timesOver) == ["OVER"])
            #expect(try await world.database.query(BrakeStatements.timesOver).isEmpty)
            let sites = "LATER banned olga, LOCAL allowed, NEVER banned olga, OPEN allowed, OVER allowed monitor"
            #expect(
                try await world.text(
                    "SELECT string_agg(concat_ws(' ', name, access, who), ', ' ORDER BY name) FROM site"
                ) == sites
            )
            let over = try await world.text("SELECT concat_ws(' ', version, until) FROM site WHERE name = 'OVER'")
            #expect(over == "3")
            let move = "draining allowed monitor: its time is over"
            #expect(
                try await world.text(
                    """
                    SELECT from_state || ' ' || to_state || ' ' || who || ': ' || cause FROM transition
                    WHERE entity = 'site:OVER' ORDER BY id DESC LIMIT 1
                    """
                ) == move
            )
            // Nobody spoke of its node, nor of other sites.
            let excluded = try await world.text(
                "SELECT string_agg(site || '/' || node, ' ' ORDER BY site, node) FROM excluded_place"
            )
            #expect(excluded == "NEVER/ NEVER/n1 OVER/n1")
            #expect(
                try await world.text("SELECT string_agg(site, ' ') FROM place_tally WHERE node = 'n2'") == "NEVER"
            )
        }
    }

    /// The Scheduler learns of what changed, and of nothing else.
    @Test func anOperatorsDecisionIsToldIfItChangesSomething() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            let tomorrow = Moment.now.adding(seconds: 86_400)
            for isFirst in [true, false] {
                let outcome = try await world.operations().setSite("OPEN", .ban, reason: "fire", until: tomorrow)
                #expect(outcome.changed == isFirst)
                #expect(outcome.messages.map(\.routingKey) == (isFirst ? ["control.scheduler"] : []))
            }
            #expect(try await world.text("SELECT version FROM site WHERE name = 'OPEN'") == "2")
        }
    }

    /// An exclusion has no time: the way back of the site says when it ends.
    @Test func theMonitorSetsNoTime() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            // As a version before this one left it.
            try await world.database.execute("UPDATE site SET until = now() - interval '1 second' WHERE name = 'OPEN'")
            try await world.database.execute(
                BrakeStatements.exclude(site: "OPEN", node: nil, reason: "x", pauseSeconds: 600, probes: 3)
            )
            #expect(try await world.database.query(BrakeStatements.timesOver) == ["OVER"])
            let open = try await world.text("SELECT concat_ws(' ', access, who, until) FROM site WHERE name = 'OPEN'")
            #expect(open == "draining monitor")
        }
    }

    /// A probe has failed, and before the Monitor says so an operator lets the site in, who has forgotten that it was excluded: it stays
    /// open, or nobody would let it in again.
    @Test func whatAnOperatorHasForgottenIsNotShut() async throws {
        try await RecoveryWorld.with(Self.script) { world in
            func site() async throws -> String? {
                try await world.text(
                    """
                    SELECT concat_ws(' ', access, who, (SELECT p.phase FROM excluded_place p WHERE p.site = s.name AND p.node = ''))
                    FROM site s WHERE name = 'OPEN'
                    """
                )
            }
            func move(_ phase: String) async throws {
                try await world.database.execute(
                    BrakeStatements.move(site: "OPEN", node: "", phase: phase, round: 2, pauseSeconds: 600)
                )
            }
            try await world.database.execute(
                BrakeStatements.exclude(site: "OPEN", node: nil, reason: "x", pauseSeconds: 600, probes: 3)
            )
            try await move("probing")
            #expect(try await site() == "allowed monitor probing")
            _ = try await world.operations().setSite("OPEN", .allow, reason: "mended", until: nil)
            let mine = try await site()
            try await move("resting")
            #expect(try await site() == mine && mine?.hasPrefix("allowed ") == true)
            // Nobody has decided otherwise: it rests.
            try await world.database.execute(
                BrakeStatements.exclude(site: "OPEN", node: nil, reason: "x", pauseSeconds: 600, probes: 3)
            )
            try await move("probing")
            try await move("resting")
            #expect(try await site() == "draining monitor resting")
        }
    }
}
