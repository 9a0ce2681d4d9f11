package import Domain
import Glibc
package import Logging
package import ServiceLifecycle
import UnixSignals

/// What a service is assembled from.
package struct ServiceContext: Sendable {
    package let environment: ServiceEnvironment
    package let health: HealthState
    package let metrics: PrometheusRegistry
    package let logger: Logger
    package var identity: Identity { self.environment.identity }
    package var settings: ConfigurationValues { self.environment.settings }
}

/// Runs processes: signals, order of stopping, exit status.
package enum ServiceRunner {
    /// How long running work may take to end once asked to.
    package static let gracefulShutdownLimit: Duration = .seconds(15)
    /// How long it may take after that, cancelled.
    package static let cancellationLimit: Duration = .seconds(30)

    /// The whole life of a service: reads the environment, assembles, runs until a signal, exits.
    ///
    /// Exit status 0 after a graceful stop, 1 after an error, which is one line on standard error, 2 for wrong usage.
    ///
    /// - Parameters:
    ///   - name: such as `scheduler`.
    ///   - section: what the service's section of the configuration file may hold.
    ///   - needs: variables it cannot do without.
    ///   - assemble: makes the services, in the order of dependence: the last ones stop first.
    package static func main(
        _ name: String,
        section: DocumentShape = .keys([:], required: []),
        needs: Set<ServiceEnvironment.Need> = [],
        assemble: @Sendable (ServiceContext) async throws -> [any Service]
    ) async -> Never {
        let program = "millrace-\(name)"
        let arguments = Array(CommandLine.arguments.dropFirst())
        let status = await Self.status(of: program) {
            if try Self.answer(arguments, program: program) { return }
            let environment = try ServiceEnvironment.read(
                ProcessEnvironment.current(),
                service: name,
                section: section,
                needs: needs
            )
            Telemetry.bootstrap(level: environment.logLevel)
            var logger = Logger(label: program)
            logger[metadataKey: "instance"] = "\(environment.identity.instance)"
            let context = ServiceContext(
                environment: environment,
                health: HealthState(identity: environment.identity),
                metrics: Telemetry.registry,
                logger: logger
            )
            let services = try await assemble(context)
            let admin = AdminServer(
                address: environment.admin,
                health: context.health,
                metrics: context.metrics,
                logger: logger
            )
            try await Self.run(name: program, services: [admin] + services, logger: logger)
        }
        exit(status)
    }

    /// Runs services until SIGTERM or SIGINT, or until one of them fails; then stops all, the last one first.
    ///
    /// - Throws: the error of the service that failed.
    package static func run(
        name: String,
        services: [any Service],
        logger: Logger,
        handlesSignals: Bool = true
    ) async throws {
        // A peer that goes away is an error of a write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        var configuration = ServiceGroupConfiguration(
            services: services.map { service in
                // The others end in order: what they hold is settled, and what they took is given back.
                .init(service: service, failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [],
            logger: logger
        )
        configuration.maximumGracefulShutdownDuration = Self.gracefulShutdownLimit
        configuration.maximumCancellationDuration = Self.cancellationLimit
        logger.notice("started", metadata: ["version": "\(MillraceVersion.current)", "pid": "\(getpid())"])
        try await ServiceGroup(configuration: configuration).run()
        logger.notice("stopped")
    }

    /// Runs `body`, tells its error on standard error in one line, and returns the exit status.
    package static func status(
        of program: String,
        write: (String) -> Void = { StandardError.write($0) },
        _ body: () async throws -> Void
    ) async -> Int32 {
        do {
            try await body()
            return 0
        } catch {
            let line = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            write("\(program): \(line)\n")
            return error is UsageError ? 2 : 1
        }
    }

    /// Services have no arguments: everything is in the environment.
    ///
    /// - Returns: true if the question is answered and there is nothing to run.
    static func answer(_ arguments: [String], program: String) throws(UsageError) -> Bool {
        switch arguments {
        case []: return false
        case ["--version"]:
            print(MillraceVersion.current)
            return true
        case ["--help"], ["-h"]:
            print("usage: \(program)   (set up by MILLRACE_DATABASE_URL, MILLRACE_AMQP_URL, MILLRACE_CONFIG)")
            return true
        default:
            throw UsageError("unknown argument \(arguments[0]); all settings come from the environment, see --help")
        }
    }
}

/// The environment of this process.
package enum ProcessEnvironment {
    package static func current() -> [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { result[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return result
    }
}
