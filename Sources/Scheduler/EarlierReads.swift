import Catalog
import Domain
import Postgres

/// What earlier versions of a task have read, so that it is not read again.
enum EarlierReads {
    /// Files that are looked up in one statement.
    private static let page = 10_000

    /// The same files without the events that winners of earlier versions of the task read. Nothing is added to those any more.
    static func leaveOut(
        of files: [InputFile],
        for task: Int64,
        in transaction: PostgresTransaction
    ) async throws -> [InputFile] {
        var read: [Int64: [EventSlice]] = [:]
        for first in stride(from: 0, to: files.count, by: Self.page) {
            let page = files[first..<min(first + Self.page, files.count)].map(\.file)
            for row in try await transaction.query(ContinuingStatements.read(before: task, of: page)) {
                read[row.0, default: []].append(EventSlice(first: row.1, count: row.2))
            }
        }
        return files.map { $0.without(read[$0.file] ?? []) }
    }
}
