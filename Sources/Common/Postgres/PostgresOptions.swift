/// How a client behaves; the defaults suit a service.
package struct PostgresOptions: Sendable {
    /// Shown in `pg_stat_activity`.
    package var applicationName = "millrace"
    /// Connections for transactions, opened when needed; single statements have one more of their own.
    package var poolSize = 4
    /// How long a statement or transaction waits for a connection before it fails with `unavailable`.
    package var acquireTimeout: Duration = .seconds(30)
    /// The server ends a statement that takes longer; zero: never.
    package var statementTimeout: Duration = .seconds(30)
    /// The server ends a session that is silent inside a transaction for longer; zero: never.
    package var idleInTransactionTimeout: Duration = .seconds(60)
    /// For each host of the URL, whole seconds.
    package var connectTimeout: Duration = .seconds(5)
    /// Whether the planner is to read whole tables only where no index helps. For sessions that only run batches by key: a plan
    /// that was made, or kept for checks of keys, while a table was empty would read all of it when it has grown.
    package var avoidsTableScans = false
    /// How long a plan is used again before it is made anew from the tables as they are; nil: every statement is planned each time. For
    /// sessions that send the same statements many times a second.
    package var planAge: Duration?
    /// Where unqualified names are looked up.
    package var searchPath = "millrace"
    /// Between attempts to connect.
    package var reconnect = BackOff(first: .milliseconds(100), longest: .seconds(5))
    /// Between attempts of a transaction.
    package var retry = BackOff(first: .milliseconds(5), longest: .milliseconds(500))
    /// How often a transaction is tried in all.
    package var transactionAttempts = 10

    package init() {}

    /// For a session that is made once and not again: a server that is very busy may take its time.
    package static var patient: PostgresOptions {
        var options = PostgresOptions()
        options.connectTimeout = .seconds(60)
        return options
    }

    /// For a service: it only runs batches by key, the same statements again and again. In five seconds no table grows so much that a plan
    /// becomes a bad one, and what is sent a hundred times in them is planned a few times (the server plans for the given parameters at
    /// first, and goes on doing so while that seems to pay).
    package mutating func setForBatches() {
        self.avoidsTableScans = true
        self.planAge = .seconds(5)
    }
}

/// A wait that doubles with every failure, up to a limit, each time shortened by a random part (at most half) so that
/// clients that failed together do not come back together.
package struct BackOff: Sendable, Hashable {
    package let first: Duration
    package let longest: Duration

    package init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// The wait after failure number `failure` (from 1).
    package func delay(after failure: Int, using random: inout some RandomNumberGenerator) -> Duration {
        var full = self.first
        for _ in 1..<max(1, min(failure, 40)) where full < self.longest { full *= 2 }
        full = min(full, self.longest)
        return full * Double.random(in: 0.5...1, using: &random)
    }

    func delay(after failure: Int) -> Duration {
        var random = SystemRandomNumberGenerator()
        return self.delay(after: failure, using: &random)
    }
}

/// How a transaction begins.
package struct TransactionOptions: Sendable, Hashable {
    let begin: String

    package static let readCommitted = TransactionOptions(begin: "BEGIN ISOLATION LEVEL READ COMMITTED")
    package static let repeatableRead = TransactionOptions(begin: "BEGIN ISOLATION LEVEL REPEATABLE READ")
    package static let serializable = TransactionOptions(begin: "BEGIN ISOLATION LEVEL SERIALIZABLE")
    /// One snapshot for several reads.
    package static let readOnlySnapshot = TransactionOptions(begin: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}
