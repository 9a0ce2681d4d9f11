import Logging
import Postgres

/// Work for one task in a turn that has others to work for.
enum OneOfMany {
    /// What cannot be done for one task is logged, and tried again with the next turn: the others are not held up by it. Without the
    /// database nothing can be done for any of them.
    ///
    /// - Parameter problem: what the log says of the task.
    /// - Returns: nil: it could not be done.
    static func attempt<Result: Sendable>(
        _ task: Int64,
        _ problem: String,
        logger: Logger,
        _ work: () async throws -> Result
    ) async throws -> Result? {
        do {
            return try await work()
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as PostgresError where error.code != .server {
            throw error
        } catch {
            logger.error("a task \(problem)", metadata: ["task": "\(task)", "error": "\(error)"])
            return nil
        }
    }
}
