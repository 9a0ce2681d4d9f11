import Catalog
import CentralKit
import Domain
import ServiceKit
import Logging
import Messages
import Metrics
import Postgres

/// Pauses tasks that burn a farm, keeps work from nodes and sites that fail everything, and lets them back in, as well as sites that an
/// operator kept from work until a time. The decisions are ``TaskBrake``, ``ExclusionPolicy`` and ``ProbePolicy``.
struct BrakeDesk: Sendable {
    let parts: CentralParts
    let config: BrakeConfig

    /// One look at everything. One Monitor at a time.
    func turn() async throws {
        try await self.endTimes()
        // Places first: what turns out to be a node's fault is not held against the task. Two transactions, since the first locks jobs
        // and the second tasks, and whoever needs both takes the task first.
        let moved = try await self.alone { try await self.watchPlaces(in: $0) }
        let paused = try await self.alone { try await self.brakeTasks(in: $0) }
        if moved + paused > 0 { self.parts.bell.ring() }
    }

    /// A transaction if no other Monitor has one of these. - Returns: what it changed.
    private func alone(_ body: @Sendable (PostgresTransaction) async throws -> Int) async throws -> Int {
        try await self.parts.database.withTransaction { transaction in
            guard try await transaction.query(BrakeStatements.tryLock).first == true else { return 0 }
            return try await body(transaction)
        }
    }

    /// Sites whose time is over get work again, and the Scheduler is told, as when an operator allows them.
    private func endTimes() async throws {
        let words = try OutboxMessage.control("scheduler", .work)
        let count = try await self.alone { transaction in
            let sites: [String] = try await transaction.query(BrakeStatements.timesOver)
            guard !sites.isEmpty else { return 0 }
            try await transaction.execute(OutboxStatements.insert(words))
            self.parts.logger.notice("sites are let in: their time is over", metadata: ["sites": "\(sites)"])
            return sites.count
        }
        guard count > 0 else { return }
        self.parts.outbox.send(words)
        self.parts.bell.ring()
    }

    // MARK: Tasks

    private func brakeTasks(in transaction: PostgresTransaction) async throws -> Int {
        var counts: [Int64: TaskCounts] = [:]
        for row in try await transaction.query(BrakeStatements.counts) {
            var count =
                counts[row.0]
                ?? TaskCounts(
                    jobs: Int(row.1),
                    failedJobs: 0,
                    goodAttempts: Int(row.1),
                    failedAttempts: 0,
                    goodWallSeconds: row.2
                )
            count.jobs += Int(row.4)
            count.failedJobs += Int(row.4)
            count.failedAttempts += Int(row.5)
            count.remedied += Int(row.7)
            count.lostWallSeconds += row.6
            count.jobsByFingerprint[row.3] = Int(row.4)
            counts[row.0] = count
        }
        let brake = TaskBrake(self.config.brake)
        var paused = 0
        for (task, known) in counts.sorted(by: { $0.key < $1.key }) where brake.decide(known) != nil {
            guard let pause = try await self.lookTwice(task, known, brake, in: transaction) else { continue }
            let cause = "\(pause.reason); see millrace task debug \(task)"
            try await transaction.execute(TaskControlStatements.pause(task, cause: cause, who: "monitor"))
            self.parts.logger.warning("task paused", metadata: ["task": "\(task)", "reason": "\(pause.reason)"])
            paused += 1
        }
        return paused
    }

    /// Decides with what is dear to count, and is counted of a task that would be paused without it.
    private func lookTwice(
        _ task: Int64,
        _ known: TaskCounts,
        _ brake: TaskBrake,
        in transaction: PostgresTransaction
    ) async throws -> TaskBrake.Pause? {
        var count = known
        for (failed, others) in try await transaction.query(BrakeStatements.spread(of: task)) {
            (count.failedPlaces, count.otherPlaces) = (Int(failed), Int(others))
        }
        guard let pause = brake.decide(count), pause.cause == .lostWallTime else { return brake.decide(count) }
        // Losses are never forgotten while it runs, so what went well must not be that of the last hour alone.
        for seconds in try await transaction.query(BrakeStatements.goodWall(of: task)) {
            count.goodWallSeconds = max(count.goodWallSeconds, seconds)
        }
        return brake.decide(count)
    }

    // MARK: Places

    private func watchPlaces(in transaction: PostgresTransaction) async throws -> Int {
        let since = Moment.now.adding(seconds: -self.config.window)
        let tallies = try await transaction.query(BrakeStatements.places(since: since)).map(PlaceTally.init(row:))
        let excluded = try await transaction.query(BrakeStatements.excluded)
        let sites = try await transaction.query(BrakeStatements.sites)
        let picture = PlacePicture(tallies: tallies, sites: sites, excluded: excluded.map { ($0.0, $0.1) })
        let decision = ExclusionPolicy(self.config.exclusion).decide(picture.counts)
        if let fault = decision.centralFault {
            self.parts.logger.error("central fault", metadata: ["reason": "\(fault)"])
            Counter(label: "millrace.brakes.central_faults").increment()
        }
        for one in decision.exclusions {
            self.parts.logger.warning(
                "place excluded",
                metadata: ["site": "\(one.site)", "node": "\(one.node ?? "")", "reason": "\(one.reason)"]
            )
            try await transaction.execute(
                BrakeStatements.exclude(
                    site: one.site,
                    node: one.node,
                    reason: one.reason,
                    pauseSeconds: self.config.probe.pauseSeconds,
                    probes: self.config.probe.probes
                )
            )
            try await transaction.execute(BrakeStatements.forgive(site: one.site, node: one.node, since: since))
        }
        try await self.forgiveLate(excluded, in: transaction)
        var moved = decision.exclusions.count
        for row in excluded where try await self.probe(row, tallies, in: transaction) { moved += 1 }
        try await transaction.execute(
            BrakeStatements.forget(before: Moment.now.adding(seconds: -6 * self.config.window))
        )
        return moved
    }

