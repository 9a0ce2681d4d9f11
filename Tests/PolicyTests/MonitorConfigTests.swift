import Domain
import Glibc
import ServiceKit
import TestSupport
import Testing

@testable import Monitor

/// A limit whose key was written differently in the documentation was silently off elsewhere: here every key is used, and one that
/// is not known is an error.
@Suite struct MonitorConfigTests {
    private func load(_ text: String) throws -> MonitorConfig {
        let path = try TestFolder.make("monitor-config") + "/farm.yaml"
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
        let node = try ConfigurationFile.load(path: path, shape: MonitorConfig.shape)
        return try MonitorConfig(ConfigurationValues(node, source: path))
    }

    @Test func everyKeyHasItsEffect() throws {
        let config = try self.load(
            """
            sweep: 7s
            brakes: {interval: 3s, window: 90s, pause: 30s, probes: 4, goodProbes: 6, minFailures: 11, mostSites: 0.4,
                     minJobs: 33, failureShare: 0.6, dominantShare: 0.7, placeShare: 0.45}
            """
        )
        let brakes = config.brakes
        #expect(config.sweep == .seconds(7) && brakes.interval == .seconds(3) && brakes.window == 90)
        #expect(brakes.probe.pauseSeconds == 30 && brakes.probe.probes == 4 && brakes.probe.goodNeeded == 6)
        #expect(brakes.exclusion.minFailures == 11 && brakes.exclusion.mostSites == 0.4)
        #expect(brakes.brake.minJobs == 33 && brakes.brake.failureShare == 0.6)
        #expect(brakes.brake.dominantShare == 0.7 && brakes.brake.placeShare == 0.45)
    }

    /// What is set changes what is decided.
    @Test func aLimitThatIsSetIsObeyed() throws {
        let strict = TaskBrake(try self.load("brakes: {minJobs: 10, failureShare: 0.1}").brakes.brake)
        let counts = TaskCounts(jobs: 20, failedJobs: 5, goodAttempts: 15, failedAttempts: 5)
        #expect(strict.decide(counts)?.cause == .failureRate)
        #expect(TaskBrake(try self.load("sweep: 5s").brakes.brake).decide(counts) == nil)
    }

    /// Urgent work has shorter limits; each priority has exactly one band.
    @Test func timeoutsGoByPriority() throws {
        let config = try self.load(
            """
            timeoutsEvery: 10s
            timeouts:
              - {priority: 1000, leased: 1h, overdue: 10m}
              - {leased: 1d, overdue: 6h}
            """
        )
        #expect(config.timeoutsEvery == .seconds(10))
        let timeouts = config.timeouts
        #expect(timeouts.band(of: 999)?.leased == 86_400 && timeouts.band(of: -5)?.overdue == 21_600)
        #expect(timeouts.band(of: 1000)?.leased == 3600 && timeouts.band(of: 5000)?.overdue == 600)
        #expect(zip(timeouts.bands, timeouts.highest).allSatisfy { $0.priority <= $1 })
        #expect(timeouts.highest == [999, Int(Int32.max)])
        #expect(AttemptTimeouts([.init(priority: 10, leased: 1, overdue: 1)]).band(of: 9) == nil)
        #expect(try self.load("sweep: 5s").timeouts == .defaults)
    }

    @Test func aKeyThatIsNotKnownIsAnError() throws {
        for text in ["brakes: {failureRate: 0.1}", "brake: {minJobs: 1}", "brakes: {minjobs: 1}"] {
            let error = #expect(throws: ConfigurationError.self) { try self.load(text) }
            #expect(
                error?.description.contains("not known") == true || error?.description.contains("unknown") == true,
                "\(error?.description ?? "")"
            )
        }
    }
}
