import Domain
import Messages

/// A job that does not wait: what became of it, in one sentence.
struct JobStory: Sendable {
    /// What is said of one attempt.
    struct Attempt: Decodable, Sendable {
        var attempt: Int64
        var state: String
        var site: String
        var agent: String
        var node: String?
        var step: String?
        var started_at: String?
        var code: Int?
        var diagnostic: String?
        var rule: String?
        var action: String?
        var reason: String?

        init(_ row: String) throws { self = try WireFormat.value(Self.self, from: row) }
    }

    var state: String
    /// The reason of the job's last move.
    var cause: String?
    /// The first first.
    var attempts: [Attempt]

    var summary: String {
        let because = self.cause.map { ": \($0)" } ?? ""
        guard let last = self.attempts.last else { return "it does not wait: it is \(self.state)\(because)" }
        switch self.state {
        case "active": return Self.active(last)
        case "done": return "attempt \(last.attempt) at \(Self.place(last)) did it"
        case "recovering": return Self.decided(last)
        case "aborted":
            let reason = last.action == "abort" ? last.reason ?? self.cause : self.cause ?? last.reason
            let count = "it was given up after \(last.attempt) attempt\(last.attempt == 1 ? "" : "s")"
            return count + (reason.map { ": \($0)" } ?? "") + (last.code == nil ? "" : "; \(Self.failed(last))")
        default: return "it does not wait: it is \(self.state)\(because)"
        }
    }

    private static func active(_ last: Attempt) -> String {
        let step = last.step.map { ", step \($0)" } ?? ""
        return switch last.state {
        case "leased": "attempt \(last.attempt) is leased to agent \(last.agent) at \(last.site) and has not begun"
        case "running":
            "attempt \(last.attempt) runs at \(Self.place(last))\(last.started_at.map { " since \($0)" } ?? "")\(step)"
        case "failed", "lost": Self.decided(last)
        default: "attempt \(last.attempt) at \(Self.place(last)) is \(last.state)"
        }
    }

    private static func decided(_ last: Attempt) -> String {
        let verdict = last.action.map { "; \($0) by rule \(last.rule ?? "?") is being carried out" }
        return Self.failed(last) + (verdict ?? "; its verdict is on its way")
    }

    /// `attempt 2 failed at lyon/n7: 1001 payloadExit: exit status 1`
    private static func failed(_ attempt: Attempt) -> String {
        let code = attempt.code.map { code in
            ": \(code)" + (FailureCode(rawValue: code).map { " \($0.name)" } ?? "")
        }
        let word = attempt.state == "lost" ? "was lost" : "failed"
        let diagnostic = attempt.diagnostic.flatMap { $0.isEmpty ? nil : ": \($0.prefix(200))" } ?? ""
        return "attempt \(attempt.attempt) \(word) at \(Self.place(attempt))\(code ?? "")\(diagnostic)"
    }

    private static func place(_ attempt: Attempt) -> String {
        attempt.node.map { "\(attempt.site)/\($0)" } ?? attempt.site
    }
}
