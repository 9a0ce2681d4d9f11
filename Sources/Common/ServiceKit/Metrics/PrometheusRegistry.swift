package import CoreMetrics
import NIOConcurrencyHelpers

/// All metrics of a process, as a back-end of swift-metrics, written out as Prometheus text.
///
/// Counters get `_total`, timers are histograms in seconds, recorders that aggregate are histograms, others gauges. A
/// name has one kind and one set of label names: what does not fit, and what would be more than `seriesLimit` series of
/// a name, is not kept but counted in `millrace_metrics_refused_total`.
package final class PrometheusRegistry: MetricsFactory, Sendable {
    private enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    private struct Family {
        let kind: Kind
        let labelNames: [String]
        var series: [String: any PrometheusSeries] = [:]
    }

    private let families = NIOLockedValueBox<[String: Family]>([:])
    private let refused = PrometheusCounter()
    private let seriesLimit: Int

    /// - Parameter seriesLimit: per name: labels must not hold job numbers and the like.
    package init(seriesLimit: Int = 1000) { self.seriesLimit = seriesLimit }

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.series(Self.counterName(label), .counter, dimensions) { PrometheusCounter() }
            ?? NOOPMetricsHandler.instance
    }

    package func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        self.series(Self.counterName(label), .counter, dimensions) { PrometheusCounter() }
            ?? NOOPMetricsHandler.instance
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.series(PrometheusText.name(label), .gauge, dimensions) { PrometheusGauge() }
            ?? NOOPMetricsHandler.instance
    }

    package func makeRecorder(
        label: String,
        dimensions: [(String, String)],
        aggregate: Bool
    ) -> any RecorderHandler {
        let name = PrometheusText.name(label)
        guard aggregate else {
            return self.series(name, .gauge, dimensions) { PrometheusGauge() } ?? NOOPMetricsHandler.instance
        }
        return self.series(name, .histogram, dimensions) {
            PrometheusHistogram(bounds: PrometheusHistogram.sizeBounds)
        } ?? NOOPMetricsHandler.instance
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        self.series(Self.with("_seconds", label), .histogram, dimensions) {
            PrometheusHistogram(bounds: PrometheusHistogram.durationBounds)
        } ?? NOOPMetricsHandler.instance
    }

    // Series stay until the process ends: their number is bounded, and a counter that vanishes and comes back at 0 would
    // look like a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    /// All series, in the order of their names.
    package func exposition() -> String {
        var text = ""
        for (name, family) in self.families.withLockedValue({ $0 }).sorted(by: { $0.key < $1.key }) {
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                series.expose(name: name, labels: labels, to: &text)
            }
        }
        text += "# TYPE millrace_metrics_refused_total counter\n"
        self.refused.expose(name: "millrace_metrics_refused_total", labels: "", to: &text)
        return text
    }

    /// The series, made if it is not there; nil if it is refused.
    private func series<Series: PrometheusSeries>(
        _ name: String,
        _ kind: Kind,
        _ dimensions: [(String, String)],
        make: () -> Series
    ) -> Series? {
        let labels = PrometheusText.labels(dimensions)
        let names = dimensions.map(\.0).sorted()
        let series = self.families.withLockedValue { families -> Series? in
            guard names.allSatisfy(PrometheusText.isLabelName), Set(names).count == names.count else { return nil }
            var family = families[name] ?? Family(kind: kind, labelNames: names)
            guard family.kind == kind, family.labelNames == names else { return nil }
            if let known = family.series[labels] { return known as? Series }
            guard family.series.count < self.seriesLimit else { return nil }
            let series = make()
            family.series[labels] = series
            families[name] = family
            return series
        }
        if series == nil { self.refused.increment(by: Int64(1)) }
        return series
    }

    private static func counterName(_ label: String) -> String { self.with("_total", label) }

    private static func with(_ suffix: String, _ label: String) -> String {
        let name = PrometheusText.name(label)
        return name.hasSuffix(suffix) ? name : name + suffix
    }
}
