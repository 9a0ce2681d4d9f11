import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// The requirement classes, read again when they may have changed. There are few: jobs with equal needs share one.
final class ClassTable: Sendable {
    private struct Held {
        var classes: [Int32: Requirement] = [:]
        var readAt: ContinuousClock.Instant?
    }

    private let database: PostgresClient
    private let held = NIOLockedValueBox(Held())
    /// Another Scheduler may have made a class: look again after this.
    private let age: Duration

    init(database: PostgresClient, age: Duration = .seconds(1)) {
        self.database = database
        self.age = age
    }

    /// This process has just made a class.
    func forget() { self.held.withLockedValue { $0.readAt = nil } }

    func current() async throws -> [Int32: Requirement] {
        let known = self.held.withLockedValue { held -> [Int32: Requirement]? in
            guard let readAt = held.readAt, readAt.duration(to: .now) < self.age else { return nil }
            return held.classes
        }
        if let known { return known }
        var classes: [Int32: Requirement] = [:]
        for row in try await self.database.query(LeasingStatements.classes) {
            classes[row.0] = Requirement(
                cores: Int(row.1),
                memoryMB: Int(row.2),
                walltimeSeconds: Int(row.3),
                diskMB: Int(row.4),
                platform: row.5,
                tags: row.6,
                sites: row.7,
                storage: row.8
            )
        }
        self.held.withLockedValue { [classes] held in held = Held(classes: classes, readAt: .now) }
        return classes
    }
}
