import Glibc
import PrivateServers

/// Where everything of a farm is, under its state folder.
package struct FarmLayout: Equatable, Sendable {
    /// Absolute, without links if it exists.
    package let state: String

    /// - Parameter path: as the user gave it; need not exist.
    package init(state path: String) throws {
        if PrivateFiles.exists(path) {
            self.state = try PrivateFiles.absolute(path)
        } else if path.hasPrefix("/") {
            self.state = path
        } else {
            self.state = try PrivateFiles.absolute(".") + "/" + path
        }
    }

    package var record: String { self.state + "/farm.json" }
    package var lock: String { self.state + "/lock" }
    package var postgres: String { self.state + "/postgres" }
    package var rabbitmq: String { self.state + "/rabbitmq" }
    package var logs: String { self.state + "/logs" }
    /// Signs the offers to agents (Ed25519, base64 of the 32 bytes); for the Scheduler.
    package var signingKey: String { self.state + "/keys/signing.key" }
    /// Its public half (base64 of the 32 bytes); for agents.
    package var signingPublicKey: String { self.state + "/keys/signing.pub" }
    /// Signs the tokens of users; for the Gateway.
    package var tokenKey: String { self.state + "/keys/token.key" }
    package var brokerPassword: String { self.state + "/secrets/rabbitmq" }
    /// Written by the private PostgreSQL.
    package var postgresPassword: String { self.postgres + "/password" }

    package func log(of process: String) -> String { "\(self.logs)/\(process).log" }
    package func storage(_ element: String) -> String { "\(self.state)/storage/\(element)" }
    package func agent(_ site: String) -> String { "\(self.state)/agents/\(site)" }
    package func agentFile(_ site: String) -> String { self.agent(site) + "/agent.yaml" }

    /// The logs that grow, whoever writes them.
    var growingLogs: [String] {
        let ours = PrivateFiles.list(self.logs).filter { $0.hasSuffix(".log") }.map { "\(self.logs)/\($0)" }
        let broker = "\(self.rabbitmq)/log"
        let theirs = PrivateFiles.list(broker).filter { $0.hasSuffix(".log") }.map { "\(broker)/\($0)" }
        return ours + theirs + [self.postgres + "/log"]
    }
}
