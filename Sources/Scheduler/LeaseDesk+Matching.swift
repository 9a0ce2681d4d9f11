import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// Looks for jobs, and divides them among agents with room.
extension LeaseDesk {
    /// A look at the first two ranges of each class is enough while ranges are long. Many short ones, as jobs that are tried again are,
    /// need a longer look: the next one begins with as many as this one used.
    static let shortLook = 2
    private static let longLook = 64
    private static let longestLook = 256

    func match(
        _ open: [OpenDemand],
        _ fitting: [Int32],
        _ classes: [Int32: Requirement],
        _ manner: Manner,
        in transaction: PostgresTransaction
    ) async throws -> Matching {
        let (sites, nodes) = (Set(open.map(\.demand.site)), Set(open.map(\.demand.node)))
        let shares = try await self.shares.tree()
        func look(perClass: Int) async throws -> (matching: Matching, used: Int, sawAll: Bool) {
            let candidates = try await transaction.query(
                LeasingStatements.candidates(
                    classes: fitting,
                    site: sites.count == 1 ? sites.first : nil,
                    node: nodes.count == 1 ? nodes.first ?? nil : nil,
                    perClass: perClass,
                    patient: manner == .patient
                )
            ).map { Self.candidate(row: $0, classes) }
            let seen = Dictionary(grouping: candidates, by: \.class).mapValues(\.count)
            let longer = Set(seen.filter { $0.value == perClass }.keys)
            let unseen = manner == .quick ? try await self.unseen(open, candidates, longer, in: transaction) : []
            func match(_ facts: Reservations.Facts?) -> Matching {
                Matching(
                    demands: open,
                    candidates: candidates,
                    classes: classes,
                    limit: self.offerLimit,
                    shares: shares,
                    reservations: Reservations(self.reservations, longer: longer, facts: facts),
                    unseen: unseen
                )
            }
            var facts: Reservations.Facts?
            var matching = match(nil)
            // Who keeps cores; what runs on agents that might; and on those that come into question only then.
            for _ in 1...3 where !matching.questions.isEmpty {
                facts = try await self.answer(matching.questions, facts, in: transaction)
                matching = match(facts)
            }
            return (matching, matching.usedRanges(of: candidates), longer.isEmpty)
        }
        let reach = self.reach.withLockedValue { $0 }
        var found = try await look(perClass: reach)
        if !found.sawAll, found.matching.wantsMore || found.matching.isBlind {
            found = try await look(perClass: min(max(4 * reach, Self.longLook), Self.longestLook))
        }
        let next = min(max(found.used + 2, Self.shortLook), Self.longestLook)
        self.reach.withLockedValue { $0 = next }
        return found.matching
    }

    /// Agents that keep their cores for jobs of which none is to be seen, though some wait: another Scheduler holds their rows, and is done
    /// with them in a moment. What was kept so long is not given away for that.
    private func unseen(
        _ open: [OpenDemand],
        _ candidates: [Candidate],
        _ longer: Set<Int32>,
        in transaction: PostgresTransaction
    ) async throws -> Set<Int32> {
        // Where there are more than were looked at, they are not held, but do not come to it now.
        let keeping = open.filter { agent in
            agent.reserved.map { !longer.contains($0) } == true
                && !candidates.contains { $0.class == agent.reserved && $0.isAllowed(agent.demand) }
        }
        guard !keeping.isEmpty else { return [] }
        let wanted = keeping.compactMap { agent in
            agent.reserved.map { (site: agent.demand.site, class: $0, node: agent.demand.node) }
        }
        let waiting = try await transaction.query(LeasingStatements.stillWaiting(wanted))
        return Set(
            keeping.filter { agent in
                waiting.contains { $0 == (agent.demand.site, agent.reserved ?? 0, agent.demand.node) }
            }.map(\.holder)
        )
    }

    /// Adds what must be known before other agents keep cores.
    private func answer(
        _ questions: Set<Reservations.Question>,
        _ known: Reservations.Facts?,
        in transaction: PostgresTransaction
    ) async throws -> Reservations.Facts {
        var facts: Reservations.Facts
        if let known {
            facts = known
        } else {
            var batch = QueryBatch()
            let held = batch.add(LeasingStatements.reserving)
            let here = batch.add(LeasingStatements.agentsHere)
            let results = try await transaction.results(of: batch)
            facts = Reservations.Facts(
                agents: try results.of(here).first.map { Int($0) } ?? 0,
                held: Dictionary(try results.of(held), uniquingKeysWith: { first, _ in first })
            )
        }
        let asked = questions.compactMap { question -> Int32? in
            if case .running(let holder) = question { holder } else { nil }
        }
        guard !asked.isEmpty else { return facts }
        for holder in asked { facts.running[holder] = [:] }
        for row in try await transaction.query(LeasingStatements.running(asked.sorted())) {
            facts.running[row.0, default: [:]][Int(row.1)] = Int(row.2)
        }
        return facts
    }

    private static func candidate(
        row: (Int64, Int64, Int64, Int32, Int32, [String], [String]),
        _ classes: [Int32: Requirement]
    ) -> Candidate {
        Candidate(
            waiting: WaitingRange(
                task: row.0,
                range: IndexRange(first: row.1, last: row.2),
                priority: Int(row.4),
                cores: classes[row.3]?.cores ?? 1,
                class: row.3
            ),
            excludedSites: row.5,
            excludedNodes: row.6
        )
    }
}
