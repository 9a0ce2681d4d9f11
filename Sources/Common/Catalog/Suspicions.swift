package import Domain
package import Postgres

/// Inputs that could not be read, and what counts against a place.
package enum SuspicionStatements {
    /// A failed attempt and what it said.
    package struct Symptom: Sendable {
        package let key: AttemptKey
        package let site: String
        package let code: Int
        package let diagnostic: String

        package init(key: AttemptKey, site: String, code: Int, diagnostic: String) {
            self.key = key
            self.site = site
            self.code = code
            self.diagnostic = diagnostic
        }
    }

    /// The inputs of failed jobs that the failures are about, those they name or the only one they have: task, index, file, its
    /// good replicas, and how many other files were suspected at the site within an hour.
    package static func inputs(_ symptoms: [Symptom]) -> Statement<Int64, Int64, Int64, Int64, Int64> {
        Statement(
            "suspicions.inputs",
            """
            SELECT i.task, i.index, u.file, (SELECT count(*) FROM replica r WHERE r.file = u.file AND r.state = 'available'),
                   (SELECT count(DISTINCT s.file) FROM suspicion s
                    WHERE s.at > clock_timestamp() - interval '1 hour' AND s.site = i.site AND s.file <> u.file)
            FROM unnest(\(symptoms.map(\.key.task)), \(symptoms.map(\.key.index)), \(symptoms.map(\.site)), \(symptoms.map(\.diagnostic)))
                 AS i(task, index, site, diagnostic)
            CROSS JOIN LATERAL (
                SELECT u.file, f.lfn, count(*) OVER () AS files
                FROM (SELECT DISTINCT file FROM (
                    SELECT u.file FROM unit_input u WHERE \(fragment: UnitInputs.areOfJob(task: "i.task", index: "i.index")) OFFSET 0) u) u
                JOIN file f ON f.id = u.file
            ) u
            WHERE u.files = 1 OR position(u.lfn IN i.diagnostic) > 0
            ORDER BY 1, 2, 3
            """,
            returning: Int64.self,
            Int64.self,
            Int64.self,
            Int64.self,
            Int64.self
        )
    }

    /// Notes that attempts could not read these files.
    package static func report(_ suspicions: [(file: Int64, symptom: Symptom)]) -> SQL {
        """
        INSERT INTO suspicion (file, task, index, attempt, site, code, diagnostic)
        SELECT * FROM unnest(\(suspicions.map(\.file)), \(suspicions.map(\.symptom.key.task)), \(suspicions.map(\.symptom.key.index)),
            \(suspicions.map { Int32($0.symptom.key.attempt) }), \(suspicions.map(\.symptom.site)),
            \(suspicions.map { Int32(clamping: $0.symptom.code) }), \(suspicions.map(\.symptom.diagnostic)))
        ON CONFLICT DO NOTHING
        """
    }

    /// Failures that weigh more against a place than others: a rule says that it is the place. An empty node is the whole site.
    ///
    /// - Parameter weight: so many failures more.
    package static func strike(_ places: [(site: String, node: String, task: Int64)], weight: Int64) -> SQL {
        """
        INSERT INTO place_tally AS p (minute, site, node, task, slot, failed)
        SELECT date_trunc('minute', clock_timestamp()), i.site, i.node, i.task, counter_slot(), count(*) * \(weight)
        FROM unnest(\(places.map(\.site)), \(places.map(\.node)), \(places.map(\.task))) AS i(site, node, task)
        GROUP BY i.site, i.node, i.task ORDER BY i.site, i.node, i.task
        ON CONFLICT (minute, site, node, task, slot) DO UPDATE SET failed = p.failed + excluded.failed
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.inputs([]).erased, Command("suspicions.report", Self.report([])).erased,
            Command("suspicions.strike", Self.strike([], weight: 1)).erased,
        ]
    }
}
