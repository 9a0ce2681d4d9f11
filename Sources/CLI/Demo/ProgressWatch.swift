import Messages

/// Watches requests until all have ended, and shows how far they are.
struct ProgressWatch {
    let gateway: GatewayClient
    let requests: [Int64]

    /// - Returns: how they ended.
    func run(since start: ContinuousClock.Instant = .now) async throws -> Progress {
        let isInteractive = Terminal.isInteractive
        var drawn = 0
        var lastSummary = ""
        while true {
            let progress = try await self.look()
            let view = ProgressView(
                progress: progress,
                elapsed: Self.seconds(since: start),
                width: (Terminal.width ?? 120) - 1,
                colours: Terminal.hasColours
            )
            if isInteractive {
                Terminal.write(view.redraw(over: drawn))
                drawn = view.lines.count
            } else if view.summary != lastSummary {
                Output.line(view.summary)
                lastSummary = view.summary
            }
            if progress.haveAllEnded { return progress }
            try await Task.sleep(for: isInteractive ? .seconds(1) : .seconds(5))
        }
    }

    private func look() async throws -> Progress {
        let ids = self.requests.map { "\($0)" }.joined(separator: ",")
        let rows = try await self.gateway.list("/requests", [("request", ids)]).rows
        let tasks = try await self.gateway.list("/tasks", [("request", ids)]).rows
        let stats = try await self.gateway.get("/stats")
        let verdicts = try await self.gateway.get("/verdicts", [("order", "desc"), ("limit", "5")])["items"].items
        let order = self.requests.enumerated().reduce(into: [Int64: Int]()) { $0[$1.element] = $1.offset }
        let sorted = rows.sorted {
            order[$0["request"].integer ?? 0, default: 0] < order[$1["request"].integer ?? 0, default: 0]
        }
        let tasksHere = Set(tasks.compactMap { $0["task"].integer })
        return Progress(
            requests: sorted,
            tasks: tasks,
            stats: stats,
            verdicts: verdicts.filter { tasksHere.contains($0["task"].integer ?? 0) }
        )
    }

    static func seconds(since start: ContinuousClock.Instant) -> Double {
        let (seconds, attoseconds) = start.duration(to: .now).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}

extension Progress {
    /// One line for each request that did not finish, with the reason; empty: all did.
    func problems(by gateway: GatewayClient) async throws -> [String] {
        var lines: [String] = []
        for request in self.requests where !request.isFinished {
            let row = try await gateway.get("/requests/\(request.id)")
            lines.append(
                "request \(request.id) (\(request.title)) is \(request.state): \(row["reason"].text ?? "no reason given")"
            )
            for task in row["tasks"].items where ["failed", "aborted"].contains(task["state"].text ?? "") {
                let name = "task \(task["task"].integer ?? 0) (\(task["name"].text ?? "?"))"
                lines.append("\(name) is \(task["state"].text ?? "?"): \(task["reason"].text ?? "no reason given")")
                let query = [("task", "\(task["task"].integer ?? 0)"), ("order", "desc"), ("limit", "3")]
                for verdict in try await gateway.get("/verdicts", query)["items"].items {
                    let place = [verdict["task"], verdict["index"], verdict["attempt"]].map { CellStyle.plain.text($0) }
                    let code = verdict["code"].integer.map { "\($0)" } ?? "-"
                    lines.append(
                        "attempt \(place.joined(separator: ".")) failed (\(code)): \(verdict["diagnostic"].text ?? "")"
                    )
                }
            }
        }
        return lines
    }
}
