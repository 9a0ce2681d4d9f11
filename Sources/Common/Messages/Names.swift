/// The exchanges, queues and routing keys of the public contract.
package enum Exchange {
    package static let command = "millrace.command"
    package static let event = "millrace.event"
    package static let dead = "millrace.dead"
    /// Everything that agents say, whatever their site: each site's exchange is bound into it.
    package static let report = "millrace.report"

    /// The only exchange a site's account may write. Services take the sender from it, never from a body.
    package static func site(_ site: String) -> String { "millrace.site.\(site)" }

    /// The site whose exchange this is; nil: not a site's.
    package static func siteName(_ exchange: String) -> String? {
        let prefix = "millrace.site."
        guard exchange.hasPrefix(prefix), exchange.count > prefix.count else { return nil }
        return String(exchange.dropFirst(prefix.count))
    }
}

package enum Queue {
    package static let work = "scheduler.work"
    package static let verdicts = "scheduler.verdicts"
    package static let reports = "monitor.reports"
    package static let progress = "monitor.progress"
    package static let heartbeats = "monitor.heartbeats"
    package static let manifests = "bookkeeper.manifests"
    package static let books = "bookkeeper.commands"
    package static let events = "millrace.events"
    package static let deadLetters = "millrace.dead-letters"

    package static func control(_ service: String) -> String { "\(service).control" }
    package static func transfer(_ storage: String) -> String { "transfer.\(storage)" }

    /// The exclusive queue an agent declares for answers.
    package static func agent(site: String, agent: String) -> String { "site.\(site).\(agent)" }

    /// Whether a reply queue named in a message from `site` is that site's own.
    package static func belongs(_ queue: String, to site: String) -> Bool {
        queue.hasPrefix("site.\(site).") && queue.count > "site.\(site).".count
    }
}

package enum RoutingKey {
    package static let work = "work"
    package static let running = "attempt.running"
    package static let failed = "attempt.failed"
    package static let cancelled = "attempt.cancelled"
    package static let progress = "attempt.progress"
    package static let finished = "attempt.finished"
    package static let heartbeat = "heartbeat"
    package static let rejected = "attempt.rejected"

    package static func verdict(_ action: String) -> String { "verdict.\(action)" }
    package static func transfer(_ destination: String) -> String { "transfer.\(destination)" }
    package static func books(_ kind: String) -> String { "books.\(kind)" }
    package static func control(_ service: String) -> String { "control.\(service)" }
}
