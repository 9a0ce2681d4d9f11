import Catalog
import Domain
import Postgres

/// What was read of files before, so that it is not read again.
enum EarlierReads {
    /// Files that are looked up in one statement.
    private static let page = 10_000

    /// The same files without the events that winners of earlier versions of the task read. Nothing is added to those any more.
    static func leaveOut(
        of files: [InputFile],
        for task: Int64,
        in transaction: PostgresTransaction
    ) async throws -> [InputFile] {
        try await Self.leaveOut(of: files, in: transaction) { ContinuingStatements.read(before: task, of: $0) }
    }

    /// The same files without the events of which a dataset, or container, has what was made of them.
    static func leaveOut(
        of files: [InputFile],
        madeIn name: String,
        in transaction: PostgresTransaction
    ) async throws -> [InputFile] {
        try await Self.leaveOut(of: files, in: transaction) { DerivedStatements.made(in: name, of: $0) }
    }

    /// - Parameter read: what was read of a page of files: file, first event, events.
    private static func leaveOut(
        of files: [InputFile],
        in transaction: PostgresTransaction,
        _ read: ([Int64]) -> Statement<Int64, Int64, Int64>
    ) async throws -> [InputFile] {
        var slices: [Int64: [EventSlice]] = [:]
        for first in stride(from: 0, to: files.count, by: Self.page) {
            let page = files[first..<min(first + Self.page, files.count)].map(\.file)
            for row in try await transaction.query(read(page)) {
                slices[row.0, default: []].append(EventSlice(first: row.1, count: row.2))
            }
        }
        return files.map { $0.without(slices[$0.file] ?? []) }
    }
}
