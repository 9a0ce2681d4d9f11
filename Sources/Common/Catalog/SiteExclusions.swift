package import Postgres

/// Waiting jobs that keep away from sites after failures there.
package enum SiteExclusionStatements {
    /// Which classes of waiting jobs keep away from which sites: class, sites. Each combination once.
    package static let kept = Statement<Int32, [String]>(
        "siteExclusions.kept",
        "SELECT DISTINCT class, excluded FROM waiting WHERE excluded <> '{}'",
        returning: Int32.self,
        [String].self
    )

    /// What agents offer that may get jobs, each combination once: site, cores, memory of one (MB), wall time (s), disk (MB), platform, tags,
    /// storage.
    package static let offers = Statement<String, Int32, Int32, Int32, Int32, String, [String], [String]>(
        "siteExclusions.offers",
        """
        SELECT DISTINCT a.site, a.cores, a.memory_mb, a.walltime_s, a.disk_mb, a.platform, a.tags, a.storage
        FROM site s JOIN agent_session a ON a.site = s.name WHERE s.access = 'allowed' AND a.state = 'here'
        """,
        returning: String.self,
        Int32.self,
        Int32.self,
        Int32.self,
        Int32.self,
        String.self,
        [String].self,
        [String].self
    )

    /// Lets these jobs go to any site again. Ranges that are being leased are passed by: whoever has them needs no help.
    package static func lift(_ kept: [(class: Int32, sites: [String])]) -> SQL {
        """
        WITH free AS MATERIALIZED (
            SELECT w.task, w.first FROM unnest(\(kept.map(\.class)), \(kept.map { $0.sites.joined(separator: ",") })) AS i(class, excluded)
            CROSS JOIN LATERAL (
                SELECT w.task, w.first FROM waiting w
                WHERE w.class = i.class AND w.excluded = string_to_array(i.excluded, ',') AND w.excluded <> '{}'
                OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) w
        )
        UPDATE waiting w SET excluded = '{}' FROM free f WHERE w.task = f.task AND w.first = f.first
        """
    }

    static var examples: [AnyStatement] {
        [Self.kept.erased, Self.offers.erased, Command("siteExclusions.lift", Self.lift([])).erased]
    }
}
