import Domain
package import Postgres

/// Sets of datasets.
package enum ContainerStatements {
    static func insert(_ name: String, owner: String) -> SQL {
        "INSERT INTO container (name, owner) VALUES (\(name), \(owner)) ON CONFLICT (name) DO NOTHING"
    }

    /// A container, locked: id, state, owner.
    static func lock(_ name: String) -> Statement<Int64, String, String> {
        Statement(
            "containers.lock",
            "SELECT id, state, owner FROM container WHERE name = \(name) FOR NO KEY UPDATE",
            returning: Int64.self,
            String.self,
            String.self
        )
    }

    /// Those that are in it already stay.
    static func add(_ datasets: [String], to container: Int64) -> SQL {
        """
        INSERT INTO container_member (container, dataset)
        SELECT \(container), id FROM dataset WHERE name = ANY(\(datasets)) ORDER BY id ON CONFLICT DO NOTHING
        """
    }

    static func remove(_ datasets: [String], from container: Int64) -> SQL {
        """
        DELETE FROM container_member
        WHERE container = \(container) AND dataset IN (SELECT id FROM dataset WHERE name = ANY(\(datasets)))
        """
    }

    static func close(_ container: Int64) -> SQL {
        "UPDATE container SET state = 'closed', closed = now() WHERE id = \(container)"
    }

    /// A container with the names of its datasets, as JSON.
    package static func container(_ name: String) -> Statement<String> {
        Statement(
            "containers.container",
            """
            SELECT row_to_json(r)::text FROM (
                SELECT v.*, ARRAY(SELECT d.name FROM container c JOIN container_member m ON m.container = c.id
                                  JOIN dataset d ON d.id = m.dataset WHERE c.name = v.container ORDER BY d.name) AS members
                FROM container_view v WHERE v.container = \(name)
            ) r
            """,
            returning: String.self
        )
    }

    /// How many datasets each of these containers has.
    static func sizes(_ names: [String]) -> Statement<String, Int64> {
        Statement(
            "containers.sizes",
            """
            SELECT c.name, (SELECT count(*) FROM container_member m WHERE m.container = c.id)
            FROM container c WHERE c.name = ANY(\(names)) ORDER BY c.name
            """,
            returning: String.self,
            Int64.self
        )
    }

    /// The name of a container, if there is one: what it holds is not counted.
    package static func named(_ name: String) -> Statement<String> {
        Statement("containers.named", "SELECT name FROM container WHERE name = \(name)", returning: String.self)
    }

    static var examples: [AnyStatement] {
        let changes = [
            Self.insert("x", owner: "x"), Self.add([], to: 1), Self.remove([], from: 1), Self.close(1),
        ]
        return [
            Self.lock("x").erased, Self.container("x").erased, Self.sizes([]).erased, Self.named("x").erased,
        ] + changes.enumerated().map { Command("containers.change.\($0)", $1).erased } + ContainerFiles.examples
    }
}
