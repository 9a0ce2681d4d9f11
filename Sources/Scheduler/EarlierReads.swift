import Catalog
import Domain
import Postgres

/// What earlier versions of a task have read, so that it is not read again.
enum EarlierReads {
    /// The same files without the events that winners of earlier versions of the task read. Nothing is added to those any more.
    static func leaveOut(
        of files: [InputFile],
        for task: Int64,
        in transaction: PostgresTransaction
    ) async throws -> [InputFile] {
        let rows = try await transaction.query(ContinuingStatements.read(before: task, of: files.map(\.file)))
        var read: [Int64: [EventSlice]] = [:]
        for row in rows { read[row.0, default: []].append(EventSlice(first: row.1, count: row.2)) }
        return files.map { $0.without(read[$0.file] ?? []) }
    }
}
