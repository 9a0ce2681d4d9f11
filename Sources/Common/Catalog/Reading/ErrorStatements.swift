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

        /// Of kind `k` at site `f.site`. As the verdict says; a failure that has none yet is grouped by what its attempt says.
        fileprivate var key: SQL {
            switch self {
            case .class: "k.class"
            case .code: "k.code"
            case .site: "f.site"
            case .blame: "k.blame"
            case .fingerprint: "k.fingerprint"
            case .rule: "k.rule"
            }
        }

        fileprivate var jobs: TotalWindow.Key {
            switch self {
            case .class: Self.key("jobs_class", "y.class = v.class", "a.class", "y.class = a.class")
            case .code: Self.key("jobs_code", "y.code = v.code", "a.code", "y.code = a.code")
            case .site: Self.key("jobs_site", "x.site = a.site", "a.site", "x.site = a.site")
            case .blame: Self.key("jobs_blame", "y.blame = v.blame", "a.blame", "y.blame = a.blame")
            case .fingerprint: Self.key("jobs_fingerprint", "y.fingerprint = v.fingerprint", "0", "false")
            case .rule: Self.key("jobs_rule", "y.rule = v.rule", "0", "false")
            }
        }

        private static func key(_ jobs: SQL, _ alike: SQL, _ unheard: SQL, _ alikeUnheard: SQL) -> TotalWindow.Key {
            TotalWindow.Key(jobs: jobs, alike: alike, unheard: unheard, alikeUnheard: alikeUnheard)
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

    /// The groups that are shown at most; `items_total` says how many there are.
    private static let mostShown = 500

    /// A first row with `total`, `since`, `archived`, `items_total`, `complete`, then the groups in order: code (null unless all of a
    /// group have the same), JSON.
    package static func errors(_ by: By, order: Order, since start: WindowStart) -> Statement<Int32?, String> {
        Statement(
            "errors.list.\(by.rawValue)",
            """
            WITH \(fragment: TotalWindow.span(start)), \(fragment: TotalWindow.archived()), \(fragment: TotalWindow.kinds),
            \(fragment: TotalWindow.failed(by.jobs)), cells AS MATERIALIZED (
                SELECT f.*, f.lost_us * c.cores AS lost FROM failed f JOIN task t ON t.id = f.task JOIN class c ON c.id = t.class
            ), summed AS MATERIALIZED (
                SELECT kind, site, sum(failures) AS failures, sum(jobs) AS jobs, sum(own) AS own, sum(lost) AS lost, min(first) AS first,
                       max(last) AS last
                FROM cells GROUP BY kind, site HAVING sum(failures) > 0
            ), newest AS (
                SELECT DISTINCT ON (f.kind, f.site) f.kind, f.site, f.task, f.index, f.attempt
                FROM cells f JOIN summed s ON s.kind = f.kind AND s.site = f.site AND s.last = f.last
                ORDER BY f.kind, f.site, f.task, f.index, f.attempt
            ), placed AS (
                SELECT f.*, row_number() OVER (PARTITION BY f.key ORDER BY f.last DESC, f.task, f.index, f.attempt) AS position,
                       sum(f.failures) OVER (PARTITION BY f.key, f.site) AS at_site
                FROM (SELECT \(fragment: by.key) AS key, k.code, f.*, n.task, n.index, n.attempt
                      FROM summed f JOIN newest n ON n.kind = f.kind AND n.site = f.site JOIN kinds k ON k.id = f.kind) f
            ), grouped AS MATERIALIZED (
                SELECT key, sum(failures) AS failures, sum(own) AS jobs, sum(lost) AS lost,
                       CASE WHEN min(code) = max(code) THEN min(code) END AS code,
                       (array_agg(site ORDER BY at_site DESC, site))[1] AS top_site, count(DISTINCT site) AS sites,
                       min(first) AS first, max(last) AS last,
                       max(task) FILTER (WHERE position = 1) AS task, max(index) FILTER (WHERE position = 1) AS index,
                       max(attempt) FILTER (WHERE position = 1) AS attempt,
                       max(site) FILTER (WHERE position = 1) AS site
                FROM placed GROUP BY key
            ), shown AS (
                SELECT row_number() OVER (ORDER BY \(fragment: order.sql)) AS rank, g.* FROM grouped g
            )
            SELECT code, text FROM (
                SELECT NULL::int AS code, 0 AS rank, json_build_object('next', NULL, 'since', (SELECT since FROM w),
                    \(fragment: TotalWindow.completeness(of: "(SELECT count(*) FROM grouped)", shown: Self.mostShown)),
                    'total', (SELECT json_build_object('failures', coalesce(sum(failures), 0), 'jobs', coalesce(sum(jobs), 0),
                                  'lost_core_hours', coalesce(sum(lost), 0)::double precision / 3600000000) FROM summed))::text AS text
                UNION ALL
                SELECT g.code, g.rank, json_build_object(\(by.rawValue)::text, g.key, 'failures', g.failures,
                    'jobs', g.jobs, 'lost_core_hours', g.lost::double precision / 3600000000, 'top_site', g.top_site,
                    'sites', g.sites, 'first', g.first, 'last', g.last,
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
