/// Stops a task before it burns a farm: by one failure that dominates, by the number of failures, by the wall time
/// lost.
package struct TaskBrake: Sendable {
    /// Why a task is paused.
    package struct Pause: Sendable, Hashable {
        package enum Cause: String, Sendable, CaseIterable, Codable {
            case dominantFailure
            case failureRate
            case lostWallTime
        }

        package let cause: Cause
        /// One sentence with numbers, for people.
        package let reason: String
        /// The failure that dominates; nil for the other causes.
        package let fingerprint: String?
    }

    package let settings: BrakeSettings

    package init(_ settings: BrakeSettings = .init()) { self.settings = settings }

    /// Nil: the task goes on.
    package func decide(_ counts: TaskCounts) -> Pause? {
        let places = Double(counts.failedPlaces + counts.otherPlaces)
        guard Double(counts.failedPlaces) >= self.settings.placeShare * places else { return nil }
        let least = max(1, self.settings.minJobs)
        let failure = counts.jobs >= least ? self.dominant(counts) ?? self.failureRate(counts) : nil
        return failure ?? (counts.jobs + counts.remedied >= least ? self.lostWallTime(counts) : nil)
    }

    private func dominant(_ counts: TaskCounts) -> Pause? {
        // Of two that are as frequent the first by name, so that the same counts give the same reason.
        let worst = counts.jobsByFingerprint.min { ($1.value, $0.key) < ($0.value, $1.key) }
        guard let (fingerprint, jobs) = worst, jobs >= self.settings.minJobs, counts.failedJobs > 0 else { return nil }
        let share = Double(jobs) / Double(counts.failedJobs)
        guard share >= self.settings.dominantShare else { return nil }
        guard Double(jobs) >= self.settings.dominantLeast * Double(counts.jobs) else { return nil }
        return Pause(
            cause: .dominantFailure,
            reason:
                "\(jobs) of \(counts.failedJobs) failed jobs (\(Share.text(share))) failed in the same way: "
                + fingerprint,
            fingerprint: fingerprint
        )
    }

    private func failureRate(_ counts: TaskCounts) -> Pause? {
        let ended = counts.goodAttempts + counts.failedAttempts
        guard ended > 0 else { return nil }
        let share = Double(counts.failedAttempts) / Double(ended)
        guard share > self.settings.failureShare else { return nil }
        return Pause(
            cause: .failureRate,
            reason: "\(counts.failedAttempts) of \(ended) attempts failed (\(Share.text(share))), "
                + "more than \(Share.text(self.settings.failureShare))",
            fingerprint: nil
        )
    }

    private func lostWallTime(_ counts: TaskCounts) -> Pause? {
        let all = counts.goodWallSeconds + counts.lostWallSeconds
        guard all > 0 else { return nil }
        let share = counts.lostWallSeconds / all
        guard share > self.settings.lostWallShare else { return nil }
        let hours = (counts.lostWallSeconds / 360).rounded() / 10
        return Pause(
            cause: .lostWallTime,
            reason: "\(hours) hours of wall time (\(Share.text(share))) were lost in attempts that failed, "
                + "more than \(Share.text(self.settings.lostWallShare))",
            fingerprint: nil
        )
    }
}

/// Shares as people read them.
enum Share {
    /// Such as `62 %`.
    static func text(_ share: Double) -> String {
        guard share.isFinite, abs(share) < 1e6 else { return "\(share)" }
        return "\(Int((share * 100).rounded())) %"
    }
}
