import AMQP
import Catalog
import Farm
import ServiceKit

/// What a farm does before its services start: schema, first rows, exchanges and queues.
enum FarmHooks {
    static var hooks: Supervisor.Hooks {
        Supervisor.Hooks(
            migrate: { _ = try await Migrator.migrate(url: $0.databaseURL, logger: LocalCatalog.quiet) },
            seed: { endpoints in
                try await self.plant(endpoints)
                try self.writeAgentFiles(endpoints)
                return [:]
            }
        )
    }

    private static func plant(_ endpoints: FarmEndpoints) async throws {
        let ofSites = endpoints.sites.map {
            Seed.Storage(name: $0.storage, site: $0.name, base: endpoints.storageFolder($0))
        }
        let home = Seed.Storage(
            name: LocalFarm.home,
            site: nil,
            base: try FarmLayout(state: endpoints.state).storage(LocalFarm.home)
        )
        let seed = Seed(sites: endpoints.sites.map(\.name), storages: ofSites + [home])
        let places = try await LocalCatalog.with(endpoints.databaseURL) { database in
            try await seed.plant(in: database)
            return try await Rebuild.places(database)
        }
        try await LocalCatalog.withBroker(endpoints.amqpURL) { publisher in
            try await Self.declare(MillraceTopology.full(sites: places.sites, storages: places.storages), publisher)
        }
    }

    /// A broker that has just come back answers before its streams have: 404 until their home node has them.
    private static func declare(_ topology: Topology, _ publisher: AMQPPublisher) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(60)
        while true {
            do {
                return try await publisher.declare(topology)
            } catch let error as AMQPError where error.code == .refusedByBroker(404) && clock.now < deadline {
                try await clock.sleep(for: .milliseconds(500))
            }
        }
    }

    /// Agents of this machine read the home storage as well: their jobs' inputs are there. A file that is there stays as it is.
    private static func writeAgentFiles(_ endpoints: FarmEndpoints) throws {
        let layout = try FarmLayout(state: endpoints.state)
        for site in endpoints.sites {
            var file = AgentFile.forThisMachine(site: site, amqp: endpoints.amqpURL, layout: layout)
            file.storage[LocalFarm.home] = AgentFile.Storage(kind: "posix", base: layout.storage(LocalFarm.home))
            try file.write(to: layout.agentFile(site.name))
        }
    }
}
