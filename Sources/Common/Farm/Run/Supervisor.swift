import Foundation
import Glibc
package import Logging
import UnixSignals

/// Runs a farm: the private servers, our services and an agent, until it is told to stop.
package struct Supervisor: Sendable {
    /// What to run.
    package struct Options: Sendable {
        /// The state folder; made if missing.
        package var state: String
        /// The folder of the executables `millrace-*`; nil: `MILLRACE_BIN`, else where this executable is.
        package var programs: String?
        /// The port of the HTTP API; nil: the one of the last run, or any free one.
        package var httpPort: Int?
        /// The sites to run an agent for.
        package var sites = [FarmSite()]
        /// How long a stage of the start may take.
        package var startLimit = Duration.seconds(120)

        package init(state: String) { self.state = state }
    }

    /// What only those know who know the catalogue. Both run at every start, before the services do.
    package struct Hooks: Sendable {
        /// Brings the catalogue up to date. The database is there, maybe empty.
        package var migrate: @Sendable (FarmEndpoints) async throws -> Void
        /// Registers sites, storage and accounts; must bear to find them there.
        ///
        /// Returns, for each site that has an account at the broker, the URL with that account; the others get ours.
        package var seed: @Sendable (FarmEndpoints) async throws -> [String: String]

        package init(
            migrate: @escaping @Sendable (FarmEndpoints) async throws -> Void,
            seed: @escaping @Sendable (FarmEndpoints) async throws -> [String: String]
        ) {
            self.migrate = migrate
            self.seed = seed
        }
    }

    /// Runs a farm until SIGTERM or SIGINT; a second one kills what is left.
    ///
    /// Started by ``detach(_:arguments:)`` it tells that one how the start went, and nobody else.
    ///
    /// - Parameter whenReady: called once, when all is up.
    /// - Throws: ``FarmError``: it could not be started. What was started is stopped by then.
    package static func run(
        _ options: Options,
        hooks: Hooks,
        logger: Logger,
        whenReady: @escaping @Sendable (FarmSummary) -> Void
    ) async throws {
        let starter = Detachment.starter()
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        let (requests, feed) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in signals {
                    logger.notice("\(signal): the farm stops")
                    feed.yield()
                }
            }
            do {
                try await self.run(options, hooks: hooks, logger: logger, stops: requests) { summary in
                    if let starter { starter.tell(.ready(summary)) } else { whenReady(summary) }
                }
            } catch {
                starter?.tell(.failed("\(error)"))
                throw error
            }
            group.cancelAll()
        }
    }

    /// The same with another source of requests to stop.
    static func run(
        _ options: Options,
        hooks: Hooks,
        logger: Logger,
        stops: AsyncStream<Void>,
        policy: RestartPolicy = RestartPolicy(),
        whenReady: @escaping @Sendable (FarmSummary) -> Void
    ) async throws {
        let layout = try FarmFolder.prepare(options.state)
        let lock = try FarmLock(layout)
        do {
            let setup = try await FarmSetup(options, layout, logger)
            let crew = Crew(setup: setup, hooks: hooks, policy: policy, logger: logger)
            try await crew.run(stops: stops, whenReady: whenReady)
        } catch {
            throw FarmFolder.explain(error, layout.state)
        }
        // Held until here, whatever the optimiser thinks of it.
        extendLifetime(lock)
    }
}
