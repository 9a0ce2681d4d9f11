import Domain
package import Postgres

/// The running processes of the farm, as each sees itself.
package enum InstanceStatements {
    package struct Pulse: Sendable {
        package let service: String
        package let instance: String
        package let host: String
        package let pid: Int32
        package let version: String
        package let startedAt: Moment
        package let done: Int64
        package let trouble: String?
        /// Work moved, or there was none to move.
        package let progressed: Bool

        package init(
            service: String,
            instance: String,
            host: String,
            pid: Int32,
            version: String,
            startedAt: Moment,
            done: Int64,
            trouble: String?,
            progressed: Bool
        ) {
            self.service = service
            self.instance = instance
            self.host = host
            self.pid = pid
            self.version = version
            self.startedAt = startedAt
            self.done = done
            self.trouble = trouble
            self.progressed = progressed
        }
    }

    package static func pulse(_ pulse: Pulse) -> SQL {
        """
        INSERT INTO service_instance AS s (service, instance, host, pid, version, started_at, seen_at, progressed_at, done, trouble)
        VALUES (\(pulse.service), \(pulse.instance), \(pulse.host), \(pulse.pid), \(pulse.version), \(pulse.startedAt),
                clock_timestamp(), clock_timestamp(), \(pulse.done), \(pulse.trouble))
        ON CONFLICT (service, instance) DO UPDATE SET host = excluded.host, pid = excluded.pid, version = excluded.version,
            started_at = excluded.started_at, seen_at = excluded.seen_at, done = excluded.done, trouble = excluded.trouble,
            progressed_at = CASE WHEN \(pulse.progressed) THEN excluded.progressed_at ELSE s.progressed_at END
        """
    }

    /// Everything seen in the last day: service, instance, host, pid, version, started, seen, progressed, done, trouble,
    /// seconds since seen.
    package static let all = Statement<
        String, String, String, Int32, String, Moment, Moment, Moment, Int64, String?, Double
    >(
        "instances.all",
        """
        SELECT service, instance, host, pid, version, started_at, seen_at, progressed_at, done, trouble,
               extract(epoch FROM clock_timestamp() - seen_at)::double precision
        FROM service_instance WHERE seen_at > now() - interval '1 day' ORDER BY service, instance
        """,
        returning: String.self,
        String.self,
        String.self,
        Int32.self,
        String.self,
        Moment.self,
        Moment.self,
        Moment.self,
        Int64.self,
        String?.self,
        Double.self
    )

    package static func remove(service: String, instance: String) -> SQL {
        "DELETE FROM service_instance WHERE service = \(service) AND instance = \(instance)"
    }

    static var examples: [AnyStatement] {
        let pulse = Pulse(
            service: "x",
            instance: "y",
            host: "h",
            pid: 1,
            version: "v",
            startedAt: Moment(microseconds: 0),
            done: 0,
            trouble: nil,
            progressed: true
        )
        return [
            Command("instances.pulse", Self.pulse(pulse)).erased, Self.all.erased,
            Command("instances.remove", Self.remove(service: "x", instance: "y")).erased,
        ]
    }
}
