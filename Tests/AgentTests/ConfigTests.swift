import Domain
import ServiceKit
import Testing

@testable import Agent

@Suite("agent.yaml")
struct ConfigTests {
    static let good = """
        site: T1
        agent: a
        amqp: amqp://site.T1@broker/
        work: /w
        slots: 4
        storage:
          DISK: {kind: posix, base: /d}
        output: DISK
        signingKey: /k

        """

    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> AgentConfig {
        try AgentConfig(YAMLDocument.node(from: text, name: "agent.yaml"), environment: environment) { _ in "p@ss/ü\n" }
    }

    private func problem(_ text: String, _ environment: [String: String] = [:]) -> String {
        do {
            _ = try self.read(text, environment)
            return "none"
        } catch { return "\(error)" }
    }

    @Test("needs little and fills in the rest")
    func defaults() throws {
        let config = try self.read(Self.good)
        #expect(config.logs == "/w/logs" && config.software == "/w/software" && config.heartbeatSeconds == 10)
        #expect(config.loopingSeconds == 7200 && config.submission == nil)
        #expect(try self.read(Self.good + "submission: array 17\n").submission == "array 17")
        #expect(try self.read(Self.good + "loopingSeconds: 0\n").loopingSeconds == 0)
        #expect(config.python == "/usr/bin/python3" && config.capacity.cores == 4)
        #expect(config.amqp == "amqp://site.T1@broker/")
    }

    @Test("takes the password from a file, escaped, and the whole address from the environment first")
    func password() throws {
        let text = Self.good + "passwordFile: /p\n"
        #expect(try self.read(text).amqp == "amqp://site.T1:p%40ss%2F%C3%BC@broker/")
        #expect(try self.read(text, ["MILLRACE_AMQP_URL": "amqp://x/"]).amqp == "amqp://x/")
        let two = text.replacing("site.T1@", with: "site.T1:secret@")
        #expect(self.problem(two).contains("passwordFile") && !self.problem(two).contains("secret"))
    }

    @Test(
        "tells a mistake in one line with its place",
        arguments: [
            ("slots: 4", "slots: 4\nslot: 5", "line 6, slot: unknown key"),
            ("slots: 4", "slots: many", "line 5, slots: many is not a number"),
            ("slots: 4", "slots: 0", "line 5, slots: 0 is not a number"),
            ("slots: 4", "slots: 4\nloopingSeconds: -1", "line 6, loopingSeconds: -1 is not a number"),
            ("slots: 4", "slots: 4\nloopingsSeconds: 1", "line 6, loopingsSeconds: unknown key"),
            ("output: DISK", "output: TAPE", "output: TAPE is not one of"),
            ("kind: posix", "kind: tape", "storage.DISK.kind: tape is not known"),
            ("base: /d", "base: d", "storage.DISK.base: d must be an absolute path"),
            ("base: /d", "base: /d, mode: 1", "storage.DISK.mode: unknown key"),
            ("site: T1", "site: T 1", "line 1, site: T 1 must be"),
            ("slots: 4", "slots: 4\nsubmission: \"\"", "line 6, submission: must be one line of 1 to 200 characters"),
            ("slots: 4", "slots: 4\nsubmission: \"a\\nb\"", "submission: must be one line"),
            ("slots: 4", "slots: 4\nsubmission: " + String(repeating: "x", count: 201), "submission: must be one line"),
            ("slots: 4", "slots: 4\nsubmission: [a]", "submission"),
            ("agent: a\n", "", "key agent is missing"),
            ("agent: a", "agent: [", "not YAML"),
            ("slots: 4", "slots: 4\nexecutor: slurm", "executor: slurm is not known"),
            ("amqp: amqp://site.T1@broker/\n", "", "amqp: is missing"),
        ]
    )
    func mistakes(old: String, new: String, expected: String) {
        let problem = self.problem(Self.good.replacing(old, with: new))
        #expect(problem.contains(expected), "\(problem)")
        #expect(!problem.contains("\n"))
    }
}
