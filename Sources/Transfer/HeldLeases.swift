import Logging
import NIOConcurrencyHelpers
import Postgres

/// Leases of rows that somebody here works under, renewed for as long as that takes.
///
/// Whether one still holds is told by the clock of this process and by what the last renewal said: the answer is there at once, and it never
/// says so after the catalogue has let another have the row.
final class HeldLeases: Sendable {
    typealias Lease = (id: Int64, token: UUIDText)

    private struct Term {
        let id: Int64
        /// nil: it was taken away.
        var end: ContinuousClock.Instant?
    }

    /// How long a lease holds that is not renewed.
    private let seconds: Double
    let now: @Sendable () -> ContinuousClock.Instant
    private let terms = NIOLockedValueBox<[UUIDText: Term]>([:])

    init(seconds: Double, now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        self.seconds = seconds
        self.now = now
    }

    /// Those that are worked under, also if they were taken away meanwhile.
    var count: Int { self.terms.withLockedValue { $0.count } }

    /// - Parameter start: a moment before the catalogue was asked for them.
    func add(_ leases: [Lease], since start: ContinuousClock.Instant) {
        let end = start.advanced(by: .seconds(self.seconds))
        self.terms.withLockedValue { terms in
            for lease in leases { terms[lease.token] = Term(id: lease.id, end: end) }
        }
    }

    func remove(_ tokens: [UUIDText]) {
        self.terms.withLockedValue { terms in
            for token in tokens { terms[token] = nil }
        }
    }

    func holds(_ token: UUIDText) -> Bool {
        guard let end = self.terms.withLockedValue({ $0[token]?.end }) else { return false }
        return self.now() < end
    }

    /// Renews all that were not taken away.
    ///
    /// - Parameter ask: the catalogue, which says whose leases were renewed.
    func renew(_ ask: @Sendable ([Lease]) async throws -> [UUIDText]) async throws {
        let open = self.terms.withLockedValue { terms in
            terms.filter { $0.value.end != nil }.map { (id: $0.value.id, token: $0.key) }
        }
        guard !open.isEmpty else { return }
        let end = self.now().advanced(by: .seconds(self.seconds))
        let kept = Set(try await ask(open.sorted { $0.id < $1.id }))
        self.terms.withLockedValue { terms in
            for lease in open { terms[lease.token]?.end = kept.contains(lease.token) ? end : nil }
        }
    }

    /// Renews what is held again and again until the body is done. What could not be renewed may still hold until it can.
    func renewing<Value: Sendable>(
        every seconds: Double,
        by ask: @escaping @Sendable ([Lease]) async throws -> [UUIDText],
        logger: Logger,
        during body: @Sendable () async -> Value
    ) async -> Value {
        await withTaskGroup(of: Void.self, returning: Value.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    do {
                        try await Task.sleep(for: .seconds(seconds))
                        try await self.renew(ask)
                    } catch {
                        if Task.isCancelled { return }
                        logger.warning("leases not renewed", metadata: ["error": "\(error)"])
                    }
                }
            }
            let value = await body()
            group.cancelAll()
            return value
        }
    }
}
