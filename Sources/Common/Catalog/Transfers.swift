package import Postgres

/// Moving files: leased by a worker, fenced by its token.
package enum TransferStatements {
    /// Leases queued transfers to a destination: transfer, lfn, bytes, adler32, crc32c, destination, token, tries, every storage with a
    /// good replica, and whether the copy takes the place of a bad one: never of what a person registered there.
    package static func lease(
        destination: String,
        worker: String,
        seconds: Double,
        limit: Int
    ) -> Statement<Int64, String, Int64, String, String, String, UUIDText, Int32, [String], Bool> {
        Statement(
            "transfers.lease",
            """
            WITH picked AS (
                SELECT id FROM transfer
                WHERE state = 'queued' AND destination = \(destination) AND not_before <= clock_timestamp()
                ORDER BY not_before, id LIMIT \(limit) FOR NO KEY UPDATE SKIP LOCKED
            ), t AS (
                UPDATE transfer t SET state = 'active', version = version + 1, token = gen_random_uuid(), worker = \(worker),
                    lease_until = clock_timestamp() + make_interval(secs => \(seconds)), tries = tries + 1, updated = now(), reason = NULL, who = NULL
                FROM picked p WHERE t.id = p.id
                RETURNING t.*
            )
            SELECT t.id, f.lfn, f.bytes, f.adler32, f.crc32c, t.destination, t.token, t.tries,
                   ARRAY(SELECT r.storage FROM replica r WHERE r.file = t.file AND r.state = 'available' AND r.storage <> t.destination
                         ORDER BY r.storage = t.source DESC, r.storage),
                   t.replaces AND NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = f.lfn AND n.storage = t.destination)
            FROM t JOIN file f ON f.id = t.file ORDER BY t.id
            """,
            returning: Int64.self,
            String.self,
            Int64.self,
            String.self,
            String.self,
            String.self,
            UUIDText.self,
            Int32.self,
            [String].self,
            Bool.self
        )
    }

    /// Locks the file of a transfer against whoever declares it lost. Before the transfer itself, as everybody does.
    static func lockFile(of transfer: Int64) -> Statement<Int64> {
        Statement(
            "transfers.lockFile",
            "SELECT f.id FROM transfer t JOIN file f ON f.id = t.file WHERE t.id = \(transfer) FOR SHARE OF f",
            returning: Int64.self
        )
    }

    /// Transfers that are copied and verified: done, and the replica is there. Only under the worker's own token.
    /// Returns the transfers that were its own.
    package static func done(_ transfers: [(id: Int64, token: UUIDText)]) -> Statement<Int64> {
        Statement(
            "transfers.done",
            """
            WITH t AS (
                UPDATE transfer t SET state = 'done', version = version + 1, token = NULL, lease_until = NULL, updated = now(),
                    reason = 'copied and verified'
                FROM unnest(\(transfers.map(\.id)), \(transfers.map(\.token))) AS i(id, token)
                WHERE t.id = i.id AND t.token = i.token AND t.state = 'active'
                RETURNING t.id, t.file, t.destination
            ), r AS (
                INSERT INTO replica AS r (file, storage, state) SELECT file, destination, 'available' FROM t ORDER BY file
                ON CONFLICT (file, storage) DO UPDATE SET state = 'available', at = now(), who = NULL, cause = NULL
            )
            SELECT id FROM t
            """,
            returning: Int64.self
        )
    }

    /// Transfers that failed: queued again after a pause, or failed for good.
    package static func failed(
        _ transfers: [(id: Int64, token: UUIDText, final: Bool, pauseSeconds: Double, reason: String)]
    ) -> SQL {
        """
        UPDATE transfer t SET state = CASE WHEN i.final THEN 'failed' ELSE 'queued' END, version = version + 1, token = NULL,
            lease_until = NULL, not_before = clock_timestamp() + make_interval(secs => i.pause), reason = i.reason, updated = now()
        FROM unnest(\(transfers.map(\.id)), \(transfers.map(\.token)), \(transfers.map(\.final)), \(transfers.map(\.pauseSeconds)),
                    \(transfers.map(\.reason))) AS i(id, token, final, pause, reason)
        WHERE t.id = i.id AND t.token = i.token AND t.state = 'active'
        """
    }

    /// Leases that ran out: their worker died. Queued again.
    package static let expire: SQL = """
        UPDATE transfer SET state = 'queued', version = version + 1, token = NULL, lease_until = NULL, reason = 'its worker was lost',
            updated = now()
        WHERE state = 'active' AND lease_until < clock_timestamp()
        """

    /// Keeps leases of transfers that still copy. Returns the tokens of those that are the caller's still.
    package static func renew(_ transfers: [(id: Int64, token: UUIDText)], seconds: Double) -> Statement<UUIDText> {
        Statement(
            "transfers.renew",
            """
            UPDATE transfer t SET lease_until = clock_timestamp() + make_interval(secs => \(seconds))
            FROM unnest(\(transfers.map(\.id)), \(transfers.map(\.token))) AS i(id, token)
            WHERE t.id = i.id AND t.token = i.token AND t.state = 'active'
            RETURNING t.token
            """,
            returning: UUIDText.self
        )
    }

    /// Destinations with queued transfers that are due.
    package static let dueDestinations = Statement<String>(
        "transfers.dueDestinations",
        """
        SELECT s.name FROM storage_element s
        WHERE EXISTS (SELECT 1 FROM transfer t WHERE t.destination = s.name AND t.state = 'queued' AND t.not_before <= clock_timestamp())
        ORDER BY s.name
        """,
        returning: String.self
    )

    /// Seconds until the next queued transfer is due; no row: none is queued.
    package static let nextDue = Statement<Double>(
        "transfers.nextDue",
        """
        SELECT greatest(extract(epoch FROM min(not_before) - clock_timestamp()), 0)::double precision FROM transfer
        WHERE state = 'queued' AND not_before > clock_timestamp() HAVING min(not_before) IS NOT NULL
        """,
        returning: Double.self
    )

    /// The storage elements: name, kind, base, how many transfers at once.
    package static let storages = Statement<String, String, String, Int32>(
        "transfers.storages",
        "SELECT name, kind, base, limit_active FROM storage_element ORDER BY name",
        returning: String.self,
        String.self,
        String.self,
        Int32.self
    )

    /// Tasks whose datasets hold the files of these transfers.
    package static func tasks(of transfers: [Int64]) -> Statement<Int64> {
        Statement(
            "transfers.tasks",
            """
            SELECT DISTINCT d.task FROM transfer t JOIN dataset_file df ON df.file = t.file JOIN dataset d ON d.id = df.dataset
            WHERE t.id = ANY(\(transfers)) AND d.task IS NOT NULL ORDER BY 1
            """,
            returning: Int64.self
        )
    }

    /// Takes files that are to be deleted now: lfn, storage, and until when they are the caller's, who deletes them outside any transaction.
    /// Never one the catalogue knows, but for what was withdrawn from the books; and never what a person registered, verified or not. Whoever is killed with them leaves them to the next, after the
    /// pause.
    package static func claimGarbage(limit: Int, pauseSeconds: Double) -> Statement<String, String, Moment> {
        Statement(
            "transfers.claimGarbage",
            """
            WITH picked AS (
                SELECT g.lfn, g.storage FROM garbage g
                WHERE g.not_before <= clock_timestamp() AND NOT EXISTS (SELECT 1 FROM file f WHERE f.lfn = g.lfn AND NOT f.lost)
                  AND NOT EXISTS (SELECT 1 FROM registration n WHERE n.lfn = g.lfn AND n.storage = g.storage)
                ORDER BY g.not_before LIMIT \(limit) FOR UPDATE SKIP LOCKED
            )
            UPDATE garbage g SET not_before = clock_timestamp() + make_interval(secs => \(pauseSeconds))
            FROM picked p WHERE g.lfn = p.lfn AND g.storage = p.storage
            RETURNING g.lfn, g.storage, g.not_before
            """,
            returning: String.self,
            String.self,
            Moment.self
        )
    }

    /// A file that is the caller's to delete.
    package typealias Claim = (lfn: String, storage: String, until: Moment)

    /// These are gone: from the list, and with them the replicas that were to be deleted. What was put on the list again meanwhile stays
    /// there: it may have come after it was deleted.
    package static func deleted(_ files: [Claim]) -> SQL {
        """
        WITH g AS (
            DELETE FROM garbage g USING unnest(\(files.map(\.lfn)), \(files.map(\.storage)), \(files.map(\.until))) AS i(lfn, storage, until)
            WHERE g.lfn = i.lfn AND g.storage = i.storage AND g.not_before = i.until RETURNING g.lfn, g.storage
        )
        DELETE FROM replica r USING g JOIN file f ON f.lfn = g.lfn
        WHERE r.file = f.id AND r.storage = g.storage AND r.state = 'deleting'
        """
    }

    /// These could not be deleted: tried again later, behind what is due.
    package static func notDeleted(_ files: [(claim: Claim, problem: String)], pauseSeconds: Double) -> SQL {
        """
        UPDATE garbage g SET problem = i.problem, not_before = clock_timestamp() + make_interval(secs => \(pauseSeconds))
        FROM unnest(\(files.map(\.claim.lfn)), \(files.map(\.claim.storage)), \(files.map(\.claim.until)), \(files.map(\.problem)))
            AS i(lfn, storage, until, problem)
        WHERE g.lfn = i.lfn AND g.storage = i.storage AND g.not_before = i.until
        """
    }

    static var examples: [AnyStatement] {
        [
            Self.lease(destination: "x", worker: "w", seconds: 1, limit: 1).erased, Self.lockFile(of: 1).erased,
            Self.done([]).erased,
            Command("transfers.failed", Self.failed([])).erased, Command("transfers.expire", Self.expire).erased,
            Self.renew([], seconds: 1).erased, Self.dueDestinations.erased,
            Self.nextDue.erased,
            Self.storages.erased, Self.tasks(of: []).erased, Self.claimGarbage(limit: 1, pauseSeconds: 1).erased,
            Command("transfers.deleted", Self.deleted([])).erased,
            Command("transfers.notDeleted", Self.notDeleted([], pauseSeconds: 1)).erased,
        ]
    }
}
