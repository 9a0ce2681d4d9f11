import Domain
package import Postgres

/// The errors of a day: what fails, how often, and how many core hours it cost.
package enum ErrorStatements {
    /// What failures are grouped by.
    package enum By: String, CaseIterable, Sendable {
        case `class`
        case code
        case site
        case blame
        case fingerprint
        case rule

        /// As the verdict says; a failure that has none yet is grouped by what its attempt says.
        fileprivate var key: SQL {
            switch self {
            case .class: "coalesce(v.class, (\(FailureLayer.allCases.map(\.name))::text[])[a.code / 1000])"
            case .code: "coalesce(v.code, a.code)"
            case .site: "a.site"
            case .blame: "coalesce(v.blame, a.blame)"
            case .fingerprint: "v.fingerprint"
            case .rule: "v.rule"
            }
        }
    }

    /// Which group comes first.
    package enum Order: String, CaseIterable, Sendable {
        case count
        case lost

        fileprivate var sql: SQL {
            switch self {
            case .count: "g.failures DESC, g.lost DESC, g.key"
            case .lost: "g.lost DESC, g.failures DESC, g.key"
            }
        }
    }

    /// The newest failures that are read; a window with more is answered from these.
    package static let mostFailures: Int64 = 200_000
    /// The groups that are shown at most.
    private static let mostShown = 500

    /// A first row with `total`, `since`, `complete`, then the groups in order: code (null unless all of a group have
    /// the same), JSON.
    package static func errors(
        _ by: By,
        order: Order,
        since start: WindowStart,
        mostFailures: Int64 = Self.mostFailures
    ) -> Statement<Int32?, String> {
        Statement(
            "errors.list.\(by.rawValue)",
            """
            WITH w AS (SELECT \(fragment: start.sql) AS since), newest AS MATERIALIZED (
                SELECT a.* FROM attempt a
                WHERE a.state IN ('failed', 'lost') AND a.ended_at >= (SELECT since FROM w)
                ORDER BY a.ended_at DESC LIMIT \(mostFailures)
            ), failed AS MATERIALIZED (
                SELECT \(fragment: by.key) AS key, coalesce(v.code, a.code) AS code, a.task, a.index, a.attempt, a.site,
                       a.ended_at, \(fragment: WallTime.ofAttempt) * c.cores / 3600 AS lost
                FROM newest a JOIN task t ON t.id = a.task JOIN class c ON c.id = t.class LEFT JOIN LATERAL (
                    SELECT v.class, v.code, v.blame, v.fingerprint, v.rule FROM verdict v
                    WHERE v.task = a.task AND v.index = a.index AND v.attempt = a.attempt OFFSET 0
                ) v ON true
            ), placed AS (
                SELECT f.*, row_number() OVER newest_first AS position FROM failed f
                WINDOW newest_first AS (PARTITION BY f.key ORDER BY f.ended_at DESC, f.task, f.index, f.attempt)
            ), grouped AS (
                SELECT key, count(*) AS failures, count(DISTINCT (task, index)) AS jobs, sum(lost) AS lost,
                       CASE WHEN min(code) = max(code) THEN min(code) END AS code,
                       mode() WITHIN GROUP (ORDER BY site) AS top_site, count(DISTINCT site) AS sites,
                       min(ended_at) AS first, max(ended_at) AS last,
                       max(task) FILTER (WHERE position = 1) AS task, max(index) FILTER (WHERE position = 1) AS index,
                       max(attempt) FILTER (WHERE position = 1) AS attempt,
                       max(site) FILTER (WHERE position = 1) AS site
                FROM placed GROUP BY key
            ), shown AS (
                SELECT row_number() OVER (ORDER BY \(fragment: order.sql)) AS rank, g.* FROM grouped g
            )
            SELECT code, text FROM (
                SELECT NULL::int AS code, 0 AS rank, json_build_object('next', NULL, 'since', (SELECT since FROM w),
                    'complete', (SELECT count(*) < \(mostFailures) FROM newest),
                    'total', (SELECT json_build_object('failures', count(*), 'jobs', count(DISTINCT (task, index)),
                                  'lost_core_hours', coalesce(sum(lost), 0)) FROM failed))::text AS text
                UNION ALL
                SELECT g.code, g.rank, json_build_object(\(by.rawValue)::text, g.key, 'failures', g.failures,
                    'jobs', g.jobs, 'lost_core_hours', g.lost, 'top_site', g.top_site, 'sites', g.sites,
                    'first', g.first, 'last', g.last,
                    'sample', json_build_object('task', g.task, 'index', g.index, 'attempt', g.attempt, 'site', g.site,
                        'log', '/api/v1/jobs/' || g.task || '/' || g.index || '/log?attempt=' || g.attempt))::text
                FROM shown g WHERE g.rank <= \(Self.mostShown)
            ) r ORDER BY rank
            """,
            returning: Int32?.self,
            String.self
        )
    }

    static var examples: [AnyStatement] {
        By.allCases.flatMap { by in
            Order.allCases.map { Self.errors(by, order: $0, since: .secondsAgo(60)).erased }
        }
    }
}
