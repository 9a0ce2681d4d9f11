import CoreMetrics
import ServiceKit
import Testing

@Suite struct MetricsTests {
    @Test func everyKindIsWrittenAsText() {
        let registry = PrometheusRegistry()
        Counter(label: "jobs.leased", dimensions: [("site", "a\"b"), ("kind", "x")], factory: registry).increment(by: 3)
        Gauge(label: "room", factory: registry).record(2.5)
        let timer = CoreMetrics.Timer(label: "handle", factory: registry)
        timer.recordNanoseconds(3_000_000)
        timer.recordNanoseconds(60_000_000_000)
        let text = registry.exposition()
        #expect(text.contains("# TYPE jobs_leased_total counter\njobs_leased_total{kind=\"x\",site=\"a\\\"b\"} 3\n"))
        #expect(text.contains("# TYPE room gauge\nroom 2.5\n"))
        #expect(text.contains("# TYPE handle_seconds histogram\nhandle_seconds_bucket{le=\"0.001\"} 0\n"))
        #expect(text.contains("handle_seconds_bucket{le=\"0.005\"} 1\n"))
        #expect(text.contains("handle_seconds_bucket{le=\"30\"} 1\nhandle_seconds_bucket{le=\"+Inf\"} 2\n"))
        #expect(text.contains("handle_seconds_sum 60.003\nhandle_seconds_count 2\n"))
    }

    @Test func theSameNameAndLabelsAreOneSeries() {
        let registry = PrometheusRegistry()
        Counter(label: "n", dimensions: [("a", "1"), ("b", "2")], factory: registry).increment()
        Counter(label: "n", dimensions: [("b", "2"), ("a", "1")], factory: registry).increment()
        #expect(registry.exposition().contains("n_total{a=\"1\",b=\"2\"} 2\n"))
    }

    @Test func whatDoesNotFitIsCountedNotKept() {
        let registry = PrometheusRegistry(seriesLimit: 2)
        Counter(label: "n", dimensions: [("a", "1")], factory: registry).increment()
        Counter(label: "n", dimensions: [("b", "1")], factory: registry).increment()  // other label names
        Counter(label: "n", dimensions: [("a", "2")], factory: registry).increment()
        Counter(label: "n", dimensions: [("a", "3")], factory: registry).increment()  // too many
        Counter(label: "m", dimensions: [("le", "3")], factory: registry).increment()  // reserved
        Gauge(label: "n_total", dimensions: [("a", "1")], factory: registry).record(1)  // other kind
        let text = registry.exposition()
        #expect(text.contains("millrace_metrics_refused_total 4\n"))
        #expect(text.contains("n_total{a=\"2\"} 1\n"))
        #expect(!text.contains("\"3\"") && !text.contains("b="))
    }
}
