import Messages
import Testing

@testable import CLI

@Suite struct JobWhyTests {
    private static func json(_ text: String) throws -> JSON { try WireFormat.value(JSON.self, from: text) }

    @Test func aWaitingJobIsExplained() throws {
        let why = """
            {"task": 1, "index": 5, "state": "waiting", "summary": "it waits for its turn: 1 of 2 agents could take it",
            "changes": "when 7 jobs of its class before it are leased", "class": {"class": 1, "cores": 1},
            "waiting": {"first": 0, "last": 9, "not_before": null}, "ahead": 7, "agents_total": 2, "agents_fitting": 1,
            "reasons": [{"reason": "agent silent", "agents": 1, "sites": ["kek"], "example": "the agent is silent",
            "changes": "when it is heard again"}], "agents": [{"site": "kek", "agent": "a", "state": "silent", "access": "allowed",
            "room": 0, "last_seen": "2026-11-21T02:01:10.5Z", "misfit": "the agent is silent"}], "attempts": [], "verdicts": []}
            """
        let lines = JobCommands.Why.lines(try Self.json(why), colours: false)
        #expect(
            lines == [
                "job 1.5 is waiting: it waits for its turn: 1 of 2 agents could take it",
                "that may change: when 7 jobs of its class before it are leased",
                "", "it needs", "  cores  1", "  class  1",
                "", "it waits in", "  first       0", "  last        9", "  not_before  -",
                "", "1 of 2 agents fit; why not",
                "  reason        agents  sites  example              changes",
                "  agent silent       1  kek    the agent is silent  when it is heard again",
                "", "agents",
                "  site  agent  state   access   room  last_seen            misfit",
                "  kek   a      silent  allowed     0  2026-11-21 02:01:10  the agent is silent",
            ],
            "\(lines.joined(separator: "\n"))"
        )
    }

    @Test func aFailedJobIsExplained() throws {
        let why = """
            {"task": 1, "index": 5, "state": "aborted", "summary": "it was given up", "changes": null, "class": null, "waiting": null,
            "agents": [{"site": "kek"}], "reasons": [], "verdicts": [], "attempts": [{"attempt": 1, "state": "failed", "site": "lyon",
            "node": "n7", "leased_at": "2026-11-21T02:01:10Z", "wall_seconds": 245, "code": 1001, "name": "payloadExit",
            "diagnostic": "exit\\nstatus 7", "blame": "payload", "failures": [{"code": 8001, "diagnostic": "no file"},
            {"code": 1001, "diagnostic": "exit status 7"}], "log_line": "Segmentation fault", "action": "resubmit", "rule": "payload",
            "late_code": 8214, "late_diagnostic": "came\\nlate", "late_at": "2026-11-21T03:00:00Z",
            "reason": "failure 1 of 3 allowed", "not_before": "2026-11-21T02:05:10Z", "changes": {"excludedSites": ["lyon"]},
            "carried_out_at": null}]}
            """
        let lines = JobCommands.Why.lines(try Self.json(why), colours: false)
        let verdict =
            "resubmit after 2026-11-21 02:05:10 by rule payload: failure 1 of 3 allowed; excludedSites=lyon; not yet carried out"
        #expect(
            lines == [
                "job 1.5 is aborted: it was given up", "", "its attempts",
                "  1 failed at lyon/n7, leased 2026-11-21 02:01:10, 4m05s",
                "      failure    1001 payloadExit exit status 7 (blame: payload)",
                "      evidence   8001 no file",
                "      evidence   1001 exit status 7",
                "      last line  Segmentation fault",
                "      came back  2026-11-21 03:00:00: 8214 came late",
                "      verdict    \(verdict)",
            ],
            "\(lines.joined(separator: "\n"))"
        )
    }
}
