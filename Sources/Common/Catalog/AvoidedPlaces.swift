package import Postgres

/// Waiting jobs that keep away from sites and nodes after failures there.
package enum AvoidedPlaceStatements {
    /// Which classes of waiting jobs keep away from which sites and nodes: class, sites, nodes. Each combination once.
    package static let kept = Statement<Int32, [String], [String]>(
        "avoidedPlaces.kept",
        """
        SELECT class, excluded, excluded_nodes FROM waiting WHERE excluded <> '{}'
        UNION SELECT class, excluded, excluded_nodes FROM waiting WHERE excluded_nodes <> '{}'
        """,
        returning: Int32.self,
        [String].self,
        [String].self
    )

    /// What agents offer that may get jobs, each combination once: site, cores, memory of one (MB), wall time (s), disk (MB), platform, tags,
    /// storage, the node that all its jobs run on, and whether it gets jobs now: neither its site nor that node is excluded.
    package static let offers = Statement<
        String, Int32, Int32, Int32, Int32, String, [String], [String], String?, Bool
    >(
        "avoidedPlaces.offers",
        """
        SELECT DISTINCT a.site, a.cores, a.memory_mb, a.walltime_s, a.disk_mb, a.platform, a.tags, a.storage, a.node,
               NOT EXISTS (SELECT FROM excluded_place e WHERE e.site = a.site AND (e.node = '' OR e.node = a.node))
        FROM site s JOIN agent_session a ON a.site = s.name WHERE s.access = 'allowed' AND a.state = 'here'
        """,
        returning: String.self,
        Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        String.self,
        [String].self,
        [String].self,
        String?.self,
        Bool.self
    )

    /// Lets jobs that have kept away from a node for so long go back to it: another may be there and never have room. Returns how many
    /// ranges.
    package static func liftOld(seconds: Double) -> SQL {
        """
        WITH free AS MATERIALIZED (
            SELECT task, first FROM waiting
            WHERE excluded_nodes <> '{}' AND due AND greatest(since, not_before) < clock_timestamp() - make_interval(secs => \(seconds))
            FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE waiting w SET excluded_nodes = '{}' FROM free f WHERE w.task = f.task AND w.first = f.first
        """
    }

    /// Jobs whose sites are to be theirs again, or their nodes only.
    package struct Lift: Sendable, Hashable {
        package let `class`: Int32
        package let sites: [String]
        package let nodes: [String]
        package let keepsSites: Bool

        package init(`class`: Int32, sites: [String], nodes: [String], keepsSites: Bool) {
            self.class = `class`
            self.sites = sites
            self.nodes = nodes
            self.keepsSites = keepsSites
        }
    }

    /// Lets these jobs go to any node again, and to any site. Ranges that are being leased are passed by: whoever has them needs no help.
    package static func lift(_ kept: [Lift]) -> SQL {
        """
        WITH i AS MATERIALIZED (
            SELECT i.class, string_to_array(i.excluded, ',') AS excluded, string_to_array(i.excluded_nodes, ',') AS excluded_nodes,
                   i.keeps_sites
            FROM unnest(\(kept.map(\.class)), \(kept.map { $0.sites.joined(separator: ",") }),
                        \(kept.map { $0.nodes.joined(separator: ",") }), \(kept.map(\.keepsSites)))
                 AS i(class, excluded, excluded_nodes, keeps_sites)
        ), at_sites AS MATERIALIZED (
            SELECT w.task, w.first, i.keeps_sites FROM i CROSS JOIN LATERAL (
                SELECT w.task, w.first FROM waiting w
                WHERE w.class = i.class AND w.excluded = i.excluded AND w.excluded <> '{}' AND w.excluded_nodes = i.excluded_nodes
                OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) w
        ), on_nodes AS MATERIALIZED (
            SELECT w.task, w.first, i.keeps_sites FROM i CROSS JOIN LATERAL (
                SELECT w.task, w.first FROM waiting w
                WHERE w.class = i.class AND w.excluded_nodes = i.excluded_nodes AND w.excluded_nodes <> '{}'
                  AND w.excluded = '{}' AND i.excluded = '{}'
                OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) w
        )
        UPDATE waiting w SET excluded_nodes = '{}', excluded = CASE WHEN f.keeps_sites THEN w.excluded ELSE '{}' END
        FROM (SELECT * FROM at_sites UNION ALL SELECT * FROM on_nodes) f WHERE w.task = f.task AND w.first = f.first
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.kept.erased, Self.offers.erased, Command("avoidedPlaces.lift", Self.lift([])).erased,
            Command("avoidedPlaces.liftOld", Self.liftOld(seconds: 600)).erased,
        ]
    }
}
