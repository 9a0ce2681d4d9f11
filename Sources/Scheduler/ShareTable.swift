import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// The shares and what they use, kept in memory. Read again once a second at most; what is leased in between is added by whoever
/// leases it. Two Schedulers may so be a second's leases apart, which evens out as jobs end.
final class ShareTable: Sendable {
    private struct Held {
        var tree = ShareTree([])
        var isDivided = false
        var read: ContinuousClock.Instant?
    }

    private let database: PostgresClient
    private let held = NIOLockedValueBox(Held())
    /// How long what was read is good for.
    private static let validity = Duration.seconds(1)

    init(database: PostgresClient) { self.database = database }

    /// The shares as they are now, more or less.
    func tree() async throws -> ShareTree {
        let known = self.held.withLockedValue { $0 }
        if let read = known.read, read.duration(to: .now) < Self.validity { return known.tree }
        let shares = try await self.database.query(ShareStatements.all).map {
            ShareTree.Share(name: $0.0, parent: $0.1, weight: $0.2)
        }
        // Without shares nothing is divided, and nobody needs to count.
        let used = shares.isEmpty ? [] : try await self.database.query(ShareStatements.used)
        let tree = ShareTree(
            shares,
            used: Dictionary(used.map { ($0.0, Int($0.1)) }, uniquingKeysWith: { first, _ in first })
        )
        self.held.withLockedValue { $0 = Held(tree: tree, isDivided: !shares.isEmpty, read: .now) }
        return tree
    }

    /// Cores were leased.
    func use(_ cores: [String: Int]) {
        self.held.withLockedValue { held in
            guard held.isDivided else { return }
            for (share, cores) in cores { held.tree.use(share, cores: cores) }
        }
    }
}
