import Domain
import Postgres

/// Rows that people make: samples, simulations, workflows, requests.
enum CreatingStatements {
    static func insertSample(_ sample: NewSample) -> SQL {
        """
        INSERT INTO sample (process, generator, energy, luminosity, cross_section, pol_ep, pol_em, producer, cut, root_name, total_events)
        VALUES (\(sample.process), \(sample.generator), \(sample.energy), \(sample.luminosity), \(sample.crossSection), \(sample.polEp),
                \(sample.polEm), \(sample.producer), \(sample.cut), \(sample.rootName), \(sample.totalEvents))
        ON CONFLICT (root_name) DO NOTHING
        """
    }

    static func sample(_ rootName: String) -> Statement<Int64, String> {
        Statement(
            "creating.sample",
            "SELECT gen_id, row_to_json(s)::text FROM sample s WHERE root_name = \(rootName)",
            returning: Int64.self,
            String.self
        )
    }

    /// Whether the sample of this name is this one in every column.
    static func isSame(_ sample: NewSample) -> Statement<Bool> {
        Statement(
            "creating.isSame",
            """
            SELECT (process, generator, energy, luminosity, cross_section, pol_ep, pol_em, coalesce(cut, ''), total_events)
                 = (\(sample.process), \(sample.generator), \(sample.energy), \(sample.luminosity), \(sample.crossSection), \(sample.polEp),
                    \(sample.polEm), coalesce(\(sample.cut)::text, ''), \(sample.totalEvents))
            FROM sample WHERE root_name = \(sample.rootName)
            """,
            returning: Bool.self
        )
    }

    static func insertSimulation(_ simulation: NewSimulation) -> SQL {
        """
        INSERT INTO simulation (ssw, ssw_ver, detector_model, physics_list)
        VALUES (\(simulation.ssw), \(simulation.sswVersion), \(simulation.detectorModel), \(simulation.physicsList))
        ON CONFLICT DO NOTHING
        """
    }

    static func simulation(_ simulation: NewSimulation) -> Statement<Int64, String> {
        Statement(
            "creating.simulation",
            """
            SELECT sim_id, row_to_json(s)::text FROM simulation s WHERE ssw = \(simulation.ssw) AND ssw_ver = \(simulation.sswVersion)
                AND detector_model = \(simulation.detectorModel) AND physics_list = \(simulation.physicsList)
            """,
            returning: Int64.self,
            String.self
        )
    }

    /// One at a time adds versions of a workflow.
    static func lockWorkflow(_ name: String) -> Statement<String> {
        Statement(
            "creating.lockWorkflow",
            "SELECT pg_advisory_xact_lock(7143, hashtext(\(name)))::text",
            returning: String.self
        )
    }

    /// The version of a workflow: id, version, document. - Parameter version: nil: the latest.
    static func workflow(_ name: String, version: Int?) -> Statement<Int64, Int32, JSONText> {
        Statement(
            "creating.workflow",
            """
            SELECT id, version, document FROM workflow
            WHERE name = \(name) AND (\(version.map { Int32(clamping: $0) })::int IS NULL OR version = \(version.map { Int32(clamping: $0) })::int)
            ORDER BY version DESC LIMIT 1
            """,
            returning: Int64.self,
            Int32.self,
            JSONText.self
        )
    }

    /// The next version, unless the latest has the same hash. Returns name, version and hash as JSON, and whether it is new.
    static func addWorkflow(_ name: String, document: String, owner: String) -> Statement<String, Bool> {
        Statement(
            "creating.addWorkflow",
            """
            WITH i AS (
                SELECT \(name)::text AS name, encode(sha256(convert_to(\(document)::text, 'UTF8')), 'hex') AS sha256
            ), latest AS (
                SELECT w.name, w.version, w.sha256 FROM workflow w JOIN i ON i.name = w.name ORDER BY w.version DESC LIMIT 1
            ), made AS (
                INSERT INTO workflow (name, version, document, sha256, owner)
                SELECT i.name, coalesce((SELECT version FROM latest), 0) + 1, \(document)::text::jsonb, i.sha256, \(owner) FROM i
                WHERE NOT EXISTS (SELECT 1 FROM latest l WHERE l.sha256 = i.sha256)
                RETURNING name, version, sha256
            )
            SELECT row_to_json(m)::text, true FROM made m
            UNION ALL SELECT row_to_json(l)::text, false FROM latest l WHERE NOT EXISTS (SELECT 1 FROM made)
            """,
            returning: String.self,
            Bool.self
        )
    }

    static func submission(_ id: UUIDText) -> Statement<Int64> {
        Statement(
            "creating.submission",
            "SELECT id FROM request WHERE submission = \(id)",
            returning: Int64.self
        )
    }

    static var examples: [AnyStatement] {
        let sample = NewSample(rootName: "x", process: "x", generator: "x", energy: 1, producer: "x", totalEvents: 1)
        let simulation = NewSimulation(ssw: "x", sswVersion: "x", detectorModel: "x", physicsList: "x")
        return [
            Command("creating.insertSample", Self.insertSample(sample)).erased, Self.sample("x").erased,
            Self.isSame(sample).erased,
            Command("creating.insertSimulation", Self.insertSimulation(simulation)).erased,
            Self.simulation(simulation).erased, Self.lockWorkflow("x").erased,
            Self.workflow("x", version: nil).erased, Self.addWorkflow("x", document: "{}", owner: "x").erased,
            Self.submission(.random()).erased,
        ]
    }
}
