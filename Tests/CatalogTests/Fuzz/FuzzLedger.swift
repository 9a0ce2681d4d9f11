import Catalog
import Domain
import Postgres

/// What the clients were told: every commit that was acknowledged, counted apart from the catalogue. At the end it must be the
/// same as the books.
///
/// It is kept by key, so that the order in which clients write into it, which is not that of their commits, does not matter.
struct FuzzLedger: Sendable {
    struct TransferLease: Hashable, Sendable {
        let id: Int64
        let token: UUIDText
    }

    struct Member: Hashable, Sendable {
        let dataset: Int64
        let lfn: String
    }

    var tasks: [Int64: FuzzTask] = [:]
    /// Tasks with inputs whose jobs were made.
    var grouped: [Int64: [GroupedJob]] = [:]

    var tokens: [AttemptKey: UUIDText] = [:]
    /// Events each attempt was told to read.
    var expected: [AttemptKey: Int64] = [:]
    var live = FuzzBag<AttemptKey>()
    /// State each attempt ended in.
    var ended: [AttemptKey: String] = [:]
    var losers = FuzzBag<AttemptKey>()
    var verdicts = 0

    /// What was accepted, also what was revoked later.
    var accepted: [AttemptKey: Acceptance] = [:]
    var winners = FuzzBag<AttemptKey>()
    var revoked: Set<AttemptKey> = []

    var transfers = 0
    var leasedTransfers = FuzzBag<TransferLease>()
    var doneTransfers: Set<Int64> = []
    var failedTransfers = FuzzBag<Int64>()

    /// Datasets that belong to no task.
    var openDatasets = FuzzBag<Int64>()
    var closedDatasets = FuzzBag<Int64>()
    var members: Set<Member> = []

    /// Transactions that were committed or refused.
    var transactions = 0
    /// Constraint or SQLSTATE that refused a transaction, and how often.
    var refusals: [String: Int] = [:]
    /// Attempts to break a rule, by name.
    var attacks: [String: Int] = [:]
    /// Attempts to break a rule that succeeded, and everything else that must not happen.
    var faults: [String] = []

    mutating func lease(_ key: AttemptKey, _ token: UUIDText, events: Int64) {
        self.tokens[key] = token
        self.expected[key] = events
        self.live.insert(key)
    }

    mutating func end(_ key: AttemptKey, _ state: String) {
        if let before = self.ended.updateValue(state, forKey: key) {
            self.faults.append("attempt \(key) was \(before) and then \(state)")
        }
        self.live.remove(key)
        if state == "failed" || state == "lost" { self.losers.insert(key) }
    }

    mutating func accept(_ acceptance: Acceptance) {
        self.end(acceptance.key, "done")
        self.accepted[acceptance.key] = acceptance
        self.winners.insert(acceptance.key)
    }

    mutating func revoke(_ key: AttemptKey) {
        if !self.revoked.insert(key).inserted { self.faults.append("attempt \(key) was revoked twice") }
        self.winners.remove(key)
    }

    mutating func finish(_ transfer: Int64) {
        if !self.doneTransfers.insert(transfer).inserted { self.faults.append("transfer \(transfer) was done twice") }
    }

    /// Attacks that were never refused, because what they need was never there.
    var untried: [String] { FuzzAttack.allCases.map { "\($0)" }.filter { self.attacks[$0] == nil } }

    /// Something was accepted, revoked, moved, closed and merged, and every attack was tried: a fuzz without proves nothing.
    var hasBeenEverywhere: Bool {
        !self.winners.elements.isEmpty && !self.revoked.isEmpty && !self.doneTransfers.isEmpty
            && !self.closedDatasets.elements.isEmpty && self.grouped.values.contains { !$0.isEmpty }
            && self.untried.isEmpty
    }

    /// The acceptances that stand.
    var standing: [Acceptance] { self.winners.elements.compactMap { self.accepted[$0] } }
}
