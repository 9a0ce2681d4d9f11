import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres
import TestSupport

/// One client with a connection of its own: does what the services do, in random order, to whatever rows it draws, which its
/// rivals draw too; and now and then what no service may do.
final class FuzzClient {
    enum Step: CaseIterable {
        case campaign, expand, lease, running, accept, acceptWithoutLocks, refuse, giveBack, revoke, settle
        case leaseTransfers, endTransfers, expireTransfers, retryTransfer, fillDataset, closeDataset, attack,
            badManifest

        /// How often it is drawn, in 100 and some.
        var weight: Int {
            switch self {
            case .lease, .attack: 14
            case .accept: 18
            case .leaseTransfers, .endTransfers: 8
            case .acceptWithoutLocks, .badManifest, .refuse, .running, .expand, .settle: 5
            case .fillDataset: 4
            case .giveBack, .revoke: 3
            case .campaign, .closeDataset, .expireTransfers, .retryTransfer: 1
            }
        }
    }

    private static let deck: [Step] = Step.allCases.flatMap { Array(repeating: $0, count: $0.weight) }

    let number: Int
    let database: PostgresClient
    let ledger: NIOLockedValueBox<FuzzLedger>
    var random: SeededRandom

    init(number: Int, database: PostgresClient, ledger: NIOLockedValueBox<FuzzLedger>, seed: UInt64) {
        self.number = number
        self.database = database
        self.ledger = ledger
        self.random = SeededRandom(seed: seed &+ UInt64(number) &* 0x1000_0001)
    }

    /// Goes on until all clients together have made so many transactions and have been everywhere; three times as many at most.
    func run(until total: Int) async throws {
        while self.ledger.withLockedValue({ ledger in
            ledger.faults.isEmpty
                && (ledger.transactions < total || (ledger.transactions < 3 * total && !ledger.hasBeenEverywhere))
        }) {
            try await self.step()
        }
    }

    private func step() async throws {
        switch Self.deck[Int.random(in: 0..<Self.deck.count, using: &self.random)] {
        case .campaign: try await self.campaign()
        case .expand: try await self.expand()
        case .lease: try await self.lease()
        case .running: try await self.reportRunning()
        case .accept: try await self.accept(locking: true)
        case .acceptWithoutLocks: try await self.accept(locking: false)
        case .refuse: try await self.refuse()
        case .giveBack: try await self.giveBack()
        case .revoke: try await self.revoke()
        case .settle: try await self.settle()
        case .leaseTransfers: try await self.leaseTransfers()
        case .endTransfers: try await self.endTransfers()
        case .expireTransfers: try await self.expireTransfers()
        case .retryTransfer: try await self.retryTransfer()
        case .fillDataset: try await self.fillDataset()
        case .closeDataset: try await self.closeDataset()
        case .attack: try await self.attack()
        case .badManifest: try await self.badManifest()
        }
    }

    // MARK: - drawing

    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self.random) < percent }

    /// One of a set of the ledger; nil: it is empty.
    func draw<Element>(_ bag: (FuzzLedger) -> FuzzBag<Element>) -> Element? {
        let number = self.random.next()
        return self.ledger.withLockedValue { ledger in
            let elements = bag(ledger).elements
            return elements.isEmpty ? nil : elements[Int(number % UInt64(elements.count))]
        }
    }

    /// Up to `most` different ones, sorted.
    func draw<Element: Comparable>(most: Int, _ bag: (FuzzLedger) -> FuzzBag<Element>) -> [Element] {
        let count = Int.random(in: 1...most, using: &self.random)
        return Set((0..<count).compactMap { _ in self.draw(bag) }).sorted()
    }

    // MARK: - transactions

    /// One transaction, counted. A deadlock is tried again by the client of the catalogue.
    ///
    /// - Parameter refusals: SQLSTATEs that are an answer and not an error.
    /// - Returns: nil when it was refused.
    func transact<Result: Sendable>(
        refusals: Set<String> = [],
        _ body: (PostgresTransaction) async throws -> Result
    ) async throws -> Result? {
        do {
            let result = try await self.database.withTransaction { try await body($0) }
            self.ledger.withLockedValue { $0.transactions += 1 }
            return result
        } catch let error as PostgresError {
            guard let state = error.sqlState, refusals.contains(state) || error.isRetryable else { throw error }
            self.ledger.withLockedValue {
                $0.transactions += 1
                $0.refusals[error.constraint ?? state, default: 0] += 1
            }
            return nil
        }
    }

    /// What the keys and checks of the schema answer with: not null, foreign key, unique, check, exclusion, and the triggers'.
    static let constraints: Set<String> = ["23502", "23503", "23505", "23514", "23P01", "MR001", "MR002", "MR003"]
}
