import NIOConcurrencyHelpers

/// Whether a process does its work: connections that are there, and components whose work progresses.
///
/// An idle component is healthy, and so is a busy one that progresses; one that has had work for longer than its limit
/// without any progress is not, whatever else works.
package final class HealthState: Sendable {
    private struct Connection: Sendable {
        let name: String
        let problem: @Sendable () -> String?
    }

    private let connections = NIOLockedValueBox<[Connection]>([])
    private let components = NIOLockedValueBox<[HealthComponent]>([])
    private let now: @Sendable () -> ContinuousClock.Instant
    package let identity: Identity

    /// - Parameter now: the monotonic clock.
    package init(
        identity: Identity,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.identity = identity
        self.now = now
    }

    /// Watches a connection: `problem` says why it is not usable, nil when it is. A name registered again replaces.
    package func watch(connection name: String, problem: @escaping @Sendable () -> String?) {
        self.connections.withLockedValue { connections in
            connections.removeAll { $0.name == name }
            connections.append(Connection(name: name, problem: problem))
        }
    }

    /// A part of the process that has work now and then.
    ///
    /// - Parameter limit: how long it may have work without progress.
    package func component(_ name: String, limit: Duration = .seconds(60)) -> HealthComponent {
        let component = HealthComponent(name: name, limit: limit, now: self.now)
        self.components.withLockedValue { components in
            components.removeAll { $0.name == name }
            components.append(component)
        }
        return component
    }

    /// Why some connection is not usable; nil when all are.
    package func connectionProblem() -> String? {
        self.connectionChecks().first { !$0.ok }.map { "\($0.name): \($0.reason ?? "not connected")" }
    }

    /// The process answers. It says so by answering.
    package func liveness() -> HealthReport { HealthReport(identity: self.identity, checks: []) }

    /// Work progresses.
    package func readiness() -> HealthReport {
        let components = self.components.withLockedValue { $0 }.map { $0.check() }
        return HealthReport(identity: self.identity, checks: self.connectionChecks() + components)
    }

    private func connectionChecks() -> [HealthReport.Check] {
        self.connections.withLockedValue { $0 }.map { connection in
            let problem = connection.problem()
            return HealthReport.Check(name: connection.name, ok: problem == nil, reason: problem)
        }
    }
}
