import Domain
package import Postgres

/// What a farm on one machine begins with; what is there already stays.
package struct Seed: Sendable {
    package struct Storage: Sendable, Hashable {
        package let name: String
        /// The site it belongs to; nil: nobody's.
        package let site: String?
        /// An absolute folder.
        package let base: String

        package init(name: String, site: String?, base: String) {
            self.name = name
            self.site = site
            self.base = base
        }
    }

    package let sites: [String]
    package let storages: [Storage]

    package init(sites: [String], storages: [Storage]) {
        self.sites = sites
        self.storages = storages
    }

    /// Puts the sites, the storage elements and the first rules. The folder of a storage element follows the farm's state
    /// folder when that was moved.
    package func plant(in database: PostgresClient) async throws {
        let rules = try StoredRule.rows(.defaults)
        try await database.withTransaction { transaction in
            _ = try await transaction.execute([
                SeedStatements.sites(self.sites), SeedStatements.storages(self.storages),
                RuleStatements.seed(rules),
            ])
        }
    }
}

enum SeedStatements {
    static func sites(_ sites: [String]) -> SQL {
        "INSERT INTO site (name, who) SELECT name, 'millrace' FROM unnest(\(sites)) AS i(name) ON CONFLICT DO NOTHING"
    }

    static func storages(_ storages: [Seed.Storage]) -> SQL {
        """
        INSERT INTO storage_element AS s (name, site, kind, base)
        SELECT name, site, 'posix', base FROM unnest(\(storages.map(\.name)), \(storages.map(\.site)), \(storages.map(\.base)))
            AS i(name, site, base)
        ON CONFLICT (name) DO UPDATE SET base = excluded.base WHERE s.base <> excluded.base
        """
    }

    static var examples: [AnyStatement] {
        [Command("seed.sites", Self.sites([])).erased, Command("seed.storages", Self.storages([])).erased]
    }
}
