import Foundation
import Glibc
package import Logging
import PrivateServers

/// A farm on this machine as seen by the commands that did not start it.
package enum Farm {
    /// What `down` found and did.
    package enum Ending: Equatable, Sendable, CustomStringConvertible {
        case wasNotRunning(state: String)
        /// Its supervisor had been killed; these were left.
        case leftovers(state: String, names: [String])
        case stopped(state: String, pid: Int32)
        /// It did not stop in time.
        case killed(state: String, pid: Int32)

        package var description: String {
            switch self {
            case .wasNotRunning(let state): "no farm runs in \(state)"
            case .leftovers(let state, let names):
                "the supervisor in \(state) had been killed; stopped what it left: \(names.joined(separator: ", "))"
            case .stopped(let state, let pid): "stopped the farm in \(state), process \(pid)"
            case .killed(let state, let pid):
                "killed the farm in \(state), process \(pid): it did not stop when asked; no data is lost"
            }
        }
    }

    /// The record of a farm that runs in a state folder; nil if none does.
    ///
    /// - Throws: ``FarmError``, `ServerError` if there is a record that cannot be read.
    package static func status(state: String) throws -> FarmRecord? {
        guard let record = try FarmRecord.read(FarmLayout(state: state)), record.supervisor.isAlive else { return nil }
        return record
    }

    /// Stops a farm and waits until all its processes are gone.
    ///
    /// - Parameter grace: before it is killed.
    package static func down(
        state: String,
        grace: Duration = .seconds(30),
        logger: Logger
    ) async throws -> Ending {
        let layout = try FarmLayout(state: state)
        guard let record = try FarmRecord.read(layout) else { return .wasNotRunning(state: layout.state) }
        guard record.supervisor.isAlive else {
            let names = try await Leftovers.stop(record.table, logger: logger)
            return names.isEmpty
                ? .wasNotRunning(state: layout.state) : .leftovers(state: layout.state, names: names)
        }
        let supervisor = record.supervisor
        supervisor.signal(SIGTERM)
        let hasStopped = try await supervisor.awaitEnd(grace)
        if !hasStopped {
            supervisor.signal(SIGKILL)
            _ = try await supervisor.awaitEnd(grace)
        }
        // Nothing is left by one that stopped, but it may have been killed meanwhile. Read again: it may have started
        // some since.
        let table = try FarmRecord.read(layout)?.table ?? record.table
        _ = try await Leftovers.stop(table, logger: logger)
        return hasStopped
            ? .stopped(state: layout.state, pid: supervisor.pid) : .killed(state: layout.state, pid: supervisor.pid)
    }

    /// What to set to reach the farm of a state folder, running or not.
    ///
    /// - Throws: ``FarmError`` if there has never been one.
    package static func environment(state: String) async throws -> [(name: String, value: String)] {
        let layout = try FarmLayout(state: state)
        guard let record = try FarmRecord.read(layout), PrivateFiles.exists(layout.postgresPassword) else {
            throw FarmError(
                .notRunning,
                "no farm in \(layout.state): start one with `millrace up`, or set MILLRACE_STATE"
            )
        }
        let settings = try FarmSettings(layout, record.ports)
        let user = ProcessInfo.processInfo.userName
        return [
            ("MILLRACE_DATABASE_URL", settings.databaseURL),
            ("MILLRACE_AMQP_URL", settings.amqpURL),
            ("MILLRACE_URL", record.url),
            ("MILLRACE_TOKEN", try await FarmKeys.token(layout, user: user, life: .seconds(30 * 86_400))),
            ("MILLRACE_STATE", layout.state),
        ]
    }

    /// The same as lines for a shell.
    package static func exports(state: String) async throws -> String {
        try await self.environment(state: state).map { self.export($0.name, $0.value) }.joined(separator: "\n")
    }

    static func export(_ name: String, _ value: String) -> String {
        "export \(name)='\(value.replacing("'", with: "'\\''"))'"
    }

    /// Writes the file of a further agent of a farm, to be started by hand with it as its configuration.
    ///
    /// - Parameter amqp: with the account of the site; nil: the farm's own account.
    /// - Returns: the path of the file.
    package static func writeAgentFile(state: String, site: FarmSite, amqp: String?) throws -> String {
        let layout = try FarmLayout(state: state)
        guard let record = try FarmRecord.read(layout) else {
            throw FarmError(
                .notRunning,
                "no farm in \(layout.state): start one with `millrace up`, or set MILLRACE_STATE"
            )
        }
        let address = try amqp ?? FarmSettings(layout, record.ports).amqpURL
        try PrivateFiles.makeFolder(layout.agent(site.name))
        let path = layout.agentFile(site.name)
        let port = record.ports[FarmPlan.agentName(site)]
        try AgentFile.forThisMachine(site: site, amqp: address, adminPort: port, layout: layout).write(to: path)
        return path
    }
}
