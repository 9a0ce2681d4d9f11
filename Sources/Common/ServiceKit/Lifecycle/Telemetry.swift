import CoreMetrics
package import Logging
import Messages
import NIOConcurrencyHelpers

/// Logging and metrics of the process: set up once, whoever asks.
package enum Telemetry {
    private static let isDone = NIOLockedValueBox(false)

    /// The metrics of this process.
    package static let registry = PrometheusRegistry()

    /// Logs go to standard error, as JSON lines, or in a human form when that is a terminal; metrics to ``registry``.
    /// Only the first call does something.
    package static func bootstrap(level: Logger.Level) {
        let isFirst = self.isDone.withLockedValue { isDone in
            defer { isDone = true }
            return !isDone
        }
        guard isFirst else { return }
        let form: JSONLogHandler.Form = StandardError.isTerminal ? .human : .json
        LoggingSystem.bootstrap(
            { label, provider in
                JSONLogHandler(
                    label: label,
                    level: level,
                    form: form,
                    metadataProvider: provider,
                    write: StandardError.write
                )
            },
            metadataProvider: Logger.MetadataProvider {
                TraceContext.current.map { ["trace": "\($0.trace)"] } ?? [:]
            }
        )
        MetricsSystem.bootstrap(self.registry)
    }
}
