import AMQP
import Catalog
import CentralKit
import Domain
import Logging
import Messages
import Postgres
import ServiceKit
import ServiceLifecycle

/// `millrace-transfer`: moves files to where their datasets belong, and reads what people registered. Start as many as there is work for.
@main
enum TransferMain {
    static func main() async {
        await ServiceRunner.main("transfer", section: TransferConfig.shape, assemble: TransferAssembly.services)
    }
}

/// What a file may set under `transfer:`.
struct TransferConfig: Sendable {
    var policy = TransferPolicy()
    /// How often everything is looked at without being told.
    var sweep: Duration = .seconds(5)
    /// How often files whose time is over are deleted.
    var garbage: Duration = .seconds(60)

    static let shape: DocumentShape = .keys(
        ["sweep": .scalar, "garbage": .scalar, "pause": .scalar, "longestPause": .scalar, "attempts": .scalar],
        required: []
    )

    init(_ values: ConfigurationValues) throws {
        self.sweep = try values.duration("sweep", default: self.sweep)
        self.garbage = try values.duration("garbage", default: self.garbage)
        self.policy.attempts = try values.int("attempts", in: 1...1000, default: self.policy.attempts)
        let pause = try values.duration("pause", default: .seconds(10))
        self.policy.pauseSeconds = Double(pause.components.seconds)
        let longest = try values.duration("longestPause", default: .seconds(600))
        self.policy.longestPauseSeconds = Double(longest.components.seconds)
    }
}

enum TransferAssembly {
    @Sendable static func services(_ context: ServiceContext) async throws -> [any Service] {
        let config = try TransferConfig(context.settings)
        let parts = try CentralParts(context)
        let destinations = Destinations(parts: parts)
        let worker = TransferWorker(
            database: parts.database,
            logger: parts.logger,
            policy: config.policy,
            worker: context.identity.instance,
            announce: { messages, done in
                parts.outbox.send(messages)
                parts.bell.ring()
                parts.pulse.add(done)
            }
        )
        let registrations = RegistrationWorker(
            parts: parts,
            policy: config.policy,
            worker: context.identity.instance,
            renewSeconds: 120
        )
        let garbage = GarbageWorker(database: parts.database, logger: parts.logger)
        let transfers = TransferDesk(worker: worker)
        let moving = parts.sweep("transfers", every: config.sweep) { try await transfers.turn() }
        let leases = parts.sweep("expired leases", every: .seconds(30)) {
            try await worker.expire()
            try await registrations.expire()
            return .done
        }
        let desk = RegistrationDesk(parts: parts, worker: registrations)
        let verifying = parts.sweep("registrations", every: config.sweep) { try await desk.turn() }
        return parts.services + [
            transfers, moving, desk, verifying, leases,
            parts.sweep("garbage", every: config.garbage) { try await garbage.turn() },
            destinations.service(moving), destinations.control(verifying),
        ]
    }
}
