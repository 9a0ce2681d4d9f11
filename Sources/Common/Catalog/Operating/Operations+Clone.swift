import Domain
import Messages
import Postgres

extension Operations {
    /// What a clone has otherwise than the request it is made after; nil: the same.
    package struct CloneChanges: Sendable {
        package var title: String?
        /// Parameters that are other; those not named stay.
        package var parameters: [String: String]
        package var workflowVersion: Int?
        package var priority: Int?
        package var share: String?
        /// Nil: drawn anew, so that the clone is other physics.
        package var seed: Int64?
        package var submission: String?

        package init(
            title: String? = nil,
            parameters: [String: String] = [:],
            workflowVersion: Int? = nil,
            priority: Int? = nil,
            share: String? = nil,
            seed: Int64? = nil,
            submission: String? = nil
        ) {
            self.title = title
            self.parameters = parameters
            self.workflowVersion = workflowVersion
            self.priority = priority
            self.share = share
            self.seed = seed
            self.submission = submission
        }
    }

    /// A new request like another: same workflow and version, parameters, sample and simulation; with a seed of its own.
    package func clone(_ request: Int64, _ changes: CloneChanges) async throws -> Outcome {
        try self.caller.need(RequestAction.clone.role, to: "clone a request")
        return try await self.change { transaction in
            let new = try await self.copy(of: request, changes, in: transaction)
            var outcome = try await self.createRequest(new, in: transaction)
            if outcome.changed {
                outcome.lines.insert("made after request \(request)", at: min(1, outcome.lines.count))
            }
            return outcome
        }
    }

    /// What a request is made of, with these changes.
    func copy(
        of request: Int64,
        _ changes: CloneChanges,
        in transaction: PostgresTransaction
    ) async throws -> NewRequest {
        guard let row = try await transaction.query(CloneStatements.content(request)).first else {
            throw CatalogRefusal(.missing, "there is no request \(request)")
        }
        let old = try WireFormat.value(Original.self, from: row)
        var new = NewRequest(
            workflow: old.workflow,
            workflowVersion: changes.workflowVersion ?? old.workflow_version,
            title: changes.title ?? old.title,
            parameters: old.parameters.mapValues(\.text).merging(changes.parameters) { $1 },
            seed: changes.seed,
            group: old.group,
            priority: changes.priority ?? old.priority,
            share: changes.share ?? old.share,
            origin: request,
            sample: old.sample,
            submission: changes.submission
        )
        new.simulation = old.simulation.map {
            NewSimulation(
                ssw: $0.ssw,
                sswVersion: $0.ssw_ver,
                detectorModel: $0.detector_model,
                physicsList: $0.physics_list
            )
        }
        return new
    }

    private struct Original: Decodable {
        struct Simulation: Decodable {
            let ssw: String
            let ssw_ver: String
            let detector_model: String
            let physics_list: String
        }

        let workflow: String
        let workflow_version: Int
        let title: String
        let parameters: [String: Scalar]
        let group: String
        let priority: Int
        let share: String?
        let sample: String?
        let simulation: Simulation?
    }
}

enum CloneStatements {
    /// What a request is made of, as one JSON object.
    static func content(_ request: Int64) -> Statement<String> {
        Statement(
            "clone.content",
            """
            SELECT row_to_json(d)::text FROM (
                SELECT w.name AS workflow, w.version AS workflow_version, r.title, r.parameters, r.grp AS "group", r.priority, r.share,
                       s.root_name AS sample, row_to_json(m) AS simulation
                FROM request r JOIN workflow w ON w.id = r.workflow LEFT JOIN sample s ON s.gen_id = r.sample
                LEFT JOIN simulation m ON m.sim_id = r.simulation WHERE r.id = \(request)
            ) d
            """,
            returning: String.self
        )
    }

    static var examples: [AnyStatement] { [Self.content(1).erased] }
}
