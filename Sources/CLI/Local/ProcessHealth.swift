import Messages
import ServiceKit

/// What is known of one process of a farm: from its supervisor, from itself in the catalogue, and from its admin port.
struct ProcessHealth: Equatable {
    let name: String
    /// As the supervisor says.
    let state: String
    /// When it came to this state.
    let since: String
    let restarts: Int
    let pid: Int32?
    /// `/readyz` says that its work moves; nil: it has none (a server).
    let isProgressing: Bool?
    /// The last thing that went wrong and may not have passed.
    let trouble: String?

    var isAlive: Bool { self.state == "ready" }
    var isWell: Bool { self.isAlive && self.isProgressing != false }

    var json: JSON {
        .group([
            "process": .text(self.name), "state": .text(self.state), "alive": .truth(self.isAlive),
            "progressing": self.isProgressing.map { .truth($0) } ?? .nothing, "since": .text(self.since),
            "restarts": .integer(Int64(self.restarts)), "pid": self.pid.map { .integer(Int64($0)) } ?? .nothing,
            "trouble": self.trouble.json, "well": .truth(self.isWell),
        ])
    }

    /// What an answer of `/readyz` says, for one line: what is not well, or all of it if it is none.
    static func said(_ answer: String) -> String {
        do {
            let report = try WireFormat.value(HealthReport.self, from: answer)
            return report.trouble ?? "well"
        } catch {
            return answer.split(whereSeparator: \.isNewline).joined(separator: "; ")
        }
    }

    static let columns = [
        Column("process"), Column("state", .state), Column("progressing"), Column("since", .time), Column("restarts"),
        Column("pid"),
        Column("trouble"),
    ]
}
