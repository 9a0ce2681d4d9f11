import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres
import TestSupport

/// Breaking the rules in plain SQL.
extension FuzzClient {
    /// An attack that changed rows; thrown, so that what it did is rolled back and the others go on.
    private struct Succeeded: Error {}

    func attack() async throws {
        guard let attack = FuzzAttack.allCases.randomElement(using: &self.random) else { return }
        let target = self.target(of: attack.aim)
        guard let statements = attack.statements(target) else { return }
        do {
            let changed = try await self.transact(refusals: attack.answers) { transaction -> Int in
                if attack.aim == .winner, let key = target.key {
                    guard try await self.isWinner(key, in: transaction) else { return 0 }
                }
                let changed = try await transaction.execute(statements).last ?? 0
                if changed > 0 { throw Succeeded() }
                return changed
            }
            // Nothing was there to be changed: no attack.
            if changed == nil { self.ledger.withLockedValue { $0.attacks["\(attack)", default: 0] += 1 } }
        } catch is Succeeded {
            self.ledger.withLockedValue { $0.faults.append("\(attack) succeeded: \(target)") }
        }
    }

    private func target(of aim: FuzzAttack.Aim) -> FuzzAttack.Target {
        var target = FuzzAttack.Target()
        switch aim {
        case .winner: target.key = self.draw { $0.winners }
        case .loser: target.key = self.draw { $0.losers }
        case .live: target.key = self.draw { $0.live }
        case .merge, .loserAndMerge:
            let number = self.random.next()
            target.merge = self.ledger.withLockedValue { ledger in
                let merges = ledger.grouped.keys
                return merges.isEmpty ? nil : Array(merges)[Int(number % UInt64(merges.count))]
            }
            // The last to fail: their jobs have not been accepted since.
            let losers = self.ledger.withLockedValue { $0.losers.elements.suffix(10) }
            if aim == .loserAndMerge { target.key = losers.randomElement(using: &self.random) }
        case .dataset:
            target.dataset = self.draw { $0.closedDatasets }
            target.file = self.draw { $0.winners }.flatMap { key in
                self.ledger.withLockedValue { $0.accepted[key]?.outputs.compactMap(\.file?.lfn).first }
            }
        case .transfer:
            target.transfer = self.ledger.withLockedValue { $0.doneTransfers.first }
        case .nothing: break
        }
        return target
    }

    /// Whether an attempt still is its job's winner; the job stays locked, and with it that it is.
    private func isWinner(_ key: AttemptKey, in transaction: PostgresTransaction) async throws -> Bool {
        try await transaction.execute(
            "SELECT 1 FROM job WHERE task = \(key.task) AND index = \(key.index) FOR NO KEY UPDATE"
        )
        let rows = try await transaction.query(
            Statement(
                "fuzz.winner",
                """
                SELECT attempt FROM winner
                WHERE task = \(key.task) AND index = \(key.index) AND attempt = \(Int32(key.attempt))
                """,
                returning: Int32.self
            )
        )
        return !rows.isEmpty
    }
}
