import CoreMetrics
import NIOConcurrencyHelpers

/// The values of one name and one set of labels.
protocol PrometheusSeries: AnyObject, Sendable {
    /// Appends the lines of this series; `labels` is `a="b",c="d"`, or empty.
    func expose(name: String, labels: String, to text: inout String)
}

/// Only grows.
final class PrometheusCounter: PrometheusSeries, CounterHandler, FloatingPointCounterHandler {
    private let value = NIOLockedValueBox(0.0)

    func increment(by amount: Int64) { self.increment(by: Double(amount)) }
    /// What is negative or no number is left out: a counter never falls.
    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        self.value.withLockedValue { $0 += amount }
    }
    func reset() { self.value.withLockedValue { $0 = 0 } }

    func expose(name: String, labels: String, to text: inout String) {
        PrometheusText.line(name, labels, self.value.withLockedValue { $0 }, to: &text)
    }
}

/// Goes up and down.
final class PrometheusGauge: PrometheusSeries, RecorderHandler, MeterHandler {
    private let value = NIOLockedValueBox(0.0)

    func record(_ value: Int64) { self.set(Double(value)) }
    func record(_ value: Double) { self.set(value) }
    func set(_ value: Int64) { self.set(Double(value)) }
    func set(_ value: Double) { self.value.withLockedValue { $0 = value } }
    func increment(by amount: Double) { self.value.withLockedValue { $0 += amount } }
    func decrement(by amount: Double) { self.value.withLockedValue { $0 -= amount } }

    func expose(name: String, labels: String, to text: inout String) {
        PrometheusText.line(name, labels, self.value.withLockedValue { $0 }, to: &text)
    }
}

/// Counts observations by size.
final class PrometheusHistogram: PrometheusSeries, RecorderHandler, TimerHandler {
    /// Seconds.
    static let durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    /// Items, bytes: anything counted.
    static let sizeBounds: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000, 100_000, 1_000_000]

    private struct State {
        var counts: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: NIOLockedValueBox<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        self.state = NIOLockedValueBox(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { self.record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { self.record(Double(duration) / 1e9) }
    func record(_ value: Double) {
        guard value.isFinite else { return }
        let index = self.bounds.firstIndex { value <= $0 } ?? self.bounds.count
        self.state.withLockedValue { state in
            state.counts[index] += 1
            state.sum += value
        }
    }

    func expose(name: String, labels: String, to text: inout String) {
        let state = self.state.withLockedValue { $0 }
        let lead = labels.isEmpty ? "" : labels + ","
        var total = 0
        for (index, count) in state.counts.enumerated() {
            total += count
            let bound = index < self.bounds.count ? PrometheusText.number(self.bounds[index]) : "+Inf"
            PrometheusText.line(name + "_bucket", lead + "le=\"\(bound)\"", Double(total), to: &text)
        }
        PrometheusText.line(name + "_sum", labels, state.sum, to: &text)
        PrometheusText.line(name + "_count", labels, Double(total), to: &text)
    }
}
