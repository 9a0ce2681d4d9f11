import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit

/// Lets the other jobs of a task run when its scouts have ended well, with what the scouts needed; pauses the task when they
/// failed. ``ScoutPolicy`` decides.
struct ScoutDesk: Sendable {
    let database: PostgresClient
    let classes: ClassTable
    let bell: FeedBell
    let logger: Logger
    let settings: ScoutSettings
    /// Rung when jobs wait.
    let wake: @Sendable () -> Void

    /// One look at every task that has scouts out.
    func judge() async throws {
        var moved = false
        for (task, scouts, perJob) in try await self.database.query(ScoutStatements.scouting) {
            let rows = try await self.database.query(ScoutStatements.ended(of: task, scouts: scouts))
            // What an operator cancelled says nothing.
            let ended = rows.filter { $0.0 != JobState.cancelled.rawValue }.map(Self.measurement(row:))
            var settings = self.settings
            settings.scouts = Int(scouts)
            switch ScoutPolicy(settings).decide(ended, jobs: Int(scouts) - (rows.count - ended.count)) {
            case .wait: continue
            case .pause(let reason):
                let cause = "\(reason); see millrace task debug \(task)"
                self.logger.warning("scouts failed", metadata: ["task": "\(task)", "reason": "\(reason)"])
                if try await self.change(task, { _, _ in ScoutStatements.stop(task, cause: cause) }) { moved = true }
            case .go(let needs):
                if try await self.change(task, { try await self.go(task, $1, perJob, needs, in: $0) }) {
                    moved = true
                }
            }
        }
        guard moved else { return }
        self.bell.ring()
        self.wake()
    }

    /// A scout that was split was too large: it did not end well, and its numbers are not used.
    private static func measurement(row: (String, Double, Int64, Int64, Int64)) -> ScoutMeasurement {
        ScoutMeasurement(
            endedWell: row.0 == JobState.done.rawValue,
            cpuSeconds: row.1,
            events: Int(row.2),
            memoryPeakMB: Double(row.3) / 1_048_576,
            outputBytes: Double(row.4)
        )
    }

    /// False: somebody else was faster. What is done may go by the class that the task has now.
    private func change(
        _ task: Int64,
        _ statements: @Sendable @escaping (PostgresTransaction, Int32) async throws -> [SQL]
    ) async throws -> Bool {
        try await self.database.withTransaction { transaction in
            guard let classID = try await transaction.query(ScoutStatements.lock(task)).first else { return false }
            try await transaction.execute(try await statements(transaction, classID))
            return true
        }
    }

    private func go(
        _ task: Int64,
        _ classID: Int32,
        _ perJob: Int64?,
        _ needs: ScoutPolicy.Needs,
        in transaction: PostgresTransaction
    ) async throws -> [SQL] {
        var statements: [SQL] = []
        var change = ""
        if let guess = try await self.classes.requirement(classID) {
            let wanted = ScoutPolicy.requirement(guess, needs, eventsPerJob: perJob)
            if wanted != guess, let found = try await transaction.query(RequestStatements.classID(wanted)).first {
                statements = VerdictStatements.raise(task: task, to: found)
                change =
                    "; a job asks for \(wanted.memoryMB) MB, \(wanted.walltimeSeconds) s, \(wanted.diskMB) MB of disk"
            }
        }
        let cause = "its scouts went well: \(needs)\(change)"
        return statements
            + ScoutStatements.go(task, measured: JSONText(try WireFormat.text(needs)), cause: cause)
    }
}

extension ScoutSettings {
    /// What a file may set under `scheduler.scouts:`; how many scouts a task has, its workflow says.
    static let shape: DocumentShape = .keys(
        [
            "enough": .scalar, "failureShare": .scalar, "cpuPercentile": .scalar, "memoryPercentile": .scalar,
            "outputPercentile": .scalar, "cpuMargin": .scalar, "memoryMargin": .scalar, "outputMargin": .scalar,
        ],
        required: []
    )

    init(_ values: ConfigurationValues) throws {
        self.init()
        self.enough = try values.number("enough", in: 0...1, default: self.enough)
        self.failureShare = try values.number("failureShare", in: 0...1, default: self.failureShare)
        self.cpuPercentile = try values.number("cpuPercentile", in: 0...100, default: self.cpuPercentile)
        self.memoryPercentile = try values.number("memoryPercentile", in: 0...100, default: self.memoryPercentile)
        self.outputPercentile = try values.number("outputPercentile", in: 0...100, default: self.outputPercentile)
        self.cpuMargin = try values.number("cpuMargin", in: 0...10, default: self.cpuMargin)
        self.memoryMargin = try values.number("memoryMargin", in: 0...10, default: self.memoryMargin)
        self.outputMargin = try values.number("outputMargin", in: 0...10, default: self.outputMargin)
    }
}
