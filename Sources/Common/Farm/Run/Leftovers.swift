import Glibc
import Logging

/// The processes that a killed supervisor left behind: the kernel has told them to end, and here they do.
enum Leftovers {
    /// Asks each to stop, last started first, and kills those that do not.
    ///
    /// - Returns: the names of those that still lived.
    static func stop(_ table: ProcessTable, grace: Duration = .seconds(10), logger: Logger) async throws -> [String] {
        var names: [String] = []
        for row in table.rows.reversed() {
            let living = row.processes.filter(\.isAlive)
            guard !living.isEmpty else { continue }
            names.append(row.name)
            logger.notice("\(row.name) is left from a supervisor that was killed: it is stopped first")
            for process in living {
                // The polite signal of PostgreSQL waits until its last client has gone.
                process.signal(row.name == FarmPlan.database ? SIGINT : SIGTERM)
            }
            for process in living where try await !process.awaitEnd(grace) {
                logger.warning("\(row.name), process \(process.pid), does not stop: it is killed")
                process.signal(SIGKILL, group: true)
                guard try await process.awaitEnd(grace) else {
                    throw FarmError(
                        .startFailed,
                        "process \(process.pid) (\(row.name)) cannot be killed: look at it with ps"
                    )
                }
            }
        }
        return names
    }
}
