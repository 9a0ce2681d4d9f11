/// How long a step did nothing that can be seen.
struct Stillness: Sendable, Equatable {
    /// Since the last output.
    var seconds: Double
    /// Of CPU, all its processes together, in the last `windowSeconds`.
    var cpuSeconds: Double
    var windowSeconds: Double

    var words: String {
        let cpu = (self.cpuSeconds * 10).rounded() / 10
        return "wrote nothing for \(Int(self.seconds)) s, used \(cpu) s of CPU in the last \(Int(self.windowSeconds)) s"
    }
}