    /// A batch of failures that was judged before its place was excluded may be written after it: for a while what is written of
    /// that place is looked at again.
    private func forgiveLate(
        _ excluded: [(String, String, String, Int32, Double, Double, String)],
        in transaction: PostgresTransaction
    ) async throws {
        for (site, node, phase, round, _, seconds, _) in excluded
        where phase == ProbeState.Phase.resting.rawValue && round == 1 && seconds < Self.lateSeconds {
            let since = Moment.now.adding(seconds: -seconds - Self.lateSeconds)
            try await transaction.execute(
                BrakeStatements.forgive(site: site, node: node.isEmpty ? nil : node, since: since)
            )
        }
    }

    /// Longer than any batch of failures takes from its judgement to the disk.
    private static let lateSeconds = 60.0

    /// One step of an excluded place on its way back. - Returns: whether it made one.
    private func probe(
        _ row: (String, String, String, Int32, Double, Double, String),
        _ tallies: [PlaceTally],
        in transaction: PostgresTransaction
    ) async throws -> Bool {
        let (site, node) = (row.0, row.1)
        let policy = ProbePolicy(self.config.probe)
        let before = ProbeState(
            phase: ProbeState.Phase(rawValue: row.2) ?? .resting,
            pauseSeconds: row.4,
            round: Int(row.3),
            running: 0,
            goodInRow: 0
        )
        var state = policy.state(after: .rested(seconds: row.5), in: before)
        if before.phase == .probing {
            let here = tallies.filter { $0.site == site && (node.isEmpty || $0.node == node) }
            let failed = here.reduce(0) { $0 + $1.failed }
            for _ in 0..<here.reduce(0, { $0 + $1.good }) where failed == 0 && state.phase == .probing {
                state = policy.state(after: .probeGood(round: state.round), in: state)
            }
            if failed > 0 { state = policy.state(after: .probeBad(round: state.round), in: state) }
        }
        guard state.phase != before.phase || state.round != before.round else { return false }
        self.parts.logger.notice(
            "excluded place",
            metadata: [
                "site": "\(site)", "node": "\(node)", "phase": "\(state.phase.rawValue)", "round": "\(state.round)",
            ]
        )
        if state.phase == .returned {
            try await transaction.execute(BrakeStatements.readmit(site: site, node: node))
        } else {
            try await transaction.execute(
                BrakeStatements.move(
                    site: site,
                    node: node,
                    phase: state.phase.rawValue,
                    round: state.round,
                    pauseSeconds: state.pauseSeconds
                )
            )
        }
        return true
    }
}

/// What a file may set under `monitor.brakes:`.
struct BrakeConfig: Sendable {
    var brake = BrakeSettings()
    var exclusion = ExclusionSettings()
    var probe = ProbeSettings()
    /// What happened longer ago than so many seconds does not count against a place.
    var window = 600.0
    /// How often everything is looked at.
    var interval: Duration = .seconds(5)

    static let shape: DocumentShape = .keys(
        [
            "interval": .scalar, "window": .scalar, "pause": .scalar, "probes": .scalar, "goodProbes": .scalar,
            "minFailures": .scalar, "minJobs": .scalar, "failureShare": .scalar, "dominantShare": .scalar,
            "mostSites": .scalar, "placeShare": .scalar,
        ],
        required: []
    )

    init(_ values: ConfigurationValues) throws {
        self.interval = try values.duration("interval", default: self.interval)
        self.window = Double(try values.duration("window", default: .seconds(600)).components.seconds)
        self.probe.pauseSeconds = Double(try values.duration("pause", default: .seconds(600)).components.seconds)
        self.probe.probes = try values.int("probes", in: 1...100, default: self.probe.probes)
        self.probe.goodNeeded = try values.int("goodProbes", in: 1...100, default: self.probe.goodNeeded)
        self.exclusion.minFailures = try values.int(
            "minFailures",
            in: 1...1_000_000,
            default: self.exclusion.minFailures
        )
        self.exclusion.mostSites = try values.number("mostSites", in: 0...1, default: self.exclusion.mostSites)
        self.brake.minJobs = try values.int("minJobs", in: 1...1_000_000, default: self.brake.minJobs)
        self.brake.failureShare = try values.number("failureShare", in: 0...1, default: self.brake.failureShare)
        self.brake.placeShare = try values.number("placeShare", in: 0...1, default: self.brake.placeShare)
        self.brake.dominantShare = try values.number("dominantShare", in: 0...1, default: self.brake.dominantShare)
    }
}
