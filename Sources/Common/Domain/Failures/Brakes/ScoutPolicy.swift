/// What one of the first jobs of a task showed.
package struct ScoutMeasurement: Sendable, Hashable {
    /// False: it failed, and by its own fault; its numbers are then not used.
    package var endedWell: Bool
    /// CPU time, seconds over all cores.
    package var cpuSeconds: Double
    package var events: Int
    /// The most memory, MB over all cores.
    package var memoryPeakMB: Double
    package var outputBytes: Double

    package init(
        endedWell: Bool,
        cpuSeconds: Double = 0,
        events: Int = 0,
        memoryPeakMB: Double = 0,
        outputBytes: Double = 0
    ) {
        self.endedWell = endedWell
        self.cpuSeconds = cpuSeconds
        self.events = events
        self.memoryPeakMB = memoryPeakMB
        self.outputBytes = outputBytes
    }
}

/// How scouts are judged.
package struct ScoutSettings: Sendable, Hashable, Codable {
    /// How many jobs run first. A task with fewer has only scouts.
    package var scouts: Int
    /// This share of them must have ended before anything is decided: one that hangs does not hold the task for ever.
    package var enough: Double
    /// The task is paused when more than this share of the scouts failed.
    package var failureShare: Double
    /// Which percentile of the scouts that ended well is taken, 0 ... 100.
    package var cpuPercentile: Double
    package var memoryPercentile: Double
    package var outputPercentile: Double
    /// What is added to the percentile, as a share of it.
    package var cpuMargin: Double
    package var memoryMargin: Double
    package var outputMargin: Double

    package init(
        scouts: Int = 10,
        enough: Double = 0.8,
        failureShare: Double = 0.5,
        cpuPercentile: Double = 95,
        memoryPercentile: Double = 75,
        outputPercentile: Double = 75,
        cpuMargin: Double = 0,
        memoryMargin: Double = 0.1,
        outputMargin: Double = 0
    ) {
        self.scouts = scouts
        self.enough = enough
        self.failureShare = failureShare
        self.cpuPercentile = cpuPercentile
        self.memoryPercentile = memoryPercentile
        self.outputPercentile = outputPercentile
        self.cpuMargin = cpuMargin
        self.memoryMargin = memoryMargin
        self.outputMargin = outputMargin
    }
}

/// Decides by the first jobs of a task whether the others may run, and what they need.
package struct ScoutPolicy: Sendable {
    /// What replaces the guesses of the workflow. Nil: no scout measured it, and the guess stays.
    package struct Needs: Sendable, Hashable, Codable {
        package var cpuSecondsPerEvent: Double?
        /// MB over all cores, rounded up.
        package var memoryMB: Int?
        package var outputBytesPerEvent: Double?

        package init(cpuSecondsPerEvent: Double? = nil, memoryMB: Int? = nil, outputBytesPerEvent: Double? = nil) {
            self.cpuSecondsPerEvent = cpuSecondsPerEvent
            self.memoryMB = memoryMB
            self.outputBytesPerEvent = outputBytesPerEvent
        }
    }

    package enum Decision: Sendable, Hashable {
        /// Not enough scouts have ended.
        case wait
        /// Too many failed; the reason is one sentence with numbers.
        case pause(reason: String)
        case go(Needs)
    }

    package let settings: ScoutSettings

    package init(_ settings: ScoutSettings = .init()) { self.settings = settings }

    /// - Parameters:
    ///   - ended: the scouts that ended for good, one measurement for each.
    ///   - jobs: how many jobs the task has.
    package func decide(_ ended: [ScoutMeasurement], jobs: Int) -> Decision {
        let scouts = min(max(0, self.settings.scouts), max(0, jobs))
        guard scouts > 0 else { return .go(Needs()) }
        let failed = ended.count { !$0.endedWell }
        // As soon as it is certain: the scouts that still run cannot change it.
        if Double(failed) > self.settings.failureShare * Double(scouts) {
            return .pause(
                reason: "\(failed) of \(scouts) scouts failed, more than \(Share.text(self.settings.failureShare))"
            )
        }
        guard Double(ended.count) >= self.settings.enough * Double(scouts), !ended.isEmpty else { return .wait }
        guard failed < ended.count else { return .pause(reason: "all \(failed) scouts that ended failed") }
        return .go(self.needs(ended.filter(\.endedWell)))
    }

    private func needs(_ good: [ScoutMeasurement]) -> Needs {
        let withEvents = good.filter { $0.events > 0 }
        let cpu = withEvents.map { $0.cpuSeconds / Double($0.events) }
        let output = withEvents.map { $0.outputBytes / Double($0.events) }
        let settings = self.settings
        return Needs(
            cpuSecondsPerEvent: Self.percentile(cpu, settings.cpuPercentile).map { $0 * (1 + settings.cpuMargin) },
            memoryMB: Self.percentile(good.map(\.memoryPeakMB), settings.memoryPercentile)
                .map { Int(min(1e12, $0 * (1 + settings.memoryMargin)).rounded(.up)) },
            outputBytesPerEvent: Self.percentile(output, settings.outputPercentile).map {
                $0 * (1 + settings.outputMargin)
            }
        )
    }

    /// The smallest value that at least so many percent of the values do not exceed. Values that are not positive
    /// were not measured; nil when none was.
    package static func percentile(_ values: [Double], _ percent: Double) -> Double? {
        let sorted = values.filter { $0 > 0 && $0.isFinite }.sorted()
        guard !sorted.isEmpty else { return nil }
        let rank = (min(100, max(0, percent)) / 100 * Double(sorted.count)).rounded(.up)
        return sorted[min(sorted.count, max(1, Int(rank))) - 1]
    }

    /// What the other jobs ask for, now that the scouts have been measured.
    ///
    /// Memory is what they needed, up or down, in steps of 100 MB so that tasks that need about the same share a class. Time and
    /// disk only grow: a limit that is generous costs nothing, one that is tight kills the slow ones.
    ///
    /// - Parameters:
    ///   - guess: what the workflow asks for.
    ///   - eventsPerJob: nil: the jobs have no equal number of events, and only memory is known.
    package static func requirement(_ guess: Requirement, _ needs: Needs, eventsPerJob: Int64?) -> Requirement {
        var requirement = guess
        if let memory = needs.memoryMB { requirement.memoryMB = max(100, (memory + 99) / 100 * 100) }
        guard let events = eventsPerJob.map(Double.init) else { return requirement }
        if let cpu = needs.cpuSecondsPerEvent {
            // Half as much again: nodes differ in speed.
            let wall = cpu * events / Double(max(1, guess.cores)) * 1.5
            requirement.walltimeSeconds = max(
                guess.walltimeSeconds,
                Int(min(VerdictPolicy.longestWalltime, wall).rounded(.up))
            )
        }
        if let output = needs.outputBytesPerEvent {
            requirement.diskMB = max(guess.diskMB, Int(min(1e9, output * events / 1e6 * 1.2).rounded(.up)))
        }
        return requirement
    }
}

extension ScoutPolicy.Needs: CustomStringConvertible {
    /// Such as `412 MB, 3.25 s of CPU and 18000 bytes an event`.
    package var description: String {
        var parts: [String] = []
        if let memory = self.memoryMB { parts.append("\(memory) MB") }
        if let cpu = self.cpuSecondsPerEvent { parts.append("\((cpu * 1000).rounded() / 1000) s of CPU an event") }
        if let output = self.outputBytesPerEvent { parts.append("\(Int(output.rounded())) bytes an event") }
        return parts.isEmpty ? "nothing was measured" : parts.joined(separator: ", ")
    }
}
