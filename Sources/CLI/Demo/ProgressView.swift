/// Progress as text: a screen that is drawn again and again, or single lines for a log.
struct ProgressView {
    let progress: Progress
    let elapsed: Double
    /// Columns there are; longer lines are cut, so that none wraps and the screen keeps its height.
    let width: Int
    let colours: Bool

    /// Characters of a bar.
    private static let bar = 24

    /// The screen.
    var lines: [String] {
        let ended = self.progress.requests.filter(\.hasEnded).count
        let head = "\(ended) of \(self.progress.requests.count) requests have ended, \(CellStyle.seconds(self.elapsed))"
        let titles = self.progress.requests.reduce(0) { max($0, $1.title.count) }
        var lines = [self.cut(head), ""]
        lines += self.progress.requests.map { self.line($0, titles: titles) }
        lines += ["", self.cut(self.jobs)]
        if !self.progress.verdicts.isEmpty {
            lines += ["", "last verdicts"]
            lines += self.progress.verdicts.map { self.cut("  \($0.at)  \($0.attempt)  \($0.text)") }
        }
        return lines
    }

    /// One line for where nothing can be drawn again.
    var summary: String {
        let ended = self.progress.requests.filter(\.hasEnded).count
        return
            "\(CellStyle.seconds(self.elapsed)): \(ended) of \(self.progress.requests.count) requests have ended; \(self.jobs)"
    }

    /// Goes back over the screen drawn before and draws the new one.
    func redraw(over before: Int) -> String {
        let back = before > 0 ? "\u{1b}[\(before)A\r\u{1b}[J" : ""
        return back + self.lines.map { $0 + "\n" }.joined()
    }

    private var jobs: String {
        let tasks = self.progress.tasks
        func sum(_ field: (Progress.Task) -> Int64) -> Int64 { tasks.reduce(0) { $0 + field($1) } }
        var parts = [
            "\(sum(\.done)) done", "\(sum(\.active)) active", "\(sum(\.waiting)) waiting", "\(sum(\.aborted)) failed",
        ]
        if sum(\.recovering) > 0 { parts.insert("\(sum(\.recovering)) recovering", at: 2) }
        let rate = self.progress.eventsPerSecond.map { "; \(CellStyle.tenths($0)) events/s" } ?? ""
        return "jobs: \(parts.joined(separator: ", "))\(rate)"
    }

    private func line(_ request: Progress.Request, titles: Int) -> String {
        let filled = Int((request.fraction * Double(Self.bar)).rounded(.down))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.bar - filled)
        let percent = Int((request.fraction * 100).rounded(.down))
        let done = request.tasks.reduce(0) { $0 + $1.done }
        let total = request.tasks.reduce(0) { $0 + $1.jobs }
        let title = request.title + String(repeating: " ", count: titles - request.title.count)
        let share = String(repeating: " ", count: 3 - "\(percent)".count) + "\(percent)%"
        let before = "\(title)  [\(bar)] \(share)  "
        let after = total > 0 ? "  \(done)/\(total) jobs" : ""
        let plain = self.cut(before + request.state + after)
        // Painted only where it was not cut: a colour that is not ended would run on.
        guard plain.count == before.count + request.state.count + after.count else { return plain }
        return before + Tone(state: request.state).paint(request.state, colours: self.colours) + after
    }

    private func cut(_ line: String) -> String {
        line.count <= self.width ? line : String(line.prefix(max(0, self.width)))
    }
}
