import Domain
import Farm
import Messages

/// The demo on a farm that runs: everything goes through the HTTP API.
struct DemoRun {
    let record: FarmRecord
    let workflows: [WorkflowFile]
    let start: ContinuousClock.Instant

    func run() async throws {
        let gateway = GatewayClient(
            try await LocalFarm.address(
                of: self.record,
                who: Environment.value("USER") ?? "operator",
                role: .administrator
            )
        )
        try await self.addSamples(gateway)
        for workflow in self.workflows {
            _ = try await gateway.change("/workflows", ["document": workflow.json()], dryRun: false)
        }
        let requests = try await self.createRequests(gateway)
        let progress = try await ProgressWatch(gateway: gateway, requests: requests).run(since: self.start)
        let problems = try await progress.problems(by: gateway)
        guard problems.isEmpty else { throw CommandFailure(.failed, lines: problems) }
        try await self.report(gateway, requests)
    }

    private func addSamples(_ gateway: GatewayClient) async throws {
        let known = Set(try await gateway.list("/samples").rows.compactMap { $0["root_name"].text })
        for body in DemoPlan.sampleBodies where !known.contains(body["root_name"]?.text ?? "") {
            _ = try await gateway.change("/samples", body, dryRun: false)
        }
    }

    /// Creates what is not there and approves what is new. - Returns: the requests in the order of the plan.
    private func createRequests(_ operating: GatewayClient) async throws -> [Int64] {
        var requests: [Int64] = []
        for planned in DemoPlan.requests {
            var gateway = operating
            if let owner = planned.owner {
                gateway = GatewayClient(try await LocalFarm.address(of: self.record, who: owner, role: .physicist))
            }
            let row = try await gateway.change("/requests", planned.body, dryRun: false)["result"]
            guard let id = row["request"].integer else {
                throw CommandFailure(
                    .failed,
                    "the Gateway did not say which request \(planned.title) is: is it of this version?"
                )
            }
            if row["state"].text == "new" {
                _ = try await operating.change(
                    "/requests/\(id)/approve",
                    ["reason": .text("the demo"), "home": .text(LocalFarm.home)],
                    dryRun: false
                )
            }
            requests.append(id)
        }
        return requests
    }

    private func report(_ gateway: GatewayClient, _ requests: [Int64]) async throws {
        let tracker = try await gateway.list("/tracker").rows
        Output.lines([""] + Table(TrackerCommand.columns, rows: tracker, missing: "null").framedLines())
        let bases = try await gateway.list("/storages").rows.reduce(into: [String: String]()) { bases, row in
            if let name = row["storage"].text { bases[name] = row["base"].text }
        }
        if let comparison = requests.last {
            let plots = try await gateway.list("/plots", [("request", "\(comparison)")]).rows
            Output.lines(["", "plots and numbers"])
            for plot in plots {
                for path in try await self.paths(of: plot["lfn"].text ?? "", gateway, bases) {
                    Output.line("  \(path)")
                }
            }
        }
        let folders = bases.sorted { $0.key < $1.key }.map { "  \($0.value) (\($0.key))" }
        let elapsed = CellStyle.seconds(ProgressWatch.seconds(since: self.start))
        Output.lines(
            ["", "data"] + folders + [
                "", "done in \(elapsed)",
                "to look again: MILLRACE_STATE=\(self.record.state) make up, then open the address it prints; make down stops it",
            ]
        )
    }

    /// Where a file is on this machine: at its home if it is there.
    private func paths(of lfn: String, _ gateway: GatewayClient, _ bases: [String: String]) async throws -> [String] {
        let file = try await gateway.get("/files/show", [("lfn", lfn)])
        let storages = file["replicas"].items.compactMap(\.text).sorted { first, _ in first == LocalFarm.home }
        return storages.first.flatMap { bases[$0] }.map { ["\($0)\(lfn)"] } ?? []
    }
}
